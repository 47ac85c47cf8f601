"""Deliver one invocation's records so that a webhook that kills the process takes no other with it.

A message that came back twice without a delivery having left it is suspected of that. The others are delivered and
taken off the queue first; then each suspect goes alone. One that broke off alone three times is parked unopened.
Before all that, a message that its sender may not send is parked: nothing of it is mapped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.errors import BatchUnavailable, Failed, MappingFailed, NotStorable, Unavailable, WrongSender
from bridge.observability import alarm, count, logger
from bridge.profiles import normalise
from bridge.storage.ledger import PARKED, Attempts, Ledger, Receipt, receipt_row, tries_row
from bridge.storage.queue import Failure, WebhookQueue
from functions.deliver.circuit_breaker import CALL_SECONDS
from functions.deliver.delivery import Message, message_of
from functions.deliver.outcomes import FIRST_DELAY_SECONDS, QUEUE_KEEPS, delay_seconds, is_exhausted
from functions.deliver.pipeline import DeliveryPipeline
from functions.deliver.senders import Senders

SUSPECT_AFTER_BREAKS = 2
MOST_BREAKS_ALONE = 3
BEHIND_DELAY_SECONDS = 1
UNWRITTEN = BatchUnavailable("the ledger cannot be written")

Records = Iterable[Mapping[str, Any]]


class Invocation:
    """One batch of records. `pipeline` makes a delivery; `clock` returns Unix seconds."""

    def __init__(
        self,
        pipeline: Callable[[], DeliveryPipeline],
        ledger: Ledger,
        queue: WebhookQueue,
        clock: Callable[[], float],
        seconds_left: Callable[[], float],
        senders: Senders,
    ) -> None:
        self.senders = senders
        self.pipeline = pipeline
        self.ledger = ledger
        self.queue = queue
        self.clock = clock
        self.seconds_left = seconds_left
        self.stay: list[str] = []

    def run(self, records: Records) -> list[str]:
        """Deliver the records; returns the ids of the messages that stay in the queue."""
        given = {record["messageId"]: record for record in records}
        messages = self.allowed([message_of(record) for record in given.values()])
        suspects = self.suspects(messages)
        if not suspects:
            return [*self.stay, *self.attempt([given[message.id] for message in messages])]
        calm, behind = apart(messages, suspects)
        self.deliver([given[message.id] for message in calm])
        self.leave_behind(behind)
        stuck = {message.group for message in calm if message.id in self.stay}
        for message, tries in sorted(suspects.items(), key=lambda suspect: suspect[1].alone):
            if message.group in stuck:
                self.leave_behind([message])
            else:
                self.deliver_alone(given[message.id], message, tries)
        return self.stay

    def allowed(self, messages: Iterable[Message]) -> list[Message]:
        """Return the messages that their senders may send; parks the others."""
        kept = []
        for message in messages:
            try:
                self.senders.check(message)
            except WrongSender as wrong:
                self.stop(message, wrong)
            else:
                kept.append(message)
        return kept

    def stop(self, message: Message, wrong: WrongSender) -> None:
        """Park a message for good. It gets no receipt: its id may be that of a true webhook."""
        failure = Failure(wrong.failure_class, wrong.reason, self.now)
        try:
            self.queue.park_stopped(message.body, message.id, message.group, failure)
        except (NotStorable, Unavailable) as error:
            self.leave([message], delay_seconds(BatchUnavailable(error.reason), message, self.now))
            return
        logger.error("message parked", failure_class=wrong.failure_class)
        count("WebhooksParked", failure_class=wrong.failure_class)
        alarm("wrong_sender", sender=message.sender.partition(":")[2])
        self.queue.finish([message.receipt_handle])

    def attempt(self, records: Sequence[Mapping[str, Any]]) -> list[str]:
        """Deliver records as one batch, or each by itself where AWS refuses for good what one of them says."""
        if not records:
            return []
        try:
            return self.pipeline().run(records)
        except NotStorable:
            return self.deliver_each(records)

    def deliver_each(self, records: Sequence[Mapping[str, Any]]) -> list[str]:
        """Deliver records one by one, a customer's in order: none of it overtakes one that stays."""
        stay: list[str] = []
        held: set[str] = set()
        for record in records:
            message = message_of(record)
            if message.group in held:
                self.queue.postpone({message.receipt_handle: BEHIND_DELAY_SECONDS})
                stay.append(message.id)
            elif self.pipeline().run([record]):
                held.add(message.group)
                stay.append(message.id)
        return stay

    def suspects(self, messages: Sequence[Message]) -> dict[Message, Attempts]:
        """Return the first message of each group that may have killed a process before, and how it fared."""
        old = [message for message in messages if message.receive_count > SUSPECT_AFTER_BREAKS]
        try:
            known = self.ledger.tries(message.id for message in old) if old else {}
        except (BatchUnavailable, NotStorable):
            return {}
        found: dict[str, tuple[Message, Attempts]] = {}
        for message in old:
            tries = known.get(message.id, Attempts())
            if message.receive_count - 1 - tries.receives >= SUSPECT_AFTER_BREAKS:
                found.setdefault(message.group, (message, tries))
        return dict(found.values())

    def deliver(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Deliver records as one batch, and take what is done off the queue at once."""
        stay = self.attempt(records)
        self.queue.finish([one["receiptHandle"] for one in records if one["messageId"] not in stay])
        self.stay += stay

    def leave_behind(self, messages: Sequence[Message]) -> None:
        """Leave messages in the queue for a moment, and write down that they were left."""
        self.leave(messages, BEHIND_DELAY_SECONDS)
        self.write_down({message: Attempts(message.receive_count) for message in messages})

    def deliver_alone(self, record: Mapping[str, Any], message: Message, tries: Attempts) -> None:
        """Deliver a suspect by itself, if that is written down before; park one that broke off too often."""
        is_written = self.seconds_left() > CALL_SECONDS and (
            tries.alone >= MOST_BREAKS_ALONE
            or self.write_down({message: Attempts(tries.receives, tries.alone + 1)})
        )
        if is_written and tries.alone < MOST_BREAKS_ALONE:
            self.deliver([record])
        elif is_written:
            self.park(message, MappingFailed("delivery broke off too often"))
        elif is_exhausted(message, self.now):
            self.park(message, UNWRITTEN)
        else:
            self.leave([message], delay_seconds(UNWRITTEN, message, self.now))

    def leave(self, messages: Sequence[Message], seconds: int) -> None:
        self.stay += [message.id for message in messages]
        self.queue.postpone({message.receipt_handle: seconds for message in messages})

    def write_down(self, tries: Mapping[Message, Attempts]) -> bool:
        """Note how messages fare; says whether the ledger took it."""
        until = self.clock() + QUEUE_KEEPS.total_seconds()
        try:
            self.ledger.commit([tries_row(message.id, one, until) for message, one in tries.items()])
        except (BatchUnavailable, NotStorable):
            return False
        return True

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def park(self, message: Message, reason: Failed) -> None:
        """Park a message unopened: its body may be what kills."""
        failure = Failure(reason.failure_class, reason.reason, self.now)
        try:
            envelope = self.queue.park_unopened(message.body, message.id, failure)
            if envelope:
                self.ledger.commit([receipt_row(parked_receipt(envelope, failure))])
        except (BatchUnavailable, NotStorable, Unavailable):
            self.leave([message], FIRST_DELAY_SECONDS)
            return
        logger.error("message parked", failure_class=failure.failure_class)
        count("WebhooksParked", failure_class=failure.failure_class)
        self.queue.finish([message.receipt_handle])


def apart(messages: Sequence[Message], suspects: Collection[Message]) -> tuple[list[Message], list[Message]]:
    """Return the messages that no suspect concerns, and those that stand behind one in its group."""
    calm, behind, held = [], [], set()
    for message in messages:
        if message in suspects:
            held.add(message.group)
        elif message.group in held:
            behind.append(message)
        else:
            calm.append(message)
    return calm, behind


def parked_receipt(envelope: Mapping[str, Any], failure: Failure) -> Receipt:
    """Return the receipt of a webhook that was never opened."""
    return Receipt(
        id=envelope["id"],
        source=envelope["source"],
        connection=str(envelope.get("connection", "")),
        topic=str(envelope.get("topic", "")),
        status=PARKED,
        received_at=str(envelope.get("received_at") or normalise.timestamp(failure.failed_at)),
        finished_at=normalise.timestamp(failure.failed_at) or "",
        failure_class=failure.failure_class,
        reason=failure.reason,
    )
