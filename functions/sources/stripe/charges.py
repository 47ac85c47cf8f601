"""Say what refunds and disputes of Stripe's charges mean for a profile. Pure."""

from __future__ import annotations

from bridge.profiles import normalise
from bridge.profiles.payment import proves_payment
from bridge.profiles.profile_change import Event, Person, Provenance, present
from functions.sources.stripe.event_versions import (
    Attributes,
    Events,
    currency_code,
    customer_reference,
    references,
    source_id,
    user_id,
)
from functions.sources.stripe.payloads import Charge, Dispute, Envelope


def person(charge: Charge) -> Person:
    email = charge.billing_details.email or charge.receipt_email
    visit = references(payment_intent=charge.payment_intent, charge=charge.id)
    return Person(
        user_id=user_id(charge.metadata),
        email=email,
        source_id=source_id(charge.customer),
        customer=customer_reference(charge.customer),
        references=(*references(customer=charge.customer, invoice=charge.invoice), *visit),
        named_elsewhere=not email,
        provenance=typed_by(charge),
        visit_references=visit,
    )


def typed_by(charge: Charge) -> Provenance:
    """Return who states what was typed to pay: its owner where money was taken. One that was only reserved is let go
    alike.

    https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
    """
    is_taken = proves_payment(charge.amount_refunded, is_stated=charge.captured is True)
    return "owner" if is_taken else "visitor"


def disputed_person(dispute: Dispute) -> Person:
    """Return the person of a dispute, which names only what was paid: a checkout, an invoice or a refund says whose."""
    return Person(
        user_id=user_id(dispute.metadata),
        references=references(payment_intent=dispute.payment_intent, charge=dispute.charge),
        named_elsewhere=True,
        provenance="owner",
    )


def refunded(envelope: Envelope, charge: Charge) -> Events:
    """Return what was given back now, and in all."""
    attributes: Attributes = {
        "charge_id": charge.id,
        "invoice_id": charge.invoice,
        "amount": normalise.major_units(refunded_now(envelope, charge), charge.currency),
        "total_refunded": normalise.major_units(charge.amount_refunded, charge.currency),
        "currency": currency_code(charge.currency),
        "is_full": charge.refunded,
        "url(receipt)": charge.receipt_url,
    }
    return (Event("payment_refunded", envelope.created, present(attributes)),)


def refunded_now(envelope: Envelope, charge: Charge) -> int | None:
    """Return the charge counts all of its refunds: what this one adds; None where it is not told what was before."""
    previous = Charge.model_validate({"id": charge.id, **envelope.data.previous_attributes}).amount_refunded
    return None if previous is None or charge.amount_refunded is None else charge.amount_refunded - previous


def dispute_opened(envelope: Envelope, dispute: Dispute) -> Events:
    return (dispute_event("dispute_opened", envelope, dispute),)


def dispute_closed(envelope: Envelope, dispute: Dispute) -> Events:
    """Return what a closed dispute means. Its status says who won: `won`, `lost`, `warning_closed`."""
    return (dispute_event("dispute_closed", envelope, dispute),)


def dispute_event(name: str, envelope: Envelope, dispute: Dispute) -> Event:
    attributes: Attributes = {
        "dispute_id": dispute.id,
        "charge_id": dispute.charge,
        "amount": normalise.major_units(dispute.amount, dispute.currency),
        "currency": currency_code(dispute.currency),
        "reason": dispute.reason,
        "status": dispute.status,
    }
    return Event(name, envelope.created, present(attributes))
