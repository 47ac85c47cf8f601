"""Receive Shopify's webhooks: signature, topic, customer. Maps nothing.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from bridge.errors import MalformedBody
from bridge.placeholders import name_in, object_key
from bridge.receiving import signatures
from bridge.receiving.claims import SIGNATURE
from bridge.receiving.receiver import receiver
from bridge.webhook import Claim, Request, Routing, Source, has_header, json_object

TOPICS = frozenset(
    {
        "orders/create",
        "orders/paid",
        "orders/updated",
        "orders/edited",
        "orders/partially_fulfilled",
        "orders/fulfilled",
        "orders/cancelled",
        "refunds/create",
        "fulfillments/create",
        "fulfillments/update",
        "fulfillment_events/create",
        "checkouts/create",
        "checkouts/update",
        "customers/create",
        "customers/update",
        "customers/enable",
        "customers/disable",
        "customers/merge",
        "customers/delete",
        "customers/redact",
        "customers/data_request",
        "shop/redact",
        "app/uninstalled",
        "customers/purchasing_summary",
        "customer.tags_added",
        "customer.tags_removed",
        "customers_email_marketing_consent/update",
        "customers_marketing_consent/update",
    }
)


def header(request: Request, name: str) -> str | None:
    """Return a header under its classic name, or the un-prefixed one of Shopify's newer Events."""
    return request.headers.get(f"x-shopify-{name}") or request.headers.get(f"shopify-{name}")


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """Verify HMAC-SHA256 of the body in base64, with the app's client secret; the scheme has no timestamp."""
    del now
    return signatures.verify_base64(header(request, "hmac-sha256"), request.body, secrets)


def routing_of(request: Request) -> Routing:
    """Return topic and customer. Raises MalformedBody.

    A test has an id of its own: nobody signs that it is one, and it must not make the true webhook a repeat.
    """
    topic = header(request, "topic")
    if not topic:
        raise MalformedBody("no topic header")
    is_test = request.headers.get("x-shopify-test") == "true"
    idempotency_key = f"test\n{topic}\n{hashlib.sha256(request.body).hexdigest()}" if is_test else None
    return Routing(topic, customer(topic, json_object(request.body)), idempotency_key)


OF_THE_SHOP = ("app/uninstalled", "shop/redact")
# where topics of customers have the customer's id; tags and totals as `gid://shopify/Customer/1`
CUSTOMER_IDS = ("customer_id", "customerId", "admin_graphql_api_customer_kept_id", "id")


def customer(topic: str, body: dict[str, Any]) -> str:
    """Return the customer id, else the e-mail, else the order, else the object's own id: what orders the queue.

    What is about the shop itself is in a line of its own.
    """
    if topic in OF_THE_SHOP:
        return "shop"
    customer_id = name_in(str(owner_id(topic, body) or "").rpartition("/")[2])
    if customer_id:
        return f"customer:{customer_id}"
    email = name_in(body.get("email")) or name_in(body.get("contact_email"))
    if email and not topic.startswith("fulfillment"):
        return f"email:{email.lower()}"
    edit = body.get("order_edit")
    order_id = name_in(edit.get("order_id") if isinstance(edit, dict) else body.get("order_id"))
    return (
        f"order:{order_id}" if order_id else object_key("object", [body.get("id"), body.get("token")], body)
    )


def claimed(request: Request) -> list[Claim]:
    """Return the user id and its signature in the note attributes of a cart. Raises MalformedBody."""
    if SIGNATURE.encode() not in request.body:
        return []
    attributes = json_object(request.body).get("note_attributes")
    named = [one for one in attributes if isinstance(one, dict)] if isinstance(attributes, list) else []

    def first(name: str) -> str | None:
        found = [one["value"] for one in named if one.get("name") == name and one.get("value") is not None]
        return str(found[0]) if found else None

    return [(first("user_id"), first(SIGNATURE))]


def owner_id(topic: str, body: dict[str, Any]) -> Any:
    """Return the id of the customer whose webhook it is, if the body has it."""
    named = [body[name] for name in CUSTOMER_IDS if body.get(name)] if topic.startswith("customer") else []
    if named:
        return named[0]
    owner = body.get("customer")
    return owner.get("id") if isinstance(owner, dict) else None


SHOPIFY = Source(
    name="shopify",
    topics=TOPICS,
    verify=verify,
    routing_of=routing_of,
    is_from_tool=has_header("x-shopify-topic", "shopify-topic"),
    kept_headers=(
        "x-shopify-api-version",
        "x-shopify-triggered-at",
        "x-shopify-test",
        "shopify-triggered-at",
        "x-shopify-shop-domain",
        "shopify-shop-domain",
    ),
    claims=claimed,
)

SOURCES = (SHOPIFY,)

handler = receiver(*SOURCES)
