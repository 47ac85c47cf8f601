"""A tool that leaves is noted and mentioned; a shop that asks for it is forgotten person by person, missing nobody."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.profiles.identity import email_sha256
from bridge.storage import erasures, profiles_of_connection, progress
from bridge.storage.connections import Connections
from bridge.storage.erasures import Erasure
from bridge.storage.ledger import Ledger, link_row
from bridge.storage.queue import Failure
from bridge.webhook import Webhook
from functions.deliver.erasure import request
from functions.deliver.erasure.search import PARKED_WEBHOOKS
from functions.monitor.erasures import STILL_SPEAKS, look_after
from tests.core.stand_ins import Calls, out_of_reach
from tests.world import NOW, World

LEFT_AT, DUE = "2026-09-10T12:00:00Z", "2026-09-12T12:00:00Z"
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


def announced(world: World) -> Erasure:
    """The one erasure that there is."""
    [erasure] = erasures.every(world.ledger)
    return erasure


def round_of_the_watch(world: World, hours: float = 0) -> int:
    """What the scheduled function does after so many hours; returns how many erasures wait."""
    world.now += hours * 3600
    now = datetime.fromtimestamp(world.now, UTC)
    return look_after(world.ledger, world.queue, world.connections, now, lambda: True)


def reason(world: World, webhook_id: str) -> tuple[str, str]:
    receipt = world.ledger.receipt(webhook_id)
    assert receipt is not None
    return receipt.status, receipt.reason


def alarms(text: str) -> list[str]:
    """The causes of erasures that rang, in order."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith('{"_aws"')]
    causes = [line["cause"] for line in lines if "NeedsAttention" in line]
    return [cause for cause in causes if cause.startswith("erasure_")]


def shop_wishes(world: World, shopify: Any, number: int = 10) -> Webhook:
    """A shop that asks to be erased; returns the request that begins it once its time has come."""
    world.deliver(shopify("shop/redact", number, **SHOP))
    round_of_the_watch(world, 48)
    [begins] = asked(world)
    return begins


