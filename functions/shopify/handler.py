"""Receive Shopify's webhooks: signature, topic, customer. Maps nothing.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge import signatures
from bridge.door import door
from bridge.errors import MalformedBody
from bridge.webhook import Request, Source, Summary, json_object

TOPICS = frozenset(
    {
        "orders/create",
        "orders/paid",
        "orders/updated",
        "orders/cancelled",
        "customers/create",
        "customers/update",
    }
)


def header(request: Request, name: str) -> str | None:
    """A header under its classic name, or the un-prefixed one of Shopify's newer Events."""
    return request.headers.get(f"x-shopify-{name}") or request.headers.get(f"shopify-{name}")


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """HMAC-SHA256 of the body in base64, with the app's client secret; the scheme has no timestamp."""
    del now
    return signatures.verify_base64(header(request, "hmac-sha256"), request.body, secrets)


def summarise(request: Request) -> Summary:
    """Topic and customer. Raises MalformedBody."""
    topic = header(request, "topic")
    if not topic:
        raise MalformedBody("no topic header")
    return Summary(topic, customer(topic, json_object(request.body)))


def customer(topic: str, body: dict[str, Any]) -> str:
    """The customer id, else the e-mail, else the object's own id: what orders the queue."""
    owner = body if topic.startswith("customers/") else body.get("customer")
    customer_id = owner.get("id") if isinstance(owner, dict) else None
    if customer_id:
        return f"customer:{customer_id}"
    email = body.get("email") or body.get("contact_email")
    return f"email:{str(email).strip().lower()}" if email else f"object:{body.get('id')}"


SHOPIFY = Source(
    name="shopify",
    topics=TOPICS,
    verify=verify,
    summarise=summarise,
    kept_headers=(
        "x-shopify-api-version",
        "x-shopify-triggered-at",
        "x-shopify-test",
        "shopify-triggered-at",
    ),
)

SOURCES = (SHOPIFY,)

handler = door(*SOURCES)
