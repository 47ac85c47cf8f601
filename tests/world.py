"""A delivery against moto's AWS, as template.yaml makes it, and a Batch whose answers the test gives."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

import boto3
import cfn_flip
import httpx
import pytest
from moto import mock_aws

from bridge.batch.client import BatchClient
from bridge.providers.client import ProviderClient
from bridge.receiving.confirmation import TopicCheck
from bridge.receiving.connection_list import store_connection
from bridge.storage.connections import Connections
from bridge.storage.ledger import Ledger
from bridge.storage.parameters import Parameters
from bridge.storage.queue import Parked, WebhookQueue
from bridge.storage.secrets import Secrets
from bridge.webhook import Webhook, group_id
from functions.deliver.pipeline import DeliveryPipeline, Mapper
from functions.deliver.schema_drift.watcher import SchemaWatcher
from functions.deliver.type_registry import TypeRegistry
from functions.sources.registry import SOURCE_PACKAGES, source_module
from local import moto_dynamodb, moto_fifo
from tests.core.stand_ins import Strict

TEMPLATE = cfn_flip.load_yaml(Path("template.yaml").read_text())
NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC).timestamp()
SENDER = "AROAEXAMPLE:a-function"
"""Whom SQS names as the sender: a function that no test holds to a source."""
KEYS = {"rest_api_key": "rest-key", "project_key": "project-key", "app_keys": []}


@dataclass
class FakeBatch:
    """Batch as httpx sees it: `answers` are given one after the other, then 202s."""

    answers: list[httpx.Response | Exception] = field(default_factory=list)
    calls: list[list[dict[str, Any]]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    refuse: Callable[[dict[str, Any]], bool] = lambda operation: False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        operations = json.loads(request.content)
        self.calls.append(operations)
        self.keys.append(request.headers["authorization"])
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        if any(self.refuse(operation) for operation in operations):
            return httpx.Response(400, json={"error_code": 31, "error_message": "MALFORMED_PARAMETER"})
        return httpx.Response(202, json={"code": "SUCCESS"})


@dataclass
class World:
    """The stack around a delivery."""

    ledger: Ledger
    queue: WebhookQueue
    secrets: Secrets
    parameters: Parameters
    connections: Connections
    batch: FakeBatch
    now: float = NOW
    mappers: dict[str, Mapper] = field(default_factory=dict)
    checks: dict[str, TopicCheck] | None = None
    invocations: int = 0
    gdpr: Callable[[httpx.Request], httpx.Response] | None = None
    api: Callable[[httpx.Request], httpx.Response] = lambda request: httpx.Response(503)
    has_time: Callable[[], bool] = lambda: True

    def __post_init__(self) -> None:
        self.kinds = TypeRegistry(self.ledger)
        self.schemas = self.new_shapes()

    def new_shapes(self) -> SchemaWatcher:
        """What a new process knows of shapes: nothing yet."""
        mappings = {source: source_module(source, "mapping") for source in self.mappers}
        readings = {source: mapping for source, mapping in mappings.items() if hasattr(mapping, "reads")}
        return SchemaWatcher(cast(Any, readings), self.ledger, self.connections, lambda: self.now)

    def deliver(self, *webhooks: Webhook, receive_count: int = 1) -> list[str]:
        """Deliver webhooks in one invocation; returns the ids of those that stay in the queue."""
        return self.deliver_records([record(self.queue, webhook, receive_count) for webhook in webhooks])

    def deliver_records(self, records: list[dict[str, Any]]) -> list[str]:
        pipeline = self.pipeline()
        self.delays = pipeline.recorder.delays
        return pipeline.run(records)

    def connect(self, source: str, connection: str = "main", **stored: Any) -> None:
        """Make a connection with what is stored for it: `signing_secrets`, `api_key`."""
        if api_key := stored.pop("api_key", None):
            self.secrets.store_api_key(source, connection, api_key)
        store_connection(self.secrets, self.parameters, source, connection, stored)

    def pipeline(self) -> DeliveryPipeline:
        """What the next invocation of deliver works with."""
        self.invocations += 1
        return DeliveryPipeline(
            mappers=self.mappers,
            ledger=self.ledger,
            queue=self.queue,
            secrets=self.secrets,
            parameters=self.parameters,
            connections=self.connections,
            batch=BatchClient(
                os.environ["BATCH_API_URL"], transport=httpx.MockTransport(self.gdpr or self.batch)
            ),
            clock=lambda: self.now,
            owner=f"invocation-{self.invocations}",
            hydrators={"stripe": source_module("stripe", "mapping").whole},
            checks=topic_checks(self.mappers) if self.checks is None else self.checks,
            provider=ProviderClient(httpx.MockTransport(self.api)),
            has_time=self.has_time,
            kinds=self.kinds,
            schemas=self.schemas,
            api_url=os.environ["API_URL"],
        )

    def parked(self) -> list[Parked]:
        """What lies in the dead-letter queue; it stays there."""
        return self.queue.receive_parked(visibility_seconds=0)

    def waiting(self) -> list[dict[str, Any]]:
        answer = self.queue.client.receive_message(
            QueueUrl=self.queue.waiting_url, MaxNumberOfMessages=10, WaitTimeSeconds=4
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    @property
    def operations(self) -> list[dict[str, Any]]:
        """All operations that Batch was sent, in order."""
        return [operation for call in self.batch.calls for operation in call]


def topic_checks(sources: Iterable[str]) -> dict[str, TopicCheck]:
    """The checks of those of the sources whose topic nobody signs."""
    mappings = {source: source_module(source, "mapping") for source in sources}
    return {
        source: mapping.TOPIC_CHECK for source, mapping in mappings.items() if hasattr(mapping, "TOPIC_CHECK")
    }


def with_told_times(call: list[dict[str, Any]], expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The call without the times of events whose tool tells none: theirs is when the webhook came."""
    times = ("time", "date(occurred_at)")
    pairs = [
        (event, told)
        for operation, other in zip(call, expected, strict=True)
        for event, told in zip(operation.get("events", []), other.get("events", []), strict=True)
    ]
    for event, told in pairs:
        if "time" not in told and "date(occurred_at)" not in told["attributes"]:
            for name in times:
                event.pop(name, None)
                event["attributes"].pop(name, None)
    return call


