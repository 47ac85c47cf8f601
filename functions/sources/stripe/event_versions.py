"""Say what all of Stripe's events have in common: when, how new, what was before, whose. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

from bridge.profiles import normalise
from bridge.profiles.profile_change import AttributeGroup, Event, Person, Value
from functions.sources.stripe.payloads import Envelope

Groups: TypeAlias = tuple[AttributeGroup, ...]
Events: TypeAlias = tuple[Event, ...]
Attributes: TypeAlias = dict[str, Value]

# last word of a topic: its turn among those of the same second
TURNS = {"created": 0, "payment_failed": 0, "deleted": 2}
OTHER_TURN = 1


def version(envelope: Envelope, standing: str = "") -> str:
    """Return how new an event is. Stripe's clock has whole seconds, so ties are common: a new customer is changed at
    once.

    Of the same second the later topic wins, then the later `standing`, then an id: arbitrary, but the same in
    whatever order they arrive.
    """
    turn = TURNS.get(envelope.type.rpartition(".")[2], OTHER_TURN)
    return "|".join((normalise.sortable(envelope.created), str(turn), standing, envelope.id or ""))


def before(envelope: Envelope) -> dict[str, Any]:
    """Return the object as it was: `previous_attributes` has what differs, lists whole, objects by the key."""
    return overlay(envelope.data.object, envelope.data.previous_attributes)


def overlay(now: dict[str, Any], previous: dict[str, Any]) -> dict[str, Any]:
    result = dict(now)
    for name, was in previous.items():
        becomes = now.get(name)
        result[name] = overlay(becomes, was) if isinstance(was, dict) and isinstance(becomes, dict) else was
    return result


def nothing(*_: object) -> tuple[()]:
    """Return no event, for topics that are none."""
    return ()


def references(**ids: str | None) -> tuple[str, ...]:
    """Return Stripe's names for what belongs to the person."""
    return tuple(f"stripe:{kind}:{name}" for kind, name in ids.items() if name)


def user_id(*metadata: dict[str, Any]) -> str | None:
    """Return the `user_id` that you put in the metadata."""
    found = [str(one["user_id"]) for one in metadata if one.get("user_id")]
    return found[0] if found else None


def customer_reference(customer: str | None) -> str | None:
    """Return the reference of Stripe's own record of the person."""
    return f"stripe:customer:{customer}" if customer else None


def source_id(customer: str | None) -> str | None:
    return f"stripe:{customer}" if customer else None


def of_account(person: Person, account: str | None) -> Person:
    """Return the person among those of a connected account, whose ids are unique there alone:
    `stripe:customer:acct_7/cus_9`.

    https://docs.stripe.com/connect/webhooks
    """
    if not account:
        return person

    def unique(reference: str) -> str:
        stripe, kind, name = reference.split(":", 2)
        return f"{stripe}:{kind}:{account}/{name}"

    return replace(
        person,
        source_id=person.source_id and person.source_id.replace(":", f":{account}/", 1),
        references=tuple(map(unique, person.references)),
        visit_references=tuple(map(unique, person.visit_references)),
        customer=person.customer and unique(person.customer),
    )


def currency_code(code: str | None) -> str | None:
    return code.upper() if code else None
