"""Park, put aside or leave in the queue what was not delivered, and write down what became of each webhook."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from bridge.batch import limits
from bridge.errors import (
    BadCredentials,
    BatchUnavailable,
    Failed,
    NoTimeLeft,
    NotStorable,
    ProfileBusy,
    ProviderUnavailable,
    TopicUnconfirmed,
    Unavailable,
    Unfinished,
)
from bridge.observability import alarm, count, logger, measure_seconds, publish
from bridge.profiles import normalise, versions
from bridge.profiles.versions import ProfileState
from bridge.receiving.consent_links import CONFIRMED
from bridge.storage.connections import Connections
from bridge.storage.ledger import (
    DELIVERED,
    IGNORED,
    LEASE_SECONDS,
    PARKED,
    RECEIPT_DAYS,
    RETRYING,
    WAITING,
    Attempts,
    Ledger,
    Receipt,
    Row,
    profile_row,
    receipt_row,
    tries_row,
)
from bridge.storage.queue import Failure, WebhookQueue
from functions.deliver.backlog import Backlog
from functions.deliver.delivery import ATTRIBUTES, Delivery, Message, Outcome
from functions.deliver.erasure import request

Leased: TypeAlias = Mapping[tuple[str, str], ProfileState]
"""The profiles that a batch holds, by project and custom id."""

FIRST_DELAY_SECONDS = 5
"""Batch asks to wait at least 5 seconds after a 429. https://doc.batch.com/developer/api/cep/campaigns/delete"""
# failure                longest delay between two tries, in seconds, without the spread
LONGEST_DELAY_SECONDS: Mapping[type[Failed], int] = {
    BatchUnavailable: 480,
    ProviderUnavailable: 480,
    BadCredentials: 20,
    NoTimeLeft: 5,
    ProfileBusy: 2,
    Unfinished: 2,
}
SPREAD = 1.25
"""A delay is up to a quarter longer, by chance: not all webhooks come back at once."""
LONGEST_ASKED_SECONDS = 600
IN_A_MOMENT = (NoTimeLeft, ProfileBusy)
"""No outages: what waits for these comes back soon, however old it is."""
OUTAGES = (BatchUnavailable, BadCredentials, ProviderUnavailable)
# failure                seconds in the queue after which the longest delay may grow
PATIENT_AFTER_SECONDS: Mapping[type[Failed], int] = {BadCredentials: 3600}
ELSE_PATIENT_AFTER_SECONDS = 2 * 24 * 3600
PATIENCE = 80
"""The longest delay grows to an eightieth of the time beyond that. So 12 days take less than 800 of the 900 receives,
and what waits for keys comes back within half a minute as long as these are wrong for an hour."""
MAX_WAITS_FOR_THE_LEDGER = 12
"""Bounds how often a webhook that Batch has taken waits for a ledger that cannot be written: an hour in all, then it
is parked."""
FIRST_WAIT_SECONDS = 2
LONGEST_WAIT_SECONDS = 900
MAX_RECEIVES = 900
"""Of the queue's 1,000: before SQS moves a webhook away without a reason, it is parked with one."""
MAX_AGE = timedelta(days=12)
"""Of the queue's 14 days."""
QUEUE_KEEPS = timedelta(days=14)

STATUS = {
    Outcome.DELIVERED: DELIVERED,
    Outcome.IGNORED: IGNORED,
    Outcome.PARKED: PARKED,
    Outcome.WAITING: WAITING,
    Outcome.RETURNED: RETRYING,
}
UNNAMED_BOX = "consent_not_named"
ANSWERED_BY_SETTINGS = frozenset({"user_id_not_trusted", "shared_identity", UNNAMED_BOX})
"""Warnings that each connection counts: `bridge connections` names the setting."""
SPOKEN = frozenset({Outcome.DELIVERED, Outcome.IGNORED})
"""Ends by which a connection is known to work."""


