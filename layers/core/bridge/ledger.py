"""What is remembered of webhooks and profiles, in DynamoDB. The only module that calls it.

Rows: `webhook#ID` (a receipt, 35 days), `profile#PROJECT#CUSTOM_ID` (versions and a lease),
`link#PROJECT#REFERENCE` (whose a source's own id is), `fact#PROJECT#NAME` (an order's total). Keeps no value that
a source sent but ids, totals, and, of subscriptions, plan and amount; e-mails only as SHA-256.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bridge import versions
from bridge.errors import BatchUnavailable, ProfileBusy
from bridge.versions import ProfileState

RECEIPT_DAYS = 35
"""Stripe repeats by hand for 30 days."""
LEASE_SECONDS = 60
"""Longer than the deliver function may run."""
BATCH_READ_KEYS = 100
BATCH_WRITE_ROWS = 25
UNPROCESSED_PAUSE_SECONDS = 0.05

DELIVERED, IGNORED, PARKED, WAITING, RETRYING = "delivered", "ignored", "parked", "waiting", "retrying"
FINAL = frozenset({DELIVERED, IGNORED})

Row: TypeAlias = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one webhook. Holds names and ids, no values."""

    id: str
    source: str
    connection: str
    topic: str
    status: str
    received_at: str
    finished_at: str
    project: str = ""
    custom_id: str = ""
    events: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failure_class: str = ""
    reason: str = ""


