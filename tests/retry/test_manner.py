"""How a retry goes: by time and topic, at a rate, up to a number, not in circles, and with a line for each."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest

from bridge.storage.queue import Failure, Parked
from functions.retry.handler import order_of, paced
from functions.retry.rounds import MAX_ROUNDS, DeadLetters, Filter, Order, Report, retry_round
from tests.core.stand_ins import Clock
from tests.retry.test_retry import FAILED, RECEIVED, left, queued, webhook


def park(
    world: Any, number: int, failure_class: str = "mapping_failed", call: Any = None, **changes: Any
) -> None:
    world.queue.park(webhook(number, **changes), Failure(failure_class, "a reason", FAILED, call))


def round_of(world: Any, order: Order | None = None, **wanted: Any) -> Report:
    return retry_round(DeadLetters(world.queue), Filter.of(wanted), order or Order(), lambda: True)


def hours(number: float) -> datetime:
    return RECEIVED + timedelta(hours=number)


@pytest.mark.parametrize(
    ("wanted", "moved"),
    [
        ({"connections": ["paris"]}, {2}),
        ({"topics": ["orders/create", "orders/paid"]}, {0, 1}),
        ({"since": hours(1).isoformat()}, {1, 2, 3}),
        ({"until": hours(1).isoformat()}, {0}),
        ({"since": hours(1).isoformat(), "until": "2026-09-10T16:30:00+02:00"}, {1, 2}),
        ({"since": ""}, {0, 1, 2, 3}),
    ],
)
def test_a_filter_names_connections_topics_and_times(
    world: Any, wanted: dict[str, Any], moved: set[int]
) -> None:
    park(world, 0)
    park(world, 1, received_at=hours(1), topic="orders/create")
    park(world, 2, received_at=hours(2), connection="paris", topic="refunds/create")
    park(world, 3, received_at=hours(3), topic="refunds/create")
    round_of(world, **wanted)
    assert {found.id for found in queued(world)} == {f"webhook-{number}" for number in moved}


@pytest.mark.parametrize("text", ["yesterday", "2026-09-10", "2026-09-10T12:00:00"])
def test_a_time_without_a_zone_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a time with a zone: since$"):
        Filter.of({"since": text})


def test_a_webhook_that_failed_three_times_more_is_retried_by_its_id_alone(world: Any) -> None:
    park(world, 1, retries=2)
    park(world, 2, retries=3)
    report = round_of(world, classes=["mapping_failed"])
    assert (report.retried, report.exhausted, report.left) == (1, 1, 1)
    assert left(world) == {"webhook-2"}
    assert round_of(world, ids=["webhook-2"]).retried == 1


@pytest.mark.parametrize("failure_class", ["batch_unavailable", "bad_credentials"])
def test_what_only_has_to_wait_is_tried_again_however_often(world: Any, failure_class: str) -> None:
    park(world, 1, failure_class, retries=MAX_ROUNDS + 40)
    assert round_of(world).retried == 1


def test_a_dry_run_shows_the_exhausted_too(world: Any) -> None:
    park(world, 1, retries=MAX_ROUNDS)
    report = round_of(world, Order(dry_run=True))
    assert [(found["id"], found["retries"]) for found in report.webhooks] == [("webhook-1", MAX_ROUNDS)]


def test_a_round_ends_at_its_limit_and_says_that_there_is_more(world: Any) -> None:
    for number in range(15):
        park(world, number)
    report = round_of(world, Order(limit=4))
    assert (report.retried, report.more) == (4, True)
    assert len(queued(world)) == 4
    assert len(left(world)) == 10


def test_every_retry_leaves_a_line_that_says_who_asked(world: Any, log: StringIO) -> None:
    park(world, 1)
    park(world, 2, retries=1)
    round_of(world, Order(by="arn:aws:iam::123456789012:role/crm"))
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    told = {line["webhook_id"]: line for line in lines if line["message"] == "webhook retried"}
    assert {name: (line["round"], line["by"]) for name, line in told.items()} == {
        "webhook-1": (1, "arn:aws:iam::123456789012:role/crm"),
        "webhook-2": (2, "arn:aws:iam::123456789012:role/crm"),
    }
    assert "ada@example.com" not in log.getvalue()


def test_a_schedule_is_named_where_nobody_asked() -> None:
    assert order_of({}).by == "schedule"
    assert order_of({"by": "somebody", "limit": "5"}).limit == 5


def test_no_more_go_in_a_second_than_were_asked_for() -> None:
    clock, slept = Clock(0.0), [0.0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += seconds

    pace = paced(4, clock, sleep)
    times = []
    for number in range(20):
        pace()
        times.append(clock.now)
        if number == 9:
            clock.now += 30
    assert times[4] - times[0] == pytest.approx(1)
    assert times[14] - times[10] == pytest.approx(1)
    assert sum(slept) < 5


class Shelf:
    """A place with one page, that notes what was waited for before it sent."""

    def __init__(self, *numbers: int) -> None:
        failure = Failure("mapping_failed", "a reason", FAILED, None)
        self.pages = [[Parked({"id": f"webhook-{number}"}, failure, str(number)) for number in numbers]]
        self.done: list[str] = []

    def page(self) -> list[Parked]:
        return self.pages.pop() if self.pages else []

    def retry(self, parked: Sequence[Parked]) -> list[Parked]:
        self.done += ["sent"] * len(parked)
        return []

    def release(self, kept: list[Parked]) -> None:
        assert not kept


def test_a_round_waits_its_turn_before_each_webhook_that_it_sends() -> None:
    shelf = Shelf(1, 2, 3)
    order = Order(pace=lambda: shelf.done.append("waited"))
    assert retry_round(shelf, Filter(), order, lambda: True).retried == 3
    assert shelf.done == ["waited"] * 3 + ["sent"] * 3


@pytest.mark.parametrize(
    ("event", "per_second"),
    [({"per_second": 100}, 100), ({}, 50), ({"release": True}, 200), ({"by": "crm"}, 50)],
    ids=["as asked for", "by the clock", "after an outage", "unless told otherwise"],
)
def test_every_way_to_ask_for_a_round_has_a_pace(event: dict[str, Any], per_second: int) -> None:
    pace, began = order_of(event).pace, time.monotonic()
    for _ in range(6):
        pace()
    assert 5 / per_second <= time.monotonic() - began


@pytest.mark.parametrize("rate", [0.05, -1, 5000])
def test_a_rate_that_makes_no_sense_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="per_second"):
        order_of({"per_second": rate})


def test_a_dry_run_hands_over_envelopes_where_it_is_asked_to(world: Any) -> None:
    call = {"identifiers": {"custom_id": "ada"}, "attributes": {"city": "London"}}
    park(world, 1, "rejected_by_batch", call)
    assert "envelope" not in round_of(world, Order(dry_run=True)).webhooks[0]
    [found] = round_of(world, Order(dry_run=True, with_envelopes=True)).webhooks
    assert found["envelope"]["failure"]["call"] == call
    assert "failure" not in round_of(world).webhooks[0]


def test_a_call_that_does_not_fit_into_a_message_is_left_out(world: Any) -> None:
    call = {"identifiers": {"custom_id": "ada"}, "attributes": {"text": "x" * 300_000}}
    park(world, 1, "rejected_by_batch", call)
    [parked] = world.queue.receive_parked(0)
    assert parked.failure.call is None
    assert (parked.failure.reason, parked.id) == ("a reason", "webhook-1")
