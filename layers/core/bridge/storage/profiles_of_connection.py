"""Read off the whole ledger, page by page, whom one connection mentioned."""

from __future__ import annotations

from bridge.storage.ledger import Ledger, profile_key

SCANNED_ROWS = 300
"""Of a page: what a delivery can act on between two looks at the clock."""


def page(
    ledger: Ledger, project: str, source: str, connection: str, after: str = ""
) -> tuple[list[str], str]:
    """Return the custom ids of some, and after which row to go on: empty at the end. Raises BatchUnavailable.

    These are the profiles that the connection fed, and those to which it mentioned a link. Leaves out who was erased
    already, and links of which nobody knows who mentioned them.
    """
    writer, profiles = f"{source}/{connection}", profile_key(project, "")
    answer = ledger.call(
        "scan",
        TableName=ledger.table,
        FilterExpression=(
            "attribute_not_exists(expires_at) AND ((begins_with(pk, :links) AND learnt_by = :connection)"
            " OR (begins_with(pk, :profiles) AND contains(#state, :quoted)))"
        ),
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={
            ":links": {"S": f"link#{project}#"},
            ":profiles": {"S": profiles},
            ":connection": {"S": writer},
            ":quoted": {"S": f'"{writer}"'},
        },
        ConsistentRead=True,
        Limit=SCANNED_ROWS,
        **({"ExclusiveStartKey": {"pk": {"S": after}}} if after else {}),
    )
    last = answer.get("LastEvaluatedKey")
    found = dict.fromkeys(
        row["custom_id"]["S"] if "custom_id" in row else row["pk"]["S"].removeprefix(profiles)
        for row in answer["Items"]
    )
    return list(found), last["pk"]["S"] if last else ""
