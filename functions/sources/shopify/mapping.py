"""Say what Shopify's webhooks mean for a profile. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from bridge.profiles.profile_change import ProfileChange
from bridge.providers.payload_schema import Models
from bridge.receiving.confirmation import TopicCheck
from bridge.settings import ConnectionSettings
from bridge.webhook import Webhook
from functions.sources.shopify import (
    checkouts,
    confirmation,
    consents,
    customer_updates,
    customers,
    merges,
    orders,
    privacy,
    refunds,
    shipments,
)
from functions.sources.shopify.payloads import (
    ChangedTags,
    Checkout,
    Customer,
    CustomerMerge,
    EditedOrder,
    EmailConsent,
    Fulfillment,
    FulfillmentEvent,
    Model,
    Order,
    PurchasingSummary,
    Refund,
    SmsConsent,
)

Reader: TypeAlias = Callable[[Webhook], ProfileChange]

# topic                                     what reads it; orders, customers, checkouts and shipments have tables
READERS: Mapping[str, Reader] = {
    **dict.fromkeys(orders.TOPICS, orders.to_change),
    "orders/edited": orders.edited,
    **dict.fromkeys(customers.TOPICS, customers.to_change),
    "customers/merge": merges.to_change,
    "customers/delete": privacy.deleted,
    "customers/redact": privacy.redacted,
    "customers/data_request": privacy.data_requested,
    "shop/redact": privacy.shop_redacted,
    "app/uninstalled": privacy.uninstalled,
    "customer.tags_added": customer_updates.tags_added,
    "customer.tags_removed": customer_updates.tags_removed,
    "customers/purchasing_summary": customer_updates.purchasing_summary,
    "customers_email_marketing_consent/update": consents.email_changed,
    "customers_marketing_consent/update": consents.sms_changed,
    **dict.fromkeys(checkouts.TOPICS, checkouts.to_change),
    **dict.fromkeys(shipments.TOPICS, shipments.to_change),
    "refunds/create": refunds.to_change,
}

# topic                                     the model of its body; what the law asks for has no fields to miss
MODELS: Mapping[str, type[Model]] = {
    **dict.fromkeys(orders.TOPICS, Order),
    "orders/edited": EditedOrder,
    **dict.fromkeys(customers.TOPICS, Customer),
    "customers/merge": CustomerMerge,
    "customer.tags_added": ChangedTags,
    "customer.tags_removed": ChangedTags,
    "customers/purchasing_summary": PurchasingSummary,
    "customers_email_marketing_consent/update": EmailConsent,
    "customers_marketing_consent/update": SmsConsent,
    **dict.fromkeys(checkouts.TOPICS, Checkout),
    "fulfillments/create": Fulfillment,
    "fulfillments/update": Fulfillment,
    "fulfillment_events/create": FulfillmentEvent,
    "refunds/create": Refund,
}

VISITOR_FIELDS = frozenset({"note", "note_attributes", "properties", "landing_site", "referring_site"})
"""Fields of a purchase that whoever has the cart fills in, paid or not; `properties` are those of its items."""

ERASING = frozenset({"customers/redact", "customers/delete", "shop/redact"})
TAGS = frozenset({"customer.tags_added", "customer.tags_removed"})
"""Their bodies are alike: which of the two is true, the first that comes says."""

TOPIC_CHECK = TopicCheck(
    confirmation.judge,
    erasing=ERASING,
    rivals={
        **{topic: frozenset(READERS) - {topic} for topic in ERASING},
        **{topic: TAGS - {topic} for topic in TAGS},
    },
)


def to_change(webhook: Webhook, settings: ConnectionSettings) -> ProfileChange:
    """Return the profile change of a webhook. Raises Ignored, pydantic.ValidationError."""
    del settings
    return replace(READERS[webhook.topic](webhook), visitor_fields=VISITOR_FIELDS)


def reads(topic: str) -> Models:
    """Return what is read of a topic's body."""
    return {"": MODELS[topic]} if topic in MODELS else {}


def api_version(webhook: Webhook, content: Mapping[str, Any]) -> str | None:
    """Return the version of the subscription; what was not sent as a webhook has none, and another shape."""
    del content
    return webhook.headers.get("x-shopify-api-version")
