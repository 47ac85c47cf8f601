"""What Stripe's invoices mean for a profile. Pure."""

from __future__ import annotations

from bridge import normalise
from bridge.profile import AttributeGroup, Event, Person, present
from functions.stripe.happening import (
    Attributes,
    Events,
    Groups,
    references,
    source_id,
    user_id,
    version,
)
from functions.stripe.models import Envelope, Invoice


def person(invoice: Invoice) -> Person:
    new, old = invoice.parent.subscription_details, invoice.subscription_details
    return Person(
        user_id=user_id(invoice.metadata, new.metadata, old.metadata),
        email=invoice.customer_email,
        source_id=source_id(invoice.customer),
        references=references(
            customer=invoice.customer, subscription=subscription_id(invoice), invoice=invoice.id
        ),
        named_elsewhere=not invoice.customer_email,
    )


def subscription_id(invoice: Invoice) -> str | None:
    """Its subscription: under `parent` from 2025-03-31.basil, at the top before."""
    return invoice.parent.subscription_details.subscription or invoice.subscription


def currency(invoice: Invoice) -> str | None:
    return invoice.currency.upper() if invoice.currency else None


def facts_of(invoice: Invoice, amount: int | None) -> Attributes:
    """What each event tells of an invoice, `amount` in the smallest unit."""
    return {
        "invoice_id": invoice.id,
        "invoice_number": invoice.number,
        "amount": normalise.major_units(amount, invoice.currency),
        "currency": currency(invoice),
        "subscription_id": subscription_id(invoice),
        "billing_reason": invoice.billing_reason,
        "url(invoice)": invoice.hosted_invoice_url,
    }


def paid(envelope: Envelope, invoice: Invoice) -> Events:
    """A payment. The invoice of a trial is paid too, with 0, and is none."""
    if not invoice.amount_paid:
        return ()
    name = "subscription_renewed" if invoice.billing_reason == "subscription_cycle" else "invoice_paid"
    return (Event(name, envelope.created, present(facts_of(invoice, invoice.amount_paid))),)


def last_payment(envelope: Envelope, invoice: Invoice) -> Groups:
    """The last payment; with `payment_status`, so that a failure which is made good does not stay."""
    if not invoice.amount_paid:
        return ()
    paid_at = invoice.status_transitions.paid_at or envelope.created
    attributes: Attributes = {
        "date(last_payment_at)": normalise.timestamp(paid_at),
        "last_payment_amount": normalise.major_units(invoice.amount_paid, invoice.currency),
        "last_payment_currency": currency(invoice),
        "payment_status": "paid",
    }
    return (AttributeGroup("payment", version(envelope), present(attributes)),)


def failed_payment(envelope: Envelope, invoice: Invoice) -> Groups:
    del invoice
    return (AttributeGroup("payment", version(envelope), {"payment_status": "failed"}),)


def payment_failed(envelope: Envelope, invoice: Invoice) -> Events:
    """A payment that was refused; where there is no next attempt, it was the last."""
    attributes: Attributes = {
        **facts_of(invoice, invoice.amount_due),
        "attempt_count": invoice.attempt_count,
        "date(next_attempt_at)": normalise.timestamp(invoice.next_payment_attempt),
    }
    return (Event("payment_failed", envelope.created, present(attributes)),)
