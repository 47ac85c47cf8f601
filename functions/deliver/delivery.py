"""Turn a batch of queued webhooks into as few calls to Batch as can be, and settle each webhook on its own.

What cannot be mapped is parked, what has to wait stays in the queue, what is refused is traced to its webhook.
"""

from __future__ import annotations

import random
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from pydantic import ValidationError

from bridge import identity, limits, normalise, versions
from bridge.batch import BatchClient, PartialError
from bridge.errors import (
    BadCredentials,
    BatchUnavailable,
    BridgeError,
    Erased,
    Failed,
    IdentityUnknown,
    Ignored,
    MappingFailed,
    ProfileBusy,
    ProviderUnavailable,
    RejectedByBatch,
    Unavailable,
)
from bridge.ledger import (
    DELIVERED,
    IGNORED,
    PARKED,
    RETRYING,
    WAITING,
    Ledger,
    Receipt,
    Row,
    fact_row,
    fading,
    link_row,
    profile_row,
    receipt_row,
)
from bridge.observability import count, logger, measure_seconds
from bridge.parameters import Parameters
from bridge.profile import ProfileChange
from bridge.provider import ProviderClient
from bridge.queue import Failure, WebhookQueue
from bridge.secrets import BatchKeys, Secrets
from bridge.settings import ConnectionSettings, InvalidSettings, checked
from bridge.versions import ProfileState
from bridge.webhook import Webhook
from functions.deliver.choices import chosen
from functions.deliver.job import Job, Message, Outcome, Parcel, message_of, rounds_of
from functions.deliver.privacy import PrivacyDesk
from functions.sources import settings_model

Mapper: TypeAlias = Callable[[Webhook, ConnectionSettings], ProfileChange]

Answer = TypeVar("Answer")
Ask: TypeAlias = Callable[[str, Mapping[str, str]], dict[str, Any]]
Whole: TypeAlias = Callable[[Webhook, Ask], Webhook]
"""Makes a webhook that tells little a whole one, by asking for JSON at an address, with headers."""

FIRST_DELAY_SECONDS = 5
"""Batch asks to wait at least 5 seconds after a 429. https://doc.batch.com/developer/api/cep/campaigns/delete"""
# failure                longest delay between two tries, in seconds
LONGEST_DELAY_SECONDS: Mapping[type[Failed], int] = {
    BatchUnavailable: 600,
    ProviderUnavailable: 600,
    BadCredentials: 60,
    ProfileBusy: 2,
}
FIRST_WAIT_SECONDS = 2
LONGEST_WAIT_SECONDS = 900
MAX_RECEIVES = 900
"""Of the queue's 1,000: before SQS moves a webhook away without a reason, it is parked with one."""
MAX_AGE = timedelta(days=12)
"""Of the queue's 14 days."""

STATUS = {
    Outcome.DELIVERED: DELIVERED,
    Outcome.IGNORED: IGNORED,
    Outcome.PARKED: PARKED,
    Outcome.WAITING: WAITING,
    Outcome.RETURNED: RETRYING,
}


