"""A connection that falls silent, is only refused, or never speaks is noticed; a healthy one is left in peace."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.observability import Cause
from bridge.receiving.signatures import NO_HEADER
from bridge.settings import ConnectionSettings
from bridge.storage.connections import MAX_DRIFTS, NOTE_EVERY_SECONDS, Connections, Known
from functions.deliver.schema_drift import fields
from functions.monitor.rounds import CAUSES, METRICS, watch
from functions.monitor.silence import (
    DRIFTS_COUNT_FOR,
    FIELD_CHANGED,
    FIELD_GONE,
    NEVER_SEEN,
    REFUSING,
    SILENT,
    TOPIC_MISSING,
    Memory,
    findings,
    remembered,
)
from tests.core.stand_ins import Clock

START = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
EVERY = timedelta(minutes=15)


class Shop:
    """A connection over time: it speaks, it is refused, and the monitor goes its rounds."""

    def __init__(self, world: Any) -> None:
        self.clock = Clock(START.timestamp())
        self.connections = Connections(world.ledger.table, world.ledger.client, self.clock)
        self.parameters = world.parameters

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now, UTC)

    def pass_time(self, **time: float) -> None:
        self.clock.now += timedelta(**time).total_seconds()

    def speak(self, topic: str = "orders/paid") -> None:
        self.connections.saw("shopify", "main", topic)

    def refuse(self, times: int, reason: str = "unknown") -> None:
        for _ in range(times):
            self.connections.refused("shopify", "main", reason)
        self.clock.now += NOTE_EVERY_SECONDS

    def watch(self) -> list[str]:
        return watch(self.connections, self.parameters, self.now).get("shopify/main", [])

    def live(self, days: int, *, speaks: Any = lambda now: True) -> None:
        """Speak every hour that `speaks` says, with the monitor going its rounds."""
        for _ in range(days * 24):
            if speaks(self.now):
                self.speak()
            self.watch()
            self.pass_time(hours=1)


@pytest.fixture
def shop(world: Any) -> Shop:
    return Shop(world)


def by_day(now: datetime) -> bool:
    return 8 <= now.hour < 20 and now.weekday() < 5


def test_a_connection_that_usually_speaks_every_hour_is_missed_within_hours(shop: Shop) -> None:
    shop.live(9)
    shop.pass_time(hours=1)
    assert shop.watch() == []
    shop.pass_time(hours=2)
    assert shop.watch() == [SILENT]
    assert shop.connections.known("shopify", "main").findings == (SILENT,)
    shop.speak()
    assert shop.watch() == []
    assert shop.connections.known("shopify", "main").findings == ()


def test_nights_and_weekends_are_usual_for_who_sleeps(shop: Shop) -> None:
    found: set[str] = set()
    for _ in range(30):
        shop.live(1, speaks=by_day)
        found |= set(shop.watch())
    assert found == set()


def test_a_connection_that_was_just_made_is_not_judged_by_its_first_days(shop: Shop) -> None:
    shop.live(2)
    shop.pass_time(days=5)
    assert shop.watch() == []


def test_a_setting_says_how_long_a_silence_may_be(shop: Shop) -> None:
    shop.parameters.write("shopify", "main", {"silence_hours": 30})
    shop.live(1)
    shop.pass_time(hours=28)
    assert shop.watch() == []
    shop.pass_time(hours=2)
    assert shop.watch() == [SILENT]
    shop.parameters.write("shopify", "main", {"silence_hours": 0})
    shop.parameters.cache.entries.clear()
    assert shop.watch() == []


def test_a_connection_whose_webhooks_are_all_refused_is_noticed_also_where_it_speaks_rarely(
    shop: Shop,
) -> None:
    shop.speak()
    shop.watch()
    shop.refuse(2)
    assert shop.watch() == []
    shop.refuse(1)
    assert shop.watch() == [REFUSING]
    shop.speak()
    assert shop.watch() == []


def test_strangers_at_the_door_of_a_busy_connection_ring_no_alarm(shop: Shop) -> None:
    for _ in range(10):
        shop.speak()
        shop.refuse(2, "no_header")
        assert shop.watch() == []


def test_a_tool_that_was_set_up_without_a_secret_is_noticed_after_three_calls_in_a_day(shop: Shop) -> None:
    shop.connections.connected("shopify", "main")
    shop.refuse(2, NO_HEADER)
    assert shop.watch() == []
    shop.pass_time(hours=2)
    shop.refuse(1, NO_HEADER)
    assert shop.watch() == [REFUSING]
    shop.pass_time(hours=30)
    assert REFUSING in shop.watch()
    shop.speak()
    assert shop.watch() == []


def test_unsigned_calls_now_and_then_ring_nothing(shop: Shop) -> None:
    shop.connections.connected("shopify", "main")
    for _ in range(20):
        shop.refuse(1, NO_HEADER)
        assert REFUSING not in shop.watch()
        shop.pass_time(hours=13)


def test_unsigned_calls_of_strangers_ring_nothing_of_a_connection_that_was_ever_proven(shop: Shop) -> None:
    shop.speak()
    shop.watch()
    for _ in range(50):
        shop.refuse(5, NO_HEADER)
        assert shop.watch() == []


def test_a_connection_that_never_spoke_within_a_day_of_its_secret_is_noticed(shop: Shop) -> None:
    shop.connections.connected("shopify", "main")
    shop.pass_time(hours=23)
    assert shop.watch() == []
    shop.pass_time(hours=2)
    assert shop.watch() == [NEVER_SEEN]
    shop.speak()
    assert shop.watch() == []


def test_a_topic_that_should_come_and_never_came_is_named(shop: Shop) -> None:
    shop.parameters.write("shopify", "main", {"expected_topics": ["orders/paid", "refunds/create"]})
    shop.speak("orders/paid")
    assert shop.watch() == []
    shop.pass_time(hours=25)
    shop.speak("orders/paid")
    assert shop.watch() == [f"{TOPIC_MISSING} refunds/create"]
    shop.speak("refunds/create")
    assert shop.watch() == []


def test_nothing_is_missed_of_a_connection_whose_app_was_removed(shop: Shop) -> None:
    shop.live(9)
    shop.connections.inactivate("shopify", "main")
    shop.pass_time(days=3)
    shop.refuse(5)
    assert shop.watch() == []


def test_wrong_settings_do_not_stop_the_round(shop: Shop) -> None:
    shop.parameters.write("shopify", "main", {"silence_hours": "soon"})
    shop.live(9)
    shop.pass_time(hours=4)
    assert shop.watch() == [SILENT]


def test_every_round_counts_for_each_alarm_also_that_nothing_is_amiss(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.speak()
    shop.watch()
    assert counted(capsys.readouterr().out) == {name: [0] for name in METRICS.values()}
    for _ in range(3):
        shop.refuse(1)
    shop.watch()
    assert counted(capsys.readouterr().out)["ConnectionsRefusing"] == [1]


def test_a_finding_rings_once_when_it_is_new_however_often_the_watch_looks(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.speak()
    shop.watch()
    for _ in range(3):
        shop.refuse(1)
    for _ in range(4):
        shop.watch()
        shop.pass_time(minutes=15)
    assert causes(capsys.readouterr().out) == ["connection_refusing"]
    shop.speak()
    shop.watch()
    for _ in range(3):
        shop.refuse(1)
    shop.watch()
    assert causes(capsys.readouterr().out) == ["connection_refusing"]


def test_every_kind_of_finding_has_a_cause_that_rings() -> None:
    assert set(CAUSES) == set(METRICS)
    assert set(CAUSES.values()) <= set(get_args(Cause))


def causes(text: str) -> list[str]:
    """Return the causes that rang."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line["cause"] for line in lines if "NeedsAttention" in line]


