"""A tool that leaves is noted and told of; a shop that asks for it is forgotten person by person, missing nobody."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge import roster
from bridge.connections import Connections
from bridge.identity import email_sha256
from bridge.ledger import Ledger, link_row
from bridge.webhook import Webhook
from functions.deliver import requests
from tests.core.stand_ins import Calls, out_of_reach
from tests.world import NOW, World

LEFT_AT = "2026-09-10T12:00:00Z"
SHOP = {"shop_id": 1, "shop_domain": "tea-garden.myshopify.com"}


def known(world: World) -> Any:
    return world.connections.known("shopify", "main")


def later(webhook: Webhook, hours: int) -> Webhook:
    """The webhook, had it come in so many hours later."""
    moment = datetime.fromtimestamp(NOW, UTC) + timedelta(hours=hours)
    return Webhook(**{name: getattr(webhook, name) for name in Webhook.__slots__} | {"received_at": moment})


def asked(world: World) -> list[Webhook]:
    """The requests that lie in the queue, which is empty then."""
    found, sqs, url = [], world.queue.client, world.queue.url
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            found.append(world.queue.webhook(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def customers(world: World, shopify: Any, *numbers: int) -> list[str]:
    """Customers of the shop; returns their custom ids, sorted."""
    for number in numbers:
        email = f"customer-{number}@example.com"
        world.deliver(shopify("customers/create", number, id=number, email=email, first_name="Ada"))
    return sorted(email_sha256(f"customer-{number}@example.com") or "" for number in numbers)


# ── A tool that leaves ──────────────────────────────────────────────────────────────────────────────────


def test_an_app_that_is_uninstalled_leaves_its_connection_inactive_and_rings_once(
    world: World, shopify: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    world.deliver(shopify("app/uninstalled", 1, id=7, email="owner@example.com"))
    assert known(world).inactive_since == LEFT_AT
    world.deliver(later(shopify("app/uninstalled", 2, id=7), 1))
    assert known(world).inactive_since == LEFT_AT
    assert capsys.readouterr().out.count('"ConnectionInactive":[1]') == 1
    receipt = world.ledger.receipt("webhook-1")
    assert receipt is not None
    assert (receipt.status, receipt.reason) == ("delivered", "connection marked inactive")
    assert world.batch.calls == []


def test_a_test_notification_of_it_changes_nothing(world: World, shopify: Any) -> None:
    webhook = shopify("app/uninstalled", 1, id=7)
    tested = Webhook(
        **{name: getattr(webhook, name) for name in Webhook.__slots__}
        | {"headers": {"x-shopify-test": "true"}}
    )
    world.deliver(tested)
    assert known(world).inactive_since == ""


def test_a_webhook_that_comes_later_makes_it_active_again(world: World, shopify: Any) -> None:
    world.deliver(shopify("app/uninstalled", 1, id=7))
    world.deliver(later(shopify("customers/create", 2, id=1, email="ada@example.com"), 3))
    assert known(world).inactive_since == ""


@pytest.mark.parametrize(
    ("topic", "body"), [("customers/redact", {"customer": {"id": 1}}), ("shop/redact", {})]
)
def test_neither_what_was_on_its_way_nor_a_last_wish_makes_it_active_again(
    world: World, shopify: Any, topic: str, body: dict[str, Any]
) -> None:
    world.deliver(later(shopify("app/uninstalled", 1, id=7), 1))
    world.deliver(shopify("customers/create", 2, id=1, email="ada@example.com"))
    world.deliver(later(shopify(topic, 3, **body), 48))
    assert known(world).inactive_since == "2026-09-10T13:00:00Z"
    assert topic in known(world).topics


def test_where_it_cannot_be_noted_it_is_tried_again(world: World, shopify: Any) -> None:
    answers = {"update_item": out_of_reach(), "batch_get_item": {"Responses": {}}}
    world.connections = Connections(world.ledger.table, Calls(answers), lambda: world.now)
    assert world.deliver(shopify("app/uninstalled", 1, id=7)) == ["message-webhook-1"]
    receipt = world.ledger.receipt("webhook-1")
    assert receipt is not None
    assert receipt.status == "retrying"


# ── A whole shop ────────────────────────────────────────────────────────────────────────────────────────


def test_a_shop_that_asks_for_it_is_forgotten_with_each_of_its_people(world: World, shopify: Any) -> None:
    found = customers(world, shopify, 1, 2)
    world.deliver(shopify("orders/create", 3, id=9, email="guest@example.com", total_price="1.00"))
    world.deliver(shopify("checkouts/create", 4, token="t", email="visitor@example.com"))
    everybody = sorted(
        [*found, *filter(None, map(email_sha256, ("guest@example.com", "visitor@example.com")))]
    )
    world.deliver(shopify("shop/redact", 10, **SHOP))
    wishes = asked(world)
    assert sorted(json.loads(wish.body)["custom_id"] for wish in wishes) == everybody
    receipt = world.ledger.receipt("webhook-10")
    assert receipt is not None
    assert (receipt.status, receipt.reason) == (
        "delivered",
        "4 people are being erased, connection marked inactive",
    )
    assert known(world).inactive_since == LEFT_AT
    assert world.deliver(*wishes) == []
    for custom_id in everybody:
        rows = world.ledger.read([f"profile#default#{custom_id}"])
        assert "gone_until" in rows[f"profile#default#{custom_id}"]
    assert {wish.source for wish in wishes} == {"bridge"}
    assert "bridge" not in {one.source for one in world.connections.all()}


def test_whom_another_shop_or_another_tool_told_of_is_left_alone(world: World, shopify: Any) -> None:
    webhook = shopify("customers/create", 1, id=1, email="ada@example.com")
    other = Webhook(**{name: getattr(webhook, name) for name in Webhook.__slots__} | {"connection": "paris"})
    world.deliver(other)
    world.ledger.commit([link_row("default", "shopify:customer:2", "of an older version")])
    world.ledger.commit([link_row("club", "shopify:customer:3", "elsewhere", learnt_by="shopify/main")])
    world.deliver(shopify("shop/redact", 10, **SHOP))
    assert asked(world) == []
    receipt = world.ledger.receipt("webhook-10")
    assert receipt is not None
    assert receipt.reason.startswith("0 people")


def test_who_was_erased_before_is_not_asked_for_again(world: World, shopify: Any) -> None:
    customers(world, shopify, 1)
    world.deliver(shopify("customers/redact", 5, customer={"id": 1}))
    world.deliver(shopify("orders/create", 6, id=9, customer={"id": 1}, total_price="1.00"))
    world.deliver(shopify("shop/redact", 10, **SHOP))
    assert asked(world) == []


def test_a_shop_of_more_people_than_one_delivery_has_time_for_goes_on_where_it_was(
    world: World, shopify: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster, "SCANNED_ROWS", 3)
    found = customers(world, shopify, *range(1, 8))
    world.has_time = lambda: False
    redact = shopify("shop/redact", 10, **SHOP)
    rounds = 0
    while world.deliver(redact, receive_count=1 + rounds):
        receipt = world.ledger.receipt("webhook-10")
        assert receipt is not None
        assert (receipt.status, known(world).inactive_since) == ("retrying", "")
        assert 2 <= world.delays["handle-webhook-10"] <= 3
        rounds += 1
    assert rounds > 3
    assert sorted({json.loads(wish.body)["custom_id"] for wish in asked(world)}) == found
    receipt = world.ledger.receipt("webhook-10")
    assert receipt is not None
    assert receipt.reason.startswith("7 people")
    assert roster.progress(world.ledger, "webhook-10") == (0, "")


def test_killed_in_between_it_asks_again_and_nobody_is_asked_for_twice(world: World, shopify: Any) -> None:
    found = customers(world, shopify, 1, 2, 3)
    kept = world.queue.send
    sent = []

    def send(webhook: Webhook) -> None:
        if len(sent) == 2:
            raise KeyboardInterrupt
        sent.append(webhook.id)
        kept(webhook)

    world.queue.send = send  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        world.deliver(shopify("shop/redact", 10, **SHOP))
    world.queue.send = kept  # type: ignore[method-assign]
    assert world.deliver(shopify("shop/redact", 10, **SHOP)) == []
    assert sorted(json.loads(wish.body)["custom_id"] for wish in asked(world)) == found


def test_a_ledger_out_of_reach_makes_it_wait() -> None:
    ledger = Ledger("ledger", Calls({"scan": out_of_reach()}))
    with pytest.raises(Exception, match="the ledger is out of reach"):
        roster.page(ledger, "default", "shopify", "main")


def test_the_same_wish_is_the_same_webhook_and_no_door_lets_one_in() -> None:
    moment = datetime.fromtimestamp(NOW, UTC)
    first, second, other = (
        requests.forget("default", "ada", asked_by, moment) for asked_by in ("1", "1", "2")
    )
    assert (first, first.group) == (second, other.group)
    assert first.id != other.id