class Delivery:
    """One batch on its way. `clock` returns Unix seconds; `owner` names who holds the profiles meanwhile."""

    def __init__(
        self,
        *,
        mappers: Mapping[str, Mapper],
        ledger: Ledger,
        queue: WebhookQueue,
        secrets: Secrets,
        parameters: Parameters,
        batch: BatchClient,
        clock: Callable[[], float],
        owner: str,
        provider: ProviderClient,
        wholes: Mapping[str, Whole] | None = None,
    ) -> None:
        self.mappers = mappers
        self.ledger = ledger
        self.queue = queue
        self.secrets = secrets
        self.parameters = parameters
        self.batch = batch
        self.clock = clock
        self.owner = owner
        self.wholes = wholes or {}
        self.provider = provider
        self.outages: dict[str, ProviderUnavailable] = {}
        self.leased: dict[tuple[str, str], ProfileState] = {}
        self.links: dict[tuple[str, str], str] = {}
        self.facts: dict[tuple[str, str], str] = {}
        self.delays: dict[str, int] = {}
        self.stay: list[str] = []

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def run(self, records: Iterable[Mapping[str, Any]]) -> list[str]:
        """Deliver the records of one invocation; returns the ids of the messages that stay in the queue."""
        jobs = self.open([message_of(record) for record in records])
        try:
            self.skip_repeats(jobs)
            self.map(going(jobs))
            self.hold_followers(jobs)
            self.identify(telling(jobs))
            self.lease(telling(jobs))
        except BatchUnavailable as error:
            for job in going(jobs):
                job.end(Outcome.RETURNED, error)
        self.send_all(telling(jobs))
        self.hold_followers(jobs)
        requests = going(jobs)
        self.settle([job for job in jobs if job.outcome])
        self.grant(requests)
        self.queue.postpone(self.delays)
        return self.stay

    # ── From messages to profile changes ────────────────────────────────────────────────────────────────

    def open(self, messages: Sequence[Message]) -> list[Job]:
        """The webhooks of the messages. What is no webhook of ours is parked as it is."""
        jobs = []
        for message in messages:
            try:
                jobs.append(Job(message, self.queue.webhook(message.body)))
            except MappingFailed:
                self.park_unreadable(message)
            except BatchUnavailable as error:
                self.leave(message, self.delay(error, message.receive_count))
        return jobs

    def park_unreadable(self, message: Message) -> None:
        try:
            self.queue.park_message(message.body, message.id)
            logger.error("message parked", failure_class=MappingFailed.failure_class)
            count("WebhooksParked", failure_class=MappingFailed.failure_class)
        except Unavailable:
            self.leave(message, FIRST_DELAY_SECONDS)

    def skip_repeats(self, jobs: Sequence[Job]) -> None:
        """End the jobs whose webhook needs nothing more, or stands twice in this batch.

        Of copies the one of the newest round goes on: SQS would drop the next round of an older one as a repeat.
        """
        seen = self.ledger.finished(job.webhook.id for job in jobs)
        for job in sorted(jobs, key=round_of, reverse=True):
            if job.webhook.id in seen:
                job.end(Outcome.REPEATED)
            seen.add(job.webhook.id)

    def map(self, jobs: Sequence[Job]) -> None:
        """Find out what each webhook says."""
        for job in jobs:
            try:
                job.settings = self.settings(job.webhook)
                job.change = self.mapped(job)
            except Ignored as ignored:
                job.end(Outcome.IGNORED, reason=ignored.reason)
            except (MappingFailed, BadCredentials) as error:
                job.end(Outcome.PARKED, error)
            except ProviderUnavailable as error:
                self.outages[job.webhook.source] = error
                job.end(Outcome.RETURNED, error)
            except Unavailable as error:
                job.end(Outcome.RETURNED, BatchUnavailable(error.reason))

    def settings(self, webhook: Webhook) -> ConnectionSettings:
        """The connection's settings. Raises Unavailable, MappingFailed where they are wrong."""
        try:
            stored = self.parameters.read(webhook.source, webhook.connection)
            checked_settings: ConnectionSettings = checked(stored, settings_model(webhook.source))
            return checked_settings
        except InvalidSettings as error:
            raise MappingFailed("the connection's settings are invalid") from error

    def mapped(self, job: Job) -> ProfileChange:
        """What the room's mapping makes of a webhook.

        Raises Ignored, MappingFailed; where more is asked for BadCredentials, ProviderUnavailable, Unavailable too.
        """
        source = job.webhook.source
        try:
            webhook = (
                self.wholes[source](job.webhook, self.asker(job)) if source in self.wholes else job.webhook
            )
            change = self.mappers[source](webhook, job.settings)
        except BridgeError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a mapping raises costs one webhook, never the batch
            raise MappingFailed(reason_of(error)) from None
        if change.is_test and not job.settings.test_events:
            raise Ignored("test event")
        return chosen(change, job.settings, job.webhook)

    def asker(self, job: Job) -> Ask:
        """What asks the source's API for a job, with the key of its connection."""

        def ask(url: str, headers: Mapping[str, str]) -> dict[str, Any]:
            source = job.webhook.source
            api_key = self.secrets.api_key(source, job.webhook.connection)
            if api_key is None:
                raise Ignored("thin events need an API key of the connection")
            if source in self.outages:
                raise self.outages[source]
            return self.provider.get(url, api_key, headers)

        return ask

    # ── Whose they are ──────────────────────────────────────────────────────────────────────────────────

    def identify(self, jobs: Sequence[Job]) -> None:
        """Give each job its custom id; links learnt from one job serve the next."""
        self.read_links(jobs)
        for job in jobs:
            try:
                job.custom_id = self.custom_id(job)
                self.learn(job)
                self.recall(job)
            except IdentityUnknown as error:
                self.end_unknown(job, error)

    def end_unknown(self, job: Job, error: IdentityUnknown) -> None:
        """Let a webhook without a profile wait; then, where not even a last resort names anyone, let it go."""
        person = job.change.person
        if self.may_wait(job):
            job.end(Outcome.WAITING, error)
        elif person.named_elsewhere and person.source_id is None:
            job.end(Outcome.IGNORED, reason="nobody was named in time")
        else:
            job.end(Outcome.PARKED, error)

    def read_links(self, jobs: Sequence[Job]) -> None:
        for project in {job.settings.project for job in jobs}:
            references = [
                reference
                for job in jobs
                if job.settings.project == project
                for reference in (*job.change.person.references, *job.change.moves)
            ]
            known = self.ledger.links(project, references, self.clock())
            self.links |= {(project, reference): custom_id for reference, custom_id in known.items()}

    def custom_id(self, job: Job) -> str:
        """The custom id of a job's profile. Raises IdentityUnknown."""
        person, project = job.change.person, job.settings.project
        known = {
            reference: self.links[project, reference]
            for reference in person.references
            if (project, reference) in self.links
        }
        return identity.custom_id(person, known, job.settings.identity, may_wait=self.may_wait(job))

    def may_wait(self, job: Job) -> bool:
        """Whether a later webhook may still tell whose this one is."""
        patience = timedelta(hours=job.settings.identity_wait_hours)
        return job.change.person.named_elsewhere and self.now < job.webhook.received_at + patience

    def learn(self, job: Job) -> None:
        """Remember facts, and what leads to this profile: the first resolution sticks, unless the reference moves."""
        project, change = job.settings.project, job.change
        for reference in (*change.person.references, *change.moves):
            known = self.links.get((project, reference))
            if known is None or (reference in change.moves and known != job.custom_id):
                self.links[project, reference] = job.custom_id
                job.rows.append(link_row(project, reference, job.custom_id))
        for name, value in change.remember.items():
            self.facts[project, name] = value
            job.rows.append(fact_row(project, name, value, job.custom_id))

    def recall(self, job: Job) -> None:
        """Complete a job's events with the facts that it asks for, as far as they are known."""
        project, change = job.settings.project, job.change
        if change.completed is None:
            return
        known = self.ledger.facts(project, change.recall)
        known |= {name: self.facts[project, name] for name in change.recall if (project, name) in self.facts}
        job.change = replace(change, events=(*change.events, *change.completed(known)))

    def lease(self, jobs: Sequence[Job]) -> None:
        """Take hold of the profiles, and work out what each job changes of them."""
        for job in jobs:
            try:
                if job.profile not in self.leased:
                    self.leased[job.profile] = self.ledger.lease(*job.profile, self.owner, self.clock())
            except ProfileBusy as error:
                job.end(Outcome.RETURNED, error)
            except Erased as erased:
                job.rows = fading(job.rows, erased.until)
                job.forget()
                job.end(Outcome.IGNORED, reason=erased.reason)
        self.hold_followers(jobs)
        states = dict(self.leased)
        for job in going(jobs):
            states[job.profile] = job.fit(states[job.profile], self.now)

    def hold_followers(self, jobs: Sequence[Job]) -> None:
        """Keep a customer's later webhooks in the queue behind one that stays there."""
        held: dict[str, Failed] = {}
        for job in jobs:
            group = job.message.group
            if job.outcome is Outcome.RETURNED and job.failure:
                held.setdefault(group, job.failure)
            elif job.outcome is None and group in held:
                job.end(Outcome.RETURNED, held[group])

    # ── To Batch ────────────────────────────────────────────────────────────────────────────────────────

    def send_all(self, jobs: Sequence[Job]) -> None:
        """Send the jobs, one call after the other, each project with its own keys."""
        for project in dict.fromkeys(job.settings.project for job in jobs):
            for parcels in rounds_of([job for job in jobs if job.settings.project == project]):
                self.send(project, [parcel for parcel in parcels if not parcel.is_empty])
        for job in going(jobs):
            job.end(Outcome.DELIVERED)

    def send(self, project: str, parcels: Sequence[Parcel]) -> None:
        """Send parcels in one call; one that is refused whole is halved until the guilty webhook is alone."""
        if not parcels:
            return
        try:
            self.call(project, parcels)
        except RejectedByBatch as error:
            for smaller in halves(parcels):
                self.send(project, smaller)
            if is_single(parcels):
                parcels[0].jobs[0].end(Outcome.PARKED, error)
        except (BadCredentials, BatchUnavailable) as error:
            self.tell_refused_keys(project, error)
            for job in jobs_of(parcels):
                job.end(Outcome.RETURNED, error)

    def tell_refused_keys(self, project: str, error: Failed) -> None:
        if isinstance(error, BadCredentials):
            logger.error("Batch credentials refused", project=project, reason=error.reason)
            count("BatchCredentialsRefused", project=project)

    def call(self, project: str, parcels: Sequence[Parcel]) -> None:
        """One call, and what its answer says of each webhook. Raises what BatchClient raises."""
        operations = [parcel.operation() for parcel in parcels]
        started = self.clock()
        for error in self.update(project, operations):
            if 0 <= error.position < len(parcels):
                parcels[error.position].trace(error)
        measure_seconds("BatchLatency", self.clock() - started, project=project)
        for job in jobs_of(parcels):
            if job.refused:
                job.end(Outcome.PARKED, RejectedByBatch("Batch refused " + ", ".join(job.refused)))

    def update(self, project: str, operations: list[dict[str, Any]]) -> list[PartialError]:
        """Tell Batch of profiles; returns what it refused of them."""
        return self.with_keys(project, lambda keys: self.batch.update(keys, operations))

    def with_keys(self, project: str, call: Callable[[BatchKeys], Answer]) -> Answer:
        """Call Batch; keys that it refuses are read anew once, at most every 30 seconds."""
        keys = self.batch_keys(project)
        try:
            return call(keys)
        except BadCredentials:
            fresh = self.batch_keys(project) if self.refreshed(project) else keys
            if fresh == keys:
                raise
            return call(fresh)

    def batch_keys(self, project: str) -> BatchKeys:
        """The project's keys. Raises BadCredentials, BatchUnavailable."""
        try:
            return self.secrets.batch_keys(project)
        except Unavailable as error:
            raise BatchUnavailable(error.reason) from error

    def refreshed(self, project: str) -> bool:
        """Whether the keys were read anew just now."""
        try:
            return self.secrets.refresh_batch_keys(project)
        except Unavailable:
            return False

    # ── What the law asks for ───────────────────────────────────────────────────────────────────────────

    def grant(self, jobs: Sequence[Job]) -> None:
        """Erase people, or tell what is held of them: after all else of the batch, and written down by itself."""
        desk = PrivacyDesk(self.ledger, self.queue, self.batch, self.with_keys, self.owner, self.clock)
        written, self.leased = frozenset(self.leased), {}
        for job in jobs:
            try:
                job.end(Outcome.DELIVERED, reason=desk.grant(job, written))
            except Ignored as ignored:
                job.end(Outcome.IGNORED, reason=ignored.reason)
            except RejectedByBatch as error:
                job.end(Outcome.PARKED, error)
            except (BadCredentials, BatchUnavailable, ProfileBusy) as error:
                self.tell_refused_keys(job.settings.project, error)
                job.end(Outcome.RETURNED, error)
            except Unavailable as error:
                job.end(Outcome.RETURNED, BatchUnavailable(error.reason))
        if jobs:
            self.settle(jobs)

    # ── How each ends ───────────────────────────────────────────────────────────────────────────────────

    def settle(self, jobs: Sequence[Job]) -> None:
        """Park, put aside or leave in the queue what was not delivered; then write down what became of each."""
        for job in jobs:
            self.settle_one(job)
        receipts = [receipt_row(self.receipt(job)) for job in jobs if leaves_receipt(job)]
        try:
            self.ledger.commit([*receipts, *self.profile_rows(jobs), *learnt(jobs)])
        except BatchUnavailable as error:
            logger.error("receipts not written", reason=error.reason)
            count("ReceiptsNotWritten", len(receipts))
            self.stay = list(dict.fromkeys([*self.stay, *(job.message.id for job in jobs)]))
            return
        for job in jobs:
            self.tell(job)
        counts = Counter(counted for job in jobs for counted in counts_of(job))
        for (name, dimension, label), number in counts.items():
            count(name, number, **{dimension: label})

    def settle_one(self, job: Job) -> None:
        failure = job.failure or Failed("")
        if job.outcome is Outcome.RETURNED and self.is_exhausted(job.message):
            job.end(Outcome.PARKED, failure)
        try:
            if job.outcome is Outcome.PARKED:
                webhook = replace(job.webhook, only=tuple(job.refused) or job.webhook.only)
                self.queue.park(webhook, Failure(failure.failure_class, failure.reason, self.now))
            if job.outcome is Outcome.WAITING:
                self.queue.wait(job.webhook, wait_seconds(job.webhook.waits))
        except Unavailable as error:
            job.end(Outcome.RETURNED, BatchUnavailable(error.reason))
        if job.outcome is Outcome.RETURNED:
            self.leave(job.message, self.delay(job.failure or failure, job.message.receive_count))

    def is_exhausted(self, message: Message) -> bool:
        """Whether SQS would soon drop the message, or move it away without a reason."""
        return message.receive_count >= MAX_RECEIVES or self.now - message.sent_at > MAX_AGE

    def leave(self, message: Message, delay_seconds: int) -> None:
        self.stay.append(message.id)
        self.delays[message.receipt_handle] = delay_seconds

    def delay(self, failure: Failed, receive_count: int) -> int:
        """Seconds until the next try: doubling, with some chance so that not all come back at once."""
        longest = LONGEST_DELAY_SECONDS.get(type(failure), FIRST_DELAY_SECONDS)
        grown = min(longest, FIRST_DELAY_SECONDS * 2 ** min(receive_count - 1, 10))
        asked = getattr(failure, "retry_after_seconds", None) or 0
        spread = random.uniform(1.0, 1.25)  # noqa: S311 - not for security
        return min(int(max(grown, asked) * spread), LONGEST_DELAY_SECONDS[BatchUnavailable])

    def profile_rows(self, jobs: Sequence[Job]) -> list[Row]:
        """The profiles with what Batch has taken of them; writing them gives the leases back."""
        states = dict(self.leased)
        for job in jobs:
            if job.profile in states and (job.outcome is Outcome.DELIVERED or job.refused):
                applied, _ = versions.apply(states[job.profile], job.change.groups)
                states[job.profile], _ = versions.unseen(applied, job.change.events)
        return [profile_row(*profile, state) for profile, state in states.items()]

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


