"""What AWS refuses for good costs one webhook, never its neighbours; what is unclear is not sent twice."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest

from bridge.observability import logger
from bridge.profiles.profile_change import Event, ProfileChange
from bridge.settings import ConnectionSettings
from bridge.storage.ledger import receipt_key
from bridge.webhook import Webhook, group_id
from functions.deliver.outcomes import MAX_WAITS_FOR_THE_LEDGER
from functions.deliver.poison_messages import Invocation
from functions.deliver.senders import Senders
from functions.sources.registry import SOURCE_PACKAGES, source_module
from local.samples import Sample, body_of, read_sample, samples
from tests.core.stand_ins import Strict, refused
from tests.owners import owners_person
from tests.simulation import START, SimulatedWorld, order, webhook
from tests.world import NOW, World, record

POISON = "poison"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    random.seed(7)
    before = logger.log_level
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel(before)


def invoke(world: World, *webhooks: Webhook) -> list[str]:
    """One invocation of deliver; returns what stays in the queue."""
    invocation = Invocation(
        world.pipeline, world.ledger, world.queue, lambda: world.now, lambda: 30.0, Senders.of("")
    )
    return invocation.run([record(world.queue, one) for one in webhooks])


def status_of(world: Any, webhook_id: str) -> str:
    receipt = world.ledger.receipt(webhook_id)
    return receipt.status if receipt else ""


def event_names(world: World) -> Counter[str]:
    return Counter(event["name"] for one in world.operations for event in one.get("events", []))


def neighbours(shopify: Any) -> list[Webhook]:
    """Two orders of two other customers."""
    return [
        shopify("orders/paid", number, group=str(number), **paid(number, f"n{number}@example.com"))
        for number in (1, 2)
    ]


def paid(number: int, email: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "email": email, "created_at": "2026-09-10T10:00:00Z", **more}


def jotform(identifier: str) -> Webhook:
    answers = {"formTitle": "Tea", "q3_email": "ada@example.com"}
    fields = {"formID": "7", "submissionID": identifier, "rawRequest": json.dumps(answers)}
    lines = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    body = "".join([*lines, "--x--\r\n"]).encode()
    headers = {"content-type": "multipart/form-data; boundary=x"}
    received, group = datetime.fromtimestamp(NOW, UTC), group_id("jotform", "main", "x")
    return Webhook("webhook-3", "jotform", "main", "submission", headers, body, received, group)


def custom(world: World, text: str) -> Webhook:
    rules = {
        "verify": {"scheme": "token"},
        "person": {"email": "email", "references": {"thing": "once"}},
        "mapping": [{"event": {"name": "seen", "once": "once", "attributes": {"text": "once"}}}],
    }
    world.parameters.write("custom", "main", rules)
    body = json.dumps({"email": "ada@example.com", "once": text}).encode()
    received, group = datetime.fromtimestamp(NOW, UTC), group_id("custom", "main", "x")
    return Webhook("webhook-3", "custom", "main", "any", {}, body, received, group)


# what a source sends
NAMED: dict[str, Callable[[World, Any], Webhook]] = {
    "a Jotform submissionID of 420 kB": lambda world, shopify: jotform("7" * 420_000),
    "a Shopify order whose name has 3,000 characters": lambda world, shopify: shopify(
        "orders/paid", 3, group="3", **paid(3, "ada@example.com", name="#" + "1" * 3000)
    ),
    "a custom once of 420 kB": lambda world, shopify: custom(world, "x" * 420_000),
    "a custom once of half a character": lambda world, shopify: custom(world, "\ud800"),
}


@pytest.mark.parametrize("make", NAMED.values(), ids=NAMED)
def test_a_text_that_is_too_long_touches_no_neighbour(
    world: World, shopify: Any, make: Callable[[World, Any], Webhook]
) -> None:
    poison = make(world, shopify)
    assert invoke(world, *neighbours(shopify), poison) == []
    assert [status_of(world, f"webhook-{number}") for number in (1, 2)] == ["delivered"] * 2
    assert status_of(world, "webhook-3") in ("delivered", "parked")
    assert world.ledger.client.refusals == []
    before = event_names(world)
    assert before["order_paid"] in (2, 3)
    invoke(world, *neighbours(shopify), poison)
    assert event_names(world) == before


# ── Any text of any sample ──────────────────────────────────────────────────────────────────────────────

LONG = "x" * 3000
ODD = (LONG, LONG, "\ud800" * 3)
MOST_PLACES = 40


def texts(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of texts and numbers in a body."""
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for name, value in items:
        if isinstance(value, dict | list):
            yield from texts(value, (*path, name))
        elif isinstance(value, str | int) and not isinstance(value, bool):
            yield (*path, name)


