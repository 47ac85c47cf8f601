"""Nobody signs the topic: what the signed body does not allow is parked, once for each body, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from bridge.errors import Ignored, Refused
from bridge.receiving.confirmation import (
    ANOTHER_OBJECT,
    ONLY_AN_ID,
    SEEN_BEFORE,
    TopicCheck,
    Verdict,
    id_of_body,
)
from bridge.receiving.receiver import Receiver
from bridge.storage.ledger import Receipt, receipt_row
from bridge.storage.queue import Parked
from bridge.webhook import Request, Routing, Source, Webhook, webhook_id
from functions.sources.registry import SOURCE_PACKAGES, signed, source_module
from functions.sources.shopify.confirmation import ANOTHER_SHOP
from functions.sources.shopify.mapping import TOPIC_CHECK
from tests.world import World

SECRET = "the-secret"
Send: TypeAlias = Callable[..., Webhook]
RIVALS = sorted(source_module("shopify", "receiver").TOPICS)


def example(source: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(f"events/{source}/{name}.json").read_text())["body"]
    return found


ORDER = example("shopify", "orders.create")
PAID = example("shopify", "orders.paid")
REDACTION = example("shopify", "customers.redact")
SHOP = example("shopify", "app.uninstalled")


@pytest.fixture
def send(world: World) -> Send:
    """Signs a body as the tool does, under any topic, and has the receiver and deliver take it; returns the webhook."""

    def send(source: str, topic: str, content: dict[str, Any], **headers: str) -> Webhook:
        [shop] = source_module(source, "receiver").SOURCES
        receiver = Receiver(
            shop,
            secrets=world.secrets,
            queue=world.queue,
            connections=world.connections,
            parameters=world.parameters,
            clock=lambda: world.now,
        )
        world.connect(source, signing_secrets=[SECRET])
        body = json.dumps(content).encode()
        own, _ = signed(source, topic, body, SECRET, world.now, "")
        given = {name.lower().replace("_", "-"): value for name, value in (own | headers).items()}
        request = {"pathParameters": {"source": source, "connection": "main"}, "headers": given}
        answer = receiver(request | {"body": body.decode()}, None)
        assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (200, "accepted")
        [webhook] = taken(world)
        world.deliver(webhook)
        return webhook

    return send


def taken(world: World) -> list[Webhook]:
    """What lies in the queue, which is empty then."""
    sqs, url = world.queue.client, world.queue.url
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [world.queue.webhook(message["Body"]) for message in messages]


def receipt_of(world: World, webhook: Webhook) -> Receipt:
    """The receipt of a webhook, under its own id or under that of its body."""
    receipt = world.ledger.receipt(webhook.id) or world.ledger.receipt(
        id_of_body(webhook.source, webhook.connection, webhook.body)
    )
    assert receipt is not None
    return receipt


def stopped(world: World) -> Parked:
    """The one webhook that is parked."""
    [parked] = world.parked()
    assert parked.failure.failure_class == "topic_unconfirmed"
    return parked


def is_untouched(world: World) -> bool:
    """Whether nobody was erased, and the connection is as it was."""
    return not taken(world) and not world.connections.known("shopify", "main").inactive_since


# ── A captured body under another topic ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seen", [True, False], ids=["after the true one", "before the true one"])
@pytest.mark.parametrize(
    "topic", ["shop/redact", "customers/redact", "customers/delete", "orders/cancelled", "app/uninstalled"]
)
def test_the_exact_bytes_of_an_order_change_nothing_under_another_topic(
    world: World, send: Send, topic: str, *, seen: bool
) -> None:
    if seen:
        send("shopify", "orders/create", ORDER)
    before = list(world.batch.calls)
    send("shopify", topic, ORDER)
    assert world.batch.calls == before
    assert is_untouched(world)
    assert stopped(world).envelope["topic"] == topic
    send("shopify", "orders/updated", ORDER)
    assert len(world.batch.calls) == len(before) + 1


def test_an_order_of_woocommerce_writes_nothing_as_a_customer(world: World, send: Send) -> None:
    send("woocommerce", "customer.updated", example("woocommerce", "order.created"))
    assert world.batch.calls == []
    assert stopped(world).failure.reason == ANOTHER_OBJECT


def test_the_same_body_under_all_topics_is_parked_once_with_one_receipt(world: World, send: Send) -> None:
    redaction = example("shopify", "customers.data_request")
    sent = [send("shopify", topic, redaction) for topic in RIVALS if topic != "customers/data_request"]
    assert len({id_of_body(webhook.source, webhook.connection, webhook.body) for webhook in sent}) == 1
    parked = stopped(world)
    assert parked.id == id_of_body(sent[0].source, sent[0].connection, sent[0].body)
    assert [receipt.id for receipt in world.ledger.scan_receipts(100)] == [parked.id]
    assert world.batch.calls == []


def rung(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The causes for which the alarm rang."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "NeedsAttention" in line]
    return [line["cause"] for line in lines]


def test_what_is_stopped_rings_once_for_each_body(
    world: World, send: Send, capsys: pytest.CaptureFixture[str]
) -> None:
    send("shopify", "shop/redact", ORDER)
    assert rung(capsys) == ["topic_unconfirmed"]
    send("shopify", "customers/redact", ORDER)
    send("shopify", "orders/create", ORDER)
    world.deliver(retried(world))
    assert rung(capsys) == []
    send("shopify", "shop/redact", PAID)
    assert rung(capsys) == ["topic_unconfirmed"]


def test_within_one_batch_it_rings_once_for_each_body_too(
    world: World, shopify: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    captured = [shopify("orders/create", 1, **ORDER), shopify("orders/paid", 2, **PAID)]
    topics = ("shop/redact", "app/uninstalled")
    world.deliver(
        *(replace(one, id=f"{one.id} {topic}", topic=topic) for one in captured for topic in topics)
    )
    assert rung(capsys) == ["topic_unconfirmed", "topic_unconfirmed"]


def test_within_one_batch_too_it_is_parked_once(world: World, shopify: Any) -> None:
    captured = shopify("orders/create", 1, **ORDER)
    others = [replace(captured, id=topic, topic=topic) for topic in ("shop/redact", "app/uninstalled")]
    assert world.deliver(*others) == []
    stopped(world)


def test_what_is_stopped_is_kept_with_its_exact_bytes(world: World, send: Send) -> None:
    webhook = send("shopify", "shop/redact", ORDER)
    assert world.queue.webhook(stopped(world).message).body == webhook.body


def test_what_is_stopped_says_nothing_of_its_body(
    world: World, send: Send, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt = receipt_of(world, send("shopify", "shop/redact", ORDER))
    assert (receipt.status, receipt.reason, receipt.custom_id) == ("parked", ANOTHER_OBJECT, "")
    said = capsys.readouterr().out
    assert '"WebhooksParked":[1]' in said
    assert '"failure_class":"topic_unconfirmed"' in said
    assert ORDER["email"] not in said


def test_a_true_webhook_is_delivered_though_its_bytes_came_under_another_topic_before(
    world: World, send: Send
) -> None:
    send("shopify", "shop/redact", ORDER)
    receipt = receipt_of(world, send("shopify", "orders/create", ORDER))
    assert (receipt.status, receipt.events) == ("delivered", ("order_placed",))


# ── Erasing ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("customers.data_request", "customers/redact"),
        ("customers.redact", "shop/redact"),
        ("shop.redact", "customers/redact"),
    ],
)
def test_one_privacy_request_is_not_another(world: World, send: Send, name: str, topic: str) -> None:
    send("shopify", topic, example("shopify", name))
    stopped(world)
    assert is_untouched(world)


DELETION = example("shopify", "customers.delete")


def test_bytes_that_came_under_another_topic_before_never_erase(world: World, send: Send) -> None:
    """Whatever the body says: here it does confirm the topic."""
    body = json.dumps(DELETION).encode()
    earlier = webhook_id("shopify", "main", Routing("customers/update", ""), body)
    world.ledger.commit([receipt_row(delivered(earlier, world))])
    send("shopify", "customers/delete", DELETION)
    assert stopped(world).failure.reason == SEEN_BEFORE


def test_nor_where_both_come_at_once(world: World, shopify: Any) -> None:
    allows_all = TopicCheck(lambda webhook, settings: Verdict(), rivals=TOPIC_CHECK.rivals)
    world.checks = {"shopify": allows_all}
    erasing = shopify("customers/delete", 1, **DELETION)
    other = webhook_id("shopify", "main", Routing("customers/update", ""), erasing.body)
    world.deliver(replace(erasing, id=other, topic="customers/update"), erasing)
    assert SEEN_BEFORE in {receipt.reason for receipt in world.ledger.scan_receipts(10)}


def delivered(webhook_id: str, world: World) -> Receipt:
    moment = datetime.fromtimestamp(world.now, UTC).isoformat()
    return Receipt(webhook_id, "shopify", "main", "customers/update", "delivered", moment, moment)


@pytest.mark.parametrize("name", ["customers.redact", "customers.delete"])
def test_the_same_erasure_again_is_done_again(world: World, send: Send, name: str) -> None:
    body = example("shopify", name)
    topic = name.replace(".", "/")
    webhook = send("shopify", topic, body)
    first = receipt_of(world, webhook)
    world.now += 3600
    world.deliver(webhook)
    second = receipt_of(world, webhook)
    assert second.finished_at > first.finished_at


def test_all_else_that_comes_again_is_a_repeat(world: World, send: Send) -> None:
    webhook = send("shopify", "orders/create", ORDER)
    first = receipt_of(world, webhook)
    world.now += 3600
    world.deliver(webhook)
    assert receipt_of(world, webhook).finished_at == first.finished_at


# ── What no field tells apart, and what has an event once ───────────────────────────────────────────────


def test_tags_that_were_added_are_not_removed_by_the_same_bytes(world: World, send: Send) -> None:
    send("shopify", "customers/create", example("shopify", "customers.create") | {"id": 7301000000109})
    tags = {
        "customerId": "gid://shopify/Customer/7301000000109",
        "tags": ["vip"],
        "occurredAt": "2026-09-09T08:00:00.000Z",
    }
    send("shopify", "customer.tags_added", tags)
    before = len(world.batch.calls)
    send("shopify", "customer.tags_removed", tags)
    assert len(world.batch.calls) == before
    assert stopped(world).failure.reason == SEEN_BEFORE


@pytest.mark.parametrize(
    ("source", "name", "topics", "events"),
    [
        (
            "shopify",
            "orders.paid",
            ["orders/create", "orders/paid", "orders/updated", "orders/paid", "orders/create"],
            ["order_placed", "order_paid"],
        ),
        (
            "shopify",
            "orders.updated",
            ["orders/partially_fulfilled", "orders/paid"],
            ["order_partially_fulfilled", "order_paid"],
        ),
        ("shopify", "customers.update", ["customers/create", "customers/enable"], ["customer_created"]),
        ("shopify", "checkouts.update", ["checkouts/create", "checkouts/update"], ["checkout_started"]),
        ("woocommerce", "order.updated", ["order.created", "order.updated"], ["order_placed", "order_paid"]),
        ("woocommerce", "customer.updated", ["customer.created", "customer.updated"], ["customer_created"]),
    ],
)
def test_what_a_body_allows_under_several_topics_is_an_event_once(
    world: World, send: Send, source: str, name: str, topics: list[str], events: list[str]
) -> None:
    """Each body differs a little, as that of a later update does: what is once is so by what it is about."""
    body = example(source, name)
    for number, topic in enumerate(topics * 2):
        send(source, topic, body | {"note": f"version {number}"})
    sent = [
        event["name"].removesuffix("_late") for one in world.operations for event in one.get("events", [])
    ]
    assert sent == events


# ── Tests of a provider ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("topic", RIVALS)
def test_a_test_notification_is_ignored_under_every_topic(world: World, send: Send, topic: str) -> None:
    webhook = send("shopify", topic, ORDER | {"test": True})
    assert receipt_of(world, webhook).reason == "test event"
    assert (world.batch.calls, world.parked()) == ([], [])


def test_a_test_that_nobody_signs_as_one_does_not_hide_the_true_webhook(world: World, send: Send) -> None:
    tested = send("shopify", "orders/create", ORDER, x_shopify_test="true")
    assert receipt_of(world, tested).reason == "test event"
    assert receipt_of(world, send("shopify", "orders/create", ORDER)).status == "delivered"


def test_where_tests_are_delivered_they_erase_nobody_and_say_what_their_topic_says(
    world: World, send: Send
) -> None:
    world.parameters.write("shopify", "main", {"test_events": True})
    for topic in ("shop/redact", "customers/redact", "customers/delete", "app/uninstalled"):
        send("shopify", topic, ORDER | {"test": True}, x_shopify_test="true")
    assert is_untouched(world)
    stopped(world)
    test = send("shopify", "orders/cancelled", ORDER | {"test": True})
    assert receipt_of(world, test).events == ("order_cancelled",)


# ── Whose shop ──────────────────────────────────────────────────────────────────────────────────────────

OURS, OTHER = "tea-garden.myshopify.com", "another.myshopify.com"


@pytest.mark.parametrize(
    ("topic", "body", "headers"),
    [
        ("orders/paid", PAID, {"x_shopify_shop_domain": OTHER}),
        ("customers/redact", REDACTION | {"shop_domain": OTHER}, {"x_shopify_shop_domain": OURS}),
        ("shop/redact", {"shop_id": 1, "shop_domain": OTHER}, {}),
        ("app/uninstalled", SHOP | {"myshopify_domain": OTHER}, {}),
    ],
)
def test_what_is_of_another_shop_is_stopped_where_the_connection_is_one_shops(
    world: World, send: Send, topic: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    world.parameters.write("shopify", "main", {"shop_domain": OURS})
    send("shopify", topic, body, **headers)
    assert stopped(world).failure.reason == ANOTHER_SHOP
    assert is_untouched(world)


@pytest.mark.parametrize("headers", [{"x_shopify_shop_domain": OURS}, {}])
def test_what_is_of_this_shop_or_names_none_is_delivered(
    world: World, send: Send, headers: dict[str, str]
) -> None:
    world.parameters.write("shopify", "main", {"shop_domain": OURS})
    assert receipt_of(world, send("shopify", "orders/paid", PAID, **headers)).status == "delivered"


# ── An app that says it left ────────────────────────────────────────────────────────────────────────────


def test_a_shop_that_seems_to_leave_is_back_with_its_next_webhook(world: World, send: Send) -> None:
    """`shop/update` has the same body: it rings and is shown, and nothing else comes of it."""
    send("shopify", "app/uninstalled", SHOP)
    assert world.connections.known("shopify", "main").inactive_since
    assert world.batch.calls == []
    world.now += 60
    assert receipt_of(world, send("shopify", "orders/paid", PAID)).status == "delivered"
    assert world.connections.known("shopify", "main").inactive_since == ""


# ── WooCommerce's deletions ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("topic", ["order.deleted", "customer.deleted", "product.deleted", "coupon.deleted"])
def test_a_deletion_is_ignored_with_a_receipt(world: World, send: Send, topic: str) -> None:
    receipt = receipt_of(world, send("woocommerce", topic, {"id": 16}))
    assert (receipt.status, "deletion" in receipt.reason) == ("ignored", True)


@pytest.mark.parametrize("topic", ["order.created", "order.updated", "customer.created", "customer.updated"])
def test_the_bytes_of_a_deletion_are_nothing_else(world: World, send: Send, topic: str) -> None:
    send("woocommerce", topic, {"id": 16})
    assert stopped(world).failure.reason == ONLY_AN_ID
    assert world.batch.calls == []


# ── Retrying ────────────────────────────────────────────────────────────────────────────────────────────


def retried(world: World) -> Webhook:
    """What is parked, as a retry sends it through the queue again."""
    [parked] = world.queue.receive_parked(60)
    world.queue.retry([parked])
    [webhook] = taken(world)
    return webhook


def test_a_retry_applies_the_check_again_and_parks_it_again(world: World, send: Send) -> None:
    send("shopify", "shop/redact", ORDER)
    for _ in range(2):
        world.deliver(retried(world))
        assert stopped(world).failure.reason == ANOTHER_OBJECT
    assert is_untouched(world)


def test_once_the_check_is_corrected_a_retry_delivers(world: World, send: Send) -> None:
    send("shopify", "orders/paid", PAID | {"financial_status": "settled"})
    webhook = retried(world)
    world.checks = {"shopify": TopicCheck(lambda webhook, settings: Verdict())}
    world.deliver(webhook)
    receipt = world.ledger.receipt(webhook.id)
    assert receipt is not None
    assert (receipt.status, receipt.events) == ("delivered", ("order_paid",))


# ── The kind ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", SOURCE_PACKAGES)
def test_a_source_whose_topic_a_header_may_change_checks_it(name: str) -> None:
    """Every header and every part of the address that says a topic, changed after signing, is still proven."""
    [source] = [one for one in source_module(name, "receiver").SOURCES if one.name == name]
    checks = hasattr(source_module(name, "mapping"), "TOPIC_CHECK")
    for path in sorted(Path("events", name).glob("*.json")):
        if not path.name.endswith(".batch.json") and not source.uses_settings:
            assert checks or topic_is_in_body(source, path), (
                f"functions for {name}: TOPIC_CHECK in its mapping"
            )


def topic_is_in_body(source: Source, path: Path) -> bool:
    """Whether the topic stays the same whatever the headers and the query say."""
    stored = json.loads(path.read_text())
    body = (stored.get("body_raw") or json.dumps(stored["body"])).encode()
    own, query = signed(
        source.name, stored["topic"], body, SECRET, 1_789_041_600.0, f"https://x/{source.name}/main"
    )
    headers = {"content-type": stored.get("content_type", "application/json")}
    headers |= {key.lower(): value for key, value in (stored.get("headers", {}) | own).items()}
    found = set()
    for changed in (None, *headers, *(f"?{key}" for key in query)):
        given = {key: "another" if key == changed else value for key, value in headers.items()}
        asked = {key: "another" if f"?{key}" == changed else value for key, value in query.items()}
        request = Request(source.name, "main", given, asked, body, f"https://x/{source.name}/main")
        try:
            found.add(source.routing_of(request).topic)
        except (Ignored, Refused):
            continue
    return len(found) == 1
