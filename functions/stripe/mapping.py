"""What Stripe's events mean for a profile. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bridge.profile import Person, ProfileChange
from bridge.settings import ConnectionSettings
from bridge.webhook import Webhook
from functions.stripe import customers, invoices, subscriptions
from functions.stripe.happening import Events, Groups, nothing
from functions.stripe.models import Customer, Envelope, Invoice, Model, Subscription

Subject = TypeVar("Subject", bound=Model)


@dataclass(frozen=True, slots=True)
class Kind(Generic[Subject]):
    """What an event is about, and whose that is."""

    model: type[Subject]
    person: Callable[[Subject], Person]


@dataclass(frozen=True, slots=True)
class Topic(Generic[Subject]):
    """The attributes and the events that a topic comes to."""

    kind: Kind[Subject]
    groups: Callable[[Envelope, Subject], Groups]
    events: Callable[[Envelope, Subject], Events]


CUSTOMER = Kind(Customer, customers.person)
SUBSCRIPTION = Kind(Subscription, subscriptions.person)
INVOICE = Kind(Invoice, invoices.person)

# topic                                        about         attributes            events
TOPICS: dict[str, Topic[Any]] = {
    "customer.created": Topic(CUSTOMER, customers.groups, customers.created),
    "customer.updated": Topic(CUSTOMER, customers.groups, nothing),
    "customer.subscription.created": Topic(SUBSCRIPTION, subscriptions.groups, subscriptions.beginnings),
    "customer.subscription.updated": Topic(SUBSCRIPTION, subscriptions.groups, subscriptions.changes),
    "customer.subscription.trial_will_end": Topic(
        SUBSCRIPTION, subscriptions.groups, subscriptions.trial_ending
    ),
    "customer.subscription.deleted": Topic(SUBSCRIPTION, subscriptions.groups, subscriptions.cancelled),
    "invoice.paid": Topic(INVOICE, invoices.last_payment, invoices.paid),
    "invoice.payment_failed": Topic(INVOICE, invoices.failed_payment, invoices.payment_failed),
}


def to_change(webhook: Webhook, settings: ConnectionSettings) -> ProfileChange:
    """The profile change of a webhook. Raises pydantic.ValidationError."""
    del settings
    topic = TOPICS[webhook.topic]
    envelope = Envelope.model_validate_json(webhook.body)
    subject = topic.kind.model.model_validate(envelope.data.object)
    return ProfileChange(
        person=topic.kind.person(subject),
        groups=topic.groups(envelope, subject),
        events=topic.events(envelope, subject),
        is_test=envelope.livemode is False,
    )
