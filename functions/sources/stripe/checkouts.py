"""Say what Stripe's checkout sessions mean for a profile. Pure."""

from __future__ import annotations

from bridge.errors import Ignored
from bridge.placeholders import name_in
from bridge.profiles import normalise
from bridge.profiles.payment import proves_payment
from bridge.profiles.profile_change import AttributeGroup, Event, Person, Provenance, present
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
from functions.sources.stripe.payloads import Checkout, Envelope
from functions.sources.stripe.references import signed_reference

# payment status that needs no more waiting; one that is `unpaid` when completed may be paid days later
PAID = frozenset({"paid", "no_payment_required"})

# stated       consent           turn among those of the same second: a refusal is the last word
CONSENTS = {
    "opt_in": ("subscribed", "0"),
    "opt_out": ("unsubscribed", "1"),
}


def person(checkout: Checkout, *, from_server: bool = False, by_user_id: bool = True) -> Person:
    """Return who checks out; what is made of it (a subscription, a payment) belongs to them too.

    With `from_server`, only the owner's server makes sessions, so that their `client_reference_id` is its word.
    With `by_user_id`, the owner's `user_id` names the profile before an e-mail does, and so says whose the customer
    is, whoever typed the e-mail.
    """
    email = checkout.customer_details.email or checkout.customer_email
    is_servers = from_server and checkout.payment_link is None
    claimed, signature = (None, None) if is_servers else signed_reference(checkout.client_reference_id)
    customer = references(customer=checkout.customer)
    made = references(
        subscription=checkout.subscription,
        invoice=checkout.invoice,
        checkout=checkout.id,
        payment_intent=checkout.payment_intent,
    )
    stated = user_id(checkout.metadata, {"user_id": checkout.client_reference_id} if is_servers else {})
    return Person(
        user_id=stated,
        email=email,
        source_id=source_id(checkout.customer),
        references=(*customer, *made),
        named_elsewhere=not email,
        claimed_user_id=claimed,
        user_id_signature=signature,
        provenance=named_by(checkout, is_servers=is_servers),
        visit_references=(*made, *(customer if by_user_id and name_in(stated) else ())),
        customer=customer_reference(checkout.customer),
    )


def typed_by(checkout: Checkout) -> Provenance:
    """Return who states what was typed at a checkout: its owner once it is paid. One that costs nothing proves
    nothing."""
    is_paid = proves_payment(checkout.amount_total, is_stated=checkout.payment_status == "paid")
    return "owner" if is_paid else "visitor"


def named_by(checkout: Checkout, *, is_servers: bool) -> Provenance:
    """Return who states whose checkout it is: also the owner, whose server makes one to set up what a customer pays
    with.

    Otherwise a customer proves nothing: a checkout makes one of whatever e-mail was typed.
    """
    sets_up = checkout.mode == "setup" and checkout.customer_creation != "always"
    return "owner" if is_servers and sets_up and checkout.customer else typed_by(checkout)


def consent(envelope: Envelope, checkout: Checkout) -> Groups:
    """Return marketing by e-mail, as the customer chose it: the one consent that Stripe knows.

    https://docs.stripe.com/payments/checkout/promotional-emails-consent
    """
    stated = CONSENTS.get(checkout.consent.promotions or "")
    if stated is None:
        return ()
    state, turn = stated
    attributes: Attributes = {"$email_marketing": state}
    return (
        AttributeGroup("consent_email", version(envelope, turn), attributes, provenance=typed_by(checkout)),
    )


def facts_of(checkout: Checkout) -> Attributes:
    """Return what each event says about a checkout."""
    return {
        "checkout_id": checkout.id,
        "checkout_mode": checkout.mode,
        "amount": normalise.major_units(checkout.amount_total, checkout.currency),
        "currency": currency_code(checkout.currency),
        "subtotal": normalise.major_units(checkout.amount_subtotal, checkout.currency),
        "subscription_id": checkout.subscription,
    }


def completed(envelope: Envelope, checkout: Checkout) -> Events:
    """Return a checkout that is paid, once: with delayed methods of payment two webhooks mention it."""
    if checkout.payment_status not in PAID:
        return ()
    once = f"stripe:checkout_completed:{checkout.id}"
    return (Event("checkout_completed", envelope.created, present(facts_of(checkout)), once=once),)


def abandoned(envelope: Envelope, checkout: Checkout) -> Events:
    """Return a checkout that ran out of time. Raises Ignored where nobody had said who they are."""
    whose = person(checkout)
    if not (whose.user_id or whose.claimed_user_id or whose.email or checkout.customer):
        raise Ignored("expired checkout of nobody known")
    attributes = {**facts_of(checkout), "url(recovery)": checkout.after_expiration.recovery.url}
    return (Event("checkout_abandoned", envelope.created, present(attributes)),)
