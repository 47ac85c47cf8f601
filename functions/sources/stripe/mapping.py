"""Say what Stripe's events mean for a profile. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bridge.profiles.profile_change import Person, ProfileChange, Provenance
from bridge.providers.payload_schema import Models
from bridge.settings import ConnectionSettings
from bridge.webhook import Webhook
from functions.sources.stripe import cards, charges, checkouts, customers, invoices, subscriptions
from functions.sources.stripe.event_versions import Events, Groups, nothing, of_account
from functions.sources.stripe.payloads import (
    Charge,
    Checkout,
    Customer,
    Dispute,
    Envelope,
    Invoice,
    Model,
    PaymentMethod,
    Subscription,
)
from functions.sources.stripe.thin import whole

__all__ = ["TOPICS", "api_version", "reads", "to_change", "whole"]

Subject = TypeVar("Subject", bound=Model)


@dataclass(frozen=True, slots=True)
class Kind(Generic[Subject]):
    """Hold what an event is about, and whose that is."""

    model: type[Subject]
    person: Callable[[Subject], Person]


@dataclass(frozen=True, slots=True)
class Topic(Generic[Subject]):
    """The attributes and the events that a topic comes to."""

    kind: Kind[Subject]
    groups: Callable[[Envelope, Subject], Groups]
    events: Callable[[Envelope, Subject], Events]


VISITOR_FIELDS = frozenset({"client_reference_id", "custom_fields"})
"""Fields of a checkout that whoever has its address fills in, paid or not."""

CUSTOMER = Kind(Customer, customers.person)
DELETED_CUSTOMER = Kind(Customer, customers.person_deleted)
SUBSCRIPTION = Kind(Subscription, subscriptions.person)
INVOICE = Kind(Invoice, invoices.person)
CHECKOUT = Kind(Checkout, checkouts.person)
CHARGE = Kind(Charge, charges.person)
DISPUTE = Kind(Dispute, charges.disputed_person)
CARD = Kind(PaymentMethod, cards.person)

# topic                                        about         attributes            events
TOPICS: dict[str, Topic[Any]] = {
    "customer.created": Topic(CUSTOMER, customers.groups, customers.created),
    "customer.updated": Topic(CUSTOMER, customers.groups, nothing),
    "customer.deleted": Topic(DELETED_CUSTOMER, customers.deleted, nothing),
    "customer.subscription.created": Topic(SUBSCRIPTION, subscriptions.groups, subscriptions.beginnings),
    "customer.subscription.updated": Topic(SUBSCRIPTION, subscriptions.groups, subscriptions.changes),
    "customer.subscription.trial_will_end": Topic(
        SUBSCRIPTION, subscriptions.groups, subscriptions.trial_ending
    ),
    "customer.subscription.paused": Topic(SUBSCRIPTION, subscriptions.groups, subscriptions.paused),
    "customer.subscription.resumed": Topic(SUBSCRIPTION, subscriptions.groups, subscriptions.resumed),
    "customer.subscription.deleted": Topic(SUBSCRIPTION, subscriptions.groups, subscriptions.cancelled),
    "invoice.paid": Topic(INVOICE, invoices.last_payment, invoices.paid),
    "invoice.payment_succeeded": Topic(INVOICE, nothing, nothing),  # the twin of invoice.paid
    "invoice.payment_failed": Topic(INVOICE, invoices.failed_payment, invoices.payment_failed),
    "invoice.upcoming": Topic(INVOICE, nothing, invoices.upcoming),
    "checkout.session.completed": Topic(CHECKOUT, checkouts.consent, checkouts.completed),
    "checkout.session.async_payment_succeeded": Topic(CHECKOUT, checkouts.consent, checkouts.completed),
    "checkout.session.expired": Topic(CHECKOUT, nothing, checkouts.abandoned),
    "charge.refunded": Topic(CHARGE, nothing, charges.refunded),
    "charge.dispute.created": Topic(DISPUTE, nothing, charges.dispute_opened),
    "charge.dispute.closed": Topic(DISPUTE, nothing, charges.dispute_closed),
    "payment_method.automatically_updated": Topic(CARD, cards.groups, nothing),
    "customer.source.expiring": Topic(CARD, cards.groups, cards.expiring),
}


def to_change(webhook: Webhook, settings: ConnectionSettings) -> ProfileChange:
    """Return the profile change of a webhook. Raises Ignored, pydantic.ValidationError."""
    topic = TOPICS[webhook.topic]
    envelope = Envelope.model_validate_json(webhook.body)
    subject = topic.kind.model.model_validate(envelope.data.object)
    return ProfileChange(
        person=of_account(person(topic, subject, settings), envelope.account),
        groups=topic.groups(envelope, subject),
        events=topic.events(envelope, subject),
        is_test=envelope.livemode is False,
        body_provenance=typed_by(subject),
        visitor_fields=VISITOR_FIELDS,
    )


def person(topic: Topic[Any], subject: Model, settings: ConnectionSettings) -> Person:
    """Return whose event it is; who states that of a checkout, the connection says."""
    if isinstance(subject, Checkout):
        return checkouts.person(
            subject,
            from_server=settings.stripe_sessions == "server",
            by_user_id=settings.identity[0] == "user_id",
        )
    return topic.kind.person(subject)


def typed_by(subject: Model) -> Provenance:
    """Return who states what the body says: of what is typed to pay, its owner once that is paid; else Stripe's own
    record."""
    if isinstance(subject, Checkout):
        return checkouts.typed_by(subject)
    return charges.typed_by(subject) if isinstance(subject, Charge) else "owner"


def reads(topic: str) -> Models:
    """Return what is read of a topic's body."""
    return {"": Envelope, "data.object": TOPICS[topic].kind.model} if topic in TOPICS else {}


def api_version(webhook: Webhook, content: Mapping[str, Any]) -> str | None:
    """Return the version in which the event was written."""
    del webhook
    return str(content.get("api_version") or "")
