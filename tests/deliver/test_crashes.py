"""A process that dies before or after any effect on the world: nothing lost, and duplicated only in the named window.

The window: from Batch's taking a call to the writing of its receipts (docs/operating.md, "When an event can arrive
twice").
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx
import pytest

from bridge.errors import Ignored
from bridge.observability import logger
from bridge.profiles.profile_change import ProfileChange
from bridge.receiving.receiver import Receiver
from bridge.storage.connections import Connections
from bridge.storage.parameters import Parameters
from bridge.storage.queue import Failure
from bridge.storage.secrets import Secrets
from bridge.webhook import Webhook
from functions.retry import handler as retry
from functions.retry.rounds import DeadLetters, Filter, Order, retry_round
from functions.sources.shopify.receiver import SHOPIFY
from tests.core.stand_ins import Calls
from tests.owners import owners_person
from tests.simulated import SimulatedS3, SimulatedSecrets
from tests.simulation import START, WAITING, Killed, SimulatedWorld, order, webhook

WAITING_VISIBILITY_SECONDS = 360

each_side = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    random.seed(7)
    before = logger.log_level
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel(before)


@dataclass
class Life:
    """Counts effects, and ends before or after the one whose number is given; the dead do nothing more."""

    ends_at: int = 0
    after: bool = False
    is_over: bool = False
    effects: list[str] = field(default_factory=list)

    def effect(self, name: str, act: Callable[[], Any]) -> Any:
        if self.is_over:
            raise Killed
        is_last = len(self.effects) + 1 == self.ends_at
        if is_last and not self.after:
            self.end()
        self.effects.append(name)
        try:
            return act()
        finally:
            if is_last:
                self.end()

    def end(self) -> None:
        self.is_over = True
        raise Killed


class Mortal:
    """A client of AWS whose every call is an effect of one life."""

    def __init__(self, client: Any, life: Callable[[], Life]) -> None:
        self.client = client
        self.life = life
        self.exceptions = getattr(client, "exceptions", None)

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.client, name)

        def effect(**asked: Any) -> Any:
            told = name + (" receipts" if "'webhook#" in str(asked) and name == "batch_write_item" else "")
            return self.life().effect(told, lambda: call(**asked))

        return effect


class MortalWorld(SimulatedWorld):
    """A world whose process has a given life; the processes that come after it live."""

    def __init__(self) -> None:
        super().__init__(concurrency=1)
        self.life = Life()
        self.mappers["shopify"] = of_all_kinds
        self.batch.troubles = [(START, float("inf"), self.refuse)]
        self.ledger.client = Mortal(self.dynamo, lambda: self.life)
        self.queue.client = retry.queue.client = Mortal(self.sqs, lambda: self.life)
        self.queue._s3_client = Mortal(SimulatedS3(), lambda: self.life)
        for cached in (self.processes[0].secrets, self.processes[0].parameters):
            cached.__dict__["client" if isinstance(cached, Secrets) else "_client"] = Mortal(
                self.aws_secrets, lambda: self.life
            )
        self.waiting = self.sqs.queue(WAITING)

    def refuse(self, operations: list[dict[str, Any]]) -> httpx.Response | None:
        """400 where one event is not wanted; a 202 without the events that are odd."""
        names = {event["name"] for operation in operations for event in operation.get("events", [])}
        if "order_refused" in names:
            return httpx.Response(400)
        if "order_odd" not in names:
            return None
        errors = []
        for place, operation in enumerate(operations):
            if any(event["name"] == "order_odd" for event in operation["events"]):
                errors.append({"bulk_index": place, "category": "event", "attribute": "order_odd"})
            operation["events"] = [one for one in operation["events"] if one["name"] != "order_odd"]
        self.batch.apply(operations)
        return httpx.Response(202, json={"code": "SUCCESS_WITH_PARTIAL_ERRORS", "errors": errors})

    def call_batch(self, request: httpx.Request) -> httpx.Response:
        answer: httpx.Response = self.life.effect("batch", lambda: self.batch(request))
        return answer

    def invoke(self, process: Any, records: list[dict[str, Any]]) -> list[str]:
        """What an invocation says counts only once its answer has come."""
        try:
            stay = super().invoke(process, records)
            self.life.effect("answer", lambda: None)
        finally:
            self.bury()
        return stay

    def bury(self) -> None:
        if self.life.is_over:
            self.life = Life()

    def play(self) -> None:
        """Until nothing is on its way any more, not in the delay queue either."""
        while self.run(until=self.waiting.next_at()) and list(self.waiting):
            self.time.now = max(self.time.now, self.waiting.next_at())
            self.forward()

    def forward(self) -> None:
        messages = self.waiting.receive(10, WAITING_VISIBILITY_SECONDS)
        try:
            failed = retry.forward([message.as_record() for message in messages])
            self.life.effect("answer", lambda: None)
        except Killed:
            self.bury()
            return
        assert not failed
        for message in messages:
            self.waiting.delete(message.handle)

    @property
    def parked(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """The webhooks in the dead-letter queue: id, failure class and parts."""
        envelopes = [json.loads(message.body) for message in self.dead_letters]
        return sorted((one["id"], one["failure"]["class"], tuple(one.get("only", ()))) for one in envelopes)

    @property
    def known(self) -> dict[str, Any]:
        """What the ledger holds, without times and leases."""
        rows = {key: row for key, row in self.dynamo.rows.items() if not key.startswith("tries#")}
        return {
            key: [row.get(name) for name in ("status", "state", "custom_id", "value")]
            for key, row in rows.items()
        }

    @property
    def events(self) -> Counter[str]:
        return Counter(number for events in self.batch.events.values() for number in events)


def of_all_kinds(one: Webhook, settings: Any) -> ProfileChange:
    """A mapping of which each topic ends in another way."""
    if one.topic == "bad":
        raise ZeroDivisionError
    if one.topic == "ignored":
        raise Ignored("nothing to do")
    change = order(one, settings)
    [event] = change.events
    if one.topic in ("refused", "odd"):
        return replace(change, events=(replace(event, name=f"order_{one.topic}"),))
    customer = json.loads(one.body)["customer"]
    references = tuple(f"shopify:{name}:{customer}" for name in ("customer", "cart", "checkout", "phone"))
    if one.topic == "unknown":
        return ProfileChange(owners_person(references=references, named_elsewhere=True), events=(event,))
    person = replace(change.person, references=references)
    return replace(change, person=person, remember={f"shopify:order:{event.attributes['order_id']}": "10.00"})


KINDS = (
    "unknown",
    "orders/paid",
    "bad",
    "ignored",
    "orders/paid",
    "odd",
    "refused",
    "orders/paid",
    "orders/paid",
)


def mixed() -> list[Webhook]:
    """Webhooks that end in every way, of customers with one or several; one too large for a message."""
    webhooks = [webhook(number, number % 7, topic=topic) for number, topic in enumerate(KINDS, start=1)]
    named = [webhook(number, 1) for number in (10, 11)]
    filler = random.Random(1).randbytes(400_000).hex()
    large = json.dumps({"number": 12, "customer": 12, "filler": filler}).encode()
    return [*webhooks, *named, replace(webhook(12, 12), body=large)]


def delivered_by(life: Life, receives: int) -> MortalWorld:
    """A world in which all was played to its end, though the first process had this life."""
    world = MortalWorld()
    for one in mixed():
        world.queue.send(one)
    for message in world.webhooks:
        message.receives = receives
    world.life = life
    world.play()
    return world


@cache
def untroubled(receives: int = 0) -> tuple[MortalWorld, int]:
    """A world without deaths, and how many effects there were."""
    life = Life()
    return delivered_by(life, receives), len(life.effects)


def is_in_the_window(life: Life) -> bool:
    """Whether the last invocation of a life had called Batch, and had not yet written its receipts."""
    invocations = " ".join(life.effects).split("answer")
    return "batch " in invocations[-1] + " " and "receipts" not in invocations[-1].rpartition("batch ")[2]


def test_the_scenario_ends_in_every_way() -> None:
    world, effects = untroubled()
    assert [(one, failure) for one, failure, _ in world.parked] == [
        ("webhook-3", "mapping_failed"),
        ("webhook-6", "rejected_by_batch"),
        ("webhook-7", "rejected_by_batch"),
    ]
    assert set(world.events) == {f"{number:09}" for number in (1, 2, 5, 8, 9, 10, 11, 12)}
    assert set(world.events.values()) == {1}
    assert effects > 30


@pytest.mark.parametrize("receives", [0, 2], ids=["fresh", "suspected of killing"])
@each_side
def test_wherever_a_delivery_dies_nothing_is_lost_and_nothing_doubled_but_in_the_window(
    after: bool, receives: int
) -> None:
    calm, effects = untroubled(receives)
    doubled = 0
    for number in range(1, effects + 1):
        life = Life(number, after)
        world, where = delivered_by(life, receives), f"effect {number}: {life.effects[-3:]}"
        assert life.is_over, where
        assert world.parked == calm.parked, where
        assert world.known == calm.known, where
        assert world.batch.attributes == calm.batch.attributes, where
        assert set(world.events) == set(calm.events), where
        assert max(world.events.values()) <= 1 + is_in_the_window(life), where
        doubled += max(world.events.values()) - 1
    assert doubled > 0, "the window is never hit: this test sees nothing"


# ── Retrying ────────────────────────────────────────────────────────────────────────────────────────────


def parked_world() -> MortalWorld:
    world = MortalWorld()
    failed_at = datetime.fromtimestamp(START, UTC)
    for number in range(1, 13):
        failure = Failure("batch_unavailable" if number % 4 else "mapping_failed", "a reason", failed_at)
        world.queue.park(webhook(number, number % 5), failure)
    return world


def round_of(world: MortalWorld) -> None:
    try:
        retry_round(DeadLetters(world.queue), Filter(("batch_unavailable",)), Order(), lambda: True)
    except Killed:
        world.bury()


@pytest.mark.parametrize("delivers_between", [False, True], ids=["at once", "after a delivery"])
@each_side
def test_wherever_a_round_of_retries_dies_the_next_one_ends_it(after: bool, delivers_between: bool) -> None:
    for number in range(1, 40):
        world, life = parked_world(), Life(number, after)
        world.life = life
        round_of(world)
        if delivers_between:
            world.run()
        world.time.sleep(900)
        round_of(world)
        world.run()
        left = {one for one, _, _ in world.parked}
        assert left == {"webhook-4", "webhook-8", "webhook-12"}, life.effects[-3:]
        expected = {f"{done:09}": 1 for done in range(1, 13) if done % 4}
        assert not life.is_over or is_in_the_window(life) or world.events == expected, life.effects[-3:]
        assert set(world.events) == set(expected)


# ── The receiver ────────────────────────────────────────────────────────────────────────────────────────────


def request(body: bytes) -> dict[str, Any]:
    signature = base64.b64encode(hmac.digest(b"secret", body, hashlib.sha256)).decode()
    return {
        "pathParameters": {"connection": "main"},
        "headers": {"x-shopify-topic": "orders/paid", "x-shopify-hmac-sha256": signature},
        "body": body.decode(),
        "isBase64Encoded": False,
        "requestContext": {"http": {"method": "POST"}},
    }


def receiver(world: MortalWorld) -> Receiver:
    stored = SimulatedSecrets({"stack/shopify/main": {"signing_secrets": ["secret"]}})
    aws = Mortal(stored, lambda: world.life)
    return Receiver(
        SHOPIFY,
        secrets=Secrets("stack", aws),
        queue=world.queue,
        connections=Connections("ledger", Calls(), world.time),
        parameters=Parameters("stack", aws),
        clock=world.time,
    )


def tell(world: MortalWorld, body: bytes) -> bool:
    """Send a webhook to a new process of the receiver; says whether it was accepted."""
    try:
        answer = receiver(world)(request(body), None)
        world.life.effect("answer", lambda: None)
    except Killed:
        world.bury()
        return False
    return bool(answer["statusCode"] == 200)


@pytest.mark.parametrize("body", [mixed()[1].body, mixed()[-1].body], ids=["small", "in S3"])
@pytest.mark.parametrize("repeats_after", [5, 400], ids=["soon", "late"])
@each_side
def test_wherever_the_door_dies_a_repeat_brings_the_webhook_once(
    after: bool, repeats_after: float, body: bytes
) -> None:
    for number in range(1, 6):
        world, life = MortalWorld(), Life(number, after)
        world.life = life
        if not tell(world, body):
            world.life = Life()
            world.run(until=world.time.now + repeats_after)
            world.time.now += repeats_after
            assert tell(world, body)
        world.life = Life()
        world.run()
        assert list(world.events.values()) == [1], life.effects
