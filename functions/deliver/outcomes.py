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
    Ledger,
    Receipt,
    Row,
    Tries,
    profile_row,
    receipt_row,
    tries_row,
)
from bridge.storage.queue import Failure, WebhookQueue
from functions.deliver.backlog import Backlog
from functions.deliver.delivery import ATTRIBUTES, Job, Message, Outcome
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
"""What Batch has taken waits so often for a ledger that cannot be written, an hour in all, and is then parked."""
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


class Settler:
    """Settles the jobs of one batch. `stay` are the messages that stay in the queue, `delays` for how many seconds
    each is hidden, by receipt handle."""

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

    def settle(self, jobs: Sequence[Job], leased: Leased) -> None:
        """Park, put aside or leave in the queue what was not delivered; then write down what became of each."""
        for job in jobs:
            self.settle_one(job)
        written = self.write_down(jobs, leased)
        for job in written:
            self.tell(job)
            if job.outcome is Outcome.IGNORED or (job.outcome is Outcome.DELIVERED and job.change.privacy):
                self.queue.forget_body(job.webhook)
        measure_seconds("DeliveryLag", *(self.lag(job) for job in written if is_first_delivery(job)))
        counts = Counter(counted for job in written for counted in counts_of(job))
        for (name, dimension, label), number in counts.items():
            publish(name, [number], "Count", {dimension: label})

    def settle_one(self, job: Job) -> None:
        failure = job.failure or Failed("")
        if job.outcome is Outcome.RETURNED and self.waits_elsewhere(job.message, failure):
            job.end(Outcome.PARKED, failure)
        try:
            if job.outcome is Outcome.PARKED:
                self.park(job, tuple(job.refused) or job.webhook.only, failure)
            if job.outcome is Outcome.WAITING:
                self.wait(job)
        except (NotStorable, Unavailable) as error:
            job.end(Outcome.RETURNED, BatchUnavailable(error.reason))
        if job.outcome is Outcome.RETURNED:
            self.leave(job.message, self.delay(job.failure or failure, job.message))

    def waits_elsewhere(self, message: Message, failure: Failed) -> bool:
        """Whether the queue is no place to wait in any longer: for this message, or for whatever an outage holds up."""
        is_outage = isinstance(failure, OUTAGES) and not isinstance(failure, IN_A_MOMENT)
        return is_exhausted(message, self.now) or (is_outage and self.backlog.is_too_long())

    def wait(self, job: Job) -> None:
        """Put a job's webhook in the waiting room, or park it where that refuses it for good. Raises Unavailable."""
        try:
            self.queue.wait(job.webhook, wait_seconds(job.webhook.waits))
        except NotStorable as error:
            self.park(job, job.webhook.only, error)
            job.end(Outcome.PARKED, error)

    def park(self, job: Job, only: Sequence[str], failure: Failed) -> None:
        """Put a job's webhook in the dead-letter queue, with what is still to be sent. Raises Unavailable.

        The alarm rings for a body whose topic it does not allow, but not when a retry ends so again.
        """
        call = job.operation() if job.custom_id else None
        described = Failure(failure.failure_class, failure.reason, self.now, call)
        self.queue.park(replace(job.webhook, only=tuple(only)), described)
        if isinstance(failure, TopicUnconfirmed) and not job.webhook.retries:
            source, connection = job.webhook.source, job.webhook.connection
            alarm("topic_unconfirmed", source=source, connection=connection, webhook_id=job.webhook.id)

    # ── What became of each ─────────────────────────────────────────────────────────────────────────────

    def write_down(self, jobs: Sequence[Job], leased: Leased) -> list[Job]:
        """Write down what became of jobs; returns those of which it is written. Batch has been called by now."""
        profiles = [profile_row(*profile, state) for profile, state in states_after(jobs, leased).items()]
        try:
            self.keep_consents(jobs)
            self.ledger.commit([*(row for job in jobs for row in self.rows_of(job)), *profiles])
        except NotStorable:
            return self.write_each(jobs, leased)
        except BatchUnavailable as error:
            self.put_off(jobs, error)
            return []
        return list(jobs)

    def keep_consents(self, jobs: Iterable[Job]) -> None:
        """Keep what was stated of addresses, before the profiles: what is not kept is stated again with its webhook."""
        until = (self.now + timedelta(days=RECEIPT_DAYS)).timestamp()
        for job in jobs:
            for stated in job.address_consents if job.is_taken else ():
                self.ledger.keep_consent(
                    job.settings.project, stated, job.custom_id, job.webhook.writer, until
                )

    def rows_of(self, job: Job) -> list[Row]:
        """What the ledger is told of one job, but for its profile."""
        receipt = [receipt_row(self.receipt(job))] if leaves_receipt(job) else []
        return [*receipt, *learnt([job]), *self.tries([job])]

    def write_each(self, jobs: Sequence[Job], leased: Leased) -> list[Job]:
        """Write down one job after the other, and park the one of which DynamoDB refuses a row for good."""
        states, written = dict(leased), list[Job]()
        for job in jobs:
            after = states_after([job], states)
            own = [profile_row(*job.profile, after[job.profile])] if job.profile in after else []
            try:
                self.keep_consents([job])
                self.ledger.commit([*self.rows_of(job), *own])
            except NotStorable as error:
                self.part_with(job, error)
            except BatchUnavailable as error:
                self.put_off([job], error)
                continue
            else:
                states = after
            written.append(job)
        for profile, state in states.items():
            with contextlib.suppress(NotStorable, BatchUnavailable):  # else the lease ends by itself
                self.ledger.commit([profile_row(*profile, state)])
        return written

    def part_with(self, job: Job, error: NotStorable) -> None:
        """Park a job whose rows are refused for good, without the events that Batch has taken of it."""
        if job.outcome is Outcome.DELIVERED:
            try:
                self.park(job, (ATTRIBUTES,), error)
            except (NotStorable, Unavailable) as unavailable:
                self.leave(job.message, self.delay(BatchUnavailable(unavailable.reason), job.message))
                return
            job.webhook = replace(job.webhook, only=(ATTRIBUTES,))
            job.end(Outcome.PARKED, error)
        job.rows = []
        bare = replace(self.receipt(job), events=(), attributes=(), references=(), warnings=())
        with contextlib.suppress(NotStorable, BatchUnavailable):
            self.ledger.commit([receipt_row(bare)] if leaves_receipt(job) else [])

    def put_off(self, jobs: Sequence[Job], error: BatchUnavailable) -> None:
        """Have the ledger told later. What Batch has taken goes round without its events: they are not sent again."""
        logger.error("receipts not written", reason=error.reason)
        count("ReceiptsNotWritten", sum(leaves_receipt(job) for job in jobs))
        alarm("receipts_not_written")
        for job in jobs:
            try:
                if job.outcome is Outcome.DELIVERED:
                    self.put_aside(job, error)
            except (NotStorable, Unavailable):
                self.leave(job.message, self.delay(error, job.message))
            if job.outcome is Outcome.IGNORED and not is_exhausted(job.message, self.now):
                self.leave(job.message, self.delay(error, job.message))

    def put_aside(self, job: Job, error: BatchUnavailable) -> None:
        """Let a webhook come back later and later, then park it: only its attributes are still to be sent.

        Raises Unavailable.
        """
        if job.webhook.waits < MAX_WAITS_FOR_THE_LEDGER:
            webhook = replace(job.webhook, only=(ATTRIBUTES,))
            self.queue.wait(webhook, max(wait_seconds(job.webhook.waits), LEASE_SECONDS))
        else:
            self.park(job, (ATTRIBUTES,), error)

    def tries(self, jobs: Iterable[Job]) -> list[Row]:
        """That the messages which stay were left by a delivery that lived to say so."""
        until = (self.now + QUEUE_KEEPS).timestamp()
        staying = [job.message for job in jobs if job.outcome is Outcome.RETURNED]
        return [tries_row(message.id, Tries(message.receive_count), until) for message in staying]

    def leave(self, message: Message, delay_seconds: int) -> None:
        self.stay.append(message.id)
        self.delays[message.receipt_handle] = delay_seconds

    def delay(self, failure: Failed, message: Message) -> int:
        """Seconds until the next try."""
        return delay_seconds(failure, message, self.now)

    def lag(self, job: Job) -> float:
        """Seconds from the door's answer until Batch took it."""
        return round(self.clock() - job.webhook.received_at.timestamp(), 3)

    def receipt(self, job: Job) -> Receipt:
        webhook, failure = job.webhook, job.failure
        return Receipt(
            id=webhook.id,
            source=webhook.source,
            connection=webhook.connection,
            topic=webhook.topic,
            status=STATUS[job.outcome or Outcome.RETURNED],
            received_at=normalise.timestamp(webhook.received_at) or "",
            finished_at=normalise.timestamp(self.now) or "",
            project=job.settings.project,
            custom_id=job.custom_id,
            events=tuple(event["name"] for event in job.events),
            attributes=tuple(job.attributes),
            references=job.change.person.references,
            warnings=limits.names(job.warnings.found),
            failure_class=failure.failure_class if failure else "",
            reason=job.reason,
            owed=job.owed,
        )

    def tell(self, job: Job) -> None:
        """One log line of a job. Names of fields may come from a form: only their number is told."""
        logger.info(
            f"webhook {(job.outcome or Outcome.RETURNED).value}",
            webhook_id=job.webhook.id,
            failure_class=job.failure.failure_class if job.failure else None,
            warnings=len(job.warnings.found),
            source=job.webhook.source,
            topic=job.webhook.topic,
        )
        self.count_warnings(job)
        is_ours = job.webhook.source == request.SOURCE or job.webhook.topic == CONFIRMED
        if job.outcome in SPOKEN and not is_ours:
            is_alive = job.change.privacy is None and job.change.connection is None
            received_at = (normalise.timestamp(job.webhook.received_at) or "") if is_alive else ""
            self.connections.saw(job.webhook.source, job.webhook.connection, job.webhook.topic, received_at)

    def count_warnings(self, job: Job) -> None:
        """Count the warnings of a job that a setting of its connection can answer."""
        source, connection, found = job.webhook.source, job.webhook.connection, job.warnings.found
        for kind in sorted(ANSWERED_BY_SETTINGS & {warning.kind for warning in found}):
            self.connections.warned(source, connection, kind)
        boxes = [warning.name for warning in found if warning.kind == UNNAMED_BOX]
        self.connections.left_unnamed(source, connection, [box for box in boxes if not box.startswith("=")])


