"""Who became known by one connection, read off the whole ledger page by page, and how far such a reading has come.

A row `progress#WEBHOOK_ID` remembers, for the webhook that asked for it, where to go on.
"""

from __future__ import annotations

from bridge.ledger import Ledger, Row

SCANNED_ROWS = 300
"""Of a page: what a delivery can act on between two looks at the clock."""


def page(
    ledger: Ledger, project: str, source: str, connection: str, after: str = ""
) -> tuple[list[str], str]:
    """The custom ids of some, and after which row to go on: empty at the end. Raises BatchUnavailable.

    Leaves out who was erased already, and links of which nobody knows who told of them.
    """
    answer = ledger.call(
        "scan",
        TableName=ledger.table,
        FilterExpression=(
            "begins_with(pk, :links) AND learnt_by = :connection AND attribute_not_exists(expires_at)"
        ),
        ExpressionAttributeValues={
            ":links": {"S": f"link#{project}#"},
            ":connection": {"S": f"{source}/{connection}"},
        },
        ConsistentRead=True,
        Limit=SCANNED_ROWS,
        **({"ExclusiveStartKey": {"pk": {"S": after}}} if after else {}),
    )
    last = answer.get("LastEvaluatedKey")
    found = dict.fromkeys(row["custom_id"]["S"] for row in answer["Items"])
    return list(found), last["pk"]["S"] if last else ""


def progress(ledger: Ledger, webhook_id: str) -> tuple[int, str]:
    """How many are dealt with, and after which row to go on; nothing yet at first. Raises BatchUnavailable."""
    rows = ledger.read([progress_key(webhook_id)])
    found = [(int(row["done"]["N"]), str(row["after"]["S"])) for row in rows.values()]
    return found[0] if found else (0, "")


def progress_key(webhook_id: str) -> str:
    """The row that remembers how far it has come."""
    return f"progress#{webhook_id}"


def progress_row(webhook_id: str, done: int, after: str, until: float) -> Row:
    """How far it has come; forgotten at a moment, should it never end."""
    return {
        "pk": {"S": progress_key(webhook_id)},
        "done": {"N": str(done)},
        "after": {"S": after},
        "expires_at": {"N": str(int(until))},
    }
