"""Say what Stripe mentions cards that were replaced or soon expire. Pure."""

from __future__ import annotations

import calendar
from datetime import MAXYEAR, UTC, datetime

from bridge.profiles import normalise
from bridge.profiles.profile_change import AttributeGroup, Event, Person, present
from functions.sources.stripe.event_versions import (
    Attributes,
    Events,
    Groups,
    customer_reference,
    references,
    source_id,
    user_id,
    version,
)
from functions.sources.stripe.payloads import Card, Envelope, PaymentMethod
from functions.sources.stripe.pricing import MONTHS_A_YEAR

# name on a card of Stripe's older API   name on its payment methods
BRANDS = {
    "american_express": "amex",
    "diners_club": "diners",
    "eftpos_australia": "eftpos_au",
}


def person(method: PaymentMethod) -> Person:
    email = method.billing_details.email or method.owner.email
    return Person(
        user_id=user_id(method.metadata),
        email=email,
        source_id=source_id(method.customer),
        customer=customer_reference(method.customer),
        references=references(customer=method.customer),
        named_elsewhere=not email,
        provenance="owner",
    )


def groups(envelope: Envelope, method: PaymentMethod) -> Groups:
    attributes = attributes_of(method)
    if not attributes:
        return ()
    return (AttributeGroup("card", version(envelope), attributes, provenance="owner"),)


def expiring(envelope: Envelope, method: PaymentMethod) -> Events:
    return (Event("card_expiring", envelope.created, attributes_of(method)),)


def attributes_of(method: PaymentMethod) -> Attributes:
    card = method.card or method
    return present(
        {"card_brand": brand(card), "date(card_expires_at)": normalise.timestamp(last_moment(card))}
    )


def brand(card: Card) -> str | None:
    """Return `visa`, `amex`: in the words of payment methods."""
    word = "_".join((card.brand or "").lower().split())
    return BRANDS.get(word, word) or None


def last_moment(card: Card) -> datetime | None:
    """Return the last moment of a card's month: until then it is good."""
    year, month = card.exp_year or 0, card.exp_month or 0
    if not (1 <= year <= MAXYEAR and 1 <= month <= MONTHS_A_YEAR):
        return None
    _, last_day = calendar.monthrange(year, month)
    return datetime(year, month, last_day, 23, 59, 59, tzinfo=UTC)
