"""One queued webhook on its way to Batch, and how it ends. Values only: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from bridge.batch.client import PartialError
from bridge.batch.limits import (
    MAX_ARRAY_ITEMS,
    MAX_EVENTS_PER_OPERATION,
    MAX_PROFILE_ARRAYS,
    MAX_PROFILE_ATTRIBUTES,
    Json,
    Warnings,
    bare,
    fit_attributes,
    fit_event,
)
from bridge.errors import Failed, IdentityUnknown
from bridge.profiles import versions
from bridge.profiles.profile_change import Person, ProfileChange
from bridge.profiles.pruning import pruned
from bridge.profiles.versions import ProfileState
from bridge.settings import ConnectionSettings
from bridge.storage.ledger import AddressConsent, Row
from bridge.webhook import Webhook

TEST_EVENT = "test event"
ATTRIBUTES = "attributes"
"""Among the parts that a webhook is still to send: all its attributes, which may be sent twice, and no event."""


class Outcome(Enum):
    """Hold how a delivery ends; only RETURNED leaves its message in the queue."""

    DELIVERED = "delivered"
    IGNORED = "ignored"
    REPEATED = "repeated"
    PARKED = "parked"
    WAITING = "waiting"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the FIFO queue, as Lambda hands it over; `sender` is whoever SQS says has sent it."""

    id: str
    receipt_handle: str
    body: str
    group: str
    sender: str
    receive_count: int
    sent_at: datetime


@dataclass(slots=True)
class Delivery:
    """A message's webhook with what delivery finds out about it, step by step."""

    message: Message
    webhook: Webhook
    settings: ConnectionSettings = field(default_factory=ConnectionSettings)
    change: ProfileChange = field(default_factory=lambda: ProfileChange(Person()))
    custom_id: str = ""
    attributes: dict[str, Json] = field(default_factory=dict)
    events: list[dict[str, Json]] = field(default_factory=list)
    event_kinds: list[dict[str, str]] = field(default_factory=list)
    """Of each event the kinds of the paths that were fitted."""
    origins: dict[str, str] = field(default_factory=dict)
    """Of attributes that are sent under other keys, the keys that they had: their names have another type."""
    kinds: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of each part the kinds that no ledger knows yet, by name or path."""
    warnings: Warnings = field(default_factory=Warnings)
    refused: list[str] = field(default_factory=list)
    outcome: Outcome | None = None
    failure: Failed | None = None
    reason: str = ""
    lacks_facts: bool = False
    read: Webhook | None = None
    """Holds the webhook that its mapping read: a thin one with the object that was fetched."""
    rows: list[Row] = field(default_factory=list)
    """Holds the links and facts that the ledger stores for it."""
    outgrown: str = ""
    """The reference of a tool's record that shows another e-mail than its profile: it leads to another one now."""
    address_consents: list[AddressConsent] = field(default_factory=list)
    """Holds the consents that it states for the addresses of its profile, once Batch has taken it."""

    @property
    def profile(self) -> tuple[str, str]:
        """Return the Batch project and the custom id."""
        return self.settings.project, self.custom_id

    @property
    def is_owners(self) -> bool:
        """Return whether the custom id is a `user_id` that the webhook states."""
        person = self.change.person
        stated = {(user_id or "").strip() for user_id in (person.user_id, person.claimed_user_id)}
        return bool(self.custom_id) and self.custom_id in stated

    def wait_for_facts(self) -> None:
        """Wait, where what the webhook is about was not mentioned yet; not of an erased person, so once that is
        known."""
        if self.lacks_facts:
            self.end(Outcome.WAITING, IdentityUnknown("what it is about was not told of yet"))

    def operation(self) -> dict[str, Any] | None:
        """Return what Batch is told for this delivery alone, if anything."""
        operation = Operation(self.custom_id, (self,))
        return None if operation.is_empty else operation.payload()

    def end(self, outcome: Outcome, failure: Failed | None = None, reason: str = "") -> None:
        """Settle how the delivery ends."""
        self.outcome, self.failure = outcome, failure
        self.reason = failure.reason if failure else reason

    def forget(self) -> None:
        """Keep nothing that says whose it was."""
        self.custom_id, self.change = "", ProfileChange(Person(), privacy=self.change.privacy)

    def ask_to_erase(self) -> None:
        """Read a tool's housekeeping as the person's wish."""
        self.change = replace(self.change, privacy="erase")

    def fit(self, state: ProfileState, now: datetime) -> ProfileState:
        """Work out what Batch is sent for this delivery, given what the profile has; returns the state after it."""
        state, changes = versions.apply(state, self.change.groups, self.webhook.writer)
        attributes = fit_attributes(changes, self.warnings)
        self.attributes = {name: attributes[name] for name in attributes if self.wants("attribute", name)}
        state = versions.reached(state, self.attributes)
        state, unseen = versions.unseen(state, self.change.events)
        for event in self.change.events if self.webhook.only else unseen:
            kinds: dict[str, str] = {}
            fitted = fit_event(event, now, self.warnings, kinds)
            if fitted and self.wants("event", fitted["name"]):
                self.events.append(fitted)
                self.event_kinds.append(kinds)
        return state

    def wants(self, kind: str, name: str) -> bool:
        """Return whether this part is still to be sent: all, unless Batch refused just a part before."""
        only = self.webhook.only
        return not only or f"{kind}:{name}" in only or (kind == "attribute" and ATTRIBUTES in only)

    @property
    def owed(self) -> tuple[str, ...]:
        """Return what is still to be sent of a webhook that Batch took in part; nothing where it took all of it, or
        none."""
        if self.outcome in (Outcome.DELIVERED, Outcome.IGNORED):
            return ()
        sent = {f"attribute:{self.origins.get(key, key)}" for key in self.attributes}
        sent |= {f"event:{event['name']}" for event in self.events}
        is_in_part = bool(self.refused) and bool(sent - set(self.refused))
        return tuple(dict.fromkeys(self.refused)) if is_in_part else self.webhook.only

    @property
    def is_taken(self) -> bool:
        """Return whether Batch has taken it, if only in part."""
        return self.outcome is Outcome.DELIVERED or bool(self.refused)

    def state_after(self, state: ProfileState) -> ProfileState:
        """Return the state of the profile after what Batch has taken of this delivery."""
        state, _ = versions.apply(state, self.change.groups, self.webhook.writer)
        state, _ = versions.unseen(state, self.change.events)
        return pruned(versions.reached(versions.sent_as(state, self.origins), self.attributes))


