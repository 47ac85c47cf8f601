"""Bodies of kinds that no mapping of WooCommerce reads, made by hand after the plugins' references.

https://woocommerce.github.io/woocommerce-rest-api-docs/
https://woocommerce.github.io/subscriptions-rest-api-docs/
https://godaddy-wordpress.github.io/woocommerce-memberships-rest-api-docs/
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from functions.sources.woocommerce.confirmation import FIELDS_OF_EVERY, KINDS_BY_FIELD
from tests.sources.test_topics import GENERIC, UNKNOWN, read_under

ORDER = json.loads(Path("events/woocommerce/order.updated__cancelled.json").read_text())["body"]
DATES = dict.fromkeys(
    ("date_created", "date_created_gmt", "date_modified", "date_modified_gmt"), "2026-09-01T08:00:00"
)
BILLING = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com", "country": "GB"}
OF_A_SUBSCRIPTION = {
    "billing_period": "month",
    "billing_interval": "1",
    "start_date_gmt": "2026-08-01T08:00:00",
    "trial_end_date_gmt": "",
    "next_payment_date_gmt": "2026-10-01T08:00:00",
    "resubscribed_from": "",
}

KINDS: dict[str, dict[str, Any]] = {
    "subscription": {
        name: value
        for name, value in (ORDER | OF_A_SUBSCRIPTION).items()
        if name not in ("refunds", "transaction_id", "cart_hash")
    },
    "subscription that has all of an order": ORDER | OF_A_SUBSCRIPTION,
    "membership": {
        "id": 7,
        "customer_id": 9,
        "plan_id": 3,
        "status": "cancelled",
        "order_id": 8,
        "product_id": 4,
        "cancelled_date_gmt": "2026-09-01T08:00:00",
        **DATES,
    },
    "membership plan": {
        "id": 7,
        "name": "Gold",
        "slug": "gold",
        "status": "publish",
        "access_method": "purchase",
        **DATES,
    },
    "review": {
        "id": 7,
        "product_id": 4,
        "status": "approved",
        "reviewer": "Ada",
        "reviewer_email": "ada@example.com",
        "review": "Fine",
        "rating": 5,
        **DATES,
    },
    "booking": {
        "id": 7,
        "status": "cancelled",
        "customer_id": 9,
        "order_id": 8,
        "all_day": False,
        "cost": "5.00",
        "order_item_id": 2,
        "person_counts": {},
    },
    "refund": {"id": 7, "amount": "5.00", "reason": "", "refunded_by": 1, "line_items": [], **DATES},
    "plugin's": {
        "id": 7,
        "status": "cancelled",
        "billing": BILLING,
        "total": "5.00",
        "currency": "EUR",
        "email": "ada@example.com",
        "role": "customer",
        **DATES,
    },
    "product": {"id": 7, "name": "Tea", "slug": "tea", "status": "publish", "sku": "tea", **DATES},
    "coupon": {"id": 7, "code": "TEA", "amount": "5.00", "discount_type": "percent", **DATES},
    "action": {"action": "wc_booking_cancelled", "arg": 7},
}
KNOWN = frozenset(KINDS_BY_FIELD).union(*FIELDS_OF_EVERY.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_of_a_kind_that_nobody_maps_says_nothing_under_any_topic(kind: str) -> None:
    assert read_under("woocommerce", KINDS[kind]) == []
    assert read_under("woocommerce", {**KINDS[kind], "id": 7}) == []


@given(unknown=UNKNOWN, generic=GENERIC)
def test_an_id_beside_fields_that_nobody_knows_says_nothing_under_any_topic(
    unknown: dict[str, Any], generic: dict[str, Any]
) -> None:
    """The next kind that a plugin thinks of."""
    strange = {name: value for name, value in unknown.items() if name not in KNOWN}
    if strange:
        assert read_under("woocommerce", {"id": 7, **generic, **strange}) == []


@pytest.mark.parametrize("field", sorted(FIELDS_OF_EVERY["order"]))
def test_what_lacks_a_field_of_every_order_is_none(field: str) -> None:
    assert read_under("woocommerce", ORDER) != []
    assert read_under("woocommerce", {name: ORDER[name] for name in ORDER if name != field}) == []
