"""What Shopify's webhooks mean for a profile, beside what its examples show."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.batch import limits
from bridge.errors import MalformedBody
from bridge.profiles import versions
from bridge.profiles.profile_change import ProfileChange
from bridge.settings import ConnectionSettings
from bridge.webhook import Request, Webhook
from functions.sources.shopify import mapping, receiver

RECEIVED_AT = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
ORDER: dict[str, Any] = json.loads(Path("events/shopify/orders.create.json").read_text())["body"]
CUSTOMER: dict[str, Any] = json.loads(Path("events/shopify/customers.create.json").read_text())["body"]


def change(topic: str, body: dict[str, Any], **headers: str) -> ProfileChange:
    webhook = Webhook(
        "id",
        "shopify",
        "main",
        topic,
        {name.replace("_", "-"): value for name, value in headers.items()},
        json.dumps(body).encode(),
        RECEIVED_AT,
        "group",
    )
    return mapping.to_change(webhook, ConnectionSettings())


def attributes(found: ProfileChange) -> dict[str, Any]:
    return {name: value for group in found.groups for name, value in group.attributes.items()}


def request(body: bytes, **headers: str) -> Request:
    return Request(
        "shopify", "main", {name.replace("_", "-"): text for name, text in headers.items()}, {}, body
    )


@pytest.mark.parametrize("absent", [{}, {"quantity": None}], ids=["left out", "null"])
def test_an_item_without_a_quantity_states_none_and_leaves_the_number_of_units_open(absent: Any) -> None:
    bare = {name: value for name, value in ORDER["line_items"][0].items() if name != "quantity"} | absent
    [event] = change("orders/create", ORDER | {"line_items": [bare, ORDER["line_items"][0]]}).events
    assert "items_count" not in event.attributes
    assert ["quantity" in item for item in event.attributes["items"]] == [False, True]


def test_an_order_without_items_has_no_units() -> None:
    [event] = change("orders/create", ORDER | {"line_items": []}).events
    assert event.attributes["items_count"] == 0


def test_the_handler_lets_in_what_the_mapping_knows() -> None:
    assert set(receiver.TOPICS) == set(mapping.READERS)


def test_both_generations_of_header_names_are_read() -> None:
    newer = request(json.dumps(ORDER).encode(), shopify_topic="orders/create")
    assert receiver.routing_of(newer).customer == f"customer:{ORDER['customer']['id']}"


def test_a_request_without_a_topic_is_malformed() -> None:
    with pytest.raises(MalformedBody):
        receiver.routing_of(request(b"{}"))


@pytest.mark.parametrize("topic", receiver.OF_THE_SHOP)
def test_what_is_about_the_shop_stands_in_a_line_of_its_own(topic: str) -> None:
    assert receiver.customer(topic, {"id": 1, "email": "owner@example.com"}) == "shop"


@pytest.mark.parametrize(
    ("body", "customer"),
    [
        ({"id": 1, "customer": {"id": 2}, "email": "ada@example.com"}, "customer:2"),
        ({"id": 1, "customer": None, "email": " Ada@Example.com"}, "email:ada@example.com"),
        ({"id": 1, "customer": {}, "email": "", "contact_email": "ada@example.com"}, "email:ada@example.com"),
        ({"id": 1}, "object:1"),
        ({"id": 1, "customer": "nobody"}, "object:1"),
    ],
)
def test_a_customers_webhooks_stay_in_order(body: dict[str, Any], customer: str) -> None:
    assert receiver.customer("orders/paid", body) == customer


def test_ids_keep_every_digit() -> None:
    found = change("orders/paid", ORDER | {"id": 9_223_372_036_854_775_807})
    assert attributes(found)["last_order_id"] == "9223372036854775807"


def test_money_is_exact() -> None:
    found = change("orders/paid", ORDER | {"current_total_price": "1000000000000000.10"})
    assert attributes(found)["last_order_total"] == Decimal("1000000000000000.10")


def test_the_amount_follows_edits_and_refunds_where_the_order_tells_them() -> None:
    assert attributes(change("orders/paid", ORDER | {"current_total_price": "0.00"}))["last_order_total"] == 0
    older = {name: value for name, value in ORDER.items() if name != "current_total_price"}
    assert attributes(change("orders/paid", older))["last_order_total"] == Decimal(ORDER["total_price"])


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"financial_status": "pending"}, "placed"),
        ({"financial_status": "authorized"}, "placed"),
        ({"financial_status": "paid"}, "paid"),
        ({"financial_status": "partially_refunded"}, "paid"),
        ({"financial_status": "paid", "fulfillment_status": "partial"}, "partially_fulfilled"),
        ({"financial_status": "paid", "fulfillment_status": "fulfilled"}, "fulfilled"),
        ({"financial_status": "refunded", "fulfillment_status": "fulfilled"}, "refunded"),
        ({"financial_status": "refunded", "cancelled_at": "2026-09-02T00:00:00Z"}, "cancelled"),
    ],
)
def test_an_orders_status_is_one_word(fields: dict[str, Any], status: str) -> None:
    assert attributes(change("orders/updated", ORDER | fields))["last_order_status"] == status


@pytest.mark.parametrize(
    ("topic", "field"),
    [("orders/create", "created_at"), ("orders/paid", "processed_at"), ("orders/cancelled", "cancelled_at")],
)
def test_an_event_has_the_sources_time_else_that_of_sending_else_of_receipt(topic: str, field: str) -> None:
    stated = ORDER | {field: "2026-08-30T10:00:00+02:00"}
    silent = ORDER | {field: None}
    times = [
        change(topic, stated).events[0].time,
        change(topic, silent, x_shopify_triggered_at="2026-08-30T09:00:00.136738016Z").events[0].time,
        change(topic, silent).events[0].time,
    ]
    assert times == [
        datetime(2026, 8, 30, 8, tzinfo=UTC),
        datetime(2026, 8, 30, 9, tzinfo=UTC),
        RECEIVED_AT,
    ]


def test_what_the_source_leaves_out_is_neither_written_nor_deleted() -> None:
    bare = attributes(change("customers/update", {"id": 1, "email": None, "phone": None, "first_name": ""}))
    assert bare == {"shopify_customer_id": "1"}


@pytest.mark.parametrize(
    ("state", "written"),
    [
        ("subscribed", "subscribed"),
        ("unsubscribed", "unsubscribed"),
        ("redacted", "unsubscribed"),
        ("not_subscribed", None),
        ("pending", None),
        ("invalid", None),
        (None, None),
    ],
)
def test_consent_is_written_only_where_it_is_stated(state: str | None, written: str | None) -> None:
    consent = {"state": state, "opt_in_level": None, "consent_updated_at": "2024-01-01T00:00:00Z"}
    body = CUSTOMER | {"email_marketing_consent": consent, "sms_marketing_consent": consent}
    found = attributes(change("customers/update", body))
    assert (found.get("$email_marketing"), found.get("$sms_marketing")) == (written, written)


def test_the_oldest_versions_flag_counts_only_when_it_is_set() -> None:
    yes = CUSTOMER | {"accepts_marketing": True, "accepts_marketing_updated_at": "2023-01-01T00:00:00Z"}
    assert attributes(change("customers/update", yes))["$email_marketing"] == "subscribed"
    no = attributes(change("customers/update", CUSTOMER | {"accepts_marketing": False}))
    assert "$email_marketing" not in no


def test_a_box_ticked_at_the_checkout_is_no_consent_of_the_profile() -> None:
    found = attributes(change("orders/create", ORDER | {"buyer_accepts_marketing": True}))
    assert "$email_marketing" not in found


def test_a_stale_subscription_never_undoes_a_later_opt_out() -> None:
    def consent(state: str, day: int) -> ProfileChange:
        stated = {"state": state, "consent_updated_at": f"2024-01-{day:02}T00:00:00Z"}
        body = CUSTOMER | {"updated_at": "2026-09-07T09:00:00Z", "email_marketing_consent": stated}
        return change("customers/update", body)

    told = [consent("subscribed", 1), consent("unsubscribed", 2), consent("subscribed", 1)]
    for order in permutations(told):
        assert ended(order)["$email_marketing"] == "unsubscribed"


def ended(changes: Any) -> dict[str, Any]:
    """What a profile has after the changes, in this order."""
    state, profile = versions.ProfileState(), {}
    for one in changes:
        state, sent = versions.apply(state, one.groups)
        profile |= sent
    return profile


def test_an_old_orders_late_update_never_replaces_a_newer_order() -> None:
    old = change("orders/create", ORDER | {"id": 1, "created_at": "2026-08-01T00:00:00Z"})
    new = change("orders/create", ORDER | {"id": 2, "created_at": "2026-08-20T00:00:00Z"})
    late = change(
        "orders/updated",
        ORDER | {"id": 1, "created_at": "2026-08-01T00:00:00Z", "updated_at": "2026-08-30T00:00:00Z"},
    )
    for order in permutations([old, new, late]):
        assert ended(order)["last_order_id"] == "2"


def test_updates_of_the_same_second_end_in_the_most_advanced_status() -> None:
    told = [
        change("orders/create", ORDER | {"financial_status": "pending"}),
        change("orders/paid", ORDER | {"financial_status": "paid"}),
        change("orders/updated", ORDER | {"financial_status": "paid", "fulfillment_status": "fulfilled"}),
    ]
    for order in permutations(told):
        assert ended(order)["last_order_status"] == "fulfilled"


def test_a_guest_is_known_by_what_the_order_says() -> None:
    found = change("orders/create", ORDER | {"customer": None})
    assert (found.person.email, found.person.source_id) == (ORDER["email"], f"shopify:order:{ORDER['id']}")
    assert attributes(found)["first_name"] == ORDER["shipping_address"]["first_name"]


def test_a_note_attribute_is_a_claim_and_a_metafield_is_the_shops_word() -> None:
    noted = ORDER | {"note_attributes": [{"name": "user_id", "value": 42}]}
    person = change("orders/paid", noted).person
    assert (person.user_id, person.claimed_user_id) == (None, "42")
    customer = CUSTOMER | {"metafields": [{"namespace": "custom", "key": "user_id", "value": "43"}]}
    assert change("customers/update", customer).person.user_id == "43"


def test_the_shops_test_notification_is_a_test() -> None:
    assert change("orders/paid", ORDER, x_shopify_test="true").is_test
    assert change("orders/paid", ORDER | {"test": True}).is_test
    assert not change("orders/paid", ORDER).is_test


def test_the_fullest_order_event_stays_within_twenty_attributes() -> None:
    full = ORDER | {
        "cancelled_at": "2026-08-01T00:00:00Z",
        "cancel_reason": "customer",
        "presentment_currency": "JPY",
        "tags": "gift",
    }
    [event] = change("orders/cancelled", full).events
    warnings = limits.Warnings()
    fitted = limits.fit_event(event, RECEIVED_AT, warnings)
    assert fitted is not None
    assert len(fitted["attributes"]) == 20
    assert {"order_id", "amount", "items", "cancel_reason"} <= set(fitted["attributes"])
    assert limits.names(warnings.found) == (
        "attribute_dropped:presentment_amount",
        "attribute_dropped:presentment_currency",
    )


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(ORDER)), JUNK, max_size=4))
def test_a_field_of_another_kind_is_a_named_failure_or_maps(fields: dict[str, Any]) -> None:
    with suppress(ValidationError):
        assert change("orders/create", ORDER | fields).person.references


def test_an_unmapped_topic_is_left_to_the_door() -> None:
    summary = receiver.routing_of(request(b"{}", x_shopify_topic="products/create"))
    assert summary.topic not in receiver.TOPICS


def test_a_webhook_was_sent_off_no_later_than_it_came_in() -> None:
    """Nobody signs the header: a later time would let old bytes win over all that comes."""
    silent = {"id": 1, "email": "ada@example.com"}
    found = change("customers/update", silent, x_shopify_triggered_at="2030-01-01T00:00:00.000000000Z")
    assert {group.version[:10] for group in found.groups} == {"2026-09-01"}


# ── Who states what was typed at a checkout ─────────────────────────────────────────────────────────────

# what the order says of its total   whether that is more than nothing
TOTALS: dict[str, tuple[dict[str, Any], bool]] = {
    "paid for": ({"total_price": "85.08", "current_total_price": "85.08"}, True),
    "given back in full": ({"total_price": "85.08", "current_total_price": "0.00"}, True),
    "given back in full, by the set": (
        {"total_price_set": {"shop_money": {"amount": "85.08"}}, "current_total_price": "0.00"},
        True,
    ),
    "now alone": ({"current_total_price": "0.01"}, True),
    "free": ({"total_price": "0.00", "current_total_price": "0.00"}, False),
    "free, by the set": ({"total_price_set": {"shop_money": {"amount": "0.00"}}}, False),
    "free, then edited": ({"total_price": "0.00", "current_total_price": "9.00"}, False),
    "free or given back": ({"current_total_price": "0.00"}, False),
    "unknown": ({}, False),
}
STATED = ("paid", "partially_refunded", "refunded")
NOT_STATED = ("pending", "authorized", "partially_paid", "voided", "expired", None)
TOTAL_FIELDS = ("total_price", "total_price_set", "current_total_price", "current_total_price_set")


@pytest.mark.parametrize("status", [*STATED, *NOT_STATED])
@pytest.mark.parametrize("total", TOTALS)
def test_what_was_typed_is_the_owners_where_a_status_and_a_total_prove_a_payment(
    status: str | None, total: str
) -> None:
    fields, is_above_nothing = TOTALS[total]
    bare = {name: value for name, value in ORDER.items() if name not in TOTAL_FIELDS}
    guest = bare | fields | {"customer": None, "financial_status": status}
    expected = "owner" if status in STATED and is_above_nothing else "visitor"
    found = change("orders/create", guest)
    assert (found.person.provenance, found.body_provenance) == (expected, expected)
    assert {group.provenance for group in found.groups if group.name == "customer"} == {expected}
