"""SQS, DynamoDB and Secrets Manager in memory, on a clock that the test moves: days of an outage pass in seconds.

They speak boto3's language, for the calls that delivering and retrying make, and know no other.
`tests/deliver/test_simulated.py` holds them to what moto does.
"""

from __future__ import annotations

import heapq
import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from botocore.exceptions import ClientError

DEDUPLICATION_SECONDS = 300
SENDER = "AROASIMULATED:a-function"
Clock = Callable[[], float]


@dataclass
class Held:
    """A message of a simulated queue."""

    id: str
    body: str
    group: str
    sent_at: float
    visible_at: float
    receives: int = 0

    @property
    def handle(self) -> str:
        """Good for the newest receive only, as in SQS's FIFO queues."""
        return f"{self.id}.{self.receives}"

    def as_record(self) -> dict[str, Any]:
        """As Lambda hands it over."""
        return {
            "messageId": self.id,
            "receiptHandle": self.handle,
            "body": self.body,
            "attributes": {
                "MessageGroupId": self.group,
                "SenderId": SENDER,
                "ApproximateReceiveCount": str(self.receives),
                "SentTimestamp": str(int(self.sent_at * 1000)),
            },
        }


class SimulatedQueue:
    """One queue. A group with a message that is hidden is locked; a standard queue has a group per message.

    Of a FIFO queue, `looks_at` are the oldest messages among which SQS looks for groups that are free, and has in
    flight; behind them lie those `beyond`.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self.groups: dict[str, dict[str, Held]] = defaultdict(dict)
        self.held: dict[str, Held] = {}
        self.ready: list[tuple[float, str]] = []
        self.accepted: dict[tuple[str, str], float] = {}
        self.sent = 0
        self.most_receives = 0
        self.looks_at = 120_000
        self.looked_at = 0
        self.beyond: deque[Held] = deque()

    def __iter__(self) -> Iterator[Held]:
        return iter(self.held.values())

    def send(self, body: str, group: str | None, deduplication: str | None, delay_seconds: int) -> None:
        now = self.clock()
        if group is not None and deduplication is not None:
            if now - self.accepted.get((group, deduplication), -1e9) < DEDUPLICATION_SECONDS:
                return
            self.accepted[group, deduplication] = now
        self.sent += 1
        message_id = f"{self.name}-{self.sent}"
        lane = message_id if group is None else group
        self.held[message_id] = Held(message_id, body, lane, now, now + delay_seconds)
        if group is not None and (self.beyond or self.looked_at >= self.looks_at):
            self.beyond.append(self.held[message_id])
            return
        self.take_in(self.held[message_id])

    def take_in(self, message: Held) -> None:
        """Have SQS look at a message."""
        self.looked_at += 1
        self.groups[message.group][message.id] = message
        self.look_at(message.group)

    def ready_at(self, group: str) -> float:
        return max((message.visible_at for message in self.groups[group].values()), default=float("inf"))

    def look_at(self, group: str) -> None:
        if self.groups[group]:
            heapq.heappush(self.ready, (self.ready_at(group), group))
        else:
            del self.groups[group]

    def next_at(self) -> float:
        """When something can be received, whether already or later; infinity where nothing is held."""
        while self.ready:
            moment, group = self.ready[0]
            if group in self.groups and self.ready_at(group) == moment:
                return moment
            heapq.heappop(self.ready)
        return float("inf")

    def receive(self, count: int, visibility_seconds: float) -> list[Held]:
        now, taken = self.clock(), list[Held]()
        while len(taken) < count and self.next_at() <= now:
            _, group = heapq.heappop(self.ready)
            for message in list(self.groups[group].values())[: count - len(taken)]:
                message.receives += 1
                message.visible_at = now + visibility_seconds
                self.most_receives = max(self.most_receives, message.receives)
                taken.append(message)
            self.look_at(group)
        return taken

    def of(self, handle: str) -> Held | None:
        """The message of a handle that is still good: of the newest receive, within its visibility timeout."""
        held = self.held.get(handle.rpartition(".")[0])
        is_good = held is not None and held.handle == handle and held.visible_at > self.clock()
        return held if is_good else None

    def hide(self, handle: str, seconds: int) -> bool:
        """Hide a message for so long from now; says whether the handle was good for it."""
        message = self.of(handle)
        if message:
            message.visible_at = self.clock() + seconds
            self.look_at(message.group)
        return message is not None

    def delete(self, handle: str) -> bool:
        """Delete a message; says whether the handle was good for it."""
        message = self.of(handle)
        if message:
            del self.groups[message.group][message.id], self.held[message.id]
            self.looked_at -= 1
            self.look_at(message.group)
            while self.beyond and self.looked_at < self.looks_at:
                self.take_in(self.beyond.popleft())
        return message is not None


class SimulatedSqs:
    """A client of SQS."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.queues: dict[str, SimulatedQueue] = {}

    def queue(self, url: str) -> SimulatedQueue:
        return self.queues.setdefault(url, SimulatedQueue(url.rpartition("/")[2], self.clock))

    def send_message(
        self,
        QueueUrl: str,  # noqa: N803 - boto3's names
        MessageBody: str,  # noqa: N803
        MessageGroupId: str | None = None,  # noqa: N803
        MessageDeduplicationId: str | None = None,  # noqa: N803
        DelaySeconds: int = 0,  # noqa: N803
    ) -> None:
        self.queue(QueueUrl).send(MessageBody, MessageGroupId, MessageDeduplicationId, DelaySeconds)

    def receive_message(self, **asked: Any) -> dict[str, Any]:
        found = self.queue(asked["QueueUrl"]).receive(
            asked["MaxNumberOfMessages"], asked["VisibilityTimeout"]
        )
        return {"Messages": [{"Body": one.body, "ReceiptHandle": one.handle} for one in found]}

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert 1 <= len(Entries) <= 10, "as many messages as SQS takes"
        for entry in Entries:
            self.send_message(QueueUrl, **{name: entry[name] for name in entry if name != "Id"})
        return {}

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        held = str(len(self.queue(QueueUrl).held))
        return {"Attributes": dict.fromkeys(AttributeNames, "0") | {AttributeNames[0]: held}}

    def change_message_visibility_batch(self, **asked: Any) -> dict[str, Any]:
        queue = self.queue(asked["QueueUrl"])
        return failed(
            entry
            for entry in asked["Entries"]
            if not queue.hide(entry["ReceiptHandle"], entry["VisibilityTimeout"])
        )

    def delete_message(self, **asked: Any) -> None:
        if not self.queue(asked["QueueUrl"]).delete(asked["ReceiptHandle"]):
            raise ClientError({"Error": {"Code": "InvalidParameterValue"}}, "DeleteMessage")

    def delete_message_batch(self, **asked: Any) -> dict[str, Any]:
        queue = self.queue(asked["QueueUrl"])
        return failed(entry for entry in asked["Entries"] if not queue.delete(entry["ReceiptHandle"]))


