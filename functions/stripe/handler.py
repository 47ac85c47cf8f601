"""Receive Stripe's webhooks: signature, topic, customer. Maps nothing.

https://docs.stripe.com/webhooks/signature
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge import signatures
from bridge.door import door
from bridge.errors import Ignored, InvalidSignature, MalformedBody
from bridge.webhook import Request, Source, Summary, json_object

TOPICS = frozenset(
    {
        "customer.created",
        "customer.updated",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.trial_will_end",
        "customer.subscription.deleted",
        "invoice.paid",
        "invoice.payment_failed",
    }
)


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """HMAC-SHA256 of `{t}.{body}` in hex, with the whole `whsec_...` text as the key."""
    header = request.headers.get("stripe-signature")
    if not header:
        raise InvalidSignature(signatures.NO_HEADER)
    timestamp, digests = signature_parts(header)
    return signatures.verify_timestamped_hex(timestamp, digests, request.body, secrets, now)


def signature_parts(header: str) -> tuple[str, list[str]]:
    """The time and every `v1` of `t=1,v1=a,v1=b,v0=c`, in any order. Raises InvalidSignature.

    While a secret is rolled there is one `v1` for each; `v0` and whatever else there may be prove nothing.
    """
    pairs = [part.partition("=") for part in header.split(",")]
    parts = [(scheme.strip(), text.strip()) for scheme, _, text in pairs]
    times = [text for scheme, text in parts if scheme == "t"]
    if len(times) != 1:
        raise InvalidSignature(signatures.MALFORMED_HEADER)
    return times[0], [text for scheme, text in parts if scheme == "v1"]


def summarise(request: Request) -> Summary:
    """Topic, customer and the id of the event. Raises Ignored, MalformedBody."""
    body = json_object(request.body)
    if body.get("object") == "v2.core.event":
        raise Ignored("thin events need an API key of the connection")
    subject = event_object(body)
    return Summary(body["type"], customer(subject), content_key(body))


def event_object(body: dict[str, Any]) -> dict[str, Any]:
    """What the event is about. Raises MalformedBody where the body is no event."""
    content = body.get("data")
    subject = content.get("object") if isinstance(content, dict) else None
    if body.get("object") != "event" or not isinstance(subject, dict):
        raise MalformedBody("body is not an event")
    if not isinstance(body.get("type"), str) or not body["type"]:
        raise MalformedBody("event has no type")
    return subject


def customer(subject: dict[str, Any]) -> str:
    """The customer id, else the e-mail, else the object's own id: what orders the queue."""
    owner = subject if subject.get("object") == "customer" else subject.get("customer")
    customer_id = owner.get("id") if isinstance(owner, dict) else owner
    if customer_id:
        return f"customer:{customer_id}"
    email = subject.get("customer_email") or subject.get("email")
    return f"email:{str(email).strip().lower()}" if email else f"object:{subject.get('id')}"


def content_key(body: dict[str, Any]) -> str | None:
    """The event's id, with the connected account whose event it is, if any."""
    event_id, account = body.get("id"), body.get("account")
    if not isinstance(event_id, str) or not event_id:
        return None
    return f"{account}/{event_id}" if account else event_id


STRIPE = Source(name="stripe", topics=TOPICS, verify=verify, summarise=summarise, kept_headers=())

SOURCES = (STRIPE,)

handler = door(*SOURCES)
