"""Say what Stripe's customers mean for a profile. Pure."""

from __future__ import annotations

from dataclasses import replace

from bridge.profiles import normalise
from bridge.profiles.profile_change import AttributeGroup, Event, Person, present
from functions.sources.stripe.event_versions import (
    Attributes,
    Events,
    Groups,
    before,
    customer_reference,
    references,
    source_id,
    user_id,
    version,
)
from functions.sources.stripe.payloads import Customer, Envelope


def person(customer: Customer) -> Person:
    return Person(
        user_id=user_id(customer.metadata),
        email=customer.email,
        source_id=source_id(customer.id),
        customer=customer_reference(customer.id),
        references=references(customer=customer.id),
        provenance="owner",
    )


def person_deleted(customer: Customer) -> Person:
    """Return whose it was. What is left may be an id alone: then an earlier webhook has told."""
    return replace(person(customer), named_elsewhere=not customer.email)


def groups(envelope: Envelope, customer: Customer) -> Groups:
    """Return who the customer is; what `previous_attributes` shows and is no more there is nulled."""
    attributes = attributes_of(customer)
    was = attributes_of(Customer.model_validate(before(envelope)))
    gone = dict.fromkeys(name for name in was if name not in attributes)
    return (
        AttributeGroup("customer", version(envelope), attributes | gone, provenance="owner"),
        record(envelope, customer, customer.id),
    )


def deleted(envelope: Envelope, customer: Customer) -> Groups:
    """Return who the person is stays: only Stripe's record of them is gone."""
    return (record(envelope, customer, None),)


def record(envelope: Envelope, customer: Customer, customer_id: str | None) -> AttributeGroup:
    """Return Stripe's record of the person. One may have several: the profile shows the newest that is not deleted."""
    alive = "1" if customer_id else "0"
    return AttributeGroup(
        "stripe_customer",
        version(envelope),
        {"stripe_customer_id": customer_id},
        member=customer.id,
        rank="|".join((alive, normalise.sortable(customer.created), customer.id)),
        provenance="owner",
    )


def attributes_of(customer: Customer) -> Attributes:
    first_name, _, last_name = " ".join((customer.name or "").split()).partition(" ")
    country = customer.address.country
    attributes: Attributes = {
        "$email_address": customer.email,
        "$phone_number": normalise.phone(customer.phone, country) or customer.phone,
        "$language": normalise.language(next(iter(customer.preferred_locales or ()), None)),
        "$region": normalise.region(country),
        "first_name": first_name,
        "last_name": last_name,
    }
    return present(attributes)


def created(envelope: Envelope, customer: Customer) -> Events:
    del customer
    return (Event("billing_customer_created", envelope.created),)