def is_exhausted(message: Message, now: datetime) -> bool:
    """Whether SQS would soon drop the message, or move it away without a reason."""
    return message.receive_count >= MAX_RECEIVES or now - message.sent_at > MAX_AGE


def delay_seconds(failure: Failed, message: Message, now: datetime) -> int:
    """Seconds until the next try: doubling up to what the failure and the message's age allow, with some chance."""
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


def states_after(jobs: Iterable[Job], leased: Leased) -> dict[tuple[str, str], ProfileState]:
    """The profiles with what Batch has taken of them, and with who fed them; writing them gives the leases back."""
    states = dict(leased)
    for job in jobs:
        if job.profile in states:
            fed = versions.fed(states[job.profile], job.webhook.writer, is_owners=job.is_owners)
            states[job.profile] = fed
        if job.profile in states and job.is_taken:
            states[job.profile] = job.state_after(states[job.profile])
    return states


def leaves_receipt(job: Job) -> bool:
    """Whether there is something to write down: of what stays in the queue, only the first time that it does."""
    if job.outcome is Outcome.RETURNED:
        return job.message.receive_count == 1 and not isinstance(job.failure, ProfileBusy)
    return job.outcome in STATUS


def is_first_delivery(job: Job) -> bool:
    """Whether it went to Batch without having been parked or put aside, where only the flow itself takes time."""
    return job.outcome is Outcome.DELIVERED and not (job.webhook.retries or job.webhook.waits)


def counts_of(job: Job) -> Iterator[tuple[str, str, str]]:
    """What a job adds one to: a metric's name, its dimension and the label there."""
    if job.failure and job.outcome is Outcome.PARKED:
        yield "WebhooksParked", "failure_class", job.failure.failure_class
    for kind in {warning.kind for warning in job.warnings.found}:
        yield "Warnings", "kind", kind
    yield f"Webhooks{(job.outcome or Outcome.RETURNED).value.capitalize()}", "source", job.webhook.source


def learnt(jobs: Iterable[Job]) -> list[Row]:
    """What the ledger learns of jobs; not while another delivery holds the profile, which may be erasing it."""
    return [row for job in jobs if not isinstance(job.failure, ProfileBusy) for row in job.rows]


def wait_seconds(waits: int) -> int:
    """How long a webhook is put aside the next time: doubling up to a quarter of an hour."""
    return int(min(FIRST_WAIT_SECONDS * 2 ** min(waits, 10), LONGEST_WAIT_SECONDS))