class OutcomeRecorder:
    """Settles the deliveries of one batch. `stay` are the messages that stay in the queue, `delays` for how many
    seconds each is hidden, by receipt handle."""

    def __init__(
        self,
        ledger: Ledger,
        queue: WebhookQueue,
        connections: Connections,
        clock: Callable[[], float],
        backlog: Backlog,
    ) -> None:
        self.backlog = backlog
        self.ledger = ledger
        self.queue = queue
        self.connections = connections
        self.clock = clock
        self.delays: dict[str, int] = {}
        self.stay: list[str] = []

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def settle(self, deliveries: Sequence[Delivery], leased: Leased) -> None:
        """Park, put aside or leave in the queue what was not delivered; then write down what became of each."""
        for delivery in deliveries:
            self.settle_one(delivery)
        written = self.write_down(deliveries, leased)
        for delivery in written:
            self.tell(delivery)
            if delivery.outcome is Outcome.IGNORED or (
                delivery.outcome is Outcome.DELIVERED and delivery.change.privacy
            ):
                self.queue.forget_body(delivery.webhook)
        measure_seconds(
            "DeliveryLag", *(self.lag(delivery) for delivery in written if is_first_delivery(delivery))
        )
        counts = Counter(counted for delivery in written for counted in counts_of(delivery))
        for (name, dimension, label), number in counts.items():
            publish(name, [number], "Count", {dimension: label})

    def settle_one(self, delivery: Delivery) -> None:
        failure = delivery.failure or Failed("")
        if delivery.outcome is Outcome.RETURNED and self.waits_elsewhere(delivery.message, failure):
            delivery.end(Outcome.PARKED, failure)
        try:
            if delivery.outcome is Outcome.PARKED:
                self.park(delivery, tuple(delivery.refused) or delivery.webhook.only, failure)
            if delivery.outcome is Outcome.WAITING:
                self.wait(delivery)
        except (NotStorable, Unavailable) as error:
            delivery.end(Outcome.RETURNED, BatchUnavailable(error.reason))
        if delivery.outcome is Outcome.RETURNED:
            self.leave(delivery.message, self.delay(delivery.failure or failure, delivery.message))

    def waits_elsewhere(self, message: Message, failure: Failed) -> bool:
        """Return whether the queue is no place to wait in any longer: for this message, or for whatever an outage
        holds up."""
        is_outage = isinstance(failure, OUTAGES) and not isinstance(failure, IN_A_MOMENT)
        return is_exhausted(message, self.now) or (is_outage and self.backlog.is_too_long())

    def wait(self, delivery: Delivery) -> None:
        """Put a delivery's webhook in the delay queue, or park it where that refuses it for good. Raises
        Unavailable."""
        try:
            self.queue.wait(delivery.webhook, wait_seconds(delivery.webhook.waits))
        except NotStorable as error:
            self.park(delivery, delivery.webhook.only, error)
            delivery.end(Outcome.PARKED, error)

    def park(self, delivery: Delivery, only: Sequence[str], failure: Failed) -> None:
        """Put a delivery's webhook in the dead-letter queue, with what is still to be sent. Raises Unavailable.

        The alarm rings for a body whose topic it does not allow, but not when a retry ends so again.
        """
        call = delivery.operation() if delivery.custom_id else None
        described = Failure(failure.failure_class, failure.reason, self.now, call)
        self.queue.park(replace(delivery.webhook, only=tuple(only)), described)
        if isinstance(failure, TopicUnconfirmed) and not delivery.webhook.retries:
            source, connection = delivery.webhook.source, delivery.webhook.connection
            alarm("topic_unconfirmed", source=source, connection=connection, webhook_id=delivery.webhook.id)

    # ── What became of each ─────────────────────────────────────────────────────────────────────────────

    def write_down(self, deliveries: Sequence[Delivery], leased: Leased) -> list[Delivery]:
        """Write down what became of deliveries; returns those of which it is written. Batch has been called by now."""
        profiles = [
            profile_row(*profile, state) for profile, state in states_after(deliveries, leased).items()
        ]
        try:
            self.keep_consents(deliveries)
            self.ledger.commit(
                [*(row for delivery in deliveries for row in self.rows_of(delivery)), *profiles]
            )
        except NotStorable:
            return self.write_each(deliveries, leased)
        except BatchUnavailable as error:
            self.put_off(deliveries, error)
            return []
        return list(deliveries)

    def keep_consents(self, deliveries: Iterable[Delivery]) -> None:
        """Keep what was stated of addresses, before the profiles: what is not kept is stated again with its webhook."""
        until = (self.now + timedelta(days=RECEIPT_DAYS)).timestamp()
        for delivery in deliveries:
            for stated in delivery.address_consents if delivery.is_taken else ():
                self.ledger.keep_consent(
                    delivery.settings.project, stated, delivery.custom_id, delivery.webhook.writer, until
                )

    def rows_of(self, delivery: Delivery) -> list[Row]:
        """Return what the ledger stores about one delivery, but for its profile."""
        receipt = [receipt_row(self.receipt(delivery))] if leaves_receipt(delivery) else []
        return [*receipt, *learnt([delivery]), *self.tries([delivery])]

    def write_each(self, deliveries: Sequence[Delivery], leased: Leased) -> list[Delivery]:
        """Write down one delivery after the other, and park the one of which DynamoDB refuses a row for good."""
        states, written = dict(leased), list[Delivery]()
        for delivery in deliveries:
            after = states_after([delivery], states)
            own = (
                [profile_row(*delivery.profile, after[delivery.profile])] if delivery.profile in after else []
            )
            try:
                self.keep_consents([delivery])
                self.ledger.commit([*self.rows_of(delivery), *own])
            except NotStorable as error:
                self.part_with(delivery, error)
            except BatchUnavailable as error:
                self.put_off([delivery], error)
                continue
            else:
                states = after
            written.append(delivery)
        for profile, state in states.items():
            with contextlib.suppress(NotStorable, BatchUnavailable):  # else the lease ends by itself
                self.ledger.commit([profile_row(*profile, state)])
        return written

    def part_with(self, delivery: Delivery, error: NotStorable) -> None:
        """Park a delivery whose rows are refused for good, without the events that Batch has taken of it."""
        if delivery.outcome is Outcome.DELIVERED:
            try:
                self.park(delivery, (ATTRIBUTES,), error)
            except (NotStorable, Unavailable) as unavailable:
                self.leave(
                    delivery.message, self.delay(BatchUnavailable(unavailable.reason), delivery.message)
                )
                return
            delivery.webhook = replace(delivery.webhook, only=(ATTRIBUTES,))
            delivery.end(Outcome.PARKED, error)
        delivery.rows = []
        bare = replace(self.receipt(delivery), events=(), attributes=(), references=(), warnings=())
        with contextlib.suppress(NotStorable, BatchUnavailable):
            self.ledger.commit([receipt_row(bare)] if leaves_receipt(delivery) else [])

    def put_off(self, deliveries: Sequence[Delivery], error: BatchUnavailable) -> None:
        """Have the ledger told later. What Batch has taken goes round without its events: they are not sent again."""
        logger.error("receipts not written", reason=error.reason)
        count("ReceiptsNotWritten", sum(leaves_receipt(delivery) for delivery in deliveries))
        alarm("receipts_not_written")
        for delivery in deliveries:
            try:
                if delivery.outcome is Outcome.DELIVERED:
                    self.put_aside(delivery, error)
            except (NotStorable, Unavailable):
                self.leave(delivery.message, self.delay(error, delivery.message))
            if delivery.outcome is Outcome.IGNORED and not is_exhausted(delivery.message, self.now):
                self.leave(delivery.message, self.delay(error, delivery.message))

    def put_aside(self, delivery: Delivery, error: BatchUnavailable) -> None:
        """Let a webhook come back later and later, then park it: only its attributes are still to be sent.

        Raises Unavailable.
        """
        if delivery.webhook.waits < MAX_WAITS_FOR_THE_LEDGER:
            webhook = replace(delivery.webhook, only=(ATTRIBUTES,))
            self.queue.wait(webhook, max(wait_seconds(delivery.webhook.waits), LEASE_SECONDS))
        else:
            self.park(delivery, (ATTRIBUTES,), error)

    def tries(self, deliveries: Iterable[Delivery]) -> list[Row]:
        """Return the rows that say that the messages which stay were left by a delivery that lived to say so."""
        until = (self.now + QUEUE_KEEPS).timestamp()
        staying = [delivery.message for delivery in deliveries if delivery.outcome is Outcome.RETURNED]
        return [tries_row(message.id, Attempts(message.receive_count), until) for message in staying]

    def leave(self, message: Message, delay_seconds: int) -> None:
        self.stay.append(message.id)
        self.delays[message.receipt_handle] = delay_seconds

    def delay(self, failure: Failed, message: Message) -> int:
        """Return seconds until the next try."""
        return delay_seconds(failure, message, self.now)

    def lag(self, delivery: Delivery) -> float:
        """Return seconds from the receiver's answer until Batch took it."""
        return round(self.clock() - delivery.webhook.received_at.timestamp(), 3)

    def receipt(self, delivery: Delivery) -> Receipt:
        webhook, failure = delivery.webhook, delivery.failure
        return Receipt(
            id=webhook.id,
            source=webhook.source,
            connection=webhook.connection,
            topic=webhook.topic,
            status=STATUS[delivery.outcome or Outcome.RETURNED],
            received_at=normalise.timestamp(webhook.received_at) or "",
            finished_at=normalise.timestamp(self.now) or "",
            project=delivery.settings.project,
            custom_id=delivery.custom_id,
            events=tuple(event["name"] for event in delivery.events),
            attributes=tuple(delivery.attributes),
            references=delivery.change.person.references,
            warnings=limits.names(delivery.warnings.found),
            failure_class=failure.failure_class if failure else "",
            reason=delivery.reason,
            owed=delivery.owed,
        )

    def tell(self, delivery: Delivery) -> None:
        """Log one line about a delivery. Names of fields may come from a form: only their number is logged."""
        logger.info(
            f"webhook {(delivery.outcome or Outcome.RETURNED).value}",
            webhook_id=delivery.webhook.id,
            failure_class=delivery.failure.failure_class if delivery.failure else None,
            warnings=len(delivery.warnings.found),
            source=delivery.webhook.source,
            topic=delivery.webhook.topic,
        )
        self.count_warnings(delivery)
        is_ours = delivery.webhook.source == request.SOURCE or delivery.webhook.topic == CONFIRMED
        if delivery.outcome in SPOKEN and not is_ours:
            is_alive = delivery.change.privacy is None and delivery.change.connection is None
            received_at = (normalise.timestamp(delivery.webhook.received_at) or "") if is_alive else ""
            self.connections.saw(
                delivery.webhook.source, delivery.webhook.connection, delivery.webhook.topic, received_at
            )

    def count_warnings(self, delivery: Delivery) -> None:
        """Count the warnings of a delivery that a setting of its connection can answer."""
        source, connection, found = (
            delivery.webhook.source,
            delivery.webhook.connection,
            delivery.warnings.found,
        )
        for kind in sorted(ANSWERED_BY_SETTINGS & {warning.kind for warning in found}):
            self.connections.warned(source, connection, kind)
        boxes = [warning.name for warning in found if warning.kind == UNNAMED_BOX]
        self.connections.left_unnamed(source, connection, [box for box in boxes if not box.startswith("=")])