@dataclass(frozen=True)
class Aws:
    """AWS as an emulator plays it; `mock.reset()` empties it."""

    mock: Any
    clients: dict[str, Any]


def record(
    queue: WebhookQueue, webhook: Webhook, receive_count: int = 1, sender: str = SENDER
) -> dict[str, Any]:
    """The message of a webhook as Lambda hands it over."""
    return {
        "messageId": f"message-{webhook.id}",
        "receiptHandle": f"handle-{webhook.id}",
        "body": queue.envelope(webhook),
        "attributes": {
            "MessageGroupId": webhook.group,
            "SenderId": sender,
            "ApproximateReceiveCount": str(receive_count),
            "SentTimestamp": str(int(webhook.received_at.timestamp() * 1000)),
        },
    }


def properties(name: str) -> dict[str, Any]:
    """A resource of the template, without the intrinsic functions that no test needs."""
    found: dict[str, Any] = json.loads(json.dumps(TEMPLATE["Resources"][name]["Properties"]))
    return found


SERVICES = ("sqs", "s3", "dynamodb", "secretsmanager", "ssm")


@pytest.fixture(scope="module")
def aws(request: pytest.FixtureRequest) -> Iterator[Aws]:
    """One emulator for a module."""
    if request.config.getoption("--emulator") == "ministack":
        from tests.emulated.ministack import Ministack

        with Ministack() as running:
            yield Aws(running, {name: running.client(name) for name in SERVICES})
        return
    moto_fifo.install()  # as other tests of the same process do: the order of tests shall not matter
    moto_dynamodb.install()
    with mock_aws() as mock:
        yield Aws(mock, clients())


