"""Say what one webhook says of one profile, in Batch's vocabulary. Values only: no I/O, no clock.

Attribute keys are Batch's own: `first_name`, `$email_address`, `date(last_order_at)`, `url(page)`.
https://doc.batch.com/developer/api/cep/profiles/update
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

Value: TypeAlias = "str | bool | int | float | Decimal | Sequence[Value] | Mapping[str, Value] | None"
Attributes: TypeAlias = Mapping[str, Value]
Provenance: TypeAlias = Literal["owner", "visitor"]
"""Who states something: the tool's own records and servers, or whoever fills in a form, a cart, a public checkout.

A mapping that does not say speaks for a visitor.
"""
WarningKind: TypeAlias = Literal[
    "consent_not_named", "fields_left_out", "placeholder_id", "user_id_not_trusted"
]
"""What a mapping may warn of; docs/operating.md lists them."""


@dataclass(frozen=True, slots=True)
class Person:
    """Hold whose webhook this is, as far as its body tells.

    `references` are the source's own names for things that belong to this person, e.g.
    `shopify:customer:123` or `shopify:order:987`; they link webhooks that carry no e-mail to the profile.
    `source_id` is the last resort for a custom id, e.g. `shopify:123`. `named_elsewhere`: webhooks of this
    kind carry no e-mail, and another one will tell whose it is; without a `source_id` it is let go if none does.

    `user_id` is an owner's statement. `claimed_user_id` is a visitor's, with `user_id_signature` where the claim is
    signed by the connection's identity secret. `provenance` is who states the rest: from a visitor's claim no link
    is learnt, but of `visit_references`: what this very visit made, such as its checkout or its order.
    `customer` is the reference of the tool's own record of the person, if it has one.
    """

    user_id: str | None = None
    email: str | None = None
    source_id: str | None = None
    references: tuple[str, ...] = ()
    named_elsewhere: bool = False
    claimed_user_id: str | None = None
    user_id_signature: str | None = None
    provenance: Provenance = "visitor"
    visit_references: tuple[str, ...] = ()
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class AttributeGroup:
    """Attributes that share one version: an older version never replaces a newer one.

    A value `{"$add": [...], "$remove": [...]}` changes a list by its items, each with this version.
    `version` is a text that sorts by age. A group with a `member` (a subscription's id) is one of several
    of its kind: the profile shows the member with the greatest `rank`, whatever order they arrive in.
    What a visitor states never replaces what an owner states, however new it is. An e-mail or a phone number of a
    visitor stays for another visitor too, unless that one's group `replaces`.
    `proof` says how a consent was given, such as the form and the box that was ticked.
    """

    name: str
    version: str
    attributes: Attributes
    member: str | None = None
    rank: str = ""
    provenance: Provenance = "visitor"
    proof: Attributes = field(default_factory=dict)
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, at the source's own time (aware, or None for the time of receipt).

    Two webhooks may mention it: with the same `once`, the profile gets it from the first of them alone.
    """

    name: str
    time: datetime | None
    attributes: Attributes = field(default_factory=dict)
    once: str | None = None


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """All that one webhook says. `is_test` marks a provider's test mode.

    `moves` are references that from now on lead to this profile, whatever they led to before: a merge.
    `remember` are facts for webhooks to come, such as an order's total; a webhook that needs them names them in
    `recall`, and `completed` makes its events of those that are known; for those in `awaits` it waits a while, as they
    will be told. No fact may be personal.
    `privacy` asks, in place of all this, to erase the person, or to show what is held of them; `housekeeping` is that
    the tool has deleted a record, and not what the person wishes. The first reference is then the id that is meant, and
    the others are of things that are the person's, such as orders.
    `connection` mentions no person but of the connection itself: that the tool has left it, or that, having left it,
    it wants everybody erased who became known by it; `erase_now` that their time has come.
    `scope` is, of a request of our own, the connection whose traces go, such as `shopify/main`, where not all do;
    `erasure` the one among those that waited which it carries out.
    `body_provenance` is who states whatever else the settings read off the body, and `visitor_fields` are the names of
    its fields that are a visitor's all the same.
    `warnings` are what was left out on purpose, each as a kind and the name of a field, for the receipt.
    """

    person: Person
    groups: tuple[AttributeGroup, ...] = ()
    events: tuple[Event, ...] = ()
    is_test: bool = False
    moves: tuple[str, ...] = ()
    remember: Mapping[str, str] = field(default_factory=dict)
    recall: tuple[str, ...] = ()
    awaits: tuple[str, ...] = ()
    completed: Callable[[Mapping[str, str]], tuple[Event, ...]] | None = None
    privacy: Literal["erase", "review", "housekeeping"] | None = None
    connection: Literal["left", "erase", "erase_now"] | None = None
    scope: str = ""
    erasure: str = ""
    body_provenance: Provenance = "visitor"
    visitor_fields: frozenset[str] = frozenset()
    warnings: tuple[tuple[WarningKind, str], ...] = ()


def present(attributes: Attributes) -> dict[str, Value]:
    """Return the attributes that say something: without None, blank texts, empty lists and objects."""
    return {name: value for name, value in attributes.items() if not is_absent(value)}


def is_absent(value: Value) -> bool:
    """Return whether a source's value says nothing."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or value in ([], {})
