"""What is known of each connection, and that nobody is troubled where it cannot be noted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.errors import Unavailable
from bridge.storage.connections import (
    MAX_TOPIC_CHARACTERS,
    MAX_TOPICS,
    MAX_UNNAMED,
    NOTE_EVERY_SECONDS,
    Connections,
    Known,
)
from tests.core.stand_ins import Calls, Clock, out_of_reach


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 8, 29, 8, 0, tzinfo=UTC).timestamp())


@pytest.fixture
def connections(world: Any, clock: Clock) -> Connections:
    return Connections(world.ledger.table, world.ledger.client, clock)


def test_a_connection_of_which_nothing_is_known_has_never_spoken(connections: Connections) -> None:
    assert connections.known("shopify", "main") == Known("shopify", "main")
    assert connections.known("shopify", "main").last_seen == ""
    assert connections.all() == []


def test_each_topic_is_known_by_when_it_was_last_seen(connections: Connections, clock: Clock) -> None:
    connections.saw("shopify", "main", "orders/paid")
    clock.now += NOTE_EVERY_SECONDS
    connections.saw("shopify", "main", "orders/create")
    known = connections.known("shopify", "main")
    assert known.topics == {"orders/paid": "2026-08-29T08:00:00Z", "orders/create": "2026-08-29T08:01:00Z"}
    assert known.last_seen == "2026-08-29T08:01:00Z"
    assert known.first_seen == "2026-08-29T08:00:00Z"


def test_the_same_topic_is_noted_once_a_minute_at_most(connections: Connections, clock: Clock) -> None:
    connections.saw("shopify", "main", "orders/paid")
    clock.now += NOTE_EVERY_SECONDS - 1
    connections.saw("shopify", "main", "orders/paid")
    assert connections.known("shopify", "main").last_seen == "2026-08-29T08:00:00Z"
    clock.now += 1
    connections.saw("shopify", "main", "orders/paid")
    assert connections.known("shopify", "main").last_seen == "2026-08-29T08:01:00Z"


def test_refusals_are_counted_also_those_between_two_notes(connections: Connections, clock: Clock) -> None:
    for _ in range(5):
        connections.refused("stripe", "eu", "mismatch")
    clock.now += NOTE_EVERY_SECONDS
    connections.refused("stripe", "eu", "mismatch")
    connections.refused("stripe", "eu", "no_header")
    known = connections.known("stripe", "eu")
    assert known.refused == {"mismatch": 6, "no_header": 1}
    assert known.refused_at["mismatch"] == "2026-08-29T08:01:00Z"
    assert known.last_seen == ""


def test_a_connection_whose_tool_was_uninstalled_is_known_as_inactive(connections: Connections) -> None:
    connections.inactivate("shopify", "main")
    assert connections.known("shopify", "main").inactive_since == "2026-08-29T08:00:00Z"
    assert connections.inactivate("shopify", "paris", "2026-08-28T08:00:00Z")
    assert connections.known("shopify", "paris").inactive_since == "2026-08-28T08:00:00Z"


@pytest.mark.parametrize(
    ("received_at", "is_active"),
    [
        ("2026-08-29T08:00:01Z", True),
        ("2026-08-29T08:00:00Z", False),
        ("2026-08-29T07:59:59Z", False),
        ("", False),
    ],
)
def test_only_what_came_in_after_the_tool_had_left_makes_it_active_again(
    connections: Connections, received_at: str, is_active: bool
) -> None:
    connections.saw("shopify", "main", "orders/paid", "2026-08-29T07:00:00Z")
    connections.inactivate("shopify", "main")
    connections.saw("shopify", "main", "orders/paid", received_at)
    known = connections.known("shopify", "main")
    assert (known.inactive_since == "") == is_active
    assert known.topics == {"orders/paid": "2026-08-29T08:00:00Z"}


def test_all_connections_are_found_together(connections: Connections) -> None:
    connections.saw("stripe", "main", "invoice.paid")
    connections.saw("shopify", "paris", "orders/paid")
    connections.refused("shopify", "main", "mismatch")
    assert [(known.source, known.name) for known in connections.all()] == [
        ("shopify", "main"),
        ("shopify", "paris"),
        ("stripe", "main"),
    ]


def test_a_topic_that_is_no_name_is_not_kept(connections: Connections) -> None:
    connections.saw("custom", "main", "x" * (MAX_TOPIC_CHARACTERS + 1))
    assert connections.known("custom", "main").topics == {}


def test_where_it_cannot_be_noted_nobody_is_troubled_but_who_reads_is_told(clock: Clock) -> None:
    broken = {"update_item": out_of_reach(), "batch_get_item": out_of_reach()}
    connections = Connections("ledger", Calls(broken), clock)
    connections.saw("shopify", "main", "orders/paid")
    connections.refused("shopify", "main", "mismatch")
    connections.reactivate("shopify", "main", "2026-08-29T08:00:00Z")
    assert not connections.inactivate("shopify", "main")
    with pytest.raises(Unavailable):
        connections.known("shopify", "main")


def test_of_very_many_topics_those_seen_last_are_kept(world: Any) -> None:
    for number in range(MAX_TOPICS + 20):
        world.now += 1
        world.connections.saw("custom", "main", f"topic-{number:04}")
    topics = world.connections.known("custom", "main").topics
    assert sorted(topics) == [f"topic-{number:04}" for number in range(20, MAX_TOPICS + 20)]


def test_the_newest_boxes_that_no_setting_names_are_noted_one_webhook_a_minute(
    connections: Connections, clock: Clock
) -> None:
    connections.left_unnamed("form", "main", ["newsletter=email"])
    connections.left_unnamed("form", "main", ["of the same minute=email"])
    assert connections.known("form", "main").unnamed == ("newsletter=email",)
    for number in range(MAX_UNNAMED):
        clock.now += NOTE_EVERY_SECONDS
        connections.left_unnamed("form", "main", [f"box {number}=sms"])
    assert connections.known("form", "main").unnamed == tuple(f"box {n}=sms" for n in range(MAX_UNNAMED))


def test_of_a_webhook_with_many_boxes_a_few_are_noted_and_none_that_holds_an_email_or_a_text(
    connections: Connections, clock: Clock
) -> None:
    connections.left_unnamed("form", "main", ["ada@example.com=email", f"{'a' * MAX_TOPIC_CHARACTERS}=sms"])
    connections.left_unnamed("form", "main", [f"box {number}=sms" for number in range(1000)])
    assert len(connections.known("form", "main").unnamed) == MAX_UNNAMED
