"""Turn a batch of queued webhooks into as few calls to Batch as can be, and settle each webhook on its own.

What cannot be mapped is parked, what has to wait stays in the queue, what is refused is traced to its webhook.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from bridge.batch.client import BatchClient
from bridge.errors import (
    BadCredentials,
    BatchUnavailable,
    BridgeError,
    Erased,
    Failed,
    Ignored,
    MappingFailed,
    NoTimeLeft,
    NotStorable,
    ProfileBusy,
    ProviderUnavailable,
    RejectedByBatch,
    TopicUnconfirmed,
    Unavailable,
    Unfinished,
)
from bridge.observability import count, logger
from bridge.profiles import identity
from bridge.profiles.profile_change import ProfileChange
from bridge.profiles.versions import ProfileState
from bridge.providers.client import ProviderClient
from bridge.receiving import claims
from bridge.receiving.confirmation import TopicCheck
from bridge.receiving.consent_links import CONFIRMED
from bridge.settings import ConnectionSettings, InvalidSettings, checked
from bridge.storage.connections import Connections
from bridge.storage.ledger import Ledger, fading
from bridge.storage.parameters import Parameters
from bridge.storage.queue import WebhookQueue
from bridge.storage.secrets import Secrets
from bridge.webhook import Webhook
from functions.deliver import consents
from functions.deliver.backlog import Backlog
from functions.deliver.circuit_breaker import CALL_SECONDS, Gate
from functions.deliver.context import Context
from functions.deliver.delivery import TEST_EVENT, Job, Message, Outcome, going, message_of, telling
from functions.deliver.erasure import request
from functions.deliver.erasure.connection import LeavingDesk
from functions.deliver.erasure.person import PrivacyDesk
from functions.deliver.identification import Persons
from functions.deliver.outcomes import FIRST_DELAY_SECONDS, Settler
from functions.deliver.overrides import chosen
from functions.deliver.schema_drift.watcher import Shapes
from functions.deliver.sender import Sender
from functions.deliver.topics import TopicChecks
from functions.deliver.type_registry import KeptKinds
from functions.deliver.withdrawals import Withdrawals
from functions.sources.registry import settings_model

Mapper: TypeAlias = Callable[[Webhook, ConnectionSettings], ProfileChange]

Ask: TypeAlias = Callable[[str, Mapping[str, str]], dict[str, Any]]
Whole: TypeAlias = Callable[[Webhook, Ask], Webhook]
"""Makes a webhook that tells little a whole one, by asking for JSON at an address, with headers."""

SPARE_SECONDS = 12
"""Of the function's 30: what a page of a long task takes, and settling after it."""


