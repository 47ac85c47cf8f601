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
from functions.deliver.circuit_breaker import CALL_SECONDS, CircuitBreaker
from functions.deliver.context import Context
from functions.deliver.delivery import TEST_EVENT, Delivery, Message, Outcome, going, message_of, telling
from functions.deliver.erasure import request
from functions.deliver.erasure.connection import ConnectionErasure
from functions.deliver.erasure.person import PersonErasure
from functions.deliver.identification import Identification
from functions.deliver.outcomes import FIRST_DELAY_SECONDS, OutcomeRecorder
from functions.deliver.overrides import overridden
from functions.deliver.schema_drift.watcher import SchemaWatcher
from functions.deliver.sender import Sender
from functions.deliver.topics import TopicChecks
from functions.deliver.type_registry import TypeRegistry
from functions.deliver.withdrawals import Withdrawals
from functions.sources.registry import settings_model

Mapper: TypeAlias = Callable[[Webhook, ConnectionSettings], ProfileChange]

Fetch: TypeAlias = Callable[[str, Mapping[str, str]], dict[str, Any]]
Hydrate: TypeAlias = Callable[[Webhook, Fetch], Webhook]
"""Makes a webhook that tells little a whole one, by asking for JSON at an address, with headers."""

SPARE_SECONDS = 12
"""Of the function's 30: what a page of a long task takes, and settling after it."""