@cache
def clients() -> dict[str, Any]:
    """The clients of a process: making them is what takes time."""
    made = {name: boto3.client(name) for name in SERVICES}
    ask_parked_at_once(made["sqs"])
    return made


def ask_parked_at_once(sqs: Any) -> None:
    """Let a client not wait for webhooks to be parked: in a test nobody else parks any."""

    def without_waiting(params: dict[str, Any], **_: Any) -> None:
        if params["QueueUrl"].endswith("dead-letters.fifo"):
            params["WaitTimeSeconds"] = 0

    sqs.meta.events.register("provide-client-params.sqs.ReceiveMessage", without_waiting)


@pytest.fixture
def world(aws: Aws) -> World:
    aws.mock.reset()
    sqs, stack = aws.clients["sqs"], os.environ["STACK_NAME"]
    for name in ("QUEUE_URL", "DEAD_LETTER_QUEUE_URL"):
        sqs.create_queue(QueueName=os.environ[name].rpartition("/")[2], Attributes={"FifoQueue": "true"})
    for name in ("WAITING_QUEUE_URL", "LEFT_BEHIND_QUEUE_URL"):
        sqs.create_queue(QueueName=os.environ[name].rpartition("/")[2])
    aws.clients["s3"].create_bucket(
        Bucket=os.environ["BODIES_BUCKET"], CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    table = {name: properties("LedgerTable")[name] for name in wanted}
    aws.clients["dynamodb"].create_table(TableName=os.environ["TABLE_NAME"], **table)
    secrets = Secrets(stack, aws.clients["secretsmanager"])
    secrets.store("batch/default", KEYS)
    found = World(
        ledger=Ledger(os.environ["TABLE_NAME"], Strict(aws.clients["dynamodb"])),
        queue=WebhookQueue(
            os.environ["QUEUE_URL"],
            os.environ["DEAD_LETTER_QUEUE_URL"],
            os.environ["WAITING_QUEUE_URL"],
            os.environ["BODIES_BUCKET"],
            client=sqs,
            s3_client=aws.clients["s3"],
            left_behind_url=os.environ["LEFT_BEHIND_QUEUE_URL"],
        ),
        secrets=secrets,
        parameters=Parameters(stack, aws.clients["ssm"]),
        connections=Connections(os.environ["TABLE_NAME"], aws.clients["dynamodb"]),
        batch=FakeBatch(),
        mappers={source: source_module(source, "mapping").to_change for source in SOURCE_PACKAGES},
    )
    found.connections.clock = lambda: found.now
    return found


MakeWebhook = Callable[..., Webhook]


SHOP = {"shop_id": 1, "shop_domain": "tea-garden.myshopify.com"}

# topic                       what its body always has, and what confirms it
OWN_FIELDS: dict[str, dict[str, Any]] = {
    "shop/redact": SHOP,
    "customers/redact": {**SHOP, "orders_to_redact": []},
    "customers/data_request": {**SHOP, "orders_requested": []},
    "customers/delete": {
        "addresses": [],
        "tax_exemptions": [],
        "admin_graphql_api_id": "gid://shopify/Customer/1",
    },
    "app/uninstalled": {"id": 7, "myshopify_domain": "tea-garden.myshopify.com"},
}


@pytest.fixture
def shopify() -> MakeWebhook:
    """A Shopify webhook: `shopify("orders/paid", 1, id=7)`, the number telling webhooks apart."""

    def make(topic: str, number: int, /, *, group: str = "1", **stated: Any) -> Webhook:
        body = OWN_FIELDS.get(topic, {}) | stated
        return Webhook(
            id=f"webhook-{number}",
            source="shopify",
            connection="main",
            topic=topic,
            headers={},
            body=json.dumps(body).encode(),
            received_at=datetime.fromtimestamp(NOW, UTC),
            group=group_id("shopify", "main", group),
        )

    return make
