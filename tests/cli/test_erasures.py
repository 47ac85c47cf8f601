"""`bridge erasures`: what waits is listed, and done or left as a person says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.storage import erasures
from bridge.storage.erasures import Erasure
from bridge.storage.queue import WebhookQueue
from cli.stack import Stack
from tests.cli.conftest import Bridge

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
SHOP = erasures.of_shop("default", "shopify/main", "webhook-1", NOW, 48)
PERSON = erasures.of_person("default", "1042", "shopify/main", "webhook-2", NOW, "other sources fed it too")


@pytest.fixture(autouse=True)
def waiting(stack: Stack, queue: WebhookQueue) -> None:
    stack.queue_url = queue.url
    for erasure in (SHOP, PERSON):
        assert erasures.open_one(stack.ledger, erasure)


def asked(queue: WebhookQueue) -> list[Any]:
    """The requests that lie in the queue."""
    answer = queue.client.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10)
    return [queue.webhook(message["Body"]) for message in answer.get("Messages", [])]


def listed(bridge: Bridge, stack: Stack, *options: str) -> list[dict[str, Any]]:
    result = bridge("erasures", "--stack", stack.name, "--json", *options)
    found: list[dict[str, Any]] = json.loads(result.stdout)["erasures"]
    return found


def test_what_waits_is_listed_with_its_reason_and_its_time(bridge: Bridge, stack: Stack) -> None:
    found = {one["scope"]: one for one in listed(bridge, stack)}
    assert (found["shop"]["status"], found["shop"]["due"]) == ("announced", "2026-09-12T12:00:00Z")
    assert (found["person"]["custom_id"], found["person"]["why"]) == ("1042", "other sources fed it too")
    assert {one["decide_by"] for one in found.values()} == {"2026-10-10T12:00:00Z"}
    text = bridge("erasures", "--stack", stack.name).stdout
    for word in (SHOP.id, PERSON.id, "all people of shopify/main", "1042", "bridge erasures confirm ID"):
        assert word in text


def test_connections_say_that_erasures_wait(bridge: Bridge, stack: Stack) -> None:
    assert "shopify/main: 2 erasures are pending" in bridge("connections", "--stack", stack.name).stdout
    found = json.loads(bridge("connections", "--stack", stack.name, "--json").stdout)
    assert {one["id"] for one in found["erasures"]} == {SHOP.id, PERSON.id}


@pytest.mark.parametrize(("erasure", "topic"), [(SHOP, "forget_all"), (PERSON, "forget")])
def test_what_is_confirmed_is_begun_at_once(
    bridge: Bridge, stack: Stack, queue: WebhookQueue, erasure: Erasure, topic: str
) -> None:
    result = bridge("erasures", "confirm", erasure.id, "--yes", "--stack", stack.name, "--json")
    [wish] = asked(queue)
    assert (json.loads(result.stdout)["webhook"], wish.topic) == (wish.id, topic)
    assert json.loads(wish.body)["erasure"] == erasure.id
    [begun] = [one for one in listed(bridge, stack) if one["id"] == erasure.id]
    assert begun["status"] == "begun"


def test_it_asks_whether_that_is_meant(bridge: Bridge, stack: Stack, queue: WebhookQueue) -> None:
    result = bridge("erasures", "confirm", SHOP.id, "--stack", stack.name, typed="n\n")
    assert result.exit_code != 0
    assert "all people known from shopify/main" in result.stderr
    assert asked(queue) == []


def test_what_is_cancelled_is_not_done_and_is_listed_for_35_days_where_asked_for(
    bridge: Bridge, stack: Stack, queue: WebhookQueue
) -> None:
    assert "cancelled" in bridge("erasures", "cancel", SHOP.id, "--stack", stack.name).stdout
    assert [one["id"] for one in listed(bridge, stack)] == [PERSON.id]
    assert {one["status"] for one in listed(bridge, stack, "--ended")} == {"cancelled", "undecided"}
    for action in ("confirm", "cancel"):
        result = bridge("erasures", action, SHOP.id, "--yes", "--stack", stack.name)
        assert (result.exit_code, asked(queue)) == (1, [])
        assert "cancelled" in result.stderr


def test_what_was_begun_cannot_be_cancelled(bridge: Bridge, stack: Stack) -> None:
    erasures.begin(stack.ledger, SHOP)
    result = bridge("erasures", "cancel", SHOP.id, "--stack", stack.name)
    assert result.exit_code == 1
    assert "it can no longer be cancelled" in result.stderr


@pytest.mark.parametrize("words", [("confirm",), ("list", SHOP.id), ("forget", SHOP.id)])
def test_a_wrong_use_is_told(bridge: Bridge, stack: Stack, words: tuple[str, ...]) -> None:
    assert bridge("erasures", *words, "--stack", stack.name).exit_code == 2


def test_an_id_that_there_is_not_is_told(bridge: Bridge, stack: Stack) -> None:
    result = bridge("erasures", "cancel", "0123", "--stack", stack.name)
    assert result.exit_code == 1
    assert "there is no erasure 0123" in result.stderr


def test_where_nothing_waits_that_is_said(bridge: Bridge, stack: Stack) -> None:
    for erasure in (SHOP, PERSON):
        erasures.cancel(stack.ledger, erasure, NOW)
    assert "No erasure is pending" in bridge("erasures", "--stack", stack.name).stdout


# ── Many at once ────────────────────────────────────────────────────────────────────────────────────────

OTHER = erasures.of_person("default", "1043", "shopify/main", "webhook-3", NOW, "other sources fed it too")


def test_all_persons_are_confirmed_after_a_listing_and_one_question(
    bridge: Bridge, stack: Stack, queue: WebhookQueue
) -> None:
    assert erasures.open_one(stack.ledger, OTHER)
    result = bridge("erasures", "confirm", "--all", "--stack", stack.name, typed="y\n")
    assert result.exit_code == 0
    for word in (PERSON.id, OTHER.id, "Erase these 2 whole profiles"):
        assert word in result.stderr
    assert SHOP.id not in result.stderr
    wishes = [json.loads(wish.body) for wish in asked(queue)]
    assert {wish["erasure"] for wish in wishes} == {PERSON.id, OTHER.id}
    statuses = {one["id"]: one["status"] for one in listed(bridge, stack)}
    assert statuses == {SHOP.id: "announced", PERSON.id: "begun", OTHER.id: "begun"}


def test_no_is_no_for_all(bridge: Bridge, stack: Stack, queue: WebhookQueue) -> None:
    result = bridge("erasures", "confirm", "--all", "--stack", stack.name, typed="n\n")
    assert (result.exit_code == 0, asked(queue)) == (False, [])
    assert {one["status"] for one in listed(bridge, stack)} == {"announced", "undecided"}


def test_yes_asks_nothing_and_json_says_what_was_begun(
    bridge: Bridge, stack: Stack, queue: WebhookQueue
) -> None:
    result = bridge("erasures", "confirm", "--all", "--yes", "--json", "--stack", stack.name)
    [wish], told = asked(queue), json.loads(result.stdout)
    assert [(one["erasure"]["id"], one["webhook"]) for one in told["begun"]] == [(PERSON.id, wish.id)]
    assert told["ended"] == []


def test_all_of_nobody_is_nobody(bridge: Bridge, stack: Stack, queue: WebhookQueue) -> None:
    erasures.cancel(stack.ledger, PERSON, NOW)
    result = bridge("erasures", "confirm", "--all", "--stack", stack.name)
    assert (result.exit_code, asked(queue)) == (0, [])
    assert "0 started" in result.stdout


@pytest.mark.parametrize("words", [("list", "--all"), ("cancel", "--all"), ("confirm", SHOP.id, "--all")])
def test_all_belongs_to_confirm_alone(bridge: Bridge, stack: Stack, words: tuple[str, ...]) -> None:
    assert bridge("erasures", *words, "--stack", stack.name).exit_code == 2