class Delivery:
    """One batch on its way. `clock` returns Unix seconds, `seconds_left` how long the invocation may still take;
    `owner` names who holds the profiles meanwhile; `has_time` is whether a long task may go on; `api_url` is where the
    links lead by which people confirm a consent, without `/{source}`."""

    def __init__(
        self,
        *,
        mappers: Mapping[str, Mapper],
        ledger: Ledger,
        queue: WebhookQueue,
        secrets: Secrets,
        parameters: Parameters,
        connections: Connections,
        batch: BatchClient,
        clock: Callable[[], float],
        owner: str,
        provider: ProviderClient,
        wholes: Mapping[str, Whole] | None = None,
        checks: Mapping[str, TopicCheck] | None = None,
        gate: Gate | None = None,
        backlog: Backlog | None = None,
        seconds_left: Callable[[], float] = lambda: math.inf,
        has_time: Callable[[], bool] | None = None,
        kinds: KeptKinds | None = None,
        shapes: Shapes | None = None,
        api_url: str = "",
    ) -> None:
        self.mappers = {**mappers, request.SOURCE: request.to_change}
        self.ledger = ledger
        self.queue = queue
        self.secrets = secrets
        self.parameters = parameters
        self.batch = batch
        self.clock = clock
        self.owner = owner
        self.wholes = wholes or {}
        self.topics = TopicChecks(checks or {}, ledger)
        self.ids_in_batch: frozenset[str] = frozenset()
        self.provider = provider
        self.kinds = kinds or KeptKinds(ledger)
        self.shapes = shapes or Shapes({}, ledger, connections, clock)
        self.persons = Persons(ledger, clock)
        self.withdrawals = Withdrawals(ledger)
        self.gate = gate or Gate(clock)
        self.sender = Sender(batch, secrets, clock, self.gate, seconds_left)
        self.seconds_left = seconds_left
        self.settler = Settler(ledger, queue, connections, clock, backlog or Backlog(queue, clock))
        has_time = has_time or (lambda: seconds_left() > SPARE_SECONDS)
        context = Context(ledger, queue, owner, clock, has_time)
        self.privacy = PrivacyDesk(context, batch, self.sender.with_keys)
        self.leaving = LeavingDesk(context, connections)
        self.api_url = api_url
        self.outages: dict[str, ProviderUnavailable] = {}
        self.leased: dict[tuple[str, str], ProfileState] = {}

    def run(self, records: Iterable[Mapping[str, Any]]) -> list[str]:
        """Deliver the records of one invocation; returns the ids of the messages that stay in the queue.

        Raises NotStorable where AWS refuses for good what one of several says: nothing was sent yet, and each is to
        be delivered by itself.
        """
        jobs = self.open([message_of(record) for record in records])
        try:
            self.skip_repeats(jobs)
            self.read_settings(going(jobs))
            self.check_topics(going(jobs))
            self.hold_back(going(jobs))
            self.map(going(jobs))
            self.shapes.watch(jobs)
            self.hold_followers(jobs)
            self.persons.identify(telling(jobs))
            self.lease(telling(jobs))
            self.persons.keep()
        except BatchUnavailable as error:
            for job in going(jobs):
                job.end(Outcome.RETURNED, error)
        except NotStorable as error:
            if len(jobs) > 1:
                raise
            jobs[0].end(Outcome.PARKED, error)
        self.sender.send_all(telling(jobs))
        self.hold_followers(jobs)
        requests = going(jobs)
        self.kinds.remember(jobs)
        self.settler.settle([job for job in jobs if job.outcome], self.leased)
        self.shapes.keep()
        self.grant(requests)
        self.queue.postpone(self.settler.delays)
        return self.settler.stay

    # ── From messages to profile changes ────────────────────────────────────────────────────────────────

    def open(self, messages: Sequence[Message]) -> list[Job]:
        """The webhooks of the messages. What is no webhook of ours is parked as it is."""
        jobs = []
        for message in messages:
            try:
                jobs.append(Job(message, self.queue.webhook(message.body)))
            except MappingFailed:
                self.park_unreadable(message)
            except Ignored as ignored:
                logger.info("message ignored", reason=ignored.reason)
            except BatchUnavailable as error:
                self.settler.leave(message, self.settler.delay(error, message))
        return jobs

    def park_unreadable(self, message: Message) -> None:
        try:
            self.queue.park_message(message.body, message.id)
            logger.error("message parked", failure_class=MappingFailed.failure_class)
            count("WebhooksParked", failure_class=MappingFailed.failure_class)
        except Unavailable:
            self.settler.leave(message, FIRST_DELAY_SECONDS)

    def skip_repeats(self, jobs: Sequence[Job]) -> None:
        """End the jobs whose webhook needs nothing more, or stands twice in this batch. What erases is done again.

        Of one that Batch took in part the rest alone goes on: whole, it is a repeat. Of copies the one of the newest
        round goes on: SQS would drop the next round of an older one as a repeat.
        """
        self.ids_in_batch = frozenset(job.webhook.id for job in jobs)
        known = self.ledger.known(job.webhook.id for job in jobs if not self.topics.is_erasing(job.webhook))
        seen = set(known.finished)
        for job in sorted(jobs, key=round_of, reverse=True):
            is_taken = job.webhook.id in known.taken_in_part and not job.webhook.only
            if job.webhook.id in seen or is_taken:
                job.end(Outcome.REPEATED)
            seen.add(job.webhook.id)

    def hold_back(self, jobs: Sequence[Job]) -> None:
        """Return what came back while its project is still not called; the first time is the one for a receipt."""
        if not self.gate.closed:
            return
        for job in jobs:
            failure = self.gate.failure(job.settings.project)
            if failure and job.message.receive_count > 1:
                job.end(Outcome.RETURNED, failure)
        self.hold_followers(jobs)

    def read_settings(self, jobs: Sequence[Job]) -> None:
        """Keep with each job the settings of its connection, which all later steps go by."""
        for job in jobs:
            with self.ending(job):
                job.settings = self.settings(job.webhook)

    def check_topics(self, jobs: Sequence[Job]) -> None:
        """Stop what the signed body does not allow, before anything is known or written of it under its topic."""
        for job in jobs:
            with self.ending(job):
                self.topics.confirm(job, self.ids_in_batch)
        self.topics.keep_one_of_each_body(jobs)

    def map(self, jobs: Sequence[Job]) -> None:
        """Find out what each webhook says."""
        for job in jobs:
            with self.ending(job):
                job.change = self.mapped(job)
                job.warnings.add_all(job.change.warnings)

    @contextmanager
    def ending(self, job: Job) -> Iterator[None]:
        """End the job as what is raised within says. Raises NotStorable, as that may be of another job."""
        try:
            yield
        except NotStorable:
            raise
        except Ignored as ignored:
            job.end(Outcome.IGNORED, reason=ignored.reason)
        except (MappingFailed, BadCredentials, TopicUnconfirmed) as error:
            job.end(Outcome.PARKED, error)
        except ProviderUnavailable as error:
            self.outages[job.webhook.source] = error
            job.end(Outcome.RETURNED, error)
        except BatchUnavailable as error:
            job.end(Outcome.RETURNED, error)
        except Unavailable as error:
            job.end(Outcome.RETURNED, BatchUnavailable(error.reason))
        except BridgeError as error:
            job.end(Outcome.PARKED, MappingFailed(error.reason))
        except Exception as error:  # noqa: BLE001 - whatever a mapping raises costs one webhook, never the batch
            job.end(Outcome.PARKED, MappingFailed(reason_of(error)))

    def settings(self, webhook: Webhook) -> ConnectionSettings:
        """The connection's settings. Raises Unavailable, MappingFailed where they are wrong."""
        if webhook.source == request.SOURCE:
            return ConnectionSettings(project=webhook.connection)
        try:
            stored = self.parameters.read(webhook.source, webhook.connection)
            checked_settings: ConnectionSettings = checked(stored, settings_model(webhook.source))
            return checked_settings
        except InvalidSettings as error:
            raise MappingFailed("the connection's settings are invalid") from error

    def mapped(self, job: Job) -> ProfileChange:
        """What the room's mapping makes of a webhook.

        Raises Ignored, BatchUnavailable, where more is asked for BadCredentials, ProviderUnavailable, Unavailable too,
        and whatever a mapping raises.
        """
        source = job.webhook.source
        if job.webhook.topic == CONFIRMED:
            facts = self.ledger.facts(job.settings.project, consents.wanted(job.webhook))
            return consents.to_change(job.webhook, job.settings, facts)
        webhook = self.wholes[source](job.webhook, self.asker(job)) if source in self.wholes else job.webhook
        job.read = webhook
        change = self.mappers[source](webhook, job.settings)
        if change.is_test and not job.settings.test_events:
            raise Ignored(TEST_EVENT)
        return believed(chosen(change, job.settings, job.webhook), job.settings, job.webhook)

    def asker(self, job: Job) -> Ask:
        """What asks the source's API for a job, with the key of its connection."""

        def ask(url: str, headers: Mapping[str, str]) -> dict[str, Any]:
            source = job.webhook.source
            api_key = self.secrets.api_key(source, job.webhook.connection)
            if api_key is None:
                raise Ignored("thin events need an API key of the connection")
            if source in self.outages:
                raise self.outages[source]
            if self.seconds_left() < CALL_SECONDS:
                raise NoTimeLeft("no time left to ask the source")
            return self.provider.get(url, api_key, headers)

        return ask

    # ── Whose they are ──────────────────────────────────────────────────────────────────────────────────

    def lease(self, jobs: Sequence[Job]) -> None:
        """Take hold of the profiles, and work out what each job changes of them. Raises BatchUnavailable."""
        for job in jobs:
            try:
                if job.profile not in self.leased:
                    self.leased[job.profile] = self.ledger.lease(*job.profile, self.owner, self.clock())
                job.wait_for_facts()
            except ProfileBusy as error:
                job.end(Outcome.RETURNED, error)
            except NotStorable as error:
                job.end(Outcome.PARKED, error)
            except Erased as erased:
                job.rows = fading(job.rows, erased.until)
                job.forget()
                job.end(Outcome.IGNORED, reason=erased.reason)
        self.hold_followers(jobs)
        self.fit(going(jobs), self.leased)

    def fit(self, jobs: Sequence[Job], known: Mapping[tuple[str, str], ProfileState]) -> None:
        """Work out what each job changes of what is known of its profile. Raises BatchUnavailable."""
        self.withdrawals.read(jobs, known)
        states, now = dict(known), datetime.fromtimestamp(self.clock(), UTC)
        for job in jobs:
            before = states[job.profile]
            consents.weigh(job, before, self.withdrawals.of(job), self.api_url, now)
            if job.outcome is None:
                states[job.profile] = job.fit(before, now)
                self.withdrawals.note(job, before, states[job.profile])
        self.kinds.agree(going(jobs), known)

    def hold_followers(self, jobs: Sequence[Job]) -> None:
        """Keep a customer's later webhooks in the queue behind one that stays there."""
        held: dict[str, Failed] = {}
        for job in jobs:
            group = job.message.group
            if job.outcome is Outcome.RETURNED and job.failure:
                held.setdefault(group, job.failure)
            elif job.outcome is None and group in held:
                job.end(Outcome.RETURNED, held[group])

    # ── What the law asks for ───────────────────────────────────────────────────────────────────────────

    def grant(self, jobs: Sequence[Job]) -> None:
        """Erase people, or tell what is held of them: after all else of the batch, and written down by itself."""
        written = frozenset(self.leased)
        for job in jobs:
            try:
                is_of_connection = job.change.connection is not None
                done = self.leaving.grant(job) if is_of_connection else self.privacy.grant(job, written)
                job.end(Outcome.DELIVERED, reason=done)
            except Ignored as ignored:
                job.end(Outcome.IGNORED, reason=ignored.reason)
            except (RejectedByBatch, NotStorable) as error:
                job.end(Outcome.PARKED, error)
            except (BadCredentials, BatchUnavailable, ProfileBusy, Unfinished) as error:
                job.end(Outcome.RETURNED, error)
            except Unavailable as error:
                job.end(Outcome.RETURNED, BatchUnavailable(error.reason))
        if jobs:
            self.settler.settle(jobs, {})


def believed(change: ProfileChange, settings: ConnectionSettings, webhook: Webhook) -> ProfileChange:
    """Return what the connection believes of a change; what the law or the tool asks for is done as it stands."""
    if change.privacy is not None or change.connection is not None:
        return change
    is_proven = claims.is_proven(change.person.claimed_user_id, webhook.headers)
    stated = identity.as_stated(change, settings, is_proven=is_proven)
    return identity.in_time(stated, webhook.received_at)


def round_of(job: Job) -> tuple[int, int]:
    """How often a webhook was sent again: through the dead-letter queue, and through the waiting room."""
    return job.webhook.retries, job.webhook.waits


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