def is_exhausted(message: Message, now: datetime) -> bool:
    """Return whether SQS would soon drop the message, or move it away without a reason."""
    return message.receive_count >= MAX_RECEIVES or now - message.sent_at > MAX_AGE


def delay_seconds(failure: Failed, message: Message, now: datetime) -> int:
    """Return seconds until the next try: doubling up to what the failure and the message's age allow, with some
    chance."""
    grown = FIRST_DELAY_SECONDS * 2 ** min(message.receive_count - 1, 20)
    asked = min(getattr(failure, "retry_after_seconds", None) or 0, LONGEST_ASKED_SECONDS)
    spread = random.uniform(1.0, SPREAD)  # noqa: S311 - not for security
    return int(max(min(grown, longest_delay(failure, message, now)), asked) * spread)


def longest_delay(failure: Failed, message: Message, now: datetime) -> float:
    longest = LONGEST_DELAY_SECONDS.get(type(failure), FIRST_DELAY_SECONDS)
    if isinstance(failure, IN_A_MOMENT):
        return longest
    age = (now - message.sent_at).total_seconds()
    patient_after = PATIENT_AFTER_SECONDS.get(type(failure), ELSE_PATIENT_AFTER_SECONDS)
    return max(longest, (age - patient_after) / PATIENCE)


