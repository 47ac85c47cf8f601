"""Receive WooCommerce's webhooks: signature, topic, customer. Maps nothing.

https://woocommerce.com/document/webhooks/
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bridge.errors import MalformedBody
from bridge.placeholders import name_in, object_key
from bridge.receiving import signatures
from bridge.receiving.receiver import receiver
from bridge.webhook import Request, Routing, Source, has_header, json_object

DELETIONS = frozenset({"order.deleted", "customer.deleted", "product.deleted", "coupon.deleted"})
"""Their bodies are `{"id": 1}`. They change nothing, and have a receipt that says so."""
TOPICS = frozenset({"order.created", "order.updated", "customer.created", "customer.updated"}) | DELETIONS

SIGNATURE, TOPIC = "x-wc-webhook-signature", "x-wc-webhook-topic"
ACTIVATION = re.compile(rb"webhook_id=[0-9]{1,20}")


def handshake(request: Request) -> str | None:
    """Return the call of a webhook that is being saved: its number, no topic, no signature.

    WooCommerce activates the webhook only if this is answered 200.
    """
    is_bare = SIGNATURE not in request.headers and TOPIC not in request.headers
    return "webhook activated" if is_bare and ACTIVATION.fullmatch(request.body) else None


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """Verify HMAC-SHA256 of the body in base64, with the webhook's secret; the scheme has no timestamp."""
    del now
    return signatures.verify_base64(request.headers.get(SIGNATURE), request.body, secrets)


def routing_of(request: Request) -> Routing:
    """Return topic and customer; the delivery's id is not signed, so the body is the key. Raises MalformedBody."""
    topic = request.headers.get(TOPIC)
    if not topic:
        raise MalformedBody("no topic header")
    return Routing(topic, customer(topic, json_object(request.body)))


def customer(topic: str, body: dict[str, Any]) -> str:
    """Return the customer id (0 in any type is a guest), else the e-mail, else the object: what orders the queue."""
    customer_id = name_in(body.get("id" if topic.startswith("customer.") else "customer_id"))
    if customer_id:
        return f"customer:{customer_id}"
    billing = body.get("billing")
    email = name_in(billing.get("email")) if isinstance(billing, dict) else None
    return f"email:{email.lower()}" if email else object_key("object", [body.get("id")], body)


WOOCOMMERCE = Source(
    name="woocommerce",
    topics=TOPICS,
    verify=verify,
    routing_of=routing_of,
    is_from_tool=has_header(TOPIC),
    kept_headers=(),
    handshake=handshake,
)

SOURCES = (WOOCOMMERCE,)

handler = receiver(*SOURCES)
