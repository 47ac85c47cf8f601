"""Keep what is remembered of webhooks and profiles in DynamoDB. Only `bridge.storage.connections` calls it as well.

Rows: `webhook#ID` (a receipt, 35 days), `profile#PROJECT#CUSTOM_ID` (versions and a lease),
`link#PROJECT#REFERENCE` (whose a source's own id is, and by which connection that was learnt), `fact#PROJECT#NAME`
(an order's total), `kind#PROJECT#PATH` (the type of a name, for ever), `tries#MESSAGE` (how a message of the queue
fared), `gaps#SOURCE#CONNECTION` (how far a connection was compared with what its provider says),
`shape#SOURCE/CONNECTION/TOPIC` (which fields webhooks have, of which types),
`address#PROJECT#CONNECTION#EMAIL` or `#phone#PHONE` (the first customers that an e-mail or a phone stands for, as
digests), `emails#PROJECT#USER_ID` (the e-mails that a user id showed within a day, as digests),
`consent#PROJECT#email#EMAIL` or `#sms#PHONE` (that a consent was withdrawn for an address, as a digest). The index
finds all rows of a profile.
Of an erased person an empty row of the profile and the links to it stay for 35 days. Keeps no value that a source sent
but ids, totals, and, of subscriptions, plan and amount; e-mails only as SHA-256. Whatever a source names is bounded
before it becomes part of a key or a row: DynamoDB refuses what is too long for good.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bridge.bounds import MAX_CUSTOM_ID_BYTES, MAX_REASON_CHARACTERS, bounded, cut
from bridge.errors import (
    BatchUnavailable,
    Erased,
    NoTimeLeft,
    NotStorable,
    ProfileBusy,
    is_permanent,
)
from bridge.profiles import versions
from bridge.profiles.versions import UNSUBSCRIBED, ProfileState
from bridge.storage.deadline import Deadline, OutOfTime, Timed

RECEIPT_DAYS = 35
"""Stripe repeats by hand for 30 days."""
ERASED_SECONDS = 35 * 24 * 3600
"""How long an erased person is not written to."""
LEASE_SECONDS = 60
"""Longer than the deliver function may run."""
BATCH_READ_KEYS = 100
BATCH_WRITE_ROWS = 25
TRANSACTION_ROWS = 100
INDEX_PAGE_ROWS = 1000
PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
"""Between tries of what DynamoDB left unprocessed: after these it counts as out of reach."""
CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, ATTEMPTS = 1, 2, 2
MAX_LISTED = 128
"""Names of one kind on a receipt."""
MAX_FACT_CHARACTERS = 128
"""What is longer is no total, and is not remembered."""
BEFORE_ALL_RECEIPTS = "0"
"""In place of a time, the place of links and facts in the index: behind the newest receipts."""

DELIVERED, IGNORED, PARKED, WAITING, RETRYING = "delivered", "ignored", "parked", "waiting", "retrying"
FINAL = frozenset({DELIVERED, IGNORED})

Row: TypeAlias = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """Hold what became of one webhook. Holds names and ids, no values."""

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
    owed: tuple[str, ...] = ()
    """Of a webhook that Batch took in part, what is still to be sent: `event:order_paid`."""


@dataclass(frozen=True, slots=True)
class Known:
    """Hold what receipts say of webhooks: those that need nothing more, and those of which Batch took a part."""

    finished: frozenset[str]
    taken_in_part: frozenset[str]


@dataclass(frozen=True, slots=True)
class Attempts:
    """Hold how often a message had been received when a delivery last left it in the queue, and how often it was begun
    alone since."""

    receives: int = 0
    alone: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """Hold where a source's own id leads, and which connection mentioned it.

    `moved_from` is where it led before it was moved, by a merge for example: empty where that was nowhere, None where
    it was never moved.
    """

    custom_id: str
    learnt_by: str = ""
    moved_from: str | None = None


@dataclass(frozen=True, slots=True)
class AddressConsent:
    """Hold what was last stated of a consent for an address, such as `email#DIGEST`, on whatever profile."""

    address: str
    consent: str
    version: str

    @property
    def is_withdrawn(self) -> bool:
        return self.consent == UNSUBSCRIBED


class Ledger:
    """One DynamoDB table. Every method raises BatchUnavailable where DynamoDB is out of reach: the webhook
    then waits in the queue; and NotStorable where it refuses for good: the webhook is then parked."""

    def __init__(self, table: str, client: Any = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self.table = table
        self.sleep = sleep
        self.client = client or boto3.client(
            "dynamodb",
            config=Config(
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                read_timeout=READ_TIMEOUT_SECONDS,
                retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
                parameter_validation=False,
            ),
        )

    def within(self, deadline: Deadline) -> Ledger:
        """Let no call begin that may outlast an invocation."""
        self.client = Timed(self.client, deadline)
        return self

    def known(self, webhook_ids: Iterable[str]) -> Known:
        """Return what the receipts of webhooks say, for those that come again."""
        rows = self.read_by(receipt_key, webhook_ids)
        finished = {webhook_id for webhook_id, row in rows.items() if row["status"]["S"] in FINAL}
        partly = {webhook_id for webhook_id, row in rows.items() if "owed" in row}
        return Known(frozenset(finished), frozenset(partly - finished))

    def noted(self, webhook_ids: Iterable[str]) -> set[str]:
        """Return those of the webhooks that have a receipt, whatever became of them."""
        return set(self.read_by(receipt_key, webhook_ids))

    def links(self, project: str, references: Iterable[str], now: float = 0) -> dict[str, str]:
        """Return the custom ids that references are linked to, as far as they are known at `now`."""
        found = self.known_links(project, references, now)
        return {reference: link.custom_id for reference, link in found.items()}

    def known_links(self, project: str, references: Iterable[str], now: float = 0) -> dict[str, Link]:
        """Return the links of references, as far as they are known at `now`."""
        rows = self.read_by(lambda reference: link_key(project, reference), references)
        return {
            reference: link_of(row)
            for reference, row in rows.items()
            if "expires_at" not in row or float(row["expires_at"]["N"]) >= now
        }

    def facts(self, project: str, names: Iterable[str]) -> dict[str, str]:
        """Return what earlier webhooks told for later ones, as far as it is known."""
        rows = self.read_by(lambda name: fact_key(project, name), names)
        return {name: row["value"]["S"] for name, row in rows.items()}

    def customers_of(self, addresses: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return the digests of the customers that addresses stand for, as far as any are known."""
        rows = self.read([f"address#{address}" for address in addresses])
        return {key.removeprefix("address#"): frozenset(row["customers"]["SS"]) for key, row in rows.items()}

    def add_customer(
        self, address: str, customer: str, project: str, custom_id: str, until: float | None = None
    ) -> None:
        """Add a customer to those that an address stands for; the row belongs to this profile, and may end."""
        place = place_in_index(project, custom_id)
        if until is not None:
            place |= {"expires_at": {"N": str(int(until))}}
        self.call(
            "update_item",
            TableName=self.table,
            Key={"pk": {"S": f"address#{address}"}},
            UpdateExpression=f"SET {', '.join(f'{name} = :{name}' for name in place)} ADD customers :customers",
            ExpressionAttributeValues={
                **{f":{name}": value for name, value in place.items()},
                ":customers": {"SS": [customer]},
            },
        )

    def emails_of(self, names: Iterable[str]) -> dict[str, tuple[frozenset[str], float]]:
        """Return the digests of the e-mails that user ids showed, and until when each memory counts."""
        rows = self.read([f"emails#{name}" for name in names])
        return {
            key.removeprefix("emails#"): (frozenset(row["emails"]["SS"]), float(row["expires_at"]["N"]))
            for key, row in rows.items()
        }

    def consents_of(self, project: str, addresses: Iterable[str]) -> dict[str, AddressConsent]:
        """Return what was last stated for addresses, such as `email#DIGEST`, as far as any was ever withdrawn."""
        rows = self.read_by(lambda address: consent_key(project, address), addresses)
        return {
            address: AddressConsent(address, row["consent"]["S"], row["stated_at"]["S"])
            for address, row in rows.items()
        }

    def keep_consent(
        self, project: str, stated: AddressConsent, custom_id: str, learnt_by: str, until: float
    ) -> None:
        """Keep what is stated for an address where nothing newer is known; of the same moment, a withdrawal counts.

        The row belongs to this profile. One that is withdrawn no more stays until then, for what comes late.
        """
        row = place_in_index(project, custom_id) | {
            "consent": {"S": stated.consent},
            "stated_at": {"S": stated.version},
            "learnt_by": {"S": learnt_by},
            **({} if stated.is_withdrawn else {"expires_at": {"N": str(int(until))}}),
        }
        ended = " REMOVE expires_at" if stated.is_withdrawn else ""
        newer = "stated_at <= :stated_at" if stated.is_withdrawn else "stated_at < :stated_at"
        with contextlib.suppress(ProfileBusy):
            self.update(
                consent_key(project, stated.address),
                f"SET {', '.join(f'{name} = :{name}' for name in row)}{ended}",
                f"attribute_not_exists(stated_at) OR {newer}",
                {f":{name}": value for name, value in row.items()},
            )

    def tries(self, message_ids: Iterable[str]) -> dict[str, Attempts]:
        """Return how messages of the queue fared before, as far as it was written down."""
        rows = self.read_by(tries_key, message_ids)
        return {
            message_id: Attempts(int(row["receives"]["N"]), int(row["alone"]["N"]))
            for message_id, row in rows.items()
        }

    def kinds(self, project: str, paths: Iterable[str]) -> dict[str, str]:
        """Return the types that names and paths have for ever, as far as they are known."""
        rows = self.read_by(lambda path: kind_key(project, path), paths)
        return {path: row["kind"]["S"] for path, row in rows.items()}

    def remember_kinds(self, project: str, kinds: Mapping[str, str]) -> None:
        """Remember types of names and paths; where one is remembered already, that stays.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
        """
        updates = [{"Update": self.kind_update(kind_key(project, path), kinds[path])} for path in kinds]
        for start in range(0, len(updates), TRANSACTION_ROWS):
            self.call("transact_write_items", TransactItems=updates[start : start + TRANSACTION_ROWS])

    def kind_update(self, key: str, kind: str) -> dict[str, Any]:
        return {
            "TableName": self.table,
            "Key": {"pk": {"S": key}},
            "UpdateExpression": "SET kind = if_not_exists(kind, :kind)",
            "ExpressionAttributeValues": {":kind": {"S": kind}},
        }

    def lease(self, project: str, custom_id: str, owner: str, now: float) -> ProfileState:
        """Take hold of a profile for `LEASE_SECONDS`, and read what is known of it. Raises ProfileBusy, Erased."""
        try:
            answer = self.client.update_item(
                TableName=self.table,
                Key={"pk": {"S": profile_key(project, custom_id)}},
                UpdateExpression="SET lease_owner = :owner, lease_until = :until",
                ConditionExpression=(
                    "(attribute_not_exists(lease_until) OR lease_until < :now OR lease_owner = :owner)"
                    " AND (attribute_not_exists(gone_until) OR gone_until < :now)"
                ),
                ExpressionAttributeValues={
                    ":owner": {"S": owner},
                    ":until": {"N": str(now + LEASE_SECONDS)},
                    ":now": {"N": str(now)},
                },
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self.client.exceptions.ConditionalCheckFailedException as error:
            if gone := error.response.get("Item", {}).get("gone_until"):
                raise Erased(float(gone["N"])) from None
            raise ProfileBusy("another delivery holds this profile") from error
        except (ClientError, BotoCoreError) as error:
            raise failure_of(error, "the ledger cannot be written") from error
        return versions.load(answer["Attributes"].get("state", {}).get("S"))

    def state(self, project: str, custom_id: str) -> ProfileState:
        """Return what is known of a profile, without a hold on it."""
        rows = self.read([profile_key(project, custom_id)])
        return versions.load(next((row["state"]["S"] for row in rows.values() if "state" in row), None))

    def seen(self, project: str, custom_ids: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return the keys of events that profiles have had; those that were erased or are not known are left out."""
        rows = self.read_by(lambda custom_id: profile_key(project, custom_id), custom_ids)
        return {
            custom_id: frozenset(versions.load(row["state"]["S"]).seen)
            for custom_id, row in rows.items()
            if "state" in row and "gone_until" not in row
        }

    def take_turn(self, name: str, owner: str, now: float, until: float) -> str:
        """Take hold of a row until a moment, and read the text that the last turn left. Raises ProfileBusy."""
        condition = "attribute_not_exists(lease_until) OR lease_until < :now OR lease_owner = :owner"
        values = {":owner": {"S": owner}, ":until": {"N": str(until)}, ":now": {"N": str(now)}}
        update = "SET lease_owner = :owner, lease_until = :until"
        row = self.update(name, update, condition, values)
        return str(row.get("progress", {}).get("S", ""))

    def keep_turn(self, name: str, owner: str, text: str) -> None:
        """Leave a text in a row that is held. Raises ProfileBusy where somebody else holds it meanwhile."""
        values = {":owner": {"S": owner}, ":text": {"S": text}}
        self.update(name, "SET progress = :text", "lease_owner = :owner", values)

    def end_turn(self, name: str, owner: str) -> None:
        """Let go of a row. Raises ProfileBusy where somebody else holds it meanwhile."""
        values = {":owner": {"S": owner}}
        self.update(name, "REMOVE lease_owner, lease_until", "lease_owner = :owner", values)

    def update(self, name: str, update: str, condition: str, values: Mapping[str, Any]) -> Row:
        """Update a row on a condition; returns it as it is then. Raises ProfileBusy where that does not hold."""
        try:
            answer = self.client.update_item(
                TableName=self.table,
                Key={"pk": {"S": name}},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
            )
        except self.client.exceptions.ConditionalCheckFailedException as error:
            raise ProfileBusy("another run holds this row") from error
        except (ClientError, BotoCoreError) as error:
            raise failure_of(error, "the ledger cannot be written") from error
        row: Row = answer["Attributes"]
        return row

    def commit(self, rows: Sequence[Row]) -> None:
        """Write rows, the receipts last: a webhook counts as done only once all that it taught is kept."""
        unique = {row["pk"]["S"]: {"PutRequest": {"Item": row}} for row in rows}
        receipts = [key for key in unique if key.startswith("webhook#")]
        self.write([unique[key] for key in unique if key not in set(receipts)])
        self.write([unique[key] for key in receipts])

    def delete(self, keys: Iterable[str]) -> None:
        """Delete rows by key."""
        self.write([{"DeleteRequest": {"Key": {"pk": {"S": key}}}} for key in dict.fromkeys(keys)])

    def write(self, requests: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(requests), BATCH_WRITE_ROWS):
            pending: Any = {self.table: requests[start : start + BATCH_WRITE_ROWS]}
            pauses = iter(PAUSES_SECONDS)
            while pending := self.call("batch_write_item", RequestItems=pending).get("UnprocessedItems"):
                self.pause(pauses)

    def pause(self, pauses: Iterator[float]) -> None:
        """Leave DynamoDB alone for a moment. Raises BatchUnavailable where that was done often enough."""
        seconds = next(pauses, None)
        if seconds is None:
            raise BatchUnavailable("the ledger leaves rows unprocessed")
        self.sleep(seconds)

    def receipt(self, webhook_id: str) -> Receipt | None:
        """Return the receipt of one webhook."""
        rows = self.read([receipt_key(webhook_id)])
        return next((receipt_of(row) for row in rows.values()), None)

    def receipts_by_id(self, webhook_ids: Iterable[str]) -> dict[str, Receipt]:
        """Return the receipts of webhooks; missing ones are left out."""
        rows = self.read_by(receipt_key, webhook_ids)
        return {webhook_id: receipt_of(row) for webhook_id, row in rows.items()}

    def receipts_of(self, project: str, custom_id: str, limit: int = 100) -> list[Receipt]:
        """Return the receipts of one profile, newest first."""
        answer = self.call(
            "query",
            TableName=self.table,
            IndexName="by_profile",
            KeyConditionExpression="profile = :profile",
            ExpressionAttributeValues={":profile": {"S": profile_key(project, custom_id)}},
            ScanIndexForward=False,
            Limit=limit,
        )
        return self.receipts_in(row["pk"]["S"] for row in answer["Items"])

    def keys_of(self, project: str, custom_id: str) -> Iterator[str]:
        """Yield the keys of all links and facts of one profile, then those of its receipts."""
        return self.keys_at(profile_key(project, custom_id))

    def keys_at(self, place: str) -> Iterator[str]:
        """Yield the keys of all rows that stand in one place of the index."""
        after: Row | None = None
        while True:
            keys, after = self.page_at(place, after)
            yield from keys
            if after is None:
                return

    def page_at(
        self, place: str, after: Row | None = None, limit: int = INDEX_PAGE_ROWS
    ) -> tuple[list[str], Row | None]:
        """Return the keys of some rows in one place of the index, and after which row to go on: None at the end."""
        answer = self.call(
            "query",
            TableName=self.table,
            IndexName="by_profile",
            KeyConditionExpression="profile = :profile",
            ExpressionAttributeValues={":profile": {"S": place}},
            Limit=limit,
            **({"ExclusiveStartKey": after} if after else {}),
        )
        return [row["pk"]["S"] for row in answer["Items"]], answer.get("LastEvaluatedKey")

    def receipts_in(self, keys: Iterable[str]) -> list[Receipt]:
        """Return the receipts among rows, newest first."""
        rows = self.read([key for key in keys if key.startswith("webhook#")])
        return newest_first(rows.values())

    def scan_receipts(self, limit: int) -> list[Receipt]:
        """Return the newest receipts, by reading the whole table: for the local stack only."""
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.table,
            FilterExpression="begins_with(pk, :prefix)",
            ExpressionAttributeValues={":prefix": {"S": "webhook#"}},
        )
        try:
            return newest_first(row for page in pages for row in page["Items"])[:limit]
        except (ClientError, BotoCoreError) as error:
            raise failure_of(error, "the ledger is out of reach") from error

    def read_by(self, key: Callable[[str], str], names: Iterable[str]) -> dict[str, Row]:
        """Return rows by the names that their keys are made of; missing ones are left out."""
        keys = {name: key(name) for name in names}
        rows = self.read(list(keys.values())) if keys else {}
        return {name: rows[key] for name, key in keys.items() if key in rows}

    def read(self, keys: Sequence[str]) -> dict[str, Row]:
        """Return rows by key, read consistently; missing ones are left out."""
        return {row["pk"]["S"]: row for row in self.read_rows(list(dict.fromkeys(keys)))}

    def read_rows(self, keys: Sequence[str]) -> Iterator[Row]:
        for start in range(0, len(keys), BATCH_READ_KEYS):
            wanted = [{"pk": {"S": key}} for key in keys[start : start + BATCH_READ_KEYS]]
            pending: Any = {self.table: {"Keys": wanted, "ConsistentRead": True}}
            pauses = iter(PAUSES_SECONDS)
            while pending:
                answer = self.call("batch_get_item", RequestItems=pending)
                yield from answer["Responses"].get(self.table, [])
                if pending := answer.get("UnprocessedKeys"):
                    self.pause(pauses)

    def call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self.client, operation)(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise failure_of(error, "the ledger is out of reach") from error


def failure_of(error: Exception, reason: str) -> BatchUnavailable | NotStorable:
    """Return what an error of DynamoDB means for the webhook."""
    if isinstance(error, OutOfTime):
        return NoTimeLeft("no time left for a call to the ledger")
    return NotStorable("the ledger refuses it for good") if is_permanent(error) else BatchUnavailable(reason)


def profile_key(project: str, custom_id: str) -> str:
    """Return the row of a profile."""
    return f"profile#{project}#{bounded(custom_id, MAX_CUSTOM_ID_BYTES)}"


def receipt_key(webhook_id: str) -> str:
    """Return the row of a receipt."""
    return f"webhook#{bounded(webhook_id)}"


def link_key(project: str, reference: str) -> str:
    """Return the row of a link."""
    return f"link#{project}#{bounded(reference)}"


def fact_key(project: str, name: str) -> str:
    """Return the row of a fact."""
    return f"fact#{project}#{bounded(name)}"


def consent_key(project: str, address: str) -> str:
    """Return the key of the row of an address's consent."""
    return f"consent#{project}#{bounded(address)}"


def kind_key(project: str, path: str) -> str:
    """Return the row of a type."""
    return f"kind#{project}#{bounded(path)}"


def tries_key(message_id: str) -> str:
    """Return the row of a message's tries."""
    return f"tries#{bounded(message_id)}"


def receipt_row(receipt: Receipt) -> Row:
    """Return the row of a receipt; DynamoDB forgets it after 35 days."""
    received = datetime.fromisoformat(receipt.received_at)
    content = {name: kept(name, getattr(receipt, name)) for name in Receipt.__slots__}
    row: Row = {
        "pk": {"S": receipt_key(receipt.id)},
        "status": {"S": receipt.status},
        "received_at": {"S": receipt.received_at},
        "receipt": {"S": json.dumps(content, separators=(",", ":"))},
        "expires_at": {"N": str(int((received + timedelta(days=RECEIPT_DAYS)).timestamp()))},
    }
    if receipt.custom_id:
        row["profile"] = {"S": profile_key(receipt.project, receipt.custom_id)}
    if receipt.owed:
        row["owed"] = {"N": str(len(receipt.owed))}
    return row


def kept(name: str, value: str | tuple[str, ...]) -> str | list[str]:
    """Return one field of a receipt as its row holds it: few and short names, references as their links have them."""
    if isinstance(value, str):
        return value if name == "custom_id" else cut(value, MAX_REASON_CHARACTERS)
    shorten = bounded if name == "references" else cut
    listed = [shorten(one) for one in value[:MAX_LISTED]]
    more = len(value) - MAX_LISTED
    return [*listed, f"more:{more}"] if more > 0 else listed


def profile_row(project: str, custom_id: str, state: ProfileState) -> Row:
    """Return the row of a profile whose lease is given back."""
    return {"pk": {"S": profile_key(project, custom_id)}, "state": {"S": versions.dump(state)}}


def gone_row(project: str, custom_id: str, until: float) -> Row:
    """Return the row of an erased person's profile: not written to until then."""
    moment = {"N": str(int(until))}
    return {"pk": {"S": profile_key(project, custom_id)}, "gone_until": moment, "expires_at": moment}


def tries_row(message_id: str, tries: Attempts, until: float) -> Row:
    """Return the row with a message's tries, until it has long left the queue."""
    return {
        "pk": {"S": tries_key(message_id)},
        "receives": {"N": str(tries.receives)},
        "alone": {"N": str(tries.alone)},
        "expires_at": {"N": str(int(until))},
    }


def link_row(
    project: str,
    reference: str,
    custom_id: str,
    until: float | None = None,
    learnt_by: str = "",
    moved_from: str | None = None,
) -> Row:
    """Return the row that links a source's own id to a profile, for ever or until a moment.

    `learnt_by` is the connection that mentioned it, such as `shopify/main`; `moved_from` as `Link` has it.
    """
    row: Row = {"pk": {"S": link_key(project, reference)}, "custom_id": {"S": custom_id}}
    row |= place_in_index(project, custom_id)
    row |= {"learnt_by": {"S": learnt_by}} if learnt_by else {}
    row |= {"moved_from": {"S": moved_from}} if moved_from is not None else {}
    return row if until is None else row | {"expires_at": {"N": str(int(until))}}


def link_of(row: Mapping[str, Any]) -> Link:
    """Return the link in a row."""
    moved_from = row["moved_from"]["S"] if "moved_from" in row else None
    return Link(row["custom_id"]["S"], row.get("learnt_by", {}).get("S", ""), moved_from)


def emails_key(project: str, user_id: str) -> str:
    """Return the key of the row of a user id's e-mails."""
    return f"emails#{project}#{bounded(user_id, MAX_CUSTOM_ID_BYTES)}"


def emails_row(project: str, user_id: str, emails: Iterable[str], until: float) -> Row:
    """Return the row of the e-mails that a user id showed, as digests, until a moment."""
    row: Row = {"pk": {"S": emails_key(project, user_id)}, "emails": {"SS": sorted(emails)}}
    return row | place_in_index(project, user_id) | {"expires_at": {"N": str(int(until))}}


def fact_row(
    project: str, name: str, value: str, custom_id: str, until: float | None = None, learnt_by: str = ""
) -> Row:
    """Return the row of a fact that a webhook of this profile told, for ever or until a moment.

    `learnt_by` is the connection that mentioned it.
    """
    row: Row = {"pk": {"S": fact_key(project, name)}, "value": {"S": value}}
    row |= place_in_index(project, custom_id)
    row |= {"learnt_by": {"S": learnt_by}} if learnt_by else {}
    return row if until is None else row | {"expires_at": {"N": str(int(until))}}


def fading(rows: Iterable[Row], until: float) -> list[Row]:
    """Return the links among rows, until a moment: they lead to somebody who was erased, and mention nothing else."""
    return [
        {name: row[name] for name in row if name != "moved_from"} | {"expires_at": {"N": str(int(until))}}
        for row in rows
        if row["pk"]["S"].startswith("link#")
    ]


def place_in_index(project: str, custom_id: str) -> Row:
    return {"profile": {"S": profile_key(project, custom_id)}, "received_at": {"S": BEFORE_ALL_RECEIPTS}}


def receipt_of(row: Mapping[str, Any]) -> Receipt:
    """Return the receipt in a row."""
    stored: dict[str, Any] = json.loads(row["receipt"]["S"])
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    return Receipt(**fields)


def newest_first(rows: Iterable[Mapping[str, Any]]) -> list[Receipt]:
    return sorted((receipt_of(row) for row in rows), key=lambda receipt: receipt.received_at, reverse=True)