def with_text(content: Any, path: tuple[Any, ...], text: str) -> Any:
    """The body with another text at a place."""
    changed = json.loads(json.dumps(content))
    place = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = text
    return changed


def bodies(sample: Sample, content: dict[str, Any]) -> Iterator[bytes]:
    """The sample with one of its texts too long or odd, each in turn; of very many every how-manieth."""
    if "body" in content:
        paths = list(texts(content["body"]))
        for number, path in enumerate(paths[:: 1 + len(paths) // MOST_PLACES]):
            yield json.dumps(with_text(content["body"], path, ODD[number % len(ODD)])).encode()
        return
    whole = body_of(content).decode()
    for word in sorted(set(re.findall(r"(?:\r\n\r\n|=)([\w.-]{4,})(?=[&\r]|$)", whole))):
        yield whole.replace(word, LONG).encode()


ASKED_BY_LAW = ("redact", "data_request", "delete", "uninstalled")
"""Of no profile; what they do has tests of its own."""


@pytest.mark.parametrize("source", [source for source in SOURCE_PACKAGES if source != "custom"])
def test_no_text_of_any_sample_makes_a_row_that_dynamodb_refuses(source: str) -> None:
    world, tried = strict_world(), 0
    for sample in [one for one in samples() if one.source == source and not one.stem.endswith(ASKED_BY_LAW)]:
        content = read_sample(sample.file)[1]
        headers = {"content-type": content["content_type"], **content.get("headers", {})}
        for body in bodies(sample, content):
            tried += 1
            received, topic = datetime.fromtimestamp(world.time.now, UTC), content["topic"]
            world.queue.send(
                Webhook(f"{tried}", source, "main", topic, headers, body, received, f"group-{tried}")
            )
        world.run(until=world.time.now + 3600)
        assert world.ledger.client.refusals == [], sample.file
    assert tried > 3
    assert world.dynamo.rows


def strict_world() -> SimulatedWorld:
    world = SimulatedWorld(concurrency=1)
    world.mappers = {source: source_module(source, "mapping").to_change for source in SOURCE_PACKAGES}
    world.ledger.client = Strict(world.dynamo)
    return world


# ── A row that is refused all the same ──────────────────────────────────────────────────────────────────


def poisoned(one: Webhook, settings: Any) -> ProfileChange:
    """A mapping that remembers a fact, which the test has DynamoDB refuse for one of them."""
    change = order(one, settings)
    name = POISON if json.loads(one.body)["number"] == 3 else "fine"
    return replace(change, remember={f"{name}:{one.id}": "1"})


def poisoned_world(refuses: Callable[[Any], bool]) -> SimulatedWorld:
    world = SimulatedWorld(concurrency=1)
    world.mappers["shopify"] = poisoned
    world.ledger.client = Strict(world.dynamo, refuses)
    return world


def parked_in(world: SimulatedWorld) -> list[tuple[str, str, str]]:
    envelopes = [json.loads(message.body) for message in world.dead_letters]
    return [(one["id"], one["failure"]["class"], one["failure"]["reason"]) for one in envelopes]


def events_in(world: SimulatedWorld) -> Counter[str]:
    return Counter(number for events in world.batch.events.values() for number in events)


def retry(world: SimulatedWorld) -> None:
    """Send all that is parked through the queue again."""
    for parked in world.queue.receive_parked(60):
        world.queue.retry([parked])
    world.run(until=world.time.now + 60)


@pytest.mark.parametrize("customers", [1, 5], ids=["one profile", "several"])
def test_of_a_batch_with_a_refused_row_the_culprit_alone_is_parked(customers: int) -> None:
    world = poisoned_world(lambda row: POISON in row["pk"]["S"])
    world.send([webhook(number, number % customers) for number in range(1, 6)])
    world.run()
    assert parked_in(world) == [("webhook-3", "mapping_failed", "the ledger refuses it for good")]
    assert events_in(world) == {f"{number:09}": 1 for number in range(1, 6)}
    statuses = {number: status_of(world, f"webhook-{number}") for number in range(1, 6)}
    assert statuses == {1: "delivered", 2: "delivered", 3: "parked", 4: "delivered", 5: "delivered"}
    assert list(world.webhooks) == []
    assert all("lease_until" not in row for row in world.dynamo.rows.values())


def test_the_culprit_is_tried_again_without_its_event_once_its_row_is_taken() -> None:
    world = poisoned_world(lambda row: POISON in row["pk"]["S"])
    world.send([webhook(number, number) for number in range(1, 6)])
    world.run()
    retry(world)
    assert events_in(world)["000000003"] == 1
    assert len(parked_in(world)) == 1
    world.ledger.client.refuses = lambda row: False
    world.time.sleep(600)
    retry(world)
    assert events_in(world) == {f"{number:09}": 1 for number in range(1, 6)}
    assert (parked_in(world), status_of(world, "webhook-3")) == ([], "delivered")


def test_where_even_the_receipt_is_refused_the_webhook_is_parked_with_a_bare_one() -> None:
    own = receipt_key("webhook-3")
    world = poisoned_world(lambda row: row["pk"]["S"] == own and "order_paid" in str(row))
    world.send([webhook(number, number) for number in range(1, 6)])
    world.run()
    assert [one for one, _, _ in parked_in(world)] == ["webhook-3"]
    assert status_of(world, "webhook-3") == "parked"
    assert max(events_in(world).values()) == 1


def test_where_reading_is_refused_before_anything_is_sent_the_culprit_alone_is_parked() -> None:
    world = poisoned_world(lambda row: row["pk"]["S"] == "link#default#poison")
    mapper = world.mappers["shopify"]

    def naming(one: Webhook, settings: Any) -> ProfileChange:
        change = mapper(one, settings)
        if one.id != "webhook-3":
            return change
        return replace(change, person=replace(change.person, references=("poison",)))

    world.mappers["shopify"] = naming
    world.send([webhook(number, number) for number in range(1, 6)])
    world.run()
    assert parked_in(world) == [("webhook-3", "mapping_failed", "the ledger refuses it for good")]
    assert events_in(world) == {f"{number:09}": 1 for number in (1, 2, 4, 5)}
    assert list(world.webhooks) == []


def test_one_customers_webhooks_keep_their_order_when_each_is_delivered_by_itself() -> None:
    world = poisoned_world(lambda row: row["pk"]["S"] == "link#default#poison")
    world.mappers["shopify"] = lambda one, settings: (
        replace(order(one, settings), person=owners_person(email="a@example.com", references=("poison",)))
        if one.id == "webhook-3"
        else order(one, settings)
    )
    world.batch.troubles = [(START, START + 60, lambda operations: httpx.Response(503))]
    world.send([webhook(number, 1) for number in range(1, 6)])
    world.run()
    [delivered] = world.batch.events.values()
    assert delivered == [f"{number:09}" for number in (1, 2, 4, 5)]


# ── A ledger that cannot be written for a while ─────────────────────────────────────────────────────────


class Unwritable(Strict):
    """DynamoDB that takes leases and refuses rows, until a moment."""

    until = float("inf")
    clock: Callable[[], float] = lambda: 0.0

    def batch_write_item(self, **asked: Any) -> Any:
        if self.clock() < self.until:
            raise refused("BatchWriteItem")
        return super().batch_write_item(**asked)


def unwritable(hours: float) -> SimulatedWorld:
    world = SimulatedWorld(concurrency=1)
    client = Unwritable(world.dynamo)
    client.clock, client.until = world.time, START + hours * 3600
    world.ledger.client = client
    return world


def play(world: SimulatedWorld) -> None:
    """Until nothing is on its way any more, not in the delay queue either."""
    waiting = world.sqs.queue(world.queue.waiting_url)
    while world.run(until=waiting.next_at()) and list(waiting):
        world.time.now = max(world.time.now, waiting.next_at())
        for message in waiting.receive(10, 360):
            world.queue.forward(json.loads(message.body))
            waiting.delete(message.handle)


def test_what_batch_took_is_not_sent_again_while_the_ledger_cannot_be_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = unwritable(hours=0.2)
    world.send([webhook(number, number % 3) for number in range(1, 6)])
    play(world)
    assert '"ReceiptsNotWritten":[5]' in capsys.readouterr().out
    assert events_in(world) == {f"{number:09}": 1 for number in range(1, 6)}
    assert {status_of(world, f"webhook-{number}") for number in range(1, 6)} == {"delivered"}
    assert (list(world.webhooks), list(world.dead_letters)) == ([], [])
    newest = {one["last_order_id"] for one in world.batch.attributes.values()}
    assert newest == {"000000003", "000000004", "000000005"}


def test_a_ledger_that_stays_unwritable_ends_in_the_dead_letter_queue_with_growing_delays() -> None:
    world = unwritable(hours=1e6)
    world.send([webhook(1, 1)])
    play(world)
    assert [(one, kind) for one, kind, _ in parked_in(world)] == [("webhook-1", "batch_unavailable")]
    assert events_in(world) == {"000000001": 1}
    assert len(world.batch.calls) == MAX_WAITS_FOR_THE_LEDGER + 1
    moments = [moment for moment, _, _ in world.batch.calls]
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert pauses[:4] < pauses[4:8] < pauses[8:]
    assert 3000 < sum(pauses) < 6000


def test_without_a_waiting_room_too_it_stays_in_the_queue_longer_and_longer() -> None:
    world = unwritable(hours=1.0)
    world.queue.waiting_url = "away"
    send = world.sqs.send_message

    def no_waiting_room(**asked: Any) -> None:
        if asked["QueueUrl"] == "away":
            raise refused("SendMessage")
        send(**asked)

    world.sqs.send_message = no_waiting_room  # type: ignore[method-assign]
    world.send([webhook(1, 1)])
    world.run()
    assert 1 < events_in(world)["000000001"] < 20
    assert status_of(world, "webhook-1") == "delivered"


# ── Repeats of what Batch took in part ──────────────────────────────────────────────────────────────────


def in_part(world: World, part: str) -> None:
    """Let Batch refuse one part of the next call."""
    kind, _, name = part.partition(":")
    error = {"bulk_index": 0, "category": kind, "attribute": name, "reason": "..."}
    world.batch.answers.append(
        httpx.Response(202, json={"code": "SUCCESS_WITH_PARTIAL_ERRORS", "errors": [error]})
    )


def retried(world: World) -> Webhook:
    """The oldest parked webhook on its way again."""
    parked = world.queue.receive_parked(60)[0]
    world.queue.retry([parked])
    [message] = world.queue.client.receive_message(QueueUrl=world.queue.url)["Messages"]
    world.queue.finish([message["ReceiptHandle"]])
    return world.queue.webhook(message["Body"])


def test_a_repeat_of_a_webhook_that_batch_took_in_part_is_recognised_and_its_retry_goes_on(
    world: World, shopify: Any
) -> None:
    [first, _] = neighbours(shopify)
    in_part(world, "attribute:last_order_id")
    assert invoke(world, first) == []
    assert world.ledger.receipt(first.id).owed == ("attribute:last_order_id",)  # type: ignore[union-attr]
    assert invoke(world, first) == []
    assert event_names(world) == {"order_paid": 1}
    assert invoke(world, retried(world)) == []
    assert world.operations[-1]["attributes"] == {"last_order_id": "1"}
    assert status_of(world, first.id) == "delivered"
    assert invoke(world, first) == []
    assert event_names(world) == {"order_paid": 1}


def test_while_the_rest_waits_for_batch_a_repeat_is_recognised_too(world: World, shopify: Any) -> None:
    [first, _] = neighbours(shopify)
    in_part(world, "attribute:last_order_id")
    invoke(world, first)
    world.batch.answers.append(httpx.Response(503))
    assert len(invoke(world, retried(world))) == 1
    assert status_of(world, first.id) == "retrying"
    assert invoke(world, first) == []
    assert event_names(world) == {"order_paid": 1}


def test_a_refused_event_is_sent_by_the_retry_though_a_profile_gets_it_once(
    world: World, shopify: Any
) -> None:
    [first, _] = neighbours(shopify)
    in_part(world, "event:order_paid")
    invoke(world, first)
    invoke(world, retried(world))
    assert [len(one.get("events", [])) for one in world.operations] == [1, 1]
    assert "attributes" not in world.operations[-1]


def test_another_webhook_that_tells_of_a_refused_event_leaves_it_to_the_retry(
    world: World, shopify: Any
) -> None:
    [first, _] = neighbours(shopify)
    in_part(world, "event:order_paid")
    invoke(world, first)
    invoke(world, replace(first, id="webhook-9", body=first.body + b" "))
    invoke(world, retried(world))
    assert sum(len(one.get("events", [])) for one in world.operations) == 2, "the refused one, and its retry"


@pytest.mark.parametrize("first_comes", ["the repeat", "the retry"])
def test_of_a_parked_webhook_of_which_nothing_was_taken_one_is_delivered(
    world: World, shopify: Any, first_comes: str
) -> None:
    [first, _] = neighbours(shopify)
    world.batch.answers.append(httpx.Response(400))
    assert invoke(world, first) == []
    assert (status_of(world, first.id), world.ledger.receipt(first.id).owed) == ("parked", ())  # type: ignore[union-attr]
    again = retried(world)
    for one in (first, again) if first_comes == "the repeat" else (again, first):
        assert invoke(world, one) == []
    taken = world.batch.calls[1:]
    assert sum(len(one.get("events", [])) for call in taken for one in call) == 1


def test_a_stale_copy_of_the_whole_sends_nothing_once_a_part_was_taken(world: World, shopify: Any) -> None:
    [first, _] = neighbours(shopify)
    world.batch.answers.append(httpx.Response(400))
    invoke(world, first)
    stale = retried(world)
    in_part(world, "attribute:last_order_id")
    invoke(world, first)
    calls = len(world.batch.calls)
    assert invoke(world, stale) == []
    assert len(world.batch.calls) == calls


def test_events_whose_key_is_long_are_had_once(world: World, shopify: Any) -> None:
    def long(one: Webhook, settings: ConnectionSettings) -> ProfileChange:
        return ProfileChange(
            owners_person(email="ada@example.com"), events=(Event("seen", None, {}, "x" * 9000),)
        )

    world.mappers["shopify"] = long
    for number in (1, 2):
        assert invoke(world, shopify("orders/paid", number)) == []
    assert event_names(world) == {"seen": 1}
    assert len(str(world.ledger.state("default", world.ledger.receipt("webhook-1").custom_id))) < 500  # type: ignore[union-attr]
