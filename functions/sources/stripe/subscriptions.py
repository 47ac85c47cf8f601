"""Say what Stripe's subscriptions mean for a profile. Pure.

CHANGES, at the end, says what an update can amount to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.profiles import normalise
from bridge.profiles.profile_change import AttributeGroup, Event, Person, present
from functions.sources.stripe import pricing
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
from functions.sources.stripe.payloads import CancellationDetails, Envelope, Moment, Subscription

# status of a new one   event; one that is incomplete waits for the update that its first payment makes
BEGINNINGS = {
    "trialing": "trial_started",
    "active": "subscription_started",
}

# status, from the first of a life to the last: breaks ties between events of the same second
STATUSES = (
    "incomplete",
    "trialing",
    "active",
    "past_due",
    "unpaid",
    "paused",
    "incomplete_expired",
    "canceled",
)


def person(subscription: Subscription) -> Person:
    """Return the person of a subscription. It has no e-mail: an event of its customer, or an invoice, says whose it
    is."""
    return Person(
        user_id=user_id(subscription.metadata),
        source_id=source_id(subscription.customer),
        customer=customer_reference(subscription.customer),
        references=references(customer=subscription.customer, subscription=subscription.id),
        named_elsewhere=True,
        provenance="owner",
    )


def groups(envelope: Envelope, subscription: Subscription) -> Groups:
    """Return the subscription, one of the customer's: the profile shows the newest that is not ended."""
    status = subscription.status
    standing = str(STATUSES.index(status)) if status in STATUSES else ""
    alive = "0" if pricing.is_ended(subscription) else "1"
    group = AttributeGroup(
        "subscription",
        version(envelope, standing),
        attributes_of(subscription),
        member=subscription.id,
        rank="|".join((alive, normalise.sortable(subscription.created), subscription.id)),
        provenance="owner",
    )
    return (group,)


def attributes_of(subscription: Subscription) -> Attributes:
    attributes: Attributes = {
        **facts_of(subscription),
        "mrr": pricing.mrr(subscription),
        "date(trial_ends_at)": normalise.timestamp(subscription.trial_end),
        "date(period_ends_at)": normalise.timestamp(period_end(subscription)),
        "date(cancels_at)": normalise.timestamp(cancel_time(subscription)),
        "date(subscribed_at)": normalise.timestamp(subscription.start_date or subscription.created),
    }
    return present(attributes)


def facts_of(subscription: Subscription) -> Attributes:
    """Return what the profile and each event say about a subscription."""
    return {
        "subscription_id": subscription.id,
        "subscription_plan": pricing.plan(subscription),
        "subscription_status": subscription.status,
        "subscription_interval": pricing.interval(subscription),
        "subscription_quantity": pricing.quantity(subscription),
        "subscription_amount": pricing.amount(subscription),
        "subscription_currency": pricing.currency(subscription),
    }


def period_end(subscription: Subscription) -> Moment:
    """Return the last end of its items' periods; of the subscription's own before 2025-03-31.basil."""
    ends = [item.current_period_end for item in subscription.items.data if item.current_period_end]
    return max(ends, default=subscription.current_period_end)


def cancel_time(subscription: Subscription) -> Moment:
    if subscription.cancel_at:
        return subscription.cancel_at
    return period_end(subscription) if subscription.cancel_at_period_end else None


def trial(subscription: Subscription) -> Attributes:
    return {"date(trial_ends_at)": normalise.timestamp(subscription.trial_end)}


def cancellation(subscription: Subscription) -> Attributes:
    return {
        "date(cancels_at)": normalise.timestamp(cancel_time(subscription)),
        **reasons(subscription),
    }


def reasons(subscription: Subscription) -> Attributes:
    """Return why it ends, in Stripe's words: `cancellation_requested`, `too_expensive`."""
    details = subscription.cancellation_details or CancellationDetails()
    return {"reason": details.reason, "feedback": details.feedback}


def event(name: str, envelope: Envelope, subscription: Subscription, further: Attributes) -> Event:
    """Return an event that mentions the subscription, and what is `further` of interest then."""
    attributes = {"$label": pricing.plan(subscription), **facts_of(subscription), **further}
    return Event(name, envelope.created, present(attributes))


