"""What Shopify's webhooks mean for a profile. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from bridge.profile import ProfileChange
from bridge.settings import ConnectionSettings
from bridge.webhook import Webhook
from functions.shopify import (
    checkouts,
    consents,
    customers,
    merges,
    orders,
    privacy,
    refunds,
    shipments,
    totals,
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
    "customer.tags_added": totals.tags_added,
    "customer.tags_removed": totals.tags_removed,
    "customers/purchasing_summary": totals.purchasing_summary,
    "customers_email_marketing_consent/update": consents.email_changed,
    "customers_marketing_consent/update": consents.sms_changed,
    **dict.fromkeys(checkouts.TOPICS, checkouts.to_change),
    **dict.fromkeys(shipments.TOPICS, shipments.to_change),
    "refunds/create": refunds.to_change,
}


def to_change(webhook: Webhook, settings: ConnectionSettings) -> ProfileChange:
    """The profile change of a webhook. Raises Ignored, pydantic.ValidationError."""
    del settings
    return READERS[webhook.topic](webhook)