def test_a_shop_that_asks_for_it_is_announced_and_nobody_is_erased_yet(
    world: World, shopify: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    customers(world, shopify, 1)
    calls = len(world.batch.calls)
    world.deliver(shopify("shop/redact", 10, **SHOP))
    assert reason(world, "webhook-10") == (
        "delivered",
        f"everybody is to be erased from {DUE} on, unless somebody cancels it, connection marked inactive",
    )
    assert known(world).inactive_since == LEFT_AT
    assert alarms(capsys.readouterr().out) == ["erasure_announced"]
    assert round_of_the_watch(world, 47.9) == 1
    assert (asked(world), len(world.batch.calls)) == ([], calls)
    assert world.ledger.state("default", email_sha256("customer-1@example.com") or "").versions


def test_the_same_wish_again_neither_begins_the_delay_anew_nor_is_there_twice(
    world: World, shopify: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    world.deliver(shopify("shop/redact", 10, **SHOP))
    first = announced(world)
    world.now += 24 * 3600
    world.deliver(later(shopify("shop/redact", 11, **SHOP), 24))
    assert announced(world) == first
    assert reason(world, "webhook-11")[1].startswith("erasing everybody was announced before")
    assert alarms(capsys.readouterr().out) == ["erasure_announced"]


def test_a_setting_says_how_long_it_waits(world: World, shopify: Any) -> None:
    world.parameters.write("shopify", "main", {"shop_redact_hours": 1})
    world.deliver(shopify("shop/redact", 10, **SHOP))
    assert announced(world).due == "2026-09-10T13:00:00Z"


def test_once_its_time_has_come_each_of_its_people_is_erased(world: World, shopify: Any) -> None:
    found = customers(world, shopify, 1, 2)
    world.deliver(shopify("orders/create", 3, id=9, email="guest@example.com", total_price="1.00"))
    world.deliver(shopify("checkouts/create", 4, token="t", email="visitor@example.com"))
    everybody = sorted(
        [*found, *filter(None, map(email_sha256, ("guest@example.com", "visitor@example.com")))]
    )
    begins = shop_wishes(world, shopify)
    assert announced(world).status == "begun"
    assert world.deliver(begins) == []
    wishes = asked(world)
    assert sorted(json.loads(wish.body)["custom_id"] for wish in wishes) == everybody
    assert reason(world, begins.id) == ("delivered", "4 people are being erased, 0 parked webhooks deleted")
    assert len({wish.group for wish in wishes}) == 4, "they need not stand in one line"
    assert world.deliver(*wishes) == []
    for custom_id in everybody:
        rows = world.ledger.read([f"profile#default#{custom_id}"])
        assert "gone_until" in rows[f"profile#default#{custom_id}"]
    assert {wish.source for wish in (begins, *wishes)} == {"bridge"}
    assert "bridge" not in {one.source for one in world.connections.all()}
    assert (announced(world).status, round_of_the_watch(world), asked(world)) == ("done", 0, [])


def test_what_was_begun_is_asked_for_again_until_it_is_done_and_done_once(world: World, shopify: Any) -> None:
    customers(world, shopify, 1)
    begins = shop_wishes(world, shopify)
    sent = list[Webhook]()
    world.queue.send, kept = sent.append, world.queue.send  # type: ignore[method-assign]
    round_of_the_watch(world, 0.25)
    world.queue.send = kept  # type: ignore[method-assign]
    assert [again.id for again in sent] == [begins.id]
    assert world.deliver(begins) == []
    assert len(asked(world)) == 1
    assert world.deliver(*sent) == []
    assert asked(world) == []


def test_after_it_is_done_a_new_wish_is_announced_anew(world: World, shopify: Any) -> None:
    world.deliver(shop_wishes(world, shopify))
    world.now += 30 * 24 * 3600
    world.deliver(later(shopify("shop/redact", 11, **SHOP), 32 * 24))
    assert (announced(world).status, announced(world).since) == ("announced", "2026-10-12T12:00:00Z")


def test_a_shop_that_speaks_meanwhile_waits_for_a_person_and_is_called_to_mind_twice(
    world: World, shopify: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    customers(world, shopify, 1)
    world.deliver(shopify("shop/redact", 10, **SHOP))
    world.deliver(later(shopify("orders/create", 11, id=9, customer={"id": 1}, total_price="1.00"), 3))
    capsys.readouterr()
    round_of_the_watch(world, 48)
    assert (announced(world).status, announced(world).why) == ("undecided", STILL_SPEAKS)
    assert alarms(capsys.readouterr().out) == ["erasure_needs_decision"]
    rang = []
    for _ in range(40):
        round_of_the_watch(world, 24)
        rang.append(alarms(capsys.readouterr().out))
    assert [day for day, causes in enumerate(rang, 3) if causes == ["erasure_reminder"]] == [7, 21]
    assert (asked(world), announced(world).decide_by) == ([], "2026-10-10T12:00:00Z")
    assert erasures.begin(world.ledger, announced(world))
    round_of_the_watch(world)
    assert [wish.topic for wish in asked(world)] == ["forget_all"]


@pytest.mark.parametrize("topic", ["customers/redact", "shop/redact", "app/uninstalled"])
def test_what_a_tool_sends_as_it_leaves_does_not_count_as_speaking(
    world: World, shopify: Any, topic: str
) -> None:
    customers(world, shopify, 1)
    world.deliver(shopify("shop/redact", 10, **SHOP))
    world.deliver(later(shopify(topic, 11, customer={"id": 1}, **SHOP), 3))
    round_of_the_watch(world, 48)
    assert announced(world).status == "begun"


def test_what_was_on_its_way_when_the_wish_came_does_not_count_as_speaking(
    world: World, shopify: Any
) -> None:
    world.deliver(later(shopify("shop/redact", 10, **SHOP), 0))
    world.deliver(later(shopify("customers/create", 11, id=1, email="ada@example.com"), -1))
    round_of_the_watch(world, 48)
    assert announced(world).status == "begun"


def test_what_is_cancelled_is_not_done_and_what_was_begun_cannot_be(world: World, shopify: Any) -> None:
    customers(world, shopify, 1)
    world.deliver(shopify("shop/redact", 10, **SHOP))
    moment = datetime.fromtimestamp(world.now, UTC)
    assert erasures.cancel(world.ledger, announced(world), moment)
    assert not erasures.begin(world.ledger, announced(world))
    assert (round_of_the_watch(world, 100), asked(world)) == (0, [])
    world.deliver(later(shopify("shop/redact", 11, **SHOP), 101))
    assert erasures.begin(world.ledger, announced(world))
    assert not erasures.cancel(world.ledger, announced(world), moment)


def test_whom_another_shop_or_another_tool_told_of_is_left_alone(world: World, shopify: Any) -> None:
    webhook = shopify("customers/create", 1, id=1, email="ada@example.com")
    other = Webhook(**{name: getattr(webhook, name) for name in Webhook.__slots__} | {"connection": "paris"})
    world.deliver(other)
    world.ledger.commit([link_row("default", "shopify:customer:2", "of an older version")])
    world.ledger.commit([link_row("club", "shopify:customer:3", "elsewhere", learnt_by="shopify/main")])
    begins = shop_wishes(world, shopify)
    world.deliver(begins)
    assert asked(world) == []
    assert reason(world, begins.id)[1].startswith("0 people")


def test_whoever_the_shop_fed_is_found_though_another_shop_told_of_the_links(
    world: World, shopify: Any
) -> None:
    [ada] = customers(world, shopify, 1)
    world.ledger.commit([link_row("default", "shopify:customer:1", ada, learnt_by="shopify/paris")])
    world.deliver(shop_wishes(world, shopify))
    [wish] = asked(world)
    assert world.deliver(wish) == []
    [_, left] = erasures.every(world.ledger)
    assert (left.scope, left.custom_id, left.connection) == ("person", ada, "shopify/main")
    assert world.operations[-1]["attributes"]["first_name"] is None
    assert world.ledger.links("default", ["shopify:customer:1"]) == {"shopify:customer:1": ada}


def test_who_was_erased_before_is_not_asked_for_again(world: World, shopify: Any) -> None:
    customers(world, shopify, 1)
    world.deliver(shopify("customers/redact", 5, customer={"id": 1}))
    world.deliver(shopify("orders/create", 6, id=9, customer={"id": 1}, total_price="1.00"))
    world.deliver(shop_wishes(world, shopify))
    assert asked(world) == []


def test_what_is_parked_of_a_shop_goes_at_once_for_all_its_people(world: World, shopify: Any) -> None:
    [ada] = customers(world, shopify, 1)
    failure = Failure("mapping_failed", "a field", datetime.fromtimestamp(NOW, UTC))
    for number in range(12):
        world.queue.park(shopify("orders/paid", 20 + number, group=f"{number}"), failure)
    webhook = shopify("orders/paid", 40, email="customer-1@example.com")
    world.queue.park(
        Webhook(**{name: getattr(webhook, name) for name in Webhook.__slots__} | {"connection": "paris"}),
        failure,
    )
    begins = shop_wishes(world, shopify)
    world.deliver(begins)
    assert reason(world, begins.id)[1] == "1 people are being erased, 12 parked webhooks deleted"
    assert [parked.id for parked in world.parked()] == ["webhook-40"]
    [wish] = asked(world)
    world.ledger.lease(*PARKED_WEBHOOKS, "another delivery", world.now)
    assert world.deliver(wish) == [], "nobody looks through what is parked again"
    assert "gone_until" in world.ledger.read([f"profile#default#{ada}"])[f"profile#default#{ada}"]


def test_a_shop_of_more_people_than_one_delivery_has_time_for_goes_on_where_it_was(
    world: World, shopify: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles_of_connection, "SCANNED_ROWS", 3)
    found = customers(world, shopify, *range(1, 8))
    begins = shop_wishes(world, shopify)
    rounds = 0
    while rounds < 50:
        answers = iter([True, True])
        world.has_time = lambda answers=answers: next(answers, False)  # type: ignore[misc]
        if not world.deliver(begins, receive_count=1 + rounds):
            break
        assert (reason(world, begins.id)[0], announced(world).status) == ("retrying", "begun")
        assert 2 <= world.delays[f"handle-{begins.id}"] <= 3
        rounds += 1
    assert rounds > 3
    assert sorted({json.loads(wish.body)["custom_id"] for wish in asked(world)}) == found
    assert progress.load(world.ledger, begins.id) == {}
    assert announced(world).status == "done"


def test_killed_in_between_it_asks_again_and_nobody_is_asked_for_twice(world: World, shopify: Any) -> None:
    found = customers(world, shopify, 1, 2, 3)
    begins = shop_wishes(world, shopify)
    kept = world.queue.send
    sent = []

    def send(webhook: Webhook) -> None:
        if len(sent) == 2:
            raise KeyboardInterrupt
        sent.append(webhook.id)
        kept(webhook)

    world.queue.send = send  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        world.deliver(begins)
    world.queue.send = kept  # type: ignore[method-assign]
    assert world.deliver(begins) == []
    assert sorted(json.loads(wish.body)["custom_id"] for wish in asked(world)) == found


def test_killed_between_the_note_and_the_request_the_next_round_asks_for_it(
    world: World, shopify: Any
) -> None:
    world.deliver(shopify("shop/redact", 10, **SHOP))
    erasures.begin(world.ledger, announced(world))
    round_of_the_watch(world)
    assert [wish.topic for wish in asked(world)] == ["forget_all"]


def test_a_ledger_out_of_reach_makes_it_wait() -> None:
    ledger = Ledger("ledger", Calls({"scan": out_of_reach()}))
    with pytest.raises(Exception, match="the ledger is out of reach"):
        profiles_of_connection.page(ledger, "default", "shopify", "main")


def test_the_same_wish_is_the_same_webhook_and_no_door_lets_one_in() -> None:
    moment = datetime.fromtimestamp(NOW, UTC)
    first, second, other = (
        request.forget("default", "ada", asked_by, moment) for asked_by in ("1", "1", "2")
    )
    assert (first, first.group) == (second, other.group)
    assert first.id != other.id