def failed(entries: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What SQS answers where the handles of entries are good for nothing any more."""
    return {
        "Failed": [
            {"Id": entry["Id"], "SenderFault": True, "Code": "ReceiptHandleIsInvalid"} for entry in entries
        ]
    }


class ConditionalCheckFailed(ClientError):
    """DynamoDB's ConditionalCheckFailedException."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        super().__init__({"Error": {"Code": "ConditionalCheckFailedException"}}, "UpdateItem")
        self.response["Item"] = dict(item)


class DynamoExceptions:
    ConditionalCheckFailedException = ConditionalCheckFailed


PLACED = "SET profile = :profile, received_at = :received_at"
ADDED = " ADD customers :customers"
ADDED_CUSTOMER = frozenset({PLACED + ADDED, f"{PLACED}, expires_at = :expires_at{ADDED}"})


STATED = f"{PLACED}, consent = :consent, stated_at = :stated_at, learnt_by = :learnt_by"
STATED_CONSENT = frozenset({f"{STATED} REMOVE expires_at", f"{STATED}, expires_at = :expires_at"})


class SimulatedDynamo:
    """A client of DynamoDB that holds the ledger's one table. Of updates it knows those of the lease, of kinds, of
    the customers of an address and of its consents alone."""

    exceptions = DynamoExceptions

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        [(table, asked)] = RequestItems.items()
        keys = [key["pk"]["S"] for key in asked["Keys"]]
        return {"Responses": {table: [dict(self.rows[key]) for key in keys if key in self.rows]}}

    def batch_write_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        [requests] = RequestItems.values()
        assert 1 <= len(requests) <= 25, "as many rows as DynamoDB takes"
        for request in requests:
            if "PutRequest" in request:
                row = request["PutRequest"]["Item"]
                self.rows[row["pk"]["S"]] = dict(row)
            else:
                self.rows.pop(request["DeleteRequest"]["Key"]["pk"]["S"], None)
        return {}

    def transact_write_items(self, TransactItems: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert 1 <= len(TransactItems) <= 100, "as many rows as DynamoDB takes"
        for item in TransactItems:
            update = item["Update"]
            assert update["UpdateExpression"] == "SET kind = if_not_exists(kind, :kind)", "a kind's"
            key = update["Key"]["pk"]["S"]
            row = self.rows.setdefault(key, {"pk": {"S": key}})
            row.setdefault("kind", update["ExpressionAttributeValues"][":kind"])
        return {}

    def update_item(self, **asked: Any) -> dict[str, Any]:
        if asked["UpdateExpression"] in ADDED_CUSTOMER:
            return self.add_customer(asked["Key"]["pk"]["S"], asked["ExpressionAttributeValues"])
        if asked["UpdateExpression"] in STATED_CONSENT:
            return self.keep_consent(asked["Key"]["pk"]["S"], asked)
        assert asked["UpdateExpression"] == "SET lease_owner = :owner, lease_until = :until", "the lease's"
        key, values = asked["Key"]["pk"]["S"], asked["ExpressionAttributeValues"]
        row, now = self.rows.get(key, {"pk": {"S": key}}), float(values[":now"]["N"])
        is_free = (
            "lease_until" not in row
            or float(row["lease_until"]["N"]) < now
            or row["lease_owner"] == values[":owner"]
        )
        if not is_free or ("gone_until" in row and float(row["gone_until"]["N"]) >= now):
            raise ConditionalCheckFailed(row)
        self.rows[key] = {**row, "lease_owner": values[":owner"], "lease_until": values[":until"]}
        return {"Attributes": dict(self.rows[key])}

    def keep_consent(self, key: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Write what is stated for an address, where it is newer, or as new where the condition allows that."""
        values = asked["ExpressionAttributeValues"]
        known, stated = self.rows.get(key, {}).get("stated_at", {}).get("S"), values[":stated_at"]["S"]
        may_equal = "<=" in asked["ConditionExpression"]
        if known is not None and not (known < stated or (may_equal and known == stated)):
            raise ConditionalCheckFailed(self.rows[key])
        self.rows[key] = {"pk": {"S": key}, **{name.removeprefix(":"): values[name] for name in values}}
        return {"Attributes": dict(self.rows[key])}

    def add_customer(self, key: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Add to the customers of an address."""
        row = self.rows.setdefault(key, {"pk": {"S": key}})
        known = set(row.get("customers", {"SS": []})["SS"]) | set(values[":customers"]["SS"])
        placed = {name.removeprefix(":"): value for name, value in values.items() if name != ":customers"}
        self.rows[key] = row | placed | {"customers": {"SS": sorted(known)}}
        return {}


class NotFound(Exception):
    """Secrets Manager's ResourceNotFoundException, and Systems Manager's ParameterNotFound."""


class SecretExceptions:
    ResourceNotFoundException = NotFound
    ParameterNotFound = NotFound


@dataclass
class SimulatedSecrets:
    """A client of Secrets Manager, and of Parameter Store with no parameters in it."""

    values: dict[str, Any] = field(default_factory=dict)
    exceptions = SecretExceptions

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803
        if SecretId not in self.values:
            raise NotFound
        return {"SecretString": json.dumps(self.values[SecretId])}

    def get_parameter(self, Name: str) -> dict[str, Any]:  # noqa: N803
        raise NotFound(Name)


class SimulatedS3:
    """A client of S3 with one bucket."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        self.objects[Key] = Body

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": BytesIO(self.objects[Key])}
