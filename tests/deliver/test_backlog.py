"""A day without one project's Batch stops no other project, loses nothing, and is worked off afterwards.

SQS looks through the first 120,000 messages of a FIFO queue. All numbers are a thousandth: 50 webhooks a second are one
in 20 seconds, and SQS looks through 120. A thousandth takes seconds to play; a hundredth shows the same in minutes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from bridge.errors import BatchUnavailable
from bridge.observability import logger
from bridge.profiles.identity import email_sha256
from bridge.storage.queue import MOST_MESSAGES, Failure, WebhookQueue
from bridge.webhook import Webhook
from functions.deliver.backlog import READ_EVERY_SECONDS, Backlog
from functions.retry import handler as retry
from functions.retry.rounds import DeadLetters, Filter, Order, retry_round
from tests.core.stand_ins import Calls, Clock, out_of_reach
from tests.simulation import START, SimulatedWorld, webhook

SCALE = 2000
HOUR = 3600.0
OUTAGE_HOURS = 24
WEBHOOKS_PER_HOUR = 50 * HOUR / SCALE
LOOKED_AT = 120_000 // SCALE
WAITING_CLASSES = ("batch_unavailable", "bad_credentials")
AWAY, FINE = "away", "fine"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    random.seed(7)
    before = logger.log_level
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel(before)


class TwoProjects(SimulatedWorld):
    """Two connections, each with a Batch project of its own; the first project's Batch is unavailable for hours."""

    def __init__(self, most_messages: float, hours: float) -> None:
        super().__init__(most_messages=most_messages)
        self.until = START + hours * HOUR
        self.webhooks.looks_at = LOOKED_AT
        keys = {"rest_api_key": "right", "project_key": AWAY}
        self.aws_secrets.values[f"stack/batch/{AWAY}"] = keys
        self.longest_lag = 0.0
        find = self.aws_secrets.get_parameter

        def get_parameter(Name: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
            if Name.endswith(f"/{AWAY}"):
                return {"Parameter": {"Value": f'{{"project": "{AWAY}"}}'}}
            return find(Name)

        self.aws_secrets.get_parameter = get_parameter  # type: ignore[method-assign]

    def call_batch(self, request: httpx.Request) -> httpx.Response:
        if request.headers["x-batch-project"] == AWAY and self.time.now < self.until:
            self.time.now += self.batch.latency_seconds
            return httpx.Response(503)
        return self.batch(request)

    def fill(self, hours: float) -> list[Webhook]:
        """50 webhooks a second for the project that is unavailable, one a second for the other."""
        chance = random.Random(3)
        sent = []
        for name, per_hour, first in ((AWAY, WEBHOOKS_PER_HOUR, 0), (FINE, WEBHOOKS_PER_HOUR / 10, 10**6)):
            for number in range(int(per_hour * hours)):
                moment = START + (number + chance.random()) * HOUR / per_hour
                one = webhook(first + number, first + chance.randrange(500), moment)
                sent.append(replace(one, connection=name, group=f"{name}-{one.group}"))
        self.send(sent)
        return sent

    def keep_rounds(self, hours: float) -> None:
        """The retry function each minute, as the template has it, at a thousandth of its pace."""
        package = retry.room_of(self.queue, self.time, retry.ROOM / SCALE)
        per_minute = 35 * retry.RELEASED_PER_SECOND // SCALE
        for minute in range(int(hours * 60)):
            self.at(START + minute * 60.0, lambda: self.release(package, per_minute))

    def release(self, room: Any, limit: int) -> None:
        def has_room(report: Any) -> bool:
            return bool(room(replace(report, retried=retry.ALWAYS_RETRIED)))

        order = Order(by="schedule", limit=limit, has_room=has_room)
        retry_round(DeadLetters(self.queue), Filter(WAITING_CLASSES), order, lambda: True)

    def lags(self, sent: list[Webhook]) -> list[float]:
        """Seconds until each webhook of the project that is well was delivered; infinity for those that were not."""
        found = []
        for one in sent:
            receipt = self.ledger.receipt(one.id)
            if one.connection == FINE:
                is_done = receipt is not None and receipt.status == "delivered"
                found.append(seconds_between(receipt) if is_done else float("inf"))
        return found


def seconds_between(receipt: Any) -> float:
    began, ended = (datetime.fromisoformat(text) for text in (receipt.received_at, receipt.finished_at))
    return (ended - began).total_seconds()


def test_a_day_without_one_project_stops_no_other_and_all_is_delivered_once_afterwards() -> None:
    world = TwoProjects(MOST_MESSAGES / SCALE, OUTAGE_HOURS)
    sent = world.fill(OUTAGE_HOURS + 2)
    world.keep_rounds(OUTAGE_HOURS * 2)
    world.run(until=START + OUTAGE_HOURS * HOUR)
    assert max(world.lags([one for one in sent if one.received_at.timestamp() < world.time.now - 300])) < 300
    assert len(world.webhooks.held) < LOOKED_AT
    assert len(list(world.dead_letters)) > 500
    world.run(until=START + OUTAGE_HOURS * 2 * HOUR)
    world.run()
    assert (list(world.webhooks), list(world.dead_letters)) == ([], [])
    delivered = [number for events in world.batch.events.values() for number in events]
    assert len(delivered) == len(set(delivered)) == len(sent)


def test_without_the_bound_the_other_project_stops_within_the_hour() -> None:
    """So the simulation plays the limit, and the test above means something."""
    world = TwoProjects(float("inf"), hours=3)
    sent = world.fill(3)
    world.run(until=START + 3 * HOUR)
    assert len(world.webhooks.held) > LOOKED_AT
    assert max(world.lags([one for one in sent if one.received_at.timestamp() < START + 2 * HOUR])) == float(
        "inf"
    )


def test_newest_states_win_though_older_ones_come_back_from_aside_later() -> None:
    world = TwoProjects(MOST_MESSAGES / SCALE, hours=3)
    sent = world.fill(4)
    world.keep_rounds(12)
    world.run(until=START + 12 * HOUR)
    world.run()
    newest: dict[str, str] = {}
    for one in sorted(sent, key=lambda one: int(one.id.partition("-")[2])):
        newest[one.group] = f"{int(one.id.partition('-')[2]):09}"
    assert sorted(one["last_order_id"] for one in world.batch.attributes.values()) == sorted(newest.values())


# ── How much the queue holds ────────────────────────────────────────────────────────────────────────────


def queue_of(*answers: Any) -> WebhookQueue:
    told = [one if isinstance(one, Exception) else {"Attributes": one} for one in answers]
    return WebhookQueue("queue", client=Calls({"get_queue_attributes": told}))


def test_what_is_on_its_way_and_what_is_delayed_counts_too() -> None:
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    queue = queue_of({names[0]: "1", names[1]: "20", "ApproximateNumberOfMessagesDelayed": "300"})
    assert queue.depth("queue") == 321


def test_the_queue_is_asked_twice_a_minute_at_most_and_what_it_said_last_holds_on() -> None:
    clock = Clock()
    queue = queue_of({"ApproximateNumberOfMessages": "60001"}, out_of_reach(), {})
    backlog = Backlog(queue, clock)
    for expected, calls in ((True, 1), (True, 2), (False, 3)):
        for _ in range(5):
            assert backlog.is_too_long() is expected
            clock.now += READ_EVERY_SECONDS / 5
        assert len(queue.client.made) == calls


def test_without_an_outage_nobody_asks_how_much_the_queue_holds() -> None:
    world = SimulatedWorld(most_messages=-1)
    world.send([webhook(number, number) for number in range(20)])
    world.run()
    assert all(process.backlog.read_again_at == 0 for process in world.processes)
    assert list(world.dead_letters) == []


def test_what_comes_back_in_a_moment_is_never_set_aside() -> None:
    world = SimulatedWorld(concurrency=1, most_messages=-1)
    custom_id = email_sha256("customer1@example.com") or ""
    world.ledger.lease("default", custom_id, "another", world.time.now)
    world.send([webhook(1, 1)])
    world.run()
    assert list(world.dead_letters) == []
    assert world.webhooks.most_receives > 5


# ── A round over many ───────────────────────────────────────────────────────────────────────────────────


class Counting:
    """A client of SQS each of whose calls takes 20 milliseconds."""

    def __init__(self, world: SimulatedWorld) -> None:
        self.world = world

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.world.sqs, name)

        def taking_time(**asked: Any) -> Any:
            self.world.time.sleep(0.02)
            return call(**asked)

        return taking_time


@pytest.mark.parametrize("meant", [True, False], ids=["retried", "left"])
def test_a_round_over_5000_parked_messages_ends_within_the_functions_time(meant: bool) -> None:
    world = SimulatedWorld()
    for number in range(5000):
        failure = Failure(
            BatchUnavailable.failure_class, "Batch answered 503", datetime.fromtimestamp(START, UTC)
        )
        world.queue.park(webhook(number, number), failure)
    world.queue.client = Counting(world)
    ends_at = world.time.now + 60

    class Context:
        def get_remaining_time_in_millis(self) -> float:
            return (ends_at - world.time.now) * 1000

    wanted = Filter(("batch_unavailable",) if meant else ("identity_unknown",))
    report = retry_round(DeadLetters(world.queue), wanted, Order(), retry.has_time(Context()))
    assert world.time.now < ends_at
    assert (report.retried, report.left) == ((5000, 0) if meant else (0, 5000))
    assert len(world.queue.receive_parked(60)) == (0 if meant else 10)