def leaves_receipt(job: Job) -> bool:
    """Whether there is something to write down: of what stays in the queue, only the first time that it does."""
    if job.outcome is Outcome.RETURNED:
        return job.message.receive_count == 1 and not isinstance(job.failure, ProfileBusy)
    return job.outcome in STATUS


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


def telling(jobs: Iterable[Job]) -> list[Job]:
    """The jobs whose end is open, without those that ask to erase somebody or to show what is held."""
    return [job for job in going(jobs) if job.change.privacy is None]


def round_of(job: Job) -> tuple[int, int]:
    """How often a webhook was sent again: through the dead-letter queue, and through the waiting room."""
    return job.webhook.retries, job.webhook.waits


def going(jobs: Iterable[Job]) -> list[Job]:
    """The jobs whose end is still open."""
    return [job for job in jobs if job.outcome is None]


def jobs_of(parcels: Iterable[Parcel]) -> list[Job]:
    return [job for parcel in parcels for job in parcel.jobs]


def is_single(parcels: Sequence[Parcel]) -> bool:
    return len(parcels) == 1 and len(parcels[0].jobs) == 1


def halves(parcels: Sequence[Parcel]) -> list[list[Parcel]]:
    """Smaller calls with the same content: half of the parcels, or the webhooks of one parcel by themselves."""
    if len(parcels) > 1:
        middle = len(parcels) // 2
        return [list(parcels[:middle]), list(parcels[middle:])]
    [parcel] = parcels
    return [[Parcel(parcel.custom_id, (job,))] for job in parcel.jobs] if len(parcel.jobs) > 1 else []


def wait_seconds(waits: int) -> int:
    """How long a webhook is put aside the next time: doubling up to a quarter of an hour."""
    return int(min(FIRST_WAIT_SECONDS * 2 ** min(waits, 10), LONGEST_WAIT_SECONDS))


def reason_of(error: Exception) -> str:
    """Why a mapping failed, in names of fields and types of errors, without values."""
    if isinstance(error, ValidationError):
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        places = [
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['type']}" for problem in problems
        ]
        return "; ".join(places[:5])
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name} line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
