"""Find out whose each webhook of a batch is, and remember what leads to whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bridge.errors import IdentityUnknown
from bridge.profiles import identity, ownership
from bridge.profiles.profile_change import AttributeGroup, ProfileChange
from bridge.profiles.versions import ADDRESSES, CONSENTS, digest_of
from bridge.storage.ledger import MAX_FACT_CHARACTERS, Ledger, Link, fact_row, link_row
from functions.deliver.addresses import CONFLICT, SHARED, Addresses
from functions.deliver.delivery import Delivery, Outcome

LONGEST_WAIT_FOR_FACTS = timedelta(hours=1)
"""Webhooks overtake each other by minutes; what was placed before a tool was connected is never mentioned."""


class Identification:
    """The links and facts that one batch knows; `clock` returns Unix seconds."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float]) -> None:
        self.ledger = ledger
        self.clock = clock
        self.links: dict[tuple[str, str], Link] = {}
        self.facts: dict[tuple[str, str], str] = {}
        self.addresses = Addresses(ledger, clock)
        self.fed: dict[tuple[str, str], set[str]] = {}
        """The connections that feed profiles in this batch."""

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def identify(self, deliveries: Sequence[Delivery]) -> None:
        """Give each delivery its custom id, or end it; links learnt from one delivery serve the next. Raises
        BatchUnavailable."""
        self.read_links(deliveries)
        self.addresses.read(deliveries)
        for delivery in deliveries:
            try:
                delivery.custom_id = self.custom_id(delivery)
                self.fed.setdefault(delivery.profile, set()).add(delivery.webhook.writer)
                self.addresses.note_email(delivery)
                self.addresses.note_phone(delivery)
                self.learn(delivery)
                self.recall(delivery)
            except IdentityUnknown as error:
                self.end_unknown(delivery, error)

    def keep(self) -> None:
        """Write what was learnt of addresses, and ring for what is odd about them. Raises BatchUnavailable."""
        self.addresses.keep()

    def end_unknown(self, delivery: Delivery, error: IdentityUnknown) -> None:
        """Let a webhook without a profile wait; then, where not even a last resort names anyone, let it go."""
        person = delivery.change.person
        if self.may_wait(delivery):
            delivery.end(Outcome.WAITING, error)
        elif person.named_elsewhere and person.source_id is None:
            delivery.end(Outcome.IGNORED, reason="nobody was named in time")
        else:
            delivery.end(Outcome.PARKED, error)

    def read_links(self, deliveries: Sequence[Delivery]) -> None:
        for project in {delivery.settings.project for delivery in deliveries}:
            references = [
                reference
                for delivery in deliveries
                if delivery.settings.project == project
                for reference in (*delivery.change.person.references, *delivery.change.moves)
            ]
            known = self.ledger.known_links(project, references, self.clock())
            self.links |= {(project, reference): link for reference, link in known.items()}

    def custom_id(self, delivery: Delivery) -> str:
        """Return the custom id of a delivery's profile. A shared e-mail names nobody. Raises IdentityUnknown."""
        person, project = delivery.change.person, delivery.settings.project
        known = {
            reference: self.links[project, reference].custom_id
            for reference in person.references
            if (project, reference) in self.links
        }
        if self.shows_another_email(delivery, known):
            known = self.without_outgrown(delivery, known)
        may_wait = self.may_wait(delivery)
        found = identity.custom_id(person, known, delivery.settings.identity, may_wait=may_wait)
        is_by_email = not known and found == identity.email_sha256(person.email)
        if not is_by_email or not self.addresses.is_shared(delivery):
            return found
        delivery.warnings.add(SHARED, "email")
        unnamed = replace(person, email=None)
        return identity.custom_id(unnamed, known, delivery.settings.identity, may_wait=may_wait)

    def shows_another_email(self, delivery: Delivery, known: Mapping[str, str]) -> bool:
        """Return whether an owner's webhook leads to a profile by a link, shows another e-mail than names that, and
        is not the only source of it.

        An account whose e-mail the tool never verified could take over the profile of that e-mail so. Raises
        BatchUnavailable.
        """
        person, email = delivery.change.person, identity.email_sha256(delivery.change.person.email)
        led = next((known[reference] for reference in person.references if reference in known), "")
        if not email or email == led or not ownership.DIGEST.fullmatch(led) or delivery.change.moves:
            return False
        if not identity.is_owners_word(person) or self.is_merged(delivery, led):
            return False
        state = self.ledger.state(delivery.settings.project, led)
        feeders = ownership.feeders(state, self.fed.get((delivery.settings.project, led), ()))
        return not state.is_owners and bool(feeders - {delivery.webhook.writer})

    def is_merged(self, delivery: Delivery, custom_id: str) -> bool:
        """Return whether an owner merged one of the ids that the delivery names into a profile."""
        links = (
            self.links.get((delivery.settings.project, reference))
            for reference in delivery.change.person.references
        )
        return any(link and link.custom_id == custom_id and link.moved_from is not None for link in links)

    def without_outgrown(self, delivery: Delivery, known: Mapping[str, str]) -> dict[str, str]:
        """Return the links without that of a tool's record that shows another e-mail: it is found by that anew.

        Of anything else, such as an order with an e-mail of its own, the link stays, without addresses and consents.
        """
        if is_record(delivery):
            self.addresses.ring(delivery)
            delivery.outgrown = str(delivery.change.person.customer)
            return {reference: led for reference, led in known.items() if reference != delivery.outgrown}
        delivery.change = without_contact(delivery.change)
        delivery.warnings.add(CONFLICT, "email")
        return dict(known)

    def may_wait(self, delivery: Delivery, longest: timedelta = timedelta.max) -> bool:
        """Return whether a later webhook may still tell whose this one is, or what it is about."""
        patience = min(timedelta(hours=delivery.settings.identity_wait_hours), longest)
        return (
            delivery.change.person.named_elsewhere
            and datetime.fromtimestamp(self.clock(), UTC) < delivery.webhook.received_at + patience
        )

    def learn(self, delivery: Delivery) -> None:
        """Remember facts, and what leads to this profile: the first resolution sticks, unless the reference moves.

        Nothing moves by a visitor's word.
        """
        project, change = delivery.settings.project, delivery.change
        moves = change.moves if identity.is_owners_word(change.person) else ()
        for reference in identity.linkable(change):
            known = self.links.get((project, reference))
            is_led_anew = reference in moves or reference == delivery.outgrown
            if known is None or (is_led_anew and known.custom_id != delivery.custom_id):
                link = led(known, delivery, is_moved=reference in moves)
                self.links[project, reference] = link
                delivery.rows.append(
                    link_row(
                        project,
                        reference,
                        delivery.custom_id,
                        learnt_by=link.learnt_by,
                        moved_from=link.moved_from,
                    )
                )
        for name, value in change.remember.items():
            if len(value) > MAX_FACT_CHARACTERS:
                continue
            self.facts[project, name] = value
            delivery.rows.append(
                fact_row(project, name, value, delivery.custom_id, learnt_by=delivery.webhook.writer)
            )

    def recall(self, delivery: Delivery) -> None:
        """Complete a delivery's events with the facts that it asks for, as far as they are known."""
        project, change = delivery.settings.project, delivery.change
        if change.completed is None:
            return
        known = self.ledger.facts(project, change.recall)
        known |= {name: self.facts[project, name] for name in change.recall if (project, name) in self.facts}
        delivery.lacks_facts = bool(set(change.awaits) - set(known)) and self.may_wait(
            delivery, LONGEST_WAIT_FOR_FACTS
        )
        delivery.change = replace(change, events=(*change.events, *change.completed(known)))


