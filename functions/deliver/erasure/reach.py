"""Find out which profiles a request to erase reaches, and how much of each: never more than belongs to who asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Literal, TypeAlias

from bridge.profiles import identity, ownership
from bridge.profiles.versions import VISITORS, ProfileState
from bridge.storage.ledger import BATCH_READ_KEYS, Ledger, Link, link_key, link_of, profile_key
from functions.deliver.delivery import Delivery
from functions.deliver.erasure import request

Extent: TypeAlias = Literal["whole", "part", "named"]
WHOLE: Extent = "whole"
"""All of the profile, in Batch and here."""
PART: Extent = "part"
"""Takes the part that comes from the connection: what it wrote, what it said, and what is kept of that."""
NAMED: Extent = "named"
"""The ids that the request names, as far as they lead here; and nothing else of it."""

MAX_WITNESSES = 1000
"""Links of a profile that are read for who mentioned them: who fed it is known without them."""

OWNERS = "its custom id is a user_id of yours"
FED_BY_OTHERS = "other sources fed it too"
SHARED = "another customer is known by it too"
MOVED = "the id was merged into it"
NAMES_ANOTHER = "an order leads to it that the request names, and the customer does not"
OF_ANOTHER = "it has the e-mail of the request, and is not this customer's alone"


@dataclass(frozen=True, slots=True)
class Target:
    """One profile that a request reaches. `why` is what keeps it from being erased whole, for a person to decide.

    `is_own`: the id that is meant led to it of itself. `feeders` are the connections that are known to have fed it.
    `addresses` are the digests of its e-mail and its phone number, as far as an owner stated them.
    """

    custom_id: str
    extent: Extent
    why: str = ""
    is_own: bool = True
    feeders: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


class Reach:
    """Judges by the ledger; `clock` returns Unix seconds."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float]) -> None:
        self.ledger = ledger
        self.clock = clock

    def targets(self, delivery: Delivery) -> list[Target]:
        """Return the profiles that a request reaches, those of the person first. Raises BatchUnavailable."""
        if delivery.webhook.source == request.SOURCE:
            return self.named_outright(delivery)
        project, person = delivery.settings.project, delivery.change.person
        links = self.ledger.known_links(project, person.references, self.clock())
        own, merged = led_to(links.get(person.references[0]) if person.references else None)
        found = [self.judged(delivery, custom_id) for custom_id in own]
        found += [Target(custom_id, NAMED, MOVED, is_own=False) for custom_id in merged]
        if delivery.change.privacy == "housekeeping":
            return found
        if email := self.digest(delivery):
            found += [self.of_email(delivery, email)] if email not in own else []
        reached = {target.custom_id for target in found}
        others = dict.fromkeys(link.custom_id for link in links.values() if link.custom_id not in reached)
        return found + [Target(custom_id, NAMED, NAMES_ANOTHER, is_own=False) for custom_id in others]

    def named_outright(self, delivery: Delivery) -> list[Target]:
        """Return the profiles of a request of our own: of one connection's traces, or whole."""
        custom_ids = dict.fromkeys(filter(None, (delivery.change.person.user_id, self.digest(delivery))))
        if delivery.change.scope:
            return [self.judged(delivery, custom_id) for custom_id in custom_ids]
        project = delivery.settings.project
        return [
            Target(
                custom_id,
                WHOLE,
                feeders=self.feeders(project, custom_id),
                addresses=addresses(self.ledger.state(project, custom_id)),
            )
            for custom_id in custom_ids
        ]

    def digest(self, delivery: Delivery) -> str | None:
        """Return the profile that is named after the request's e-mail, where profiles are."""
        is_used = "email_sha256" in delivery.settings.identity
        return identity.email_sha256(delivery.change.person.email) if is_used else None

    def feeders(self, project: str, custom_id: str) -> tuple[str, ...]:
        """Return the connections that are known to have fed a profile."""
        state, told_by = self.ledger.state(project, custom_id), self.told_by(project, custom_id)
        return tuple(sorted(ownership.feeders(state, told_by)))

    # ── How much of a profile ───────────────────────────────────────────────────────────────────────────

    def judged(self, delivery: Delivery, custom_id: str) -> Target:
        """Return how much of a profile goes that the id itself leads to."""
        project, connection = delivery.settings.project, scope_of(delivery)
        rows = self.ledger.read([profile_key(project, custom_id)])
        if any("gone_until" in row for row in rows.values()):
            return Target(custom_id, WHOLE)
        if self.is_shared(delivery, custom_id):
            return Target(custom_id, NAMED, SHARED)
        state, told_by = self.ledger.state(project, custom_id), self.told_by(project, custom_id)
        feeders = tuple(sorted(ownership.feeders(state, told_by)))
        if ownership.is_of_connection_alone(custom_id, state, connection, told_by):
            return Target(custom_id, WHOLE, feeders=feeders, addresses=addresses(state))
        why = self.reason(state, connection, feeders)
        return Target(custom_id, PART, why, feeders=feeders, addresses=addresses(state))

    def reason(self, state: ProfileState, connection: str, feeders: tuple[str, ...]) -> str:
        """Return why a profile is not erased whole."""
        return FED_BY_OTHERS if set(feeders) - {connection} and not state.is_owners else OWNERS

    def of_email(self, delivery: Delivery, custom_id: str) -> Target:
        """Return how much of the e-mail's profile goes, to which the id itself does not lead: all of it or nothing."""
        target = self.judged(delivery, custom_id)
        if target.extent == WHOLE:
            return target
        return Target(custom_id, NAMED, OF_ANOTHER, is_own=False)

    def is_shared(self, delivery: Delivery, custom_id: str) -> bool:
        """Return whether another id of the kind that is meant leads to a profile of itself: another customer does."""
        if not delivery.change.person.references:
            return False
        meant, project = delivery.change.person.references[0], delivery.settings.project
        kind = link_key(project, meant.rpartition(":")[0] + ":")
        alike = (
            key
            for key in self.link_keys(project, custom_id)
            if key.startswith(kind) and key != link_key(project, meant)
        )
        while keys := list(islice(alike, BATCH_READ_KEYS)):
            rows = self.ledger.read(keys).values()
            if any("moved_from" not in row and "expires_at" not in row for row in rows):
                return True
        return False

    def told_by(self, project: str, custom_id: str) -> set[str]:
        """Return the connections that mentioned links to a profile."""
        keys = islice(self.link_keys(project, custom_id), MAX_WITNESSES)
        rows = self.ledger.read([key for key in keys if key.startswith("link#")])
        return {link_of(row).learnt_by for row in rows.values() if "expires_at" not in row} - {""}

    def link_keys(self, project: str, custom_id: str) -> Iterator[str]:
        """Yield the keys of a profile's links and facts, which stand before its receipts."""
        return takewhile(lambda key: not key.startswith("webhook#"), self.ledger.keys_of(project, custom_id))


def addresses(state: ProfileState) -> tuple[str, ...]:
    """Return the digests of the addresses that an owner stated: a visitor's may be anybody's."""
    return tuple(digest for digest in state.addresses.values() if digest and not digest.startswith(VISITORS))


def led_to(link: Link | None) -> tuple[list[str], list[str]]:
    """Return the profiles to which an id leads of itself, and those into which it was merged."""
    if link is None:
        return [], []
    if link.moved_from is None or link.moved_from == link.custom_id:
        return [link.custom_id], []
    return [link.moved_from] if link.moved_from else [], [link.custom_id]


def scope_of(delivery: Delivery) -> str:
    """Return the connection whose traces a request takes, such as `shopify/main`; empty where it takes all."""
    return delivery.change.scope if delivery.webhook.source == request.SOURCE else delivery.webhook.writer
