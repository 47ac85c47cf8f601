"""The processor time of a delivery per webhook: parse, map, fit into limits, coalesce, serialise, tell."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from bench.by_hand import as_bytes, operation
from bench.cpu import MICROSECONDS, microseconds, quiet
from bench.figure import Figure
from bench.order import order_body
from bridge.batch.client import BatchClient, PartialError
from bridge.profiles.versions import ProfileState
from bridge.providers.client import ProviderClient
from bridge.storage.connections import Connections
from bridge.storage.ledger import Ledger, Row
from bridge.storage.parameters import Parameters
from bridge.storage.queue import WebhookQueue
from bridge.storage.secrets import BatchKeys, Secrets
from bridge.webhook import Webhook, group_id
from functions.deliver.pipeline import DeliveryPipeline
from functions.deliver.schema_drift.watcher import Reading, SchemaWatcher
from functions.deliver.type_registry import TypeRegistry
from functions.sources.registry import source_module

NAME = "deliver"
AT_MOST_RATIO = 4.0
WEBHOOKS_PER_INVOCATION = 10
MAPPING = source_module("shopify", "mapping")
MAPPERS = {"shopify": MAPPING.to_change}


class EmptyLedger(Ledger):
    """Remembers nothing but the types of names, at no cost: only what would call DynamoDB is replaced."""

    def __init__(self) -> None:
        super().__init__("bench", client=object())
        self.remembered: dict[str, str] = {}

    def kinds(self, project: str, paths: Iterable[str]) -> dict[str, str]:
        del project
        return {path: self.remembered[path] for path in paths if path in self.remembered}

    def remember_kinds(self, project: str, kinds: Mapping[str, str]) -> None:
        del project
        self.remembered = {**kinds, **self.remembered}

    def lease(self, *_: object) -> ProfileState:
        return ProfileState()

    def read(self, keys: Sequence[str]) -> dict[str, Row]:
        del keys
        return {}

    def update(self, *_: object) -> Row:
        return {}

    def write(self, requests: Sequence[dict[str, Any]]) -> None:
        """Forget them."""

    def call(self, operation: str, **arguments: Any) -> Any:
        """Forget it."""
        del operation, arguments
        return {}


class ForgetfulConnections:
    """Notes nothing, at no cost."""

    def saw(self, *_: str) -> None:
        """Forget it."""

    def left_unnamed(self, *_: object) -> None:
        """Forget it."""


class SerialisingBatch:
    """Turns each call into the bytes that Batch would be sent, and takes all of it."""

    def __init__(self) -> None:
        self.call = b""

    def update(self, _: BatchKeys, operations: list[dict[str, Any]]) -> list[PartialError]:
        self.call = as_bytes(operations)
        return []


class NoSettings:
    """Every connection has the defaults, and every project has keys."""

    def read(self, *_: str) -> dict[str, Any]:
        return {}

    def batch_keys(self, project: str) -> BatchKeys:
        return BatchKeys("key", project)


def run() -> list[Figure]:
    """A batch of ten orders of ten customers through `DeliveryPipeline`, and through a mapping written by hand."""
    bodies = [order_body(number) for number in range(WEBHOOKS_PER_INVOCATION)]
    batch = SerialisingBatch()
    deliver, by_hand = pipeline(bodies, batch), handwritten(bodies)
    with quiet():
        deliver()
        assert json.loads(batch.call) == json.loads(by_hand()), "the two do not make the same call"
        taken = microseconds({"deliver": deliver, "by hand": by_hand})
    per_webhook = taken["deliver"] / WEBHOOKS_PER_INVOCATION
    return [
        Figure(
            NAME,
            "delivery, per webhook",
            per_webhook,
            "µs",
            baseline=taken["by hand"] / WEBHOOKS_PER_INVOCATION,
            baseline_is="a mapping of dicts by hand, of the same order to the same call",
            at_most_ratio=AT_MOST_RATIO,
        ),
        Figure(NAME, "webhooks per second and core", MICROSECONDS / per_webhook, "1/s"),
    ]


def pipeline(bodies: Sequence[bytes], batch: SerialisingBatch) -> Callable[[], object]:
    queue = WebhookQueue("https://example.com/bench.fifo", client=object())
    records = [record(queue, number, body) for number, body in enumerate(bodies)]
    ledger = EmptyLedger()
    kinds = TypeRegistry(ledger)
    connections = cast(Connections, ForgetfulConnections())
    schemas = SchemaWatcher({"shopify": cast(Reading, MAPPING)}, ledger, connections, time.time)

    def deliver() -> list[str]:
        stay = DeliveryPipeline(
            mappers=MAPPERS,
            checks={"shopify": MAPPING.TOPIC_CHECK},
            ledger=ledger,
            kinds=kinds,
            schemas=schemas,
            queue=queue,
            secrets=cast(Secrets, NoSettings()),
            parameters=cast(Parameters, NoSettings()),
            batch=cast(BatchClient, batch),
            connections=connections,
            provider=ProviderClient(),
            clock=time.time,
            owner="bench",
        ).run(records)
        assert not stay
        return stay

    return deliver


def record(queue: WebhookQueue, number: int, body: bytes) -> dict[str, Any]:
    """A message of the queue as Lambda hands it over."""
    webhook = Webhook(
        id=hashlib.sha256(body).hexdigest()[:32],
        source="shopify",
        connection="main",
        topic="orders/paid",
        headers={"x-shopify-api-version": "2026-04"},
        body=body,
        received_at=datetime.now(UTC),
        group=group_id("shopify", "main", str(number)),
    )
    return {
        "messageId": f"message-{number}",
        "receiptHandle": f"handle-{number}",
        "body": queue.envelope(webhook),
        "attributes": {
            "MessageGroupId": webhook.group,
            "SenderId": "AROAEXAMPLE:bench",
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(int(time.time() * 1000)),
        },
    }


def handwritten(bodies: Sequence[bytes]) -> Callable[[], bytes]:
    return lambda: as_bytes([operation(json.loads(body)) for body in bodies])
