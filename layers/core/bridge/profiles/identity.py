"""Decide which profile a webhook belongs to. Pure: links are read and kept by the ledger.

Batch advises a hash of the e-mail where there is no account id of your own:
https://doc.batch.com/developer/technical-guides/how-to-guides/how-to-choose-the-right-custom-user-id-to-use-in-batch
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal, Protocol, TypeAlias

from bridge.errors import IdentityUnknown
from bridge.placeholders import is_placeholder, is_placeholder_of
from bridge.profiles import normalise
from bridge.profiles.profile_change import AttributeGroup, Person, ProfileChange, Provenance, WarningKind

Candidate: TypeAlias = Literal["user_id", "email_sha256", "source_id"]

CANDIDATES: tuple[Candidate, ...] = ("user_id", "email_sha256", "source_id")
MAX_CUSTOM_ID_CHARACTERS = 512
"""Counted as UTF-16, as Batch's SDKs do."""
PLACEHOLDER: Final = "placeholder_id"
NOT_TRUSTED: Final = "user_id_not_trusted"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
"""A moment within a version, as `normalise.sortable` writes it."""


class Statement(Protocol):
    """Hold what a connection's settings say of visitors' statements."""

    @property
    def visitor_user_id(self) -> str:
        """Return `ignore`, `signed` or `trust`."""

    @property
    def visitor_updates(self) -> str:
        """Return `fill` or `replace`."""


def custom_id(
    person: Person, links: Mapping[str, str], candidates: Sequence[Candidate], *, may_wait: bool
) -> str:
    """Return the custom id of the person's profile: the one that a reference is linked to, else the first candidate's.

    With `may_wait`, someone who is named elsewhere is not given the last resort yet. Raises IdentityUnknown.
    """
    for reference in person.references:
        if is_placeholder_of(reference):
            continue
        if reference in links:
            return links[reference]
    for candidate in candidates:
        if candidate == "source_id" and may_wait and person.named_elsewhere:
            continue
        value = valued(person, candidate)
        if value is not None:
            return value
    raise IdentityUnknown("nothing tells yet whose this is")


def valued(person: Person, candidate: Candidate) -> str | None:
    """Return the custom id that a candidate yields for a person, if any."""
    if candidate == "email_sha256":
        return email_sha256(person.email)
    text = (person.user_id if candidate == "user_id" else person.source_id) or ""
    value = text.strip()
    is_nobody = is_placeholder(value) or (candidate == "source_id" and is_placeholder_of(value))
    refused = not value.isprintable() or not value or is_nobody
    return None if refused or normalise.utf16_units(value) > MAX_CUSTOM_ID_CHARACTERS else value


def email_sha256(address: str | None) -> str | None:
    """Return the SHA-256 in hex of the trimmed, lower-cased e-mail; None where it is none."""
    email = normalise.email(address)
    return None if email is None else hashlib.sha256(email.encode()).hexdigest()


def as_stated(change: ProfileChange, settings: Statement, *, is_proven: bool) -> ProfileChange:
    """Return the change as far as the connection believes whoever states it.

    Placeholders are left out. A claimed user id becomes the person's where the settings trust it, or where it
    `is_proven` by a signature; else it is left out. Both with a warning. What rests on a visitor's word alone is all
    a visitor's.
    """
    person, placeholders = without_placeholders(change.person)
    warnings: list[tuple[WarningKind, str]] = [(PLACEHOLDER, name) for name in placeholders]
    claimed = person.claimed_user_id if person.user_id is None else None
    is_signed = settings.visitor_user_id == "signed" and is_proven
    if claimed and not (is_signed or settings.visitor_user_id == "trust"):
        warnings.append((NOT_TRUSTED, "user_id"))
        claimed = None
    person = replace(person, claimed_user_id=claimed, user_id=claimed or person.user_id)
    if claimed and not is_signed:
        person = replace(person, provenance="visitor")
    groups = tuple(believed(group, person.provenance, settings) for group in change.groups)
    return replace(change, person=person, groups=groups, warnings=(*change.warnings, *warnings))


def believed(group: AttributeGroup, provenance: Provenance, settings: Statement) -> AttributeGroup:
    """Return the group as a visitor's where it, or whose it is, rests on a visitor's word."""
    if "visitor" not in (group.provenance, provenance):
        return group
    return replace(group, provenance="visitor", replaces=settings.visitor_updates == "replace")


def in_time(change: ProfileChange, received_at: datetime) -> ProfileChange:
    """Return the change with no moment of a visitor's after its receipt: else a withdrawal would stay for ever.

    An owner's moments stay: they are of the tool's own clock, and of whatever its owner goes by.
    """
    latest = normalise.sortable(received_at)
    groups = tuple(
        group if group.provenance == "owner" else group_in_time(group, latest) for group in change.groups
    )
    if change.person.provenance == "owner":
        return replace(change, groups=groups)
    events = tuple(
        replace(event, time=min(event.time, received_at)) if event.time else event for event in change.events
    )
    return replace(change, groups=groups, events=events)


def group_in_time(group: AttributeGroup, latest: str) -> AttributeGroup:
    """Return the group with no moment after the latest in what it is compared by."""

    def at_most(text: str) -> str:
        return MOMENT.sub(lambda found: min(found.group(), latest), text)

    return replace(group, version=at_most(group.version), rank=at_most(group.rank))


def without_placeholders(person: Person) -> tuple[Person, list[str]]:
    """Return the person without ids that are placeholders, and what these were called."""
    references = tuple(one for one in person.references if not is_placeholder_of(one))
    found = {
        "user_id": any(is_placeholder(one) for one in (person.user_id, person.claimed_user_id) if one),
        "source_id": bool(person.source_id) and is_placeholder_of(person.source_id or ""),
        "reference": references != person.references,
    }
    cleared = replace(
        person,
        user_id=None if person.user_id and is_placeholder(person.user_id) else person.user_id,
        claimed_user_id=text_or_none(person.claimed_user_id),
        source_id=None if found["source_id"] else person.source_id,
        references=references,
        visit_references=tuple(one for one in person.visit_references if not is_placeholder_of(one)),
        customer=None if person.customer and is_placeholder_of(person.customer) else person.customer,
    )
    return cleared, [name for name, is_found in found.items() if is_found]


def text_or_none(claimed: str | None) -> str | None:
    """Return a claimed id without blanks around it; None where there is none, and for a placeholder."""
    text = (claimed or "").strip()
    return None if not text or is_placeholder(text) else text


def linkable(change: ProfileChange) -> tuple[str, ...]:
    """Return the references that from now on lead to the person's profile.

    On a visitor's word only what the visit itself made does, never the tool's record of a customer.
    """
    person = change.person
    known = (*person.references, *change.moves)
    if is_owners_word(person):
        return known
    return tuple(one for one in known if one in person.visit_references)


def is_owners_word(person: Person) -> bool:
    """Return whether the owner states whose it is: neither a visitor, nor anybody by a claimed user id."""
    return person.provenance == "owner" and person.claimed_user_id is None
