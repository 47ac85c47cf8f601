"""Receive Stripe's webhooks: signature, topic, customer. Maps nothing.

https://docs.stripe.com/webhooks/signature
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.errors import Ignored, InvalidSignature, MalformedBody
from bridge.placeholders import name_in, object_key
from bridge.receiving import signatures
from bridge.receiving.receiver import receiver
from bridge.webhook import Claim, Request, Routing, Source, has_header, json_object
from functions.sources.stripe.references import signed_reference

THIN = "v2.core.event"
THIN_PREFIX = "v1."
"""Of a thin event's type, before the topic: `v1.customer.created`."""

TOPICS = frozenset(
    {
        "customer.created",
        "customer.updated",
        "customer.deleted",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.trial_will_end",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "customer.subscription.deleted",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice.payment_failed",
        "invoice.upcoming",
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.expired",
        "charge.refunded",
        "charge.dispute.created",
        "charge.dispute.closed",
        "payment_method.automatically_updated",
        "customer.source.expiring",
    }
)


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """Verify HMAC-SHA256 of `{t}.{body}` in hex, with the whole `whsec_...` text as the key."""
    header = request.headers.get("stripe-signature")
    if not header:
        raise InvalidSignature(signatures.NO_HEADER)
    timestamp, digests = signature_parts(header)
    return signatures.verify_timestamped_hex(timestamp, digests, request.body, secrets, now)


def signature_parts(header: str) -> tuple[str, list[str]]:
    """Return the time and every `v1` of `t=1,v1=a,v1=b,v0=c`, in any order. Raises InvalidSignature.

    While a secret is rolled there is one `v1` for each; `v0` and whatever else there may be prove nothing.
    """
    pairs = [part.partition("=") for part in header.split(",")]
    parts = [(scheme.strip(), text.strip()) for scheme, _, text in pairs]
    times = [text for scheme, text in parts if scheme == "t"]
    if len(times) != 1:
        raise InvalidSignature(signatures.MALFORMED_HEADER)
    return times[0], [text for scheme, text in parts if scheme == "v1"]


def routing_of(request: Request) -> Routing:
    """Return topic, customer and the id of the event. Raises Ignored, MalformedBody."""
    body = json_object(request.body)
    if body.get("object") == THIN:
        return routing_of_thin(body)
    subject = event_object(body)
    return Routing(body["type"], of_account(body, customer(body["type"], subject)), idempotency_key(body))


def routing_of_thin(body: dict[str, Any]) -> Routing:
    """Return the routing of a thin event, which names its object alone; the rest is asked for when it is delivered."""
    topic, related = body.get("type"), body.get("related_object")
    if not isinstance(topic, str) or not isinstance(related, dict) or not name_in(related.get("id")):
        raise Ignored("thin event of no object")
    subject = {"id": related.get("id"), "object": related.get("type")}
    named = body | {"account": body.get("context")}
    ordered = of_account(named, customer(topic.removeprefix(THIN_PREFIX), subject))
    return Routing(topic.removeprefix(THIN_PREFIX), ordered, idempotency_key(named))


def event_object(body: dict[str, Any]) -> dict[str, Any]:
    """Return what the event is about. Raises MalformedBody where the body is no event."""
    content = body.get("data")
    subject = content.get("object") if isinstance(content, dict) else None
    if body.get("object") != "event" or not isinstance(subject, dict):
        raise MalformedBody("body is not an event")
    if not isinstance(body.get("type"), str) or not body["type"]:
        raise MalformedBody("event has no type")
    return subject


def customer(topic: str, subject: dict[str, Any]) -> str:
    """Return the customer id, else the e-mail, else what was paid, else the object's own id: what orders the queue."""
    itself = subject.get("object") == "customer" or topic == "customer.deleted"
    owner = subject if itself else subject.get("customer")
    customer_id = name_in(owner.get("id") if isinstance(owner, dict) else owner)
    if customer_id:
        return f"customer:{customer_id}"
    if email := name_in(email_in(subject)):
        return f"email:{email.lower()}"
    return object_key("object", [subject.get("payment_intent"), subject.get("id")], subject)


def email_in(subject: dict[str, Any]) -> object:
    """Return the e-mail, wherever invoices, checkouts, charges and cards have it."""
    for name in ("customer_details", "billing_details", "owner"):
        details = subject.get(name)
        if isinstance(details, dict) and details.get("email"):
            return details["email"]
    return subject.get("customer_email") or subject.get("email") or subject.get("receipt_email")


def idempotency_key(body: dict[str, Any]) -> str | None:
    """Return the event's id, with the connected account whose event it is, if any."""
    event_id = body.get("id")
    return of_account(body, event_id) if isinstance(event_id, str) and event_id else None


def of_account(body: dict[str, Any], name: str) -> str:
    """Return a name that is unique among connected accounts too."""
    account = body.get("account")
    return f"{account}/{name}" if account else name


def claimed(request: Request) -> list[Claim]:
    """Return the user id in the address of a payment link, with the signature behind it. Raises MalformedBody."""
    if b"client_reference_id" not in request.body:
        return []
    content = json_object(request.body).get("data")
    session = content.get("object") if isinstance(content, dict) else None
    stated = session.get("client_reference_id") if isinstance(session, dict) else None
    return [signed_reference(stated)] if isinstance(stated, str) else []


STRIPE = Source(
    name="stripe",
    topics=TOPICS,
    verify=verify,
    routing_of=routing_of,
    is_from_tool=has_header("user-agent: Stripe/"),
    kept_headers=(),
    claims=claimed,
)

SOURCES = (STRIPE,)

handler = receiver(*SOURCES)
