"""One order's life, in the shapes of several API versions, ends in one profile whatever the order of arrival."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.profiles.identity import email_sha256
from bridge.webhook import Webhook, group_id
from functions.sources.shopify import receiver
from tests.world import KEYS, NOW

pytestmark = pytest.mark.slow

EMAIL, CUSTOMER_ID, ORDER_ID, TOKEN = (
    "ada.marchand@example.com",
    7_301_000_000_101,
    5_904_000_000_101,
    "t0001",
)
GID = f"gid://shopify/Customer/{CUSTOMER_ID}"
ROUNDS_OF_WAITING = 2
NUMBERS = count(1)

Life = list[tuple[str, dict[str, Any]]]


def body_of(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(Path(f"events/shopify/{name}.json").read_text())["body"]
    return body


def at(minute: int) -> str:
    return f"2026-09-01T09:{minute:02}:00Z"


def consent(state: str, minute: int) -> dict[str, Any]:
    return {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": at(minute)}


# version    what a customer has there, at a minute of that day
CUSTOMERS: dict[str, Any] = {
    "2023-01": lambda minute: {
        "tags": "newsletter, vip" if minute > 5 else "newsletter",
        "orders_count": 1,
        "total_spent": "64.70",
        "accepts_marketing": minute > 6,
        "accepts_marketing_updated_at": at(6),
        "email_marketing_consent": consent("subscribed", 6) if minute > 6 else consent("not_subscribed", 0),
        "sms_marketing_consent": None,
    },
    "2024-10": lambda minute: {
        "tags": "newsletter, vip" if minute > 5 else "newsletter",
        "orders_count": 1,
        "total_spent": "64.70",
        "email_marketing_consent": consent("subscribed", 6) if minute > 6 else consent("not_subscribed", 0),
        "sms_marketing_consent": None,
    },
    "2026-04": lambda minute: {},
}


def customer(version: str, minute: int) -> dict[str, Any]:
    base = body_of("orders.create")["customer"] | {"updated_at": at(minute)}
    return base | CUSTOMERS[version](minute)


def order(version: str, minute: int, **fields: Any) -> dict[str, Any]:
    numbered = {} if version == "2026-04" else {"checkout_id": 31_200_000_000_101}
    own = {"checkout_token": TOKEN, "customer": customer(version, minute), "updated_at": at(minute)}
    return body_of("orders.create") | numbered | own | fields


def checkout(version: str, minute: int, **fields: Any) -> dict[str, Any]:
    numbered = {} if version == "2026-04" else {"id": 31_200_000_000_101}
    own = {"token": TOKEN, "customer": None, "email": None, "created_at": at(0), "updated_at": at(minute)}
    return body_of("checkouts.create") | numbered | own | fields


def shipment(minute: int, status: str | None) -> dict[str, Any]:
    own = {"order_id": ORDER_ID, "email": EMAIL, "updated_at": at(minute), "shipment_status": status}
    return body_of("fulfillments.create") | own


def refund() -> dict[str, Any]:
    given = body_of("refunds.create")["transactions"][0] | {"amount": "64.70"}
    return body_of("refunds.create") | {"order_id": ORDER_ID, "transactions": [given]}


@cache
def life(version: str) -> Life:
    nameless = {"shipping_address": None, "billing_address": None, "phone": None}
    paid = {"financial_status": "paid"}
    sent = paid | {"fulfillment_status": "fulfilled"}
    back = {"financial_status": "refunded", "fulfillment_status": "fulfilled", "current_total_price": "0.00"}
    step = {"order_id": ORDER_ID, "fulfillment_id": body_of("fulfillments.create")["id"]}
    told: Life = [
        ("checkouts/create", checkout(version, 0, **nameless)),
        ("checkouts/update", checkout(version, 1, email=EMAIL)),
        ("customers/create", customer(version, 1)),
        ("orders/create", order(version, 2)),
        ("orders/paid", order(version, 3, **paid)),
        ("customers/update", customer(version, 5)),
        ("orders/fulfilled", order(version, 8, **sent)),
        ("fulfillments/create", shipment(8, None)),
        ("fulfillment_events/create", body_of("fulfillment_events.create") | step),
        ("fulfillments/update", shipment(20, "delivered")),
        ("refunds/create", refund()),
        ("orders/updated", order(version, 30, **back)),
        (
            "customers_email_marketing_consent/update",
            {
                "customer_id": CUSTOMER_ID,
                "email_address": EMAIL,
                "email_marketing_consent": consent("unsubscribed", 40),
            },
        ),
        (
            "customers_marketing_consent/update",
            {"id": CUSTOMER_ID, "phone": "+33612345601", "sms_marketing_consent": consent("subscribed", 41)},
        ),
    ]
    if version == "2026-04":
        told += [
            ("customer.tags_added", {"customerId": GID, "tags": ["newsletter", "vip"], "occurredAt": at(6)}),
            ("customer.tags_removed", {"customerId": GID, "tags": ["newsletter"], "occurredAt": at(7)}),
            (
                "customers/purchasing_summary",
                {
                    "customerId": GID,
                    "numberOfOrders": 1,
                    "amountSpent": {"amount": "64.70", "currencyCode": "EUR"},
                    "lastOrderId": f"gid://shopify/Order/{ORDER_ID}",
                    "occurredAt": at(10),
                },
            ),
        ]
    return told


def lived(world: Any, webhooks: Life) -> dict[str, Any]:
    """The one profile after the webhooks, in a Batch project of its own; those that wait come again."""
    number = next(NUMBERS)
    project = f"life-{number}"
    world.secrets.store(f"batch/{project}", KEYS)
    world.parameters.write("shopify", project, {"project": project})
    before = len(world.operations)
    left = [queued(f"{project}-{place}", project, *one) for place, one in enumerate(webhooks)]
    for _ in range(1 + ROUNDS_OF_WAITING):
        for webhook in left:
            assert world.deliver(webhook) == []
        left = [one for one in left if world.ledger.receipt(one.id).status == "waiting"]
    assert left == []
    return profile_after(world.operations[before:])


def queued(webhook_id: str, connection: str, topic: str, body: dict[str, Any]) -> Webhook:
    group = group_id("shopify", connection, receiver.customer(topic, body))
    received_at = datetime.fromtimestamp(NOW, UTC)
    content = json.dumps(body).encode()
    return Webhook(webhook_id, "shopify", connection, topic, {}, content, received_at, group)


def profile_after(operations: list[dict[str, Any]]) -> dict[str, Any]:
    """What Batch has after the operations: attributes, and events by name."""
    attributes: dict[str, Any] = {}
    for operation in operations:
        for name, value in operation.get("attributes", {}).items():
            attributes[name] = changed(attributes.get(name, []), value) if isinstance(value, dict) else value
    lists = {name: sorted(value) for name, value in attributes.items() if isinstance(value, list)}
    return {
        "profiles": {operation["identifiers"]["custom_id"] for operation in operations},
        "attributes": attributes | lists,
        "events": sorted(event["name"] for one in operations for event in one.get("events", [])),
    }


def changed(items: list[str], changes: dict[str, list[str]]) -> list[str]:
    kept = [item for item in items if item not in changes.get("$remove", [])]
    return [*kept, *(item for item in changes.get("$add", []) if item not in kept)]


@pytest.mark.parametrize("version", CUSTOMERS)
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(shuffling=st.randoms(use_true_random=False))
def test_an_orders_life_ends_in_one_profile_whatever_the_order_of_arrival(
    world: Any, version: str, shuffling: Any
) -> None:
    shuffled = life(version).copy()
    shuffling.shuffle(shuffled)
    assert lived(world, shuffled) == as_it_happened(world, version)


HAPPENED: dict[str, dict[str, Any]] = {}


def as_it_happened(world: Any, version: str) -> dict[str, Any]:
    """The profile where everything comes in the order in which it happened."""
    if version not in HAPPENED:
        HAPPENED[version] = lived(world, life(version))
    return HAPPENED[version]


@pytest.mark.parametrize("version", CUSTOMERS)
def test_the_profile_of_an_orders_life(world: Any, version: str) -> None:
    found = as_it_happened(world, version)
    assert found["profiles"] == {email_sha256(EMAIL)}
    expected = {
        "$email_address": EMAIL,
        "$email_marketing": "unsubscribed",
        "$sms_marketing": "subscribed",
        "last_order_status": "refunded",
        "orders_count": 1,
        "total_spent": 64.7,
    }
    assert {name: found["attributes"].get(name) for name in expected} == expected
    assert found["attributes"]["shopify_tags"] == (["vip"] if version == "2026-04" else ["newsletter"])
    assert found["events"] == [
        "checkout_started",
        "checkout_updated",
        "customer_created",
        "email_consent_changed",
        "order_delivered",
        "order_fulfilled",
        "order_paid",
        "order_placed",
        "order_refunded",
        "order_shipped",
        "sms_consent_changed",
    ]
