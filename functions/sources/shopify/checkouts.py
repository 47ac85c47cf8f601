"""Checkouts that somebody began, and may have abandoned. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from bridge.errors import Ignored
from bridge.profiles import normalise
from bridge.profiles.profile_change import Event, Person, ProfileChange, Value, present
from bridge.webhook import Webhook
from functions.sources.shopify.customers import customer_groups, first_phone
from functions.sources.shopify.headers import arrival, is_test
from functions.sources.shopify.line_items import currency, delivery_address, discount_codes, items
from functions.sources.shopify.payloads import Checkout, Customer
from functions.sources.shopify.references import (
    checkout_reference,
    customer_reference,
    note_value,
    provenance,
    purchase_email,
    recorded,
    user_id,
)

# topic              event
TOPICS = {
    "checkouts/create": "checkout_started",
    "checkouts/update": "checkout_updated",
}


def to_change(webhook: Webhook) -> ProfileChange:
    """Raises Ignored for a checkout that became an order, and for an update that names nobody yet."""
    checkout = Checkout.model_validate_json(webhook.body)
    if checkout.completed_at:
        raise Ignored("the checkout is completed")
    is_start = webhook.topic == "checkouts/create"
    named = names_someone(checkout)
    claims = note_value(checkout, "user_id") or first_phone(checkout.customer or Customer(), checkout)
    if not (named or is_start or claims):
        raise Ignored("nobody is named at this checkout yet")
    content = f"shopify:checkout:{checkout.token}:{digest(checkout)}"
    time = (checkout.created_at if is_start else checkout.updated_at) or arrival(webhook)
    started = f"shopify:checkout:{checkout.token}:checkout_started"
    once = started if is_start else content
    event = Event(TOPICS[webhook.topic], time, attributes(checkout), once)

    def unless_started_so(known: Mapping[str, str]) -> tuple[Event, ...]:
        return () if content in known else (event,)

    return ProfileChange(
        person=person(checkout, named=named),
        groups=customer_groups(checkout.customer, checkout, webhook),
        events=(event,) if is_start else (),
        is_test=is_test(webhook),
        body_provenance="visitor",
        moves=checkout_reference(checkout.token) if named else (),
        remember={content: "started"} if is_start else {},
        recall=() if is_start else (content,),
        completed=None if is_start else unless_started_so,
    )


def person(checkout: Checkout, *, named: bool) -> Person:
    """Return whose checkout it is; one that names nobody waits for the order or the update that does.

    A phone alone becomes a profile of its own after the wait; nothing at all never does.
    """
    customer = checkout.customer or Customer()
    token = f"shopify:checkout:{checkout.token}"
    last_resort = token if first_phone(customer, checkout) else None
    record = recorded(customer)
    return Person(
        user_id=user_id(checkout),
        email=email(checkout),
        source_id=f"shopify:{customer.id}" if record else last_resort,
        references=(*customer_reference(customer.id), *(() if named else (token,))),
        named_elsewhere=not named,
        claimed_user_id=note_value(checkout, "user_id"),
        user_id_signature=note_value(checkout, "user_id_signature"),
        provenance=provenance(checkout),
        visit_references=(token,),
        customer=record,
    )


def names_someone(checkout: Checkout) -> bool:
    return bool(recorded(checkout.customer) or email(checkout) or user_id(checkout))


def email(checkout: Checkout) -> str | None:
    """Return an e-mail that is one: a checkout may be told while its field is still being filled in."""
    customer = checkout.customer or Customer()
    return normalise.email(customer.email or purchase_email(checkout))


def digest(checkout: Checkout) -> str:
    """Return what makes an update worth an event: the items, and whether somebody can be written to."""
    lines = sorted(
        [item.variant_id or item.product_id or item.title or "", item.quantity or 0]
        for item in checkout.line_items
    )
    reachable = bool(email(checkout) or first_phone(checkout.customer or Customer(), checkout))
    return hashlib.sha256(json.dumps([lines, reachable]).encode()).hexdigest()[:16]


def attributes(checkout: Checkout) -> dict[str, Value]:
    stated: dict[str, Value] = {
        "$label": checkout.name,
        "checkout_id": checkout.token,
        "amount": checkout.total_price,
        "currency": currency(checkout),
        "subtotal": checkout.subtotal_price,
        "discount_amount": checkout.total_discounts,
        "tax_amount": checkout.total_tax,
        **items(checkout),
        "discount_codes": discount_codes(checkout),
        "channel": checkout.source_name,
        "url(checkout)": checkout.abandoned_checkout_url,
        "delivery_address": delivery_address(checkout.shipping_address),
    }
    return present(stated)
