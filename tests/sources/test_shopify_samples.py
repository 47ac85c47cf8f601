"""Bodies that Shopify documents or was captured sending: each becomes what the tagging plan says, or is ignored."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from bridge.errors import Ignored
from bridge.settings import ConnectionSettings
from bridge.webhook import Request, Webhook
from functions.sources.shopify import mapping, receiver

UNREAD = "not read"

# sample                                                         what becomes of it; captures are test triggers
OUTCOMES = {
    "captured_2024-10_app_uninstalled": "test: left",
    "captured_2024-10_checkouts_create": "test: checkout_started",
    "captured_2024-10_checkouts_update": "test: checkout_updated",
    "captured_2024-10_customers_create": "test: customer_created",
    "captured_2024-10_customers_delete": "test: housekeeping",
    "captured_2024-10_customers_email_marketing_consent_update": "ignored: no consent is stated",
    "captured_2024-10_customers_marketing_consent_update": "ignored: no consent is stated",
    "captured_2024-10_customers_merge": "ignored: the merge failed",
    "captured_2024-10_customers_update": "test: customer",
    "captured_2024-10_orders_cancelled": "test: order_cancelled",
    "captured_2024-10_orders_create": "test: order_placed",
    "captured_2024-10_orders_edited": "test: order_edited",
    "captured_2024-10_orders_fulfilled": "test: order_fulfilled",
    "captured_2024-10_orders_paid": "test: order_paid",
    "captured_2024-10_orders_updated": "test: last_order",
    "captured_2024-10_refunds_create": "ignored: no money was given back",
    "docs_2026-04_app_scopes_update": UNREAD,
    "docs_2026-04_app_uninstalled": "left",
    "docs_2026-04_carts_create": UNREAD,
    "docs_2026-04_checkouts_create": "checkout_started",
    "docs_2026-04_checkouts_delete": UNREAD,
    "docs_2026-04_checkouts_update": "checkout_updated",
    "docs_2026-04_customer.joined_segment": UNREAD,
    "docs_2026-04_customer.left_segment": UNREAD,
    "docs_2026-04_customer.tags_added": "tags",
    "docs_2026-04_customer.tags_removed": "tags",
    "docs_2026-04_customers_create": "customer_created",
    "docs_2026-04_customers_data_request": "review",
    "docs_2026-04_customers_disable": "customer",
    "docs_2026-04_customers_email_marketing_consent_update": "email_consent_changed",
    "docs_2026-04_customers_enable": "customer",
    "docs_2026-04_customers_marketing_consent_update": "ignored: no consent is stated",
    "docs_2026-04_customers_merge": "ignored: the merge failed",
    "docs_2026-04_customers_purchasing_summary": "purchases",
    "docs_2026-04_customers_redact": "erase",
    "docs_2026-04_customers_update": "customer",
    "docs_2026-04_draft_orders_create": UNREAD,
    "docs_2026-04_fulfillment_events_create": "order_shipped",
    "docs_2026-04_fulfillments_create": "ignored: no step of the shipment",
    "docs_2026-04_order_transactions_create": UNREAD,
    "docs_2026-04_orders_cancelled": "test: order_cancelled",
    "docs_2026-04_orders_create": "test: order_placed",
    "docs_2026-04_orders_delete": UNREAD,
    "docs_2026-04_orders_edited": "order_edited",
    "docs_2026-04_orders_fulfilled": "test: order_fulfilled",
    "docs_2026-04_orders_paid": "test: order_paid",
    "docs_2026-04_orders_partially_fulfilled": "test: order_partially_fulfilled",
    "docs_2026-04_orders_updated": "test: last_order",
    "docs_2026-04_refunds_create": "order_refunded",
    "docs_2026-04_returns_close": UNREAD,
    "docs_2026-04_shop_redact": "erase",
    "docs_2026-04_shop_update": UNREAD,
    "docs_2026-04_subscription_contracts_create": UNREAD,
}


def outcome(path: Path) -> str:
    """The first event, else the last group of attributes; or why there is neither."""
    sample = json.loads(path.read_text())
    headers = {name.lower(): value for name, value in sample["headers"].items()}
    headers["x-shopify-topic"] = sample["topic"]
    body = json.dumps(sample["body"]).encode()
    topic = receiver.routing_of(Request("shopify", "main", headers, {}, body)).topic
    if topic not in receiver.TOPICS:
        return UNREAD
    received_at = datetime(2026, 9, 1, tzinfo=UTC)
    webhook = Webhook("id", "shopify", "main", topic, headers, body, received_at, "group")
    try:
        found = mapping.to_change(webhook, ConnectionSettings())
    except Ignored as ignored:
        return f"ignored: {ignored.reason}"
    assert found.person.references or found.connection
    events = found.events or (found.completed({}) if found.completed else ())
    named = [event.name for event in events] or [found.privacy or found.connection or found.groups[-1].name]
    return f"test: {named[0]}" if found.is_test else named[0]


def test_every_sample_becomes_what_the_plan_says_or_is_ignored_with_a_reason(samples: Path) -> None:
    found = {path.stem: outcome(path) for path in sorted((samples / "shopify").glob("*.json"))}
    assert found == OUTCOMES