def states_after(deliveries: Iterable[Delivery], leased: Leased) -> dict[tuple[str, str], ProfileState]:
    """Return the profiles with what Batch has taken of them, and with who fed them; writing them gives the leases
    back."""
    states = dict(leased)
    for delivery in deliveries:
        if delivery.profile in states:
            fed = versions.fed(
                states[delivery.profile], delivery.webhook.writer, is_owners=delivery.is_owners
            )
            states[delivery.profile] = fed
        if delivery.profile in states and delivery.is_taken:
            states[delivery.profile] = delivery.state_after(states[delivery.profile])
    return states


def leaves_receipt(delivery: Delivery) -> bool:
    """Return whether there is something to write down: of what stays in the queue, only the first time that it does."""
    if delivery.outcome is Outcome.RETURNED:
        return delivery.message.receive_count == 1 and not isinstance(delivery.failure, ProfileBusy)
    return delivery.outcome in STATUS


def is_first_delivery(delivery: Delivery) -> bool:
    """Return whether it went to Batch without having been parked or put aside, where only the flow itself takes
    time."""
    return delivery.outcome is Outcome.DELIVERED and not (delivery.webhook.retries or delivery.webhook.waits)


def counts_of(delivery: Delivery) -> Iterator[tuple[str, str, str]]:
    """Yield what a delivery adds one to: a metric's name, its dimension and the label there."""
    if delivery.failure and delivery.outcome is Outcome.PARKED:
        yield "WebhooksParked", "failure_class", delivery.failure.failure_class
    for kind in {warning.kind for warning in delivery.warnings.found}:
        yield "Warnings", "kind", kind
    yield (
        f"Webhooks{(delivery.outcome or Outcome.RETURNED).value.capitalize()}",
        "source",
        delivery.webhook.source,
    )


def learnt(deliveries: Iterable[Delivery]) -> list[Row]:
    """Return what the ledger learns of deliveries; not while another delivery holds the profile, which may be
    erasing it."""
    return [
        row
        for delivery in deliveries
        if not isinstance(delivery.failure, ProfileBusy)
        for row in delivery.rows
    ]


def wait_seconds(waits: int) -> int:
    """Return how long a webhook is put aside the next time: doubling up to a quarter of an hour."""
    return int(min(FIRST_WAIT_SECONDS * 2 ** min(waits, 10), LONGEST_WAIT_SECONDS))
