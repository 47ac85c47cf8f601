"""Say what Stripe's invoices mean for a profile. Pure."""

from __future__ import annotations

from bridge.profiles import normalise
from bridge.profiles.profile_change import AttributeGroup, Event, Person, present
from functions.sources.stripe.event_versions import (
    Attributes,
    Events,
    Groups,
    currency_code,
    customer_reference,
    references,
    source_id,
    user_id,
    version,
)
from functions.sources.stripe.payloads import Envelope, Invoice


def person(invoice: Invoice) -> Person:
    new, old = invoice.parent.subscription_details, invoice.subscription_details
    return Person(
        user_id=user_id(invoice.metadata, new.metadata, old.metadata),
        email=invoice.customer_email,
        source_id=source_id(invoice.customer),
        customer=customer_reference(invoice.customer),
        references=(
            *references(customer=invoice.customer, subscription=subscription_id(invoice), invoice=invoice.id),
            *payments(invoice),
        ),
        named_elsewhere=not invoice.customer_email,
        provenance="owner",
    )


def payments(invoice: Invoice) -> tuple[str, ...]:
    """Return what it was paid with, for disputes, which name nothing else; at the top before 2025-03-31.basil."""
    found = [invoice, *(one.payment for one in invoice.payments.data)]
    named = (references(charge=one.charge, payment_intent=one.payment_intent) for one in found)
    return tuple(dict.fromkeys(name for names in named for name in names))


def subscription_id(invoice: Invoice) -> str | None:
    """Return its subscription: under `parent` from 2025-03-31.basil, at the top before."""
    return invoice.parent.subscription_details.subscription or invoice.subscription


def facts_of(invoice: Invoice, amount: int | None) -> Attributes:
    """Return what each event says about an invoice, `amount` in the smallest unit."""
    return {
        "invoice_id": invoice.id,
        "invoice_number": invoice.number,
        "amount": normalise.major_units(amount, invoice.currency),
        "currency": currency_code(invoice.currency),
        "subscription_id": subscription_id(invoice),
        "billing_reason": invoice.billing_reason,
        "url(invoice)": invoice.hosted_invoice_url,
    }


def paid(envelope: Envelope, invoice: Invoice) -> Events:
    """Return a payment. The invoice of a trial is paid too, with 0, and is none."""
    if not invoice.amount_paid:
        return ()
    name = "subscription_renewed" if invoice.billing_reason == "subscription_cycle" else "invoice_paid"
    return (Event(name, envelope.created, present(facts_of(invoice, invoice.amount_paid))),)


def last_payment(envelope: Envelope, invoice: Invoice) -> Groups:
    """Return the last payment; with `payment_status`, so that a failure which is made good does not stay."""
    if not invoice.amount_paid:
        return ()
    paid_at = invoice.status_transitions.paid_at or envelope.created
    attributes: Attributes = {
        "date(last_payment_at)": normalise.timestamp(paid_at),
        "last_payment_amount": normalise.major_units(invoice.amount_paid, invoice.currency),
        "last_payment_currency": currency_code(invoice.currency),
        "payment_status": "paid",
    }
    return (AttributeGroup("payment", version(envelope), present(attributes), provenance="owner"),)


def failed_payment(envelope: Envelope, invoice: Invoice) -> Groups:
    del invoice
    attributes: Attributes = {"payment_status": "failed"}
    return (AttributeGroup("payment", version(envelope), attributes, provenance="owner"),)


def payment_failed(envelope: Envelope, invoice: Invoice) -> Events:
    """Return a payment that was refused; where there is no next attempt, it was the last."""
    attributes: Attributes = {
        **facts_of(invoice, invoice.amount_due),
        "attempt_count": invoice.attempt_count,
        "date(next_attempt_at)": normalise.timestamp(invoice.next_payment_attempt),
    }
    return (Event("payment_failed", envelope.created, present(attributes)),)


def upcoming(envelope: Envelope, invoice: Invoice) -> Events:
    """Return a renewal some days ahead; the invoice does not exist yet, and has no id."""
    attributes: Attributes = {
        **facts_of(invoice, invoice.amount_due),
        "date(renews_at)": normalise.timestamp(invoice.period_end or invoice.next_payment_attempt),
    }
    return (Event("renewal_upcoming", envelope.created, present(attributes)),)
