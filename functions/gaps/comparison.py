"""Compare one connection with what its provider says happened, and feed what is missing through the queue.

Writes nothing to Batch: what is fed takes the way of every webhook, and is a repeat where it came after all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from bridge.errors import Failed, Ignored, MappingFailed, ProviderUnavailable, Refused
from bridge.providers.client import Answer, ProviderClient
from bridge.providers.event_list import ListedEvent, Page, Sweep
from bridge.settings import ConnectionSettings
from bridge.storage.ledger import Ledger
from bridge.storage.queue import WebhookQueue
from bridge.webhook import Request, Source, Webhook, group_id, webhook_id
from functions.gaps.judging import Expected, Judge, Trace
from functions.gaps.progress import DAY_SECONDS, OLDEST_SECONDS, Progress, load

PAUSE_SECONDS = 0.5
"""Between two calls: Shopify's bucket leaks two a second. https://shopify.dev/docs/api/admin-rest/usage/rate-limits"""
TRIES = 4
LONGEST_WAIT_SECONDS = 20
MAX_FED = 2_000
"""In one run of one connection: what is left waits for the next."""
EPOCH_DAY = 719_163
"""1 January 1970 in `date.toordinal()`."""


@dataclass(slots=True)
class Report:
    """Hold what a run did for one connection. `more`: it is not done yet. `unknown` are of topics that never
    arrived, and `unreadable` of no known shape; neither are compared."""

    source: str
    connection: str
    checked: int = 0
    missing: int = 0
    fed: int = 0
    unknown: int = 0
    unreadable: int = 0
    more: bool = False
    error: str = ""

    @property
    def gap_rate(self) -> float:
        """Return the part of what was checked that was missing."""
        return self.missing / self.checked if self.checked else 0.0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "gap_rate": round(self.gap_rate, 6)}


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Hold what a comparison works with. `clock` returns Unix seconds, `sleep` waits for seconds, `has_time` says
    whether the invocation may go on; `owner` names who holds the connection's row meanwhile."""

    ledger: Ledger
    queue: WebhookQueue
    provider: ProviderClient
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    has_time: Callable[[], bool]
    owner: str
    turn_seconds: float
    place: Callable[[str], str] = lambda url: url
    most_fed: int = MAX_FED