class Ledger:
    """One DynamoDB table. Every method raises BatchUnavailable where DynamoDB is out of reach: the webhook
    then waits in the queue."""

    def __init__(self, table: str, client: Any = None) -> None:
        self.table = table
        self.client = client or boto3.client(
            "dynamodb", config=Config(connect_timeout=2, read_timeout=5, parameter_validation=False)
        )

    def finished(self, webhook_ids: Iterable[str]) -> set[str]:
        """Those of the webhooks that need nothing more: delivered or ignored before."""
        rows = self.read([f"webhook#{webhook_id}" for webhook_id in webhook_ids])
        return {key.removeprefix("webhook#") for key, row in rows.items() if row["status"]["S"] in FINAL}

    def links(self, project: str, references: Iterable[str]) -> dict[str, str]:
        """The custom ids that references are linked to, as far as they are known."""
        prefix = f"link#{project}#"
        rows = self.read([prefix + reference for reference in references])
        return {key.removeprefix(prefix): row["custom_id"]["S"] for key, row in rows.items()}

    def facts(self, project: str, names: Iterable[str]) -> dict[str, str]:
        """What earlier webhooks told for later ones, as far as it is known."""
        prefix = f"fact#{project}#"
        rows = self.read([prefix + name for name in names])
        return {key.removeprefix(prefix): row["value"]["S"] for key, row in rows.items()}

    def lease(self, project: str, custom_id: str, owner: str, now: float) -> ProfileState:
        """Take hold of a profile for `LEASE_SECONDS`, and read what is known of it. Raises ProfileBusy."""
        try:
            answer = self.client.update_item(
                TableName=self.table,
                Key={"pk": {"S": profile_key(project, custom_id)}},
                UpdateExpression="SET lease_owner = :owner, lease_until = :until",
                ConditionExpression=(
                    "attribute_not_exists(lease_until) OR lease_until < :now OR lease_owner = :owner"
                ),
                ExpressionAttributeValues={
                    ":owner": {"S": owner},
                    ":until": {"N": str(now + LEASE_SECONDS)},
                    ":now": {"N": str(now)},
                },
                ReturnValues="ALL_NEW",
            )
        except self.client.exceptions.ConditionalCheckFailedException as error:
            raise ProfileBusy("another delivery holds this profile") from error
        except (ClientError, BotoCoreError) as error:
            raise BatchUnavailable("the ledger cannot be written") from error
        return versions.load(answer["Attributes"].get("state", {}).get("S"))

    def commit(self, rows: Sequence[Row]) -> None:
        """Write rows of `receipt_row`, `profile_row` and `link_row`."""
        unique = list({row["pk"]["S"]: row for row in rows}.values())
        for start in range(0, len(unique), BATCH_WRITE_ROWS):
            chunk = unique[start : start + BATCH_WRITE_ROWS]
            pending: Any = {self.table: [{"PutRequest": {"Item": row}} for row in chunk]}
            while pending := self.call("batch_write_item", RequestItems=pending).get("UnprocessedItems"):
                time.sleep(UNPROCESSED_PAUSE_SECONDS)

    def receipt(self, webhook_id: str) -> Receipt | None:
        """The receipt of one webhook."""
        rows = self.read([f"webhook#{webhook_id}"])
        return next((receipt_of(row) for row in rows.values()), None)

    def receipts_of(self, project: str, custom_id: str, limit: int = 100) -> list[Receipt]:
        """The receipts of one profile, newest first."""
        answer = self.call(
            "query",
            TableName=self.table,
            IndexName="by_profile",
            KeyConditionExpression="profile = :profile",
            ExpressionAttributeValues={":profile": {"S": profile_key(project, custom_id)}},
            ScanIndexForward=False,
            Limit=limit,
        )
        rows = self.read([row["pk"]["S"] for row in answer["Items"]])
        return newest_first(rows.values())

    def scan_receipts(self, limit: int) -> list[Receipt]:
        """The newest receipts, by reading the whole table: for the local stack only."""
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.table,
            FilterExpression="begins_with(pk, :prefix)",
            ExpressionAttributeValues={":prefix": {"S": "webhook#"}},
        )
        try:
            return newest_first(row for page in pages for row in page["Items"])[:limit]
        except (ClientError, BotoCoreError) as error:
            raise BatchUnavailable("the ledger is out of reach") from error

    def read(self, keys: Sequence[str]) -> dict[str, Row]:
        """Rows by key, read consistently; missing ones are left out."""
        return {row["pk"]["S"]: row for row in self.read_rows(list(dict.fromkeys(keys)))}

    def read_rows(self, keys: Sequence[str]) -> Iterator[Row]:
        for start in range(0, len(keys), BATCH_READ_KEYS):
            wanted = [{"pk": {"S": key}} for key in keys[start : start + BATCH_READ_KEYS]]
            pending: Any = {self.table: {"Keys": wanted, "ConsistentRead": True}}
            while pending:
                answer = self.call("batch_get_item", RequestItems=pending)
                yield from answer["Responses"].get(self.table, [])
                pending = answer.get("UnprocessedKeys")

    def call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self.client, operation)(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise BatchUnavailable("the ledger is out of reach") from error


def profile_key(project: str, custom_id: str) -> str:
    """The row of a profile."""
    return f"profile#{project}#{custom_id}"


def receipt_row(receipt: Receipt) -> Row:
    """The row of a receipt; DynamoDB forgets it after 35 days."""
    received = datetime.fromisoformat(receipt.received_at)
    content = {name: getattr(receipt, name) for name in Receipt.__slots__}
    row: Row = {
        "pk": {"S": f"webhook#{receipt.id}"},
        "status": {"S": receipt.status},
        "received_at": {"S": receipt.received_at},
        "receipt": {"S": json.dumps(content, separators=(",", ":"))},
        "expires_at": {"N": str(int((received + timedelta(days=RECEIPT_DAYS)).timestamp()))},
    }
    if receipt.custom_id:
        row["profile"] = {"S": profile_key(receipt.project, receipt.custom_id)}
    return row


def profile_row(project: str, custom_id: str, state: ProfileState) -> Row:
    """The row of a profile whose lease is given back."""
    return {"pk": {"S": profile_key(project, custom_id)}, "state": {"S": versions.dump(state)}}


def link_row(project: str, reference: str, custom_id: str) -> Row:
    """The row that links a source's own id to a profile."""
    return {"pk": {"S": f"link#{project}#{reference}"}, "custom_id": {"S": custom_id}}


def fact_row(project: str, name: str, value: str) -> Row:
    """The row of a fact."""
    return {"pk": {"S": f"fact#{project}#{name}"}, "value": {"S": value}}


def receipt_of(row: Mapping[str, Any]) -> Receipt:
    """The receipt in a row."""
    stored: dict[str, Any] = json.loads(row["receipt"]["S"])
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    return Receipt(**fields)


def newest_first(rows: Iterable[Mapping[str, Any]]) -> list[Receipt]:
    return sorted((receipt_of(row) for row in rows), key=lambda receipt: receipt.received_at, reverse=True)