def test_the_fields_that_delivery_noted_as_gone_or_changed_are_told_for_two_weeks(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.speak()
    since = shop.now.isoformat(timespec="seconds")
    fields = [f"{since} {FIELD_GONE} customer.email", f"{since} {FIELD_CHANGED} total_price"]
    assert shop.connections.drifted("shopify", "main", "orders/paid", fields)
    assert shop.watch() == [
        f"{FIELD_GONE} orders/paid customer.email",
        f"{FIELD_CHANGED} orders/paid total_price",
    ]
    assert counted(capsys.readouterr().out)["FieldsDrifted"] == [2]
    shop.pass_time(seconds=DRIFTS_COUNT_FOR.total_seconds() + 1)
    assert FIELD_GONE not in " ".join(shop.watch())


def test_fields_that_are_back_are_told_no_more(shop: Shop) -> None:
    shop.speak()
    field = f"{shop.now.isoformat()} {FIELD_GONE} email"
    shop.connections.drifted("shopify", "main", "orders/paid", [field] * (MAX_DRIFTS + 1))
    assert len(shop.watch()) == MAX_DRIFTS
    shop.connections.drifted("shopify", "main", "orders/paid", [])
    assert shop.watch() == []


def test_delivery_and_the_watch_tell_of_a_drift_in_the_same_words_and_for_as_long() -> None:
    assert (fields.GONE, fields.CHANGED, fields.TOLD_FOR) == (FIELD_GONE, FIELD_CHANGED, DRIFTS_COUNT_FOR)


def counted(text: str) -> dict[str, Any]:
    """What was counted for the alarms."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return {name: line[name] for line in lines for name in line if name in METRICS.values()}


@given(st.lists(st.integers(min_value=1, max_value=10**6), min_size=1, max_size=50))
def test_the_usual_pause_is_never_shorter_than_the_last_one_nor_longer_than_the_longest(
    pauses: list[int],
) -> None:
    now, memory = START, Memory()
    for pause in (0, *pauses):
        now += timedelta(seconds=pause)
        memory = remembered(Known("stripe", "main", topics={"x": now.isoformat()}), memory, now)
    assert pauses[-1] <= memory.usual_pause_seconds <= max(pauses)
    assert Memory.of(memory.dump()) == memory


def test_a_memory_that_cannot_be_read_begins_anew() -> None:
    assert Memory.of("nonsense") == Memory.of('{"other": 1}') == Memory()


def test_a_connection_that_never_spoke_and_was_never_connected_is_nobodys_business() -> None:
    known = Known("shopify", "main", first_seen=START.isoformat())
    assert list(findings(known, Memory(), ConnectionSettings(), START + timedelta(days=9))) == []


def rounds(*states: Known, now: datetime = START) -> list[list[str]]:
    """Return what each round finds, of a connection in these states one after the other."""
    memory, found = Memory(), []
    for known in states:
        memory = remembered(known, memory, now)
        found.append(list(findings(known, memory, ConnectionSettings(), now)))
    return found


@pytest.mark.parametrize("reason", ["unknown", NO_HEADER])
def test_a_connection_that_was_refused_and_then_fixed_is_well_from_its_first_webhook_on(reason: str) -> None:
    refused = Known("shopify", "main", START.isoformat(), refused={reason: 5})
    spoken = replace(refused, topics={"orders/paid": START.isoformat()})
    again = replace(spoken, refused={"unknown": 3 + 5 * (reason == "unknown"), reason: 8})
    assert rounds(refused, spoken, spoken, again) == [[REFUSING], [], [], [REFUSING]]


@pytest.mark.parametrize("connected", ["", START.isoformat()], ids=["by nobody", "with its secret"])
def test_no_topic_is_missed_of_a_connection_that_was_only_ever_refused(connected: str) -> None:
    settings = ConnectionSettings(expected_topics=("orders/paid", "refunds/create"))
    known = Known("shopify", "main", START.isoformat(), refused={"unknown": 2}, connected_at=connected)
    found = list(findings(known, Memory(), settings, START + timedelta(days=9)))
    assert found == ([NEVER_SEEN] if connected else [])
