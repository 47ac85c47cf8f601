"""What checkouts, shipments, refunds, merges, consents, tags and totals of Shopify mean for a profile."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.errors import Ignored
from bridge.profiles.identity import email_sha256
from bridge.profiles.profile_change import Event, ProfileChange
from bridge.settings import ConnectionSettings
from bridge.webhook import Request, Webhook
from functions.sources.shopify import mapping, receiver
from functions.sources.shopify.checkouts import digest
from functions.sources.shopify.payloads import Checkout

RECEIVED_AT = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


def body_of(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(Path(f"events/shopify/{name}.json").read_text())["body"]
    return body


ORDER = body_of("orders.create")
CHECKOUT = body_of("checkouts.create")
REFUND = body_of("refunds.create")
SHIPMENT = body_of("fulfillments.create")
SHIPMENT_EVENT = body_of("fulfillment_events.create")
MERGE = body_of("customers.merge")
EMAIL_CONSENT = body_of("customers_email_marketing_consent.update")
SMS_CONSENT = body_of("customers_marketing_consent.update")
NAMELESS: dict[str, Any] = {
    "customer": None,
    "email": None,
    "phone": None,
    "shipping_address": None,
    "billing_address": None,
}
ADA = email_sha256("ada.marchand@example.com")


def change(topic: str, body: dict[str, Any], **headers: str) -> ProfileChange:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = json.dumps(body).encode()
    webhook = Webhook("id", "shopify", "main", topic, named, content, RECEIVED_AT, "group")
    return mapping.to_change(webhook, ConnectionSettings())


def events_of(found: ProfileChange, **known: str) -> tuple[Event, ...]:
    return found.events + (found.completed(known) if found.completed else ())


def attributes(found: ProfileChange) -> dict[str, Any]:
    return {name: value for group in found.groups for name, value in group.attributes.items()}


# ── The queue's order ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("topic", "body", "customer"),
    [
        ("customer.tags_added", {"customerId": "gid://shopify/Customer/7"}, "customer:7"),
        ("customers/purchasing_summary", {"customerId": "gid://shopify/Customer/7"}, "customer:7"),
        ("customers/merge", {"admin_graphql_api_customer_kept_id": "gid://shopify/Customer/7"}, "customer:7"),
        ("customers_email_marketing_consent/update", {"customer_id": 7}, "customer:7"),
        ("customers_marketing_consent/update", {"id": 7}, "customer:7"),
        ("orders/edited", {"order_edit": {"id": 1, "order_id": 8}}, "order:8"),
        ("refunds/create", {"id": 1, "order_id": 8}, "order:8"),
        ("fulfillments/update", {"id": 1, "order_id": 8, "email": "ada@example.com"}, "order:8"),
        ("checkouts/create", {"token": "t1", "customer": {"id": 7}}, "customer:7"),
        ("checkouts/create", {"token": "t1", "email": None}, "object:t1"),
    ],
)
def test_what_has_only_ids_keeps_its_order_as_far_as_they_tell(
    topic: str, body: dict[str, Any], customer: str
) -> None:
    headers = {"x-shopify-topic": topic}
    found = receiver.routing_of(Request("shopify", "main", headers, {}, json.dumps(body).encode()))
    assert found.customer == customer


# ── Checkouts ─────────────────────────────────────────────────────────────────────────────────────────────────


def updated(**fields: Any) -> dict[str, Any]:
    return CHECKOUT | {"updated_at": "2026-09-07T10:05:00+02:00"} | fields


def stands_in(found: ProfileChange) -> dict[str, str]:
    return dict(found.remember)


def test_an_update_that_changes_nothing_that_counts_is_no_event() -> None:
    started = change("checkouts/create", CHECKOUT)
    same = change("checkouts/update", updated(note="Leave it at the door", total_price="70.00"))
    assert [event.name for event in events_of(started)] == ["checkout_started"]
    assert events_of(same, **stands_in(started)) == ()


def test_other_items_and_a_first_address_are_events_once() -> None:
    started = change("checkouts/create", CHECKOUT | NAMELESS)
    named = change("checkouts/update", updated())
    again = change("checkouts/update", updated(note="x"))
    more = change("checkouts/update", updated(line_items=[CHECKOUT["line_items"][0] | {"quantity": 9}]))
    told = [event for one in (named, again, more) for event in events_of(one, **stands_in(started))]
    assert {event.name for event in told} == {"checkout_updated"}
    assert told[0].once == told[1].once != told[2].once


def test_a_completed_checkout_is_not_abandoned() -> None:
    for topic in ("checkouts/create", "checkouts/update"):
        with pytest.raises(Ignored, match="the checkout is completed"):
            change(topic, CHECKOUT | {"completed_at": "2026-09-07T10:10:00+02:00"})


def test_a_checkout_without_anybody_waits_when_it_starts_and_is_passed_over_later() -> None:
    person = change("checkouts/create", CHECKOUT | NAMELESS).person
    assert (person.named_elsewhere, person.source_id) == (True, None)
    assert person.references == (f"shopify:checkout:{CHECKOUT['token']}",)
    with pytest.raises(Ignored, match="nobody is named"):
        change("checkouts/update", CHECKOUT | NAMELESS)


def test_an_address_that_is_still_being_typed_names_nobody() -> None:
    person = change("checkouts/create", CHECKOUT | NAMELESS | {"email": "ada@"}).person
    assert (person.email, person.named_elsewhere, person.source_id) == (None, True, None)


def test_a_phone_alone_becomes_a_profile_only_after_the_wait() -> None:
    person = change("checkouts/update", CHECKOUT | NAMELESS | {"phone": "+33612345699"}).person
    assert (person.named_elsewhere, person.source_id) == (True, f"shopify:checkout:{CHECKOUT['token']}")


def test_checkouts_are_read_with_and_without_their_number() -> None:
    old = change("checkouts/create", CHECKOUT | {"id": 31200000000201})
    assert events_of(old) == events_of(change("checkouts/create", CHECKOUT))


def test_a_box_ticked_at_the_checkout_is_no_consent_of_the_profile() -> None:
    ticked = {"buyer_accepts_marketing": True, "buyer_accepts_sms_marketing": True}
    assert not {"$email_marketing", "$sms_marketing"} & set(
        attributes(change("checkouts/create", CHECKOUT | ticked))
    )


def test_an_order_outranks_a_checkout_of_the_same_second_and_the_customer_both() -> None:
    customer = ORDER["customer"]
    versions = [
        change(topic, body).groups[0].version
        for topic, body in (
            ("checkouts/create", CHECKOUT | {"customer": customer}),
            ("orders/create", ORDER),
            ("customers/update", customer),
        )
    ]
    assert versions == sorted(versions)
    assert len(set(versions)) == 3


# ── Refunds ───────────────────────────────────────────────────────────────────────────────────────────────────


def refunded(*transactions: dict[str, Any]) -> dict[str, Any]:
    return REFUND | {"transactions": [REFUND["transactions"][0] | one for one in transactions]}


def total_of(order: dict[str, Any]) -> dict[str, str]:
    return dict(change("orders/paid", order | {"id": REFUND["order_id"]}).remember)


def test_a_refund_is_the_sum_of_what_was_really_given_back() -> None:
    body = refunded(
        {"amount": "10.10"}, {"amount": "0.20"}, {"amount": "5.00", "status": "failure"}, {"kind": "void"}
    )
    [event] = events_of(change("refunds/create", body))
    assert (event.attributes["amount"], event.attributes["currency"]) == (Decimal("10.30"), "EUR")


def test_goods_of_a_refund_without_a_quantity_state_none() -> None:
    line = {"line_item": {"product_id": 7, "quantity": 3}}
    body = refunded({"kind": "refund", "status": "success", "amount": "5.00", "currency": "EUR"})
    [event] = events_of(change("refunds/create", body | {"refund_line_items": [line]}))
    assert event.attributes["items"] == [{"product_id": "7"}]


def test_an_update_of_a_checkout_is_compared_also_where_items_have_no_quantity() -> None:
    lines = [{"variant_id": 7}, {"variant_id": 7, "quantity": 2}]
    without, none = (Checkout.model_validate(CHECKOUT | {"line_items": some}) for some in (lines, lines[:1]))
    assert digest(without) != digest(none)


def test_goods_put_back_without_money_are_no_refund() -> None:
    for body in (refunded(), refunded({"status": "pending"}), REFUND | {"transactions": None}):
        with pytest.raises(Ignored, match="no money was given back"):
            change("refunds/create", body)


@pytest.mark.parametrize(("amount", "is_full"), [("64.70", True), ("64.69", False)])
def test_a_refund_is_full_when_it_is_all_that_the_order_came_to(amount: str, is_full: bool) -> None:
    known = total_of(ORDER | {"current_total_price": "0.00"})
    [event] = events_of(change("refunds/create", refunded({"amount": amount})), **known)
    assert event.attributes["is_full"] is is_full


def test_a_refund_in_the_buyers_currency_is_compared_in_it() -> None:
    order = body_of("orders.paid__presentment_currency")
    body = refunded({"amount": "10870", "currency": "JPY"})
    [event] = events_of(change("refunds/create", body), **total_of(order))
    assert event.attributes["is_full"] is True
    other = refunded({"amount": "64.70", "currency": "USD"})
    [event] = events_of(change("refunds/create", other), **total_of(order))
    assert "is_full" not in event.attributes


def test_whether_a_refund_is_full_is_left_out_where_the_order_is_not_known() -> None:
    [event] = events_of(change("refunds/create", REFUND))
    assert "is_full" not in event.attributes


def test_a_refund_waits_for_its_order() -> None:
    person = change("refunds/create", REFUND).person
    assert (person.named_elsewhere, person.references) == (True, (f"shopify:order:{REFUND['order_id']}",))


def test_a_refund_of_test_money_is_a_test() -> None:
    assert change("refunds/create", refunded({"test": True})).is_test


# ── Shipments ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "shipment", "event"),
    [
        ("success", None, "order_shipped"),
        ("success", "in_transit", "order_shipped"),
        ("success", "carrier_picked_up", "order_shipped"),
        ("success", "out_for_delivery", "order_out_for_delivery"),
        ("success", "delivered", "order_delivered"),
        ("success", "attempted_delivery", "order_delivery_failed"),
        ("success", "failure", "order_delivery_failed"),
        ("success", "label_printed", None),
        ("success", "confirmed", None),
        ("success", "ready_for_pickup", None),
        ("pending", None, None),
        ("cancelled", None, None),
    ],
)
def test_a_shipments_status_says_what_happened(status: str, shipment: str | None, event: str | None) -> None:
    body = SHIPMENT | {"status": status, "shipment_status": shipment}
    if event is None:
        with pytest.raises(Ignored, match="no step of the shipment"):
            change("fulfillments/update", body)
        return
    assert [one.name for one in change("fulfillments/update", body).events] == [event]


def test_three_topics_tell_of_a_step_under_the_same_key() -> None:
    same = SHIPMENT_EVENT | {"fulfillment_id": SHIPMENT["id"]}
    told = [
        change("fulfillments/create", SHIPMENT).events[0],
        change("fulfillments/update", SHIPMENT | {"shipment_status": "in_transit"}).events[0],
        change("fulfillment_events/create", same).events[0],
    ]
    assert len({event.once for event in told}) == 1
    delivered = change("fulfillments/update", SHIPMENT | {"shipment_status": "delivered"}).events[0]
    second = change("fulfillments/create", SHIPMENT | {"id": 5}).events[0]
    assert len({told[0].once, delivered.once, second.once}) == 3


def test_a_shipments_steps_have_times_of_their_own() -> None:
    body = SHIPMENT | {"created_at": "2026-09-01T10:00:00Z", "updated_at": "2026-09-04T10:00:00Z"}
    [shipped] = change("fulfillments/create", body).events
    [delivered] = change("fulfillments/update", body | {"shipment_status": "delivered"}).events
    assert (shipped.time, delivered.time) == (
        datetime(2026, 9, 1, 10, tzinfo=UTC),
        datetime(2026, 9, 4, 10, tzinfo=UTC),
    )


# ── Customers ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_merge_leads_who_is_gone_to_who_is_kept() -> None:
    found = change("customers/merge", MERGE)
    assert found.moves == ("shopify:customer:7301000000121",)
    assert found.person.references == ("shopify:customer:7301000000120",)
    assert found.person.named_elsewhere


def test_a_merge_that_failed_changes_nothing() -> None:
    with pytest.raises(Ignored, match="the merge failed"):
        change("customers/merge", MERGE | {"status": "failed"})


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("customers_email_marketing_consent/update", EMAIL_CONSENT),
        ("customers_marketing_consent/update", SMS_CONSENT),
    ],
)
@pytest.mark.parametrize(
    ("state", "written"),
    [("subscribed", "subscribed"), ("unsubscribed", "unsubscribed"), ("redacted", "unsubscribed")]
    + [(state, None) for state in ("not_subscribed", "pending", "invalid")],
)
def test_a_consents_change_is_told_and_written_where_it_is_stated(
    topic: str, body: dict[str, Any], state: str, written: str | None
) -> None:
    kind = "email" if "email" in topic else "sms"
    key = f"{kind}_marketing_consent"
    found = change(topic, body | {key: body[key] | {"state": state}})
    assert attributes(found).get(f"${kind}_marketing") == written
    [event] = found.events
    assert (event.name, event.attributes["state"]) == (f"{kind}_consent_changed", state)


def test_a_consent_without_a_state_is_none() -> None:
    for consent in (None, {"state": None, "opt_in_level": None, "consent_updated_at": None}):
        with pytest.raises(Ignored, match="no consent is stated"):
            change(
                "customers_marketing_consent/update",
                {"id": 1, "phone": None, "sms_marketing_consent": consent},
            )


def test_a_consent_has_the_same_version_whether_its_own_topic_tells_it_or_the_customer() -> None:
    consent = EMAIL_CONSENT["email_marketing_consent"]
    older = body_of("customers.create") | {"email_marketing_consent": consent}
    versions = {
        group.version
        for found in (
            change("customers_email_marketing_consent/update", EMAIL_CONSENT),
            change("customers/update", older),
        )
        for group in found.groups
        if group.name == "consent_email"
    }
    assert len(versions) == 1


def test_global_ids_and_numbers_name_the_same_customer() -> None:
    tags = body_of("customer.tags_added")
    assert change("customer.tags_added", tags).person == change("customers/merge", MERGE).person


def test_no_tags_change_nothing() -> None:
    found = change("customer.tags_removed", body_of("customer.tags_removed") | {"tags": [" "]})
    assert attributes(found) == {}


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("topic", sorted(set(mapping.READERS) - {"orders/create"}))
@settings(deadline=None, max_examples=30)
@given(replaced=st.data())
def test_a_field_of_another_kind_is_a_named_failure_is_ignored_or_maps(topic: str, replaced: Any) -> None:
    body = body_of(topic.replace("/", "."))
    fields = replaced.draw(st.dictionaries(st.sampled_from(sorted(body)), JUNK, max_size=3))
    assert receiver.customer(topic, body | fields)
    with suppress(ValidationError, Ignored):
        found = change(topic, body | fields)
        assert found.person.references or found.moves or found.person.email or found.connection
        events_of(found)


# ── On their way ──────────────────────────────────────────────────────────────────────────────────────────────


def names(world: Any) -> list[str]:
    return [event["name"] for operation in world.operations for event in operation.get("events", [])]


def test_a_checkout_without_anybody_reaches_the_customer_through_the_order(world: Any, shopify: Any) -> None:
    nameless = shopify("checkouts/create", 1, **CHECKOUT | NAMELESS)
    world.deliver(nameless)
    assert world.ledger.receipt("webhook-1").status == "waiting"
    world.deliver(shopify("orders/create", 2, **ORDER | {"checkout_token": CHECKOUT["token"]}))
    world.deliver(nameless)
    assert {operation["identifiers"]["custom_id"] for operation in world.operations} == {ADA}
    assert names(world) == ["order_placed", "checkout_started"]


def test_a_checkout_at_which_nobody_is_ever_named_is_let_go(world: Any, shopify: Any) -> None:
    nameless = shopify("checkouts/create", 1, **CHECKOUT | NAMELESS)
    world.deliver(nameless)
    world.now += timedelta(hours=24).total_seconds()
    world.deliver(nameless)
    receipt = world.ledger.receipt("webhook-1")
    assert (receipt.status, receipt.reason) == ("ignored", "nobody was named in time")
    assert (world.operations, world.parked()) == ([], [])


def test_an_address_mistyped_at_the_checkout_does_not_take_the_order_along(world: Any, shopify: Any) -> None:
    mistyped = CHECKOUT | {"customer": None, "email": "ada.marchnd@example.com"}
    world.deliver(shopify("checkouts/create", 1, **mistyped))
    world.deliver(shopify("orders/create", 2, **ORDER | {"checkout_token": CHECKOUT["token"]}))
    assert world.operations[-1]["identifiers"]["custom_id"] == ADA


def test_a_shipment_that_comes_first_does_not_take_the_order_along(world: Any, shopify: Any) -> None:
    metafields = [{"key": "user_id", "value": "member-1"}]
    noted = ORDER | {
        "financial_status": "paid",
        "customer": ORDER["customer"] | {"metafields": metafields},
    }
    early = SHIPMENT | {"order_id": ORDER["id"], "email": ORDER["email"]}
    world.deliver(shopify("fulfillments/create", 1, **early))
    world.deliver(shopify("orders/paid", 2, **noted))
    world.deliver(shopify("refunds/create", 3, **REFUND | {"order_id": ORDER["id"]}))
    found = [operation["identifiers"]["custom_id"] for operation in world.operations]
    assert found == [ADA, "member-1", "member-1"]


def test_a_step_of_a_shipment_is_had_once(world: Any, shopify: Any) -> None:
    same = {"order_id": ORDER["id"], "email": ORDER["email"]}
    world.deliver(shopify("orders/create", 1, **ORDER))
    world.deliver(shopify("fulfillments/create", 2, **SHIPMENT | same))
    world.deliver(shopify("fulfillments/update", 3, **SHIPMENT | same | {"shipment_status": "in_transit"}))
    world.deliver(
        shopify("fulfillment_events/create", 4, **SHIPMENT_EVENT | same | {"fulfillment_id": SHIPMENT["id"]})
    )
    assert names(world) == ["order_placed", "order_shipped"]


def test_after_a_merge_the_customer_who_is_gone_is_the_one_who_is_kept(world: Any, shopify: Any) -> None:
    kept = {"id": 1, "email": "ada@example.com"}
    gone = {"id": 2, "email": "countess@example.com"}
    merge = {
        "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/1",
        "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/2",
        "status": "completed",
    }
    world.deliver(shopify("customers/create", 1, **gone))
    world.deliver(shopify("customers/merge", 2, **merge))
    assert world.ledger.receipt("webhook-2").status == "waiting"
    world.deliver(shopify("customers/create", 3, **kept))
    world.deliver(shopify("customers/merge", 2, **merge))
    world.deliver(shopify("orders/paid", 4, **ORDER | {"customer": gone}))
    assert world.operations[-1]["identifiers"]["custom_id"] == email_sha256("ada@example.com")


def test_a_refund_says_whether_it_is_full_whichever_comes_first(world: Any, shopify: Any) -> None:
    refund = shopify("refunds/create", 1, **refunded({"amount": "64.70"}) | {"order_id": ORDER["id"]})
    world.deliver(refund)
    assert world.ledger.receipt("webhook-1").status == "waiting"
    world.deliver(shopify("orders/create", 2, **ORDER))
    world.deliver(refund)
    [event] = world.operations[-1]["events"]
    assert event["attributes"]["is_full"] is True


def test_a_refund_says_whether_it_is_full_also_behind_a_shipment_that_tells_whose_it_is(
    world: Any, shopify: Any
) -> None:
    """The shipment leads to the profile, but not to what the order came to."""
    refund = shopify("refunds/create", 1, **refunded({"amount": "64.70"}) | {"order_id": ORDER["id"]})
    shipment = SHIPMENT | {"order_id": ORDER["id"], "email": ORDER["email"]}
    world.deliver(shopify("fulfillments/create", 2, **shipment))
    world.deliver(refund)
    assert world.ledger.receipt("webhook-1").status == "waiting"
    world.deliver(shopify("orders/create", 3, **ORDER))
    world.deliver(refund)
    [event] = world.operations[-1]["events"]
    assert event["attributes"]["is_full"] is True


def test_a_refund_of_an_order_that_is_never_told_of_is_late_by_an_hour_at_most(
    world: Any, shopify: Any
) -> None:
    refund = shopify("refunds/create", 1, **refunded({"amount": "64.70"}) | {"order_id": ORDER["id"]})
    shipment = SHIPMENT | {"order_id": ORDER["id"], "email": ORDER["email"]}
    world.deliver(shopify("fulfillments/create", 2, **shipment))
    world.now += timedelta(minutes=61).total_seconds()
    world.deliver(refund)
    [event] = world.operations[-1]["events"]
    assert "is_full" not in event["attributes"]
