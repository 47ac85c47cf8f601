"""Days of trouble on a simulated clock: nothing lost, nothing parked, and Batch called as little as it likes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bridge.observability import logger
from bridge.profiles import identity
from bridge.profiles.profile_change import ProfileChange
from functions.deliver.outcomes import MAX_RECEIVES
from tests.core.stand_ins import out_of_reach
from tests.owners import owners_person
from tests.simulation import KEYS, START, Killed, SimulatedWorld, order, webhook

HOUR = 3600.0
DAY = 24 * HOUR
WEBHOOKS, CUSTOMERS = 600, 60


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Without a log line for each of a hundred thousand receives, and with the same chances each time."""
    random.seed(7)
    before = logger.log_level
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel(before)


def spread_over(seconds: float, webhooks: int = WEBHOOKS) -> list[Any]:
    chance = random.Random(3)
    moments = sorted(chance.uniform(0, seconds) for _ in range(webhooks))
    return [
        webhook(number, chance.randrange(CUSTOMERS), START + moment)
        for number, moment in enumerate(moments, start=1)
    ]


def untroubled(webhooks: list[Any]) -> SimulatedWorld:
    world = SimulatedWorld()
    world.send(webhooks)
    world.run()
    return world


def away(status: int = 503, **headers: str) -> Any:
    return lambda operations: httpx.Response(status, headers=headers)


def holds_all(world: SimulatedWorld, webhooks: list[Any]) -> bool:
    """Whether everything was delivered once, as in a run without trouble, within Batch's limits."""
    assert world.batch.profiles == untroubled(webhooks).batch.profiles
    assert (list(world.webhooks), list(world.dead_letters)) == ([], [])
    assert world.batch.is_within_limits()
    return True


def test_a_day_without_batch_costs_few_calls_and_no_webhook() -> None:
    world, webhooks = SimulatedWorld(), spread_over(DAY)
    world.batch.troubles = [(START, START + DAY, away())]
    world.send(webhooks)
    ended = world.run()
    assert world.batch.calls_between(START, START + DAY) <= world.concurrency * (DAY / 60 + 10)
    assert ended - START - DAY < 660
    assert world.webhooks.most_receives < 200
    assert holds_all(world, webhooks)


@pytest.mark.parametrize("trouble", ["Batch", "keys"])
def test_twelve_days_burn_no_webhooks_receives_not_even_those_behind_another(trouble: str) -> None:
    world, webhooks = SimulatedWorld(concurrency=2), spread_over(HOUR, webhooks=12)
    if trouble == "Batch":
        world.batch.troubles = [(START, START + 11.9 * DAY, away())]
    else:
        world.batch.refused_keys = {"right"}
        world.at(START + 11.9 * DAY, world.batch.refused_keys.clear)
    world.send(webhooks)
    world.run()
    assert world.webhooks.most_receives < MAX_RECEIVES - 50
    assert holds_all(world, webhooks)


def test_after_an_hour_of_wrong_keys_all_is_delivered_within_a_minute_of_the_right_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world, webhooks = SimulatedWorld(), spread_over(HOUR, webhooks=200)
    new = KEYS | {"rest_api_key": "new"}
    world.batch.refused_keys = {"right"}
    world.at(START + HOUR, lambda: world.aws_secrets.values.update({"stack/batch/default": new}))
    world.send(webhooks)
    ended = world.run()
    probes = world.batch.calls_between(START, START + HOUR)
    assert probes <= world.concurrency * (HOUR / 30 + 1)
    assert capsys.readouterr().out.count('"BatchCredentialsRefused":') == probes
    assert ended - START - HOUR < 60
    assert holds_all(world, webhooks)


def test_keys_that_were_never_stored_are_used_within_a_minute_of_being_stored() -> None:
    world, webhooks = SimulatedWorld(), spread_over(HOUR, webhooks=50)
    world.aws_secrets.values["stack/batch/default"] = {"rest_api_key": "half", "project_key": ""}
    world.at(START + HOUR, lambda: world.aws_secrets.values.update({"stack/batch/default": KEYS}))
    world.send(webhooks)
    ended = world.run()
    assert world.batch.calls_between(START, START + HOUR) == 0
    assert ended - START - HOUR < 60
    assert holds_all(world, webhooks)


@pytest.mark.parametrize("headers", [{}, {"retry-after": "20"}, {"retry-after": "86400"}], ids=str)
def test_a_storm_of_429_is_ridden_out(headers: dict[str, str]) -> None:
    chance = random.Random(5)
    refusal = httpx.Response(429, headers=headers)
    world, webhooks = SimulatedWorld(), spread_over(HOUR, webhooks=400)
    world.batch.troubles = [(START, START + HOUR, lambda _: refusal if chance.random() < 0.7 else None)]
    world.send(webhooks)
    assert world.run() - START - HOUR < 1500
    assert holds_all(world, webhooks)