def beginnings(envelope: Envelope, subscription: Subscription) -> Events:
    name = BEGINNINGS.get(subscription.status or "")
    return (event(name, envelope, subscription, trial(subscription)),) if name else ()


def trial_ending(envelope: Envelope, subscription: Subscription) -> Events:
    return (event("trial_ending", envelope, subscription, trial(subscription)),)


def paused(envelope: Envelope, subscription: Subscription) -> Events:
    """Return a trial ended without a card; `pause_collection` is something else, and leaves the status as it is."""
    return (event("subscription_paused", envelope, subscription, {}),)


def resumed(envelope: Envelope, subscription: Subscription) -> Events:
    return (event("subscription_resumed", envelope, subscription, {}),)


def cancelled(envelope: Envelope, subscription: Subscription) -> Events:
    return (event("subscription_cancelled", envelope, subscription, reasons(subscription)),)


def changes(envelope: Envelope, subscription: Subscription) -> Events:
    """Return each event that an update amounts to: several, one, or none."""
    was = previous(envelope)
    return tuple(
        event(name, envelope, subscription, change.further(was, subscription))
        for name, change in CHANGES.items()
        if change.happens(was, subscription)
    )


def previous(envelope: Envelope) -> Subscription:
    """Return the subscription as it was. Where its items are not told, old shapes tell its plan and quantity beside
    them."""
    was = before(envelope)
    if "items" not in envelope.data.previous_attributes:
        was.pop("items", None)
    return Subscription.model_validate(was)


@dataclass(frozen=True, slots=True)
class Change:
    """Hold whether it happens between a subscription as it was and as it is now, and what is to be said about both."""

    happens: Callable[[Subscription, Subscription], bool]
    further: Callable[[Subscription, Subscription], Attributes]


def starts_trial(was: Subscription, now: Subscription) -> bool:
    return was.status == "incomplete" and now.status == "trialing"


def starts(was: Subscription, now: Subscription) -> bool:
    return was.status in ("incomplete", "trialing") and now.status == "active"


def changes_plan(was: Subscription, now: Subscription) -> bool:
    old = price_ids(was)
    return bool(old) and None not in old and old != price_ids(now)


def price_ids(subscription: Subscription) -> set[str | None]:
    return {price.id for price in pricing.prices(subscription)}


def plan_change(was: Subscription, now: Subscription) -> Attributes:
    directions = {True: "upgrade", False: "downgrade", None: "switch"}
    return {
        "from_plan": pricing.plan(was),
        "to_plan": pricing.plan(now),
        "direction": directions[pricing.is_upgrade(was, now)],
    }


def changes_quantity(was: Subscription, now: Subscription) -> bool:
    """Return whether the quantity of as many items as before changed: a further item is a change of plan, whatever
    its quantity."""
    old, new = pricing.quantity(was), pricing.quantity(now)
    same_items = len(pricing.items(was)) == len(pricing.items(now))
    return same_items and None not in (old, new) and old != new


def quantity_change(was: Subscription, now: Subscription) -> Attributes:
    return {"from_quantity": pricing.quantity(was), "to_quantity": pricing.quantity(now)}


def is_scheduled(subscription: Subscription) -> bool:
    return bool(subscription.cancel_at_period_end or subscription.cancel_at)


def schedules_cancellation(was: Subscription, now: Subscription) -> bool:
    return is_scheduled(now) and not is_scheduled(was) and not pricing.is_ended(now)


def reverts_cancellation(was: Subscription, now: Subscription) -> bool:
    return is_scheduled(was) and not is_scheduled(now) and not pricing.is_ended(now)


def falls_past_due(was: Subscription, now: Subscription) -> bool:
    return now.status == "past_due" and was.status != "past_due"


# event                              happens                 tells besides
CHANGES = {
    "trial_started": Change(starts_trial, lambda _, now: trial(now)),
    "subscription_started": Change(starts, lambda *_: {}),
    "subscription_plan_changed": Change(changes_plan, plan_change),
    "subscription_quantity_changed": Change(changes_quantity, quantity_change),
    "cancellation_scheduled": Change(schedules_cancellation, lambda _, now: cancellation(now)),
    "cancellation_reverted": Change(reverts_cancellation, lambda *_: {}),
    "subscription_past_due": Change(falls_past_due, lambda *_: {}),
}