def led(known: Link | None, delivery: Delivery, *, is_moved: bool) -> Link:
    """Return a link to the profile of a delivery. Where it was moved, it remembers the first profile that it led to."""
    before = known.custom_id if known else ""
    if known is not None and known.moved_from is not None:
        before = known.moved_from
    return Link(delivery.custom_id, delivery.webhook.writer, before if is_moved else None)


def is_record(delivery: Delivery) -> bool:
    """Return whether a webhook is a tool's own record of a customer, which states its e-mail: not an order of
    theirs, or a card."""
    person = delivery.change.person
    stated = {
        digest_of(group.attributes.get("$email_address"))
        for group in delivery.change.groups
        if group.provenance == "owner"
    }
    is_of_customer = person.customer is not None and set(person.references) == {person.customer}
    return is_of_customer and identity.email_sha256(person.email) in stated


def without_contact(change: ProfileChange) -> ProfileChange:
    """Return the change without the addresses and the consents that an owner states in it."""
    groups = [without_contact_in(group) for group in change.groups]
    return replace(change, groups=tuple(group for group in groups if group.attributes))


def without_contact_in(group: AttributeGroup) -> AttributeGroup:
    if group.provenance != "owner":
        return group
    kept = {name: value for name, value in group.attributes.items() if name not in ADDRESSES | CONSENTS}
    return replace(group, attributes=kept)