@dataclass(frozen=True, slots=True)
class Operation:
    """Deliveries of one profile that travel in one operation."""

    custom_id: str
    deliveries: tuple[Delivery, ...]

    def payload(self) -> dict[str, Any]:
        """Return the operation as Batch takes it."""
        content: dict[str, Any] = {"identifiers": {"custom_id": self.custom_id}}
        if attributes := together([delivery.attributes for delivery in self.deliveries]):
            content["attributes"] = attributes
        if events := [event for delivery in self.deliveries for event in delivery.events]:
            content["events"] = events
        return content

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is left to send: all of it is older than what the profile has."""
        return not any(delivery.attributes or delivery.events for delivery in self.deliveries)

    def trace(self, error: PartialError) -> None:
        """Note a partial error with the delivery whose part was refused; where it names no part, with all that may
        be it.

        What the error names may be an attribute, an event, an attribute of an event, or a path of these.
        """
        named = error.attribute or ""
        holders = [delivery for delivery in self.deliveries if named in delivery.attributes]
        if holders:
            holders[-1].refused.append(f"attribute:{holders[-1].origins.get(named, named)}")
            return
        first = named.partition(".")[0]
        events = [(delivery, event) for delivery in self.deliveries for event in delivery.events]
        meant = [pair for pair in events if first in (pair[1]["name"], *pair[1]["attributes"])]
        for delivery, event in meant or events:
            delivery.refused.append(f"event:{event['name']}")


def rounds_of(deliveries: Sequence[Delivery]) -> list[list[Operation]]:
    """Return the calls to make one after the other: in each, a profile has one operation within Batch's limits, its
    deliveries in order."""
    rounds: list[dict[str, list[Delivery]]] = []
    newest: dict[str, int] = {}
    for delivery in deliveries:
        number = newest.get(delivery.custom_id, 0)
        if number < len(rounds) and not fits(rounds[number].get(delivery.custom_id, []), delivery):
            number += 1
        if number == len(rounds):
            rounds.append({})
        rounds[number].setdefault(delivery.custom_id, []).append(delivery)
        newest[delivery.custom_id] = number
    return [[Operation(custom_id, tuple(held)) for custom_id, held in one.items()] for one in rounds]


def fits(held: Sequence[Delivery], delivery: Delivery) -> bool:
    """Return whether a delivery fits in one operation with those that it already holds."""
    if not held:
        return True
    attributes = together([one.attributes for one in (*held, delivery)])
    lists = [value for value in attributes.values() if isinstance(value, list | dict)]
    return (
        len(attributes) <= MAX_PROFILE_ATTRIBUTES
        and len(lists) <= MAX_PROFILE_ARRAYS
        and all(len(value) <= MAX_ARRAY_ITEMS for value in lists if isinstance(value, list))
        and sum(len(one.events) for one in (*held, delivery)) <= MAX_EVENTS_PER_OPERATION
    )


def together(changes: Sequence[dict[str, Json]]) -> dict[str, Json]:
    """Return the attributes that several deliveries change, one after the other, as one operation tells them.

    Batch takes a name once: of `date(born)` and a `born` that is null the later stays.
    """
    attributes: dict[str, Json] = {}
    for change in changes:
        for name, value in change.items():
            is_cleared = name in attributes and attributes[name] is None
            attributes[name] = versions.merged([] if is_cleared else attributes.get(name), value)
            if value is None or name.endswith(")"):
                for other in {bare(name), f"date({bare(name)})", f"url({bare(name)})"} - {name}:
                    attributes.pop(other, None)
    return attributes


def telling(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Return the deliveries whose end is open, without those that ask to erase somebody or to show what is held, or
    mention their connection."""
    return [
        delivery
        for delivery in going(deliveries)
        if delivery.change.privacy is None and delivery.change.connection is None
    ]


def going(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Return the deliveries whose end is still open."""
    return [delivery for delivery in deliveries if delivery.outcome is None]


def message_of(record: Mapping[str, Any]) -> Message:
    """Return the message of a record. Raises KeyError for one that does not say who sent it: AWS always does.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    attributes = record["attributes"]
    return Message(
        id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        body=record["body"],
        group=attributes["MessageGroupId"],
        sender=attributes["SenderId"],
        receive_count=int(attributes["ApproximateReceiveCount"]),
        sent_at=datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC),
    )
