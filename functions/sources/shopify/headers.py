"""Say what the headers say of how a webhook was sent. Pure."""

from __future__ import annotations

from datetime import datetime

from bridge.webhook import Webhook

HAPPENED = "bridge-happened-at"
"""Of a webhook that was made of the shop's list of orders: when its event happened, where the order does not say."""


def is_test(webhook: Webhook) -> bool:
    """Return whether the shop's owner pressed `Send test notification`."""
    return webhook.headers.get("x-shopify-test") == "true"


def arrival(webhook: Webhook) -> datetime:
    """Return when Shopify sent the webhook off, else when it came in; nobody signs the header, so never later than
    that.

    The header has nanoseconds (2024-08-07T22:51:14.136738016Z), more than Python reads.
    """
    headers = webhook.headers
    text = headers.get("x-shopify-triggered-at") or headers.get("shopify-triggered-at") or ""
    try:
        return min(datetime.fromisoformat(text[:19] + "+00:00"), webhook.received_at)
    except ValueError:
        return webhook.received_at


def shop_of(webhook: Webhook) -> str | None:
    """Return the shop's own address, as the header names it."""
    headers = webhook.headers
    return headers.get("x-shopify-shop-domain") or headers.get("shopify-shop-domain")


def happened(webhook: Webhook) -> datetime | None:
    """Return the moment in the header `HAPPENED`, which no webhook brings from outside."""
    text = webhook.headers.get(HAPPENED)
    return datetime.fromisoformat(text) if text else None