class DeliveryPipeline:
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
        hydrators: Mapping[str, Hydrate] | None = None,
        checks: Mapping[str, TopicCheck] | None = None,
        breaker: CircuitBreaker | None = None,
        backlog: Backlog | None = None,
        seconds_left: Callable[[], float] = lambda: math.inf,
        has_time: Callable[[], bool] | None = None,
        kinds: TypeRegistry | None = None,
        schemas: SchemaWatcher | None = None,
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
        self.hydrators = hydrators or {}
        self.topics = TopicChecks(checks or {}, ledger)
        self.ids_in_batch: frozenset[str] = frozenset()
        self.provider = provider
        self.kinds = kinds or TypeRegistry(ledger)
        self.schemas = schemas or SchemaWatcher({}, ledger, connections, clock)
        self.persons = Identification(ledger, clock)
        self.withdrawals = Withdrawals(ledger)
        self.breaker = breaker or CircuitBreaker(clock)
        self.sender = Sender(batch, secrets, clock, self.breaker, seconds_left)
        self.seconds_left = seconds_left
        self.recorder = OutcomeRecorder(ledger, queue, connections, clock, backlog or Backlog(queue, clock))
        has_time = has_time or (lambda: seconds_left() > SPARE_SECONDS)
        context = Context(ledger, queue, owner, clock, has_time)
        self.privacy = PersonErasure(context, batch, self.sender.with_keys)
        self.leaving = ConnectionErasure(context, connections)
        self.api_url = api_url
        self.outages: dict[str, ProviderUnavailable] = {}
        self.leased: dict[tuple[str, str], ProfileState] = {}

    def run(self, records: Iterable[Mapping[str, Any]]) -> list[str]:
        """Deliver the records of one invocation; returns the ids of the messages that stay in the queue.

        Raises NotStorable where AWS refuses for good what one of several says: nothing was sent yet, and each is to
        be delivered by itself.
        """
        deliveries = self.open([message_of(record) for record in records])
        try:
            self.skip_repeats(deliveries)
            self.read_settings(going(deliveries))
            self.check_topics(going(deliveries))
            self.defer_while_open(going(deliveries))
            self.map(going(deliveries))
            self.schemas.watch(deliveries)
            self.defer_group(deliveries)
            self.persons.identify(telling(deliveries))
            self.lease(telling(deliveries))
            self.persons.keep()
        except BatchUnavailable as error:
            for delivery in going(deliveries):
                delivery.end(Outcome.RETURNED, error)
        except NotStorable as error:
            if len(deliveries) > 1:
                raise
            deliveries[0].end(Outcome.PARKED, error)
        self.sender.send_all(telling(deliveries))
        self.defer_group(deliveries)
        requests = going(deliveries)
        self.kinds.remember(deliveries)
        self.recorder.settle([delivery for delivery in deliveries if delivery.outcome], self.leased)
        self.schemas.keep()
        self.fulfil(requests)
        self.queue.postpone(self.recorder.delays)
        return self.recorder.stay

    # ── From messages to profile changes ────────────────────────────────────────────────────────────────

    def open(self, messages: Sequence[Message]) -> list[Delivery]:
        """Return the webhooks of the messages. What is no webhook of ours is parked as it is."""
        deliveries = []
        for message in messages:
            try:
                deliveries.append(Delivery(message, self.queue.webhook(message.body)))
            except MappingFailed:
                self.park_unreadable(message)
            except Ignored as ignored:
                logger.info("message ignored", reason=ignored.reason)
            except BatchUnavailable as error:
                self.recorder.leave(message, self.recorder.delay(error, message))
        return deliveries

    def park_unreadable(self, message: Message) -> None:
        try:
            self.queue.park_message(message.body, message.id)
            logger.error("message parked", failure_class=MappingFailed.failure_class)
            count("WebhooksParked", failure_class=MappingFailed.failure_class)
        except Unavailable:
            self.recorder.leave(message, FIRST_DELAY_SECONDS)

    def skip_repeats(self, deliveries: Sequence[Delivery]) -> None:
        """End the deliveries whose webhook needs nothing more, or stands twice in this batch. What erases is done
        again.

        Of one that Batch took in part the rest alone goes on: whole, it is a repeat. Of copies the one of the newest
        round goes on: SQS would drop the next round of an older one as a repeat.
        """
        self.ids_in_batch = frozenset(delivery.webhook.id for delivery in deliveries)
        known = self.ledger.known(
            delivery.webhook.id for delivery in deliveries if not self.topics.is_erasing(delivery.webhook)
        )
        seen = set(known.finished)
        for delivery in sorted(deliveries, key=round_of, reverse=True):
            is_taken = delivery.webhook.id in known.taken_in_part and not delivery.webhook.only
            if delivery.webhook.id in seen or is_taken:
                delivery.end(Outcome.REPEATED)
            seen.add(delivery.webhook.id)

    def defer_while_open(self, deliveries: Sequence[Delivery]) -> None:
        """Return what came back while its project is still not called; the first time is the one for a receipt."""
        if not self.breaker.tripped:
            return
        for delivery in deliveries:
            failure = self.breaker.failure(delivery.settings.project)
            if failure and delivery.message.receive_count > 1:
                delivery.end(Outcome.RETURNED, failure)
        self.defer_group(deliveries)

    def read_settings(self, deliveries: Sequence[Delivery]) -> None:
        """Keep with each delivery the settings of its connection, which all later steps go by."""
        for delivery in deliveries:
            with self.ending(delivery):
                delivery.settings = self.settings(delivery.webhook)

    def check_topics(self, deliveries: Sequence[Delivery]) -> None:
        """Stop what the signed body does not allow, before anything is known or written of it under its topic."""
        for delivery in deliveries:
            with self.ending(delivery):
                self.topics.confirm(delivery, self.ids_in_batch)
        self.topics.keep_one_of_each_body(deliveries)

    def map(self, deliveries: Sequence[Delivery]) -> None:
        """Find out what each webhook says."""
        for delivery in deliveries:
            with self.ending(delivery):
                delivery.change = self.mapped(delivery)
                delivery.warnings.add_all(delivery.change.warnings)

    @contextmanager
    def ending(self, delivery: Delivery) -> Iterator[None]:
        """End the delivery as what is raised within says. Raises NotStorable, as that may be of another delivery."""
        try:
            yield
        except NotStorable:
            raise
        except Ignored as ignored:
            delivery.end(Outcome.IGNORED, reason=ignored.reason)
        except (MappingFailed, BadCredentials, TopicUnconfirmed) as error:
            delivery.end(Outcome.PARKED, error)
        except ProviderUnavailable as error:
            self.outages[delivery.webhook.source] = error
            delivery.end(Outcome.RETURNED, error)
        except BatchUnavailable as error:
            delivery.end(Outcome.RETURNED, error)
        except Unavailable as error:
            delivery.end(Outcome.RETURNED, BatchUnavailable(error.reason))
        except BridgeError as error:
            delivery.end(Outcome.PARKED, MappingFailed(error.reason))
        except Exception as error:  # noqa: BLE001 - whatever a mapping raises costs one webhook, never the batch
            delivery.end(Outcome.PARKED, MappingFailed(reason_of(error)))

    def settings(self, webhook: Webhook) -> ConnectionSettings:
        """Return the connection's settings. Raises Unavailable, MappingFailed where they are wrong."""
        if webhook.source == request.SOURCE:
            return ConnectionSettings(project=webhook.connection)
        try:
            stored = self.parameters.read(webhook.source, webhook.connection)
            checked_settings: ConnectionSettings = checked(stored, settings_model(webhook.source))
            return checked_settings
        except InvalidSettings as error:
            raise MappingFailed("the connection's settings are invalid") from error

    def mapped(self, delivery: Delivery) -> ProfileChange:
        """Return what the source's mapping makes of a webhook.

        Raises Ignored, BatchUnavailable, where more is asked for BadCredentials, ProviderUnavailable, Unavailable too,
        and whatever a mapping raises.
        """
        source = delivery.webhook.source
        if delivery.webhook.topic == CONFIRMED:
            facts = self.ledger.facts(delivery.settings.project, consents.wanted(delivery.webhook))
            return consents.to_change(delivery.webhook, delivery.settings, facts)
        webhook = (
            self.hydrators[source](delivery.webhook, self.asker(delivery))
            if source in self.hydrators
            else delivery.webhook
        )
        delivery.read = webhook
        change = self.mappers[source](webhook, delivery.settings)
        if change.is_test and not delivery.settings.test_events:
            raise Ignored(TEST_EVENT)
        return believed(
            overridden(change, delivery.settings, delivery.webhook), delivery.settings, delivery.webhook
        )

    def asker(self, delivery: Delivery) -> Fetch:
        """Return what asks the source's API for a delivery, with the key of its connection."""

        def ask(url: str, headers: Mapping[str, str]) -> dict[str, Any]:
            source = delivery.webhook.source
            api_key = self.secrets.api_key(source, delivery.webhook.connection)
            if api_key is None:
                raise Ignored("thin events need an API key of the connection")
            if source in self.outages:
                raise self.outages[source]
            if self.seconds_left() < CALL_SECONDS:
                raise NoTimeLeft("no time left to ask the source")
            return self.provider.get(url, api_key, headers)

        return ask

    # ── Whose they are ──────────────────────────────────────────────────────────────────────────────────

    def lease(self, deliveries: Sequence[Delivery]) -> None:
        """Take hold of the profiles, and work out what each delivery changes of them. Raises BatchUnavailable."""
        for delivery in deliveries:
            try:
                if delivery.profile not in self.leased:
                    self.leased[delivery.profile] = self.ledger.lease(
                        *delivery.profile, self.owner, self.clock()
                    )
                delivery.wait_for_facts()
            except ProfileBusy as error:
                delivery.end(Outcome.RETURNED, error)
            except NotStorable as error:
                delivery.end(Outcome.PARKED, error)
            except Erased as erased:
                delivery.rows = fading(delivery.rows, erased.until)
                delivery.forget()
                delivery.end(Outcome.IGNORED, reason=erased.reason)
        self.defer_group(deliveries)
        self.fit(going(deliveries), self.leased)

    def fit(self, deliveries: Sequence[Delivery], known: Mapping[tuple[str, str], ProfileState]) -> None:
        """Work out what each delivery changes of what is known of its profile. Raises BatchUnavailable."""
        self.withdrawals.read(deliveries, known)
        states, now = dict(known), datetime.fromtimestamp(self.clock(), UTC)
        for delivery in deliveries:
            before = states[delivery.profile]
            consents.weigh(delivery, before, self.withdrawals.of(delivery), self.api_url, now)
            if delivery.outcome is None:
                states[delivery.profile] = delivery.fit(before, now)
                self.withdrawals.note(delivery, before, states[delivery.profile])
        self.kinds.agree(going(deliveries), known)

    def defer_group(self, deliveries: Sequence[Delivery]) -> None:
        """Keep a customer's later webhooks in the queue behind one that stays there."""
        held: dict[str, Failed] = {}
        for delivery in deliveries:
            group = delivery.message.group
            if delivery.outcome is Outcome.RETURNED and delivery.failure:
                held.setdefault(group, delivery.failure)
            elif delivery.outcome is None and group in held:
                delivery.end(Outcome.RETURNED, held[group])

    # ── What the law asks for ───────────────────────────────────────────────────────────────────────────

    def fulfil(self, deliveries: Sequence[Delivery]) -> None:
        """Erase people, or tell what is held of them: after all else of the batch, and written down by itself."""
        written = frozenset(self.leased)
        for delivery in deliveries:
            try:
                is_of_connection = delivery.change.connection is not None
                done = (
                    self.leaving.fulfil(delivery)
                    if is_of_connection
                    else self.privacy.fulfil(delivery, written)
                )
                delivery.end(Outcome.DELIVERED, reason=done)
            except Ignored as ignored:
                delivery.end(Outcome.IGNORED, reason=ignored.reason)
            except (RejectedByBatch, NotStorable) as error:
                delivery.end(Outcome.PARKED, error)
            except (BadCredentials, BatchUnavailable, ProfileBusy, Unfinished) as error:
                delivery.end(Outcome.RETURNED, error)
            except Unavailable as error:
                delivery.end(Outcome.RETURNED, BatchUnavailable(error.reason))
        if deliveries:
            self.recorder.settle(deliveries, {})


def believed(change: ProfileChange, settings: ConnectionSettings, webhook: Webhook) -> ProfileChange:
    """Return what the connection believes of a change; what the law or the tool asks for is done as it stands."""
    if change.privacy is not None or change.connection is not None:
        return change
    is_proven = claims.is_proven(change.person.claimed_user_id, webhook.headers)
    stated = identity.as_stated(change, settings, is_proven=is_proven)
    return identity.in_time(stated, webhook.received_at)


def round_of(delivery: Delivery) -> tuple[int, int]:
    """Return how often a webhook was sent again: through the dead-letter queue, and through the delay queue."""
    return delivery.webhook.retries, delivery.webhook.waits


def reason_of(error: Exception) -> str:
    """Return why a mapping failed, in names of fields and types of errors, without values."""
    if isinstance(error, ValidationError):
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        places = [
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['type']}" for problem in problems
        ]
        return "; ".join(places[:5])
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name} line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