def test_where_batch_names_a_time_it_is_left_alone_until_then() -> None:
    world, webhooks = SimulatedWorld(concurrency=2), spread_over(100, webhooks=100)
    world.batch.troubles = [(START, START + 100, away(429, **{"retry-after": "300"}))]
    world.send(webhooks)
    world.run()
    assert world.batch.calls_between(START, START + 300) <= world.concurrency
    assert holds_all(world, webhooks)


def test_a_half_broken_batch_gets_everything_once() -> None:
    chance = random.Random(5)
    faults = [httpx.Response(500, text="<html>"), httpx.ConnectError("no"), httpx.RemoteProtocolError("cut")]
    world, webhooks = SimulatedWorld(), spread_over(HOUR, webhooks=400)
    world.batch.troubles = [(START, START + HOUR, lambda _: chance.choice([*faults, None, None]))]
    world.send(webhooks)
    world.run()
    assert holds_all(world, webhooks)


class BreaksOff(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        yield b'{"code": "SUC'
        raise httpx.ReadError("reset")


@pytest.mark.parametrize(
    "answer",
    [
        lambda: httpx.Response(202, stream=BreaksOff()),
        lambda: httpx.Response(202, content=b'{"code": "SUC'),
        lambda: httpx.Response(202, content=b"<html>"),
    ],
    ids=["reset", "truncated", "no JSON"],
)
def test_what_batch_took_is_not_sent_again_though_its_answer_is_unreadable(
    answer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    world, webhooks = SimulatedWorld(), spread_over(60, webhooks=40)

    def took(operations: list[dict[str, Any]]) -> httpx.Response:
        world.batch.apply(operations)
        reply: httpx.Response = answer()
        return reply

    world.batch.troubles = [(START, START + HOUR, took)]
    world.send(webhooks)
    world.run()
    assert holds_all(world, webhooks)
    assert capsys.readouterr().out.count('"BatchAnswersUnread":') == len(world.batch.calls)


def test_a_refusal_whose_body_breaks_off_is_still_that_refusal() -> None:
    world, webhooks = SimulatedWorld(), spread_over(60, webhooks=20)
    world.batch.troubles = [(START, START + 60, lambda _: httpx.Response(503, stream=BreaksOff()))]
    world.send(webhooks)
    world.run()
    assert holds_all(world, webhooks)


def test_a_lost_answer_doubles_the_events_of_that_call_alone_and_loses_none() -> None:
    world, webhooks = SimulatedWorld(), spread_over(60, webhooks=40)
    lost: list[int] = []

    def take_and_say_nothing(operations: list[dict[str, Any]]) -> httpx.Response | Exception | None:
        if lost:
            return None
        world.batch.apply(operations)
        lost.append(sum(len(operation["events"]) for operation in operations))
        return httpx.ReadTimeout("nothing came")

    world.batch.troubles = [(START, START + HOUR, take_and_say_nothing)]
    world.send(webhooks)
    world.run()
    expected = untroubled(webhooks).batch
    assert world.batch.attributes == expected.attributes
    got = [number for events in world.batch.events.values() for number in events]
    assert set(got) == {number for events in expected.events.values() for number in events}
    assert len(got) - len(set(got)) == lost[0]


def test_parts_that_batch_refuses_in_every_call_are_parked_once_each() -> None:
    world, webhooks = SimulatedWorld(), spread_over(60, webhooks=40)

    def partly(operations: list[dict[str, Any]]) -> httpx.Response:
        errors = [
            {"bulk_index": place, "category": "attribute", "attribute": "last_order_id", "reason": "..."}
            for place in range(len(operations))
        ]
        return httpx.Response(202, json={"code": "SUCCESS_WITH_PARTIAL_ERRORS", "errors": errors})

    world.batch.troubles = [(START, START + HOUR, partly)]
    world.send(webhooks)
    world.run()
    calls = sum(profiles for _, profiles, _ in world.batch.calls)
    assert len(list(world.dead_letters)) == calls
    assert list(world.webhooks) == []


# ── Pace and time ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("concurrency", [2, 5, 40])
def test_a_backlog_is_worked_off_at_batchs_rate_and_never_faster(concurrency: int) -> None:
    webhooks = [webhook(number, number) for number in range(3000)]
    world = SimulatedWorld(concurrency)
    world.batch.latency_seconds = 0.001
    world.send(webhooks)
    took = world.run() - START
    assert world.batch.is_within_limits()
    assert world.batch.most_profiles_in_a_second() <= 300 + 10 * concurrency
    assert took < 3000 / 300 * 1.6 + 2
    assert len(world.batch.events) == 3000


@pytest.mark.parametrize("seconds", [9.0, 12.9])
def test_a_slow_batch_lets_no_invocation_run_into_its_timeout(seconds: float) -> None:
    world, webhooks = SimulatedWorld(), spread_over(600, webhooks=200)
    world.batch.latency_seconds = seconds
    world.mappers["shopify"] = many_events
    world.send(webhooks)
    world.run()
    assert (list(world.webhooks), list(world.dead_letters)) == ([], [])
    assert sorted(world.batch.events[CUSTOMER]) == [
        f"{number:09}" for number in range(1, 201) for _ in "12345678"
    ]


CUSTOMER = identity.email_sha256("one@example.com")


def many_events(one: Any, settings: Any) -> ProfileChange:
    """All of one customer, and so many events that each webhook needs a call of its own."""
    change = order(one, settings)
    return replace(change, person=owners_person(email="one@example.com"), events=change.events * 8)


@pytest.mark.parametrize("seconds", [0.1, 1.0, 9.0])
def test_several_guilty_webhooks_are_found_however_slow_batch_is(seconds: float) -> None:
    guilty = {f"{number:09}" for number in range(1, 41, 2)}
    world = SimulatedWorld(concurrency=2)
    world.batch.latency_seconds = seconds

    def refuse(operations: list[dict[str, Any]]) -> httpx.Response | None:
        told = {event["attributes"]["order_id"] for operation in operations for event in operation["events"]}
        return httpx.Response(413) if told & guilty else None

    world.batch.troubles = [(START, START + DAY, refuse)]
    world.send([webhook(number, number % 25, START) for number in range(1, 41)])
    assert world.run() - START < 900
    assert {json.loads(one.body)["id"] for one in world.dead_letters} == {
        f"webhook-{int(number)}" for number in guilty
    }
    delivered = [number for events in world.batch.events.values() for number in events]
    assert sorted([*delivered, *guilty]) == [f"{number:09}" for number in range(1, 41)]
    assert list(world.webhooks) == []


def test_without_time_for_a_call_a_webhook_comes_back_in_a_moment_and_its_profile_is_free() -> None:
    world = SimulatedWorld(concurrency=1)
    mapper = world.mappers["shopify"]

    def dawdling(one: Any, settings: Any) -> ProfileChange:
        world.time.sleep(13 if world.webhooks.most_receives == 1 else 0)
        return mapper(one, settings)

    world.mappers["shopify"] = dawdling
    world.send([webhook(1, 1)])
    assert world.run() - START < 13 + 10
    assert [status for _, _, status in world.batch.calls] == [202]
    assert world.ledger.receipt("webhook-1").status == "delivered"  # type: ignore[union-attr]


# ── What kills the process ──────────────────────────────────────────────────────────────────────────────


def test_a_webhook_that_kills_its_process_is_parked_and_takes_no_other_with_it() -> None:
    world = SimulatedWorld(concurrency=2)
    mapper, deaths = world.mappers["shopify"], list[float]()

    def deadly(one: Any, settings: Any) -> ProfileChange:
        if one.id in ("webhook-4", "webhook-8"):
            deaths.append(world.time.now)
            raise Killed
        return mapper(one, settings)

    world.mappers["shopify"] = deadly
    world.send([webhook(number, number % 9) for number in range(1, 21)])
    world.run()
    [*parked] = sorted(json.loads(one.body)["id"] for one in world.dead_letters)
    assert parked == ["webhook-4", "webhook-8"]
    assert {json.loads(one.body)["failure"]["reason"] for one in world.dead_letters} == {
        "delivery broke off too often"
    }
    receipt = world.ledger.receipt("webhook-4")
    assert receipt is not None
    assert (receipt.status, receipt.failure_class) == ("parked", "mapping_failed")
    delivered = [number for events in world.batch.events.values() for number in events]
    assert sorted(delivered) == [f"{number:09}" for number in range(1, 21) if number not in (4, 8)]
    assert len(deaths) <= 12
    assert list(world.webhooks) == []


def test_a_ledger_that_is_away_for_hours_makes_nothing_look_deadly() -> None:
    world, webhooks = SimulatedWorld(), spread_over(HOUR, webhooks=100)
    world.ledger.client = LedgerAway(world.dynamo, world.time, until=START + 5 * HOUR)
    world.send(webhooks)
    world.run()
    assert holds_all(world, webhooks)


class LedgerAway:
    """DynamoDB, out of reach until a moment."""

    def __init__(self, client: Any, clock: Any, until: float) -> None:
        self.client = client
        self.clock = clock
        self.until = until

    def __getattr__(self, name: str) -> Any:
        if name != "exceptions" and self.clock() < self.until:
            raise out_of_reach()
        return getattr(self.client, name)
