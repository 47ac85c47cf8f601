"""Lambda, the queue and Batch on one clock: what a day of trouble does to webhooks, played in seconds.

Processes deliver side by side: each is busy until its own invocation has ended, and then takes the next batch.
"""

from __future__ import annotations

import heapq
import json
import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, cast

import httpx

from bridge.batch.client import BatchClient
from bridge.profiles.profile_change import Event, ProfileChange
from bridge.providers.client import ProviderClient
from bridge.storage.connections import Connections
from bridge.storage.ledger import Ledger
from bridge.storage.parameters import Parameters
from bridge.storage.queue import MOST_MESSAGES, WebhookQueue
from bridge.storage.secrets import Secrets
from bridge.webhook import Webhook, group_id
from functions.deliver.backlog import Backlog
from functions.deliver.circuit_breaker import PROFILES_PER_SECOND, CircuitBreaker
from functions.deliver.pipeline import DeliveryPipeline, Mapper
from functions.deliver.poison_messages import Invocation
from functions.deliver.senders import Senders
from local.sandbox.bucket import TokenBucket
from tests.owners import owners_group, owners_person
from tests.simulated import SimulatedDynamo, SimulatedQueue, SimulatedSecrets, SimulatedSqs

START = datetime(2026, 9, 10, 12, 0, tzinfo=UTC).timestamp()
QUEUE, DEAD_LETTERS, WAITING = (
    os.environ[name] for name in ("QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "WAITING_QUEUE_URL")
)
VISIBILITY_SECONDS = 180
INVOCATION_SECONDS = 30
SECONDS_BETWEEN_INVOCATIONS = 0.03
BURST_PROFILES = 1000
"""https://doc.batch.com/developer/api/cep/profiles"""
KEYS = {"rest_api_key": "right", "project_key": "project"}


@dataclass
class Time:
    now: float = START

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Killed(BaseException):
    """The process is no more: nothing of ours catches it."""


class ForgetfulConnections:
    """Notes nothing."""

    def saw(self, *_: str) -> None:
        """Forget it."""

    def warned(self, *_: str) -> None:
        """Forget it."""

    def left_unnamed(self, *_: Any) -> None:
        """Forget it."""


def order(webhook: Webhook, _: Any) -> ProfileChange:
    """A mapping of a line: one attribute that only grows newer, one event."""
    body = json.loads(webhook.body)
    number = f"{body['number']:09}"
    return ProfileChange(
        owners_person(email=f"customer{body['customer']}@example.com"),
        (owners_group("order", number, {"last_order_id": number}),),
        (Event("order_paid", None, {"order_id": number}),),
    )


def webhook(number: int, customer: int, at: float = START, topic: str = "orders/paid") -> Webhook:
    return Webhook(
        id=f"webhook-{number}",
        source="shopify",
        connection="main",
        topic=topic,
        headers={},
        body=json.dumps({"number": number, "customer": customer}).encode(),
        received_at=datetime.fromtimestamp(at, UTC),
        group=group_id("shopify", "main", str(customer)),
    )


Answer = httpx.Response | Exception | None
Trouble = Callable[[list[dict[str, Any]]], Answer]


@dataclass
class SimulatedBatch:
    """Keeps profiles, and its limits. `troubles` are from, until and what then answers; None of it: all is well."""

    time: Time
    latency_seconds: float = 0.1
    troubles: list[tuple[float, float, Trouble]] = field(default_factory=list)
    refused_keys: set[str] = field(default_factory=set)
    calls: list[tuple[float, int, int]] = field(default_factory=list)
    attributes: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    events: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        operations = json.loads(request.content)
        began = self.time.now
        self.time.now += self.latency_seconds
        answer = self.answer(request, operations, began)
        status = answer.status_code if isinstance(answer, httpx.Response) else 0
        self.calls.append((began, len(operations), status))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def answer(self, request: httpx.Request, operations: list[dict[str, Any]], now: float) -> Any:
        for begin, end, trouble in self.troubles:
            if begin <= now < end and (answer := trouble(operations)) is not None:
                return answer
        if request.headers["authorization"].removeprefix("Bearer ") in self.refused_keys:
            return httpx.Response(401)
        self.apply(operations)
        return httpx.Response(202, json={"code": "SUCCESS"})

    def apply(self, operations: list[dict[str, Any]]) -> None:
        for operation in operations:
            custom_id = operation["identifiers"]["custom_id"]
            self.attributes[custom_id] |= operation.get("attributes", {})
            for event in operation.get("events", []):
                self.events[custom_id].append(event["attributes"].get("order_id", event["name"]))

    @property
    def profiles(self) -> dict[str, tuple[dict[str, Any], list[str]]]:
        """Attributes and the orders of the events, by custom id."""
        return {
            custom_id: (self.attributes[custom_id], sorted(self.events[custom_id]))
            for custom_id in self.attributes
        }

    def calls_between(self, begin: float, end: float) -> int:
        return sum(begin <= moment < end for moment, _, _ in self.calls)

    def is_within_limits(self) -> bool:
        """Whether Batch's token bucket would have let every call through."""
        bucket = TokenBucket(PROFILES_PER_SECOND, BURST_PROFILES)
        return all(bucket.take(profiles, moment) for moment, profiles, _ in sorted(self.calls))

    def most_profiles_in_a_second(self) -> int:
        calls, most, first, held = sorted(self.calls), 0, 0, 0
        for moment, profiles, _ in calls:
            held += profiles
            while calls[first][0] <= moment - 1:
                held -= calls[first][1]
                first += 1
            most = max(most, held)
        return most


class Process:
    """What one process of the deliver function keeps from invocation to invocation."""

    def __init__(self, world: SimulatedWorld) -> None:
        self.world = world
        self.free_at = world.time.now
        self.secrets = Secrets("stack", world.aws_secrets)
        self.parameters = Parameters("stack", world.aws_secrets)
        self.secrets.cache.clock = self.parameters.cache.clock = world.time
        self.batch = BatchClient("https://batch.example", httpx.MockTransport(world.call_batch))
        rate = PROFILES_PER_SECOND / world.concurrency
        self.breaker = CircuitBreaker(world.time, world.time.sleep, rate)
        self.backlog = Backlog(world.queue, world.time, world.most_messages)

    def invoke(self, records: list[dict[str, Any]]) -> list[str]:
        world, ends_at = self.world, self.world.time.now + INVOCATION_SECONDS
        owner = f"invocation-{next(world.invocations)}"

        def seconds_left() -> float:
            return ends_at - world.time.now

        def pipeline() -> DeliveryPipeline:
            return DeliveryPipeline(
                mappers=world.mappers,
                ledger=world.ledger,
                queue=world.queue,
                secrets=self.secrets,
                parameters=self.parameters,
                connections=cast(Connections, ForgetfulConnections()),
                batch=self.batch,
                clock=world.time,
                owner=owner,
                provider=ProviderClient(),
                breaker=self.breaker,
                backlog=self.backlog,
                seconds_left=seconds_left,
            )

        world.time.now += 0.02
        invocation = Invocation(pipeline, world.ledger, world.queue, world.time, seconds_left, Senders.of(""))
        stay = invocation.run(records)
        assert world.time.now < ends_at, "Lambda would have ended it"
        return stay


class SimulatedWorld:
    """A stack whose clock stands still until `run` moves it."""

    def __init__(self, concurrency: int = 5, most_messages: float = MOST_MESSAGES) -> None:
        self.most_messages = most_messages
        self.time = Time()
        self.sqs = SimulatedSqs(self.time)
        self.dynamo = SimulatedDynamo()
        self.aws_secrets = SimulatedSecrets({"stack/batch/default": dict(KEYS)})
        self.ledger = Ledger("ledger", self.dynamo)
        self.queue = WebhookQueue(QUEUE, DEAD_LETTERS, WAITING, "bodies", client=self.sqs)
        self.batch = SimulatedBatch(self.time)
        self.mappers: dict[str, Mapper] = {"shopify": order}
        self.concurrency = concurrency
        self.processes = [Process(self) for _ in range(concurrency)]
        self.invocations = count()
        self.later: list[tuple[float, int, Callable[[], None]]] = []
        self.chance = random.Random(7)

    @property
    def webhooks(self) -> SimulatedQueue:
        return self.sqs.queue(QUEUE)

    @property
    def dead_letters(self) -> SimulatedQueue:
        return self.sqs.queue(DEAD_LETTERS)

    def call_batch(self, request: httpx.Request) -> httpx.Response:
        return self.batch(request)

    def at(self, moment: float, act: Callable[[], None]) -> None:
        heapq.heappush(self.later, (moment, len(self.later) + next(self.invocations) * 10**6, act))

    def send(self, webhooks: Iterable[Webhook]) -> None:
        """Let webhooks arrive at the moments at which they were received."""
        for one in webhooks:
            self.at(one.received_at.timestamp(), lambda one=one: self.queue.send(one))  # type: ignore[misc]

    def run(self, until: float = float("inf")) -> float:
        """Play until a moment, or until all is quiet; returns when that was."""
        while True:
            act_at = self.later[0][0] if self.later else float("inf")
            free_at = min(process.free_at for process in self.processes)
            work_at = max(self.webhooks.next_at(), free_at)
            if min(act_at, work_at) > until or act_at == work_at == float("inf"):
                return self.time.now
            self.time.now = min(act_at, work_at)
            if act_at <= work_at:
                heapq.heappop(self.later)[2]()
            else:
                self.deliver()

    def deliver(self) -> None:
        """One invocation. Where it dies, its messages show up again, and a new process is there."""
        began = self.time.now
        process = self.chance.choice([one for one in self.processes if one.free_at <= began])
        messages = self.webhooks.receive(10, VISIBILITY_SECONDS)
        try:
            stay = set(self.invoke(process, [message.as_record() for message in messages]))
        except Killed:
            self.processes[self.processes.index(process)] = Process(self)
            return
        done = [message.handle for message in messages if message.id not in stay]
        process.free_at = self.time.now + SECONDS_BETWEEN_INVOCATIONS
        self.at(self.time.now, lambda: self.delete(done))

    def invoke(self, process: Process, records: list[dict[str, Any]]) -> list[str]:
        return process.invoke(records)

    def delete(self, handles: list[str]) -> None:
        for handle in handles:
            self.webhooks.delete(handle)