class Comparison:
    """One connection. `listing` is its source's module, `source` what its receiver knows of the source."""

    def __init__(
        self,
        *,
        source: Source,
        listing: ModuleType,
        connection: str,
        settings: ConnectionSettings,
        api_key: str,
        tools: Tools,
        since: int | None = None,
        dry_run: bool = False,
    ) -> None:
        self.source = source
        self.listing = listing
        self.settings = settings
        self.api_key = api_key
        self.tools = tools
        self.since = since
        self.dry_run = dry_run
        self.report = Report(source.name, connection)
        self.met: set[str] = set()
        self.doubted: set[str] = set()
        self.name = self.row(source.name, connection)

    @staticmethod
    def row(source: str, connection: str) -> str:
        """Return the row of the ledger that says how far a connection was compared."""
        return f"gaps#{source}#{connection}"

    def run(self) -> Report:
        """Compare as far as time allows. What goes wrong is told in the report, and the next run goes on from there."""
        try:
            base = self.listing.base(self.settings)
            if base is None:
                raise MappingFailed("the setting shop_domain is missing")
            self.take_turn(base)
        except (Failed, Refused) as error:
            self.report.error = error.reason
        return self.report

    def take_turn(self, base: str) -> None:
        """Compare while no other run compares the same connection. Raises Failed, Refused."""
        tools, now = self.tools, int(self.tools.clock())
        text = tools.ledger.take_turn(self.name, tools.owner, now, now + tools.turn_seconds)
        try:
            progress = load(text, self.settings.project, now).reaching(self.since, self.stated, now)
            self.go_on(base, progress, now)
        finally:
            tools.ledger.end_turn(self.name, tools.owner)

    @property
    def stated(self) -> int | None:
        """Return the first second of the day in `compare_since`."""
        day = self.settings.compare_since
        return None if day is None else (day.toordinal() - EPOCH_DAY) * DAY_SECONDS

    def go_on(self, base: str, progress: Progress, now: int) -> None:
        """Go on page by page; each leaves the progress behind it."""
        sweep = progress.next_sweep(now)
        token = self.token(base) if sweep else ""
        while sweep:
            page = self.page(base, token, sweep, progress)
            progress = self.deal_with(page, sweep, progress, now)
            self.keep(progress)
            sweep = progress.sweep
            if sweep and (self.report.fed >= self.tools.most_fed or not self.tools.has_time()):
                self.report.more = True
                return
            if sweep:
                self.tools.sleep(PAUSE_SECONDS)

    def keep(self, progress: Progress) -> None:
        """Leave the progress for the next run; one that only looks leaves none."""
        if self.dry_run:
            return
        later = replace(progress, sweep=progress.sweep and self.listing.resumed(progress.sweep))
        self.tools.ledger.keep_turn(self.name, self.tools.owner, later.dump())

    # ── What the provider says ──────────────────────────────────────────────────────────────────────────

    def token(self, base: str) -> str:
        """Return what opens the API. Raises BadCredentials, ProviderUnavailable, MappingFailed."""
        grant = self.listing.grant(base, self.api_key)
        if grant is None:
            return self.api_key
        content = self.tools.provider.post(self.tools.place(grant.url), grant.form)
        return str(content.get("access_token") or "")

    def page(self, base: str, token: str, sweep: Sweep, progress: Progress) -> Page:
        """Return a page of the list. One that its place no longer leads to is read from the beginning by the next
        run."""
        url = self.tools.place(self.listing.address(base, sweep, self.listed_topics))
        try:
            answer = self.ask(url, self.listing.headers(token))
        except MappingFailed:
            if sweep.after:
                self.keep(replace(progress, sweep=None))
            raise
        found: Page = self.listing.page(answer.content, answer.links, sweep)
        return found

    @property
    def listed_topics(self) -> tuple[str, ...]:
        """Return the topics to ask for: those of the settings, else all that can be compared."""
        chosen = self.settings.compare_topics
        return tuple(topic for topic in self.listing.TOPICS if not chosen or topic in chosen)

    def ask(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Return the answer of the API, which may ask to wait. Raises BadCredentials, ProviderUnavailable,
        MappingFailed."""
        for number in range(TRIES):
            try:
                return self.tools.provider.ask(url, headers)
            except ProviderUnavailable as error:
                wait = error.retry_after_seconds or PAUSE_SECONDS * 2**number
                if number == TRIES - 1 or wait > LONGEST_WAIT_SECONDS or not self.tools.has_time():
                    raise
                self.tools.sleep(wait)
        raise ProviderUnavailable("no answer from the provider")

    # ── What arrived ────────────────────────────────────────────────────────────────────────────────────

    def deal_with(self, page: Page, sweep: Sweep, progress: Progress, now: int) -> Progress:
        """Judge a page, and feed what is missing. Raises BatchUnavailable, Unavailable."""
        expected = self.expected(page, now)
        judge = Judge(self.tools.ledger, self.settings.project, progress.first, now)
        traces = list(zip(expected, judge.traces(expected), strict=True))
        progress = progress.learning(one.told.topic for one, trace in traces if trace is Trace.CAME)
        within = [(one, trace) for one, trace in traces if one.told.began.timestamp() >= progress.since]
        chosen = self.settings.compare_topics
        topics = chosen or progress.topics
        compared = [(one, trace) for one, trace in within if one.told.topic in topics]
        absent = [one for one, trace in compared if trace is Trace.ABSENT]
        self.feed(absent)
        self.report.checked += sum(trace is not Trace.ALONE for _, trace in compared)
        self.report.missing += len(absent)
        self.met |= {one.webhook.id for one, _ in compared}
        unknown = [one for one, _ in within if not chosen and one.told.topic not in topics]
        doubted = {one.webhook.id: one.told.topic for one in unknown}
        self.doubted = (self.doubted | doubted.keys()) - self.met
        self.report.unknown = len(self.doubted)
        return progress.after_page(sweep, page.rest, doubted.values())

    def expected(self, page: Page, now: int) -> list[Expected]:
        """Return the webhooks that a page speaks of, each compared once a run, without what is too old and without
        tests."""
        self.report.unreadable += page.unreadable
        found: dict[str, Expected] = {}
        for told in page.told:
            is_recent = told.began.timestamp() >= now - OLDEST_SECONDS
            if is_recent and (self.settings.test_events or not told.is_test):
                try:
                    webhook = self.webhook(told)
                except (Ignored, Refused):
                    self.report.unreadable += 1
                else:
                    found[webhook.id] = Expected(told, webhook)
        return [one for webhook_id, one in found.items() if webhook_id not in self.met]

    def webhook(self, told: ListedEvent) -> Webhook:
        """Return the webhook as the receiver would have taken it in. Raises Ignored, MalformedBody."""
        source, connection = self.report.source, self.report.connection
        summary = self.source.routing_of(Request(source, connection, told.headers, {}, told.body))
        summary = replace(summary, idempotency_key=told.idempotency_key or summary.idempotency_key)
        return Webhook(
            id=webhook_id(source, connection, summary, told.body),
            source=source,
            connection=connection,
            topic=told.topic,
            headers=told.headers,
            body=told.body,
            received_at=datetime.fromtimestamp(self.tools.clock(), UTC),
            group=group_id(source, connection, summary.customer),
        )

    def feed(self, absent: Sequence[Expected]) -> None:
        """Put webhooks on the queue, oldest first. Raises Unavailable."""
        if self.dry_run:
            return
        for one in sorted(absent, key=lambda one: one.told.began):
            self.tools.queue.send(one.webhook)
            self.report.fed += 1
