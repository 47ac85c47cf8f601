"""One round over the dead-letter queue or its archive: take what a filter names back to the queue, leave the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Protocol

from bridge.errors import FAILURE_CLASSES, BadCredentials, BatchUnavailable, TopicUnconfirmed, WrongSender
from bridge.observability import logger
from bridge.storage.archive import Archive
from bridge.storage.queue import Parked, WebhookQueue

VISIBILITY_SECONDS = 120
"""Longer than a round may take: each message is seen once."""
MOST_LEFT = 10_000
"""Held at once by a round: to show them all again takes a thousand calls."""
MAX_ROUNDS = 3
"""Of a webhook that somebody retries with others; by its id it is retried again."""
WAITING_CLASSES = frozenset({BatchUnavailable.failure_class, BadCredentials.failure_class})
"""What only has to wait: trying it again is no loop, however often."""
ONLY_BY_NAME = frozenset({TopicUnconfirmed.failure_class, WrongSender.failure_class})
"""What may be an attack: taken only where its class or its id is given."""
NEVER = frozenset({WrongSender.failure_class})
"""What a retry would send in its own name, and so past the check that stopped it: only to be listed."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Hold what to retry; an empty field takes all, but for `ONLY_BY_NAME`.

    `classes` are failure classes, `ids` webhook ids.

    `since` and `until` are times in ISO 8601, with a zone: what was received from then on, and before.
    """

    classes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Filter:
        """Return the filter in an event. Raises ValueError for a field or class that does not exist, no list, no
        time."""
        unknown = set(given) - {one.name for one in fields(cls)}
        if unknown:
            raise ValueError(f"unknown filter: {', '.join(sorted(unknown))}")
        times: dict[str, Any] = {name: str(given[name] or "") for name in ("since", "until") if name in given}
        lists = {name: values for name, values in given.items() if name not in times}
        single = [name for name, values in lists.items() if not isinstance(values, list | tuple)]
        if single:
            raise ValueError(f"not a list: {', '.join(sorted(single))}")
        strange = set(lists.get("classes", ())) - set(FAILURE_CLASSES)
        if strange:
            raise ValueError(f"unknown failure class: {', '.join(sorted(map(str, strange)))}")
        for name, text in times.items():
            if text and moment(text) is None:
                raise ValueError(f"not a time with a zone: {name}")
        chosen: dict[str, Any] = {name: tuple(values) for name, values in lists.items()}
        return cls(**chosen, **times)

    def takes(self, parked: Parked) -> bool:
        """Return whether a parked webhook is meant."""
        envelope = parked.envelope
        return (
            self.takes_class_of(parked)
            and (not self.sources or envelope.get("source") in self.sources)
            and (not self.connections or envelope.get("connection") in self.connections)
            and (not self.topics or envelope.get("topic") in self.topics)
            and (not self.ids or parked.id in self.ids)
            and self.is_within(moment(str(envelope.get("received_at", ""))))
        )

    def takes_class_of(self, parked: Parked) -> bool:
        failure_class = parked.failure.failure_class
        if self.classes:
            return failure_class in self.classes
        return failure_class not in ONLY_BY_NAME or parked.id in self.ids

    def is_within(self, received: datetime | None) -> bool:
        since, until = moment(self.since), moment(self.until)
        if since is None and until is None:
            return True
        return (
            received is not None
            and (since is None or received >= since)
            and (until is None or received < until)
        )

    def is_exhausted(self, parked: Parked) -> bool:
        """Return whether it has been retried often enough, and is not asked for by its id."""
        if parked.id in self.ids or parked.failure.failure_class in WAITING_CLASSES:
            return False
        return int(parked.envelope.get("retries") or 0) >= MAX_ROUNDS


@dataclass(slots=True)
class Report:
    """Hold what a round did. `more`: it ended before all was seen. `exhausted`: left because of `MAX_ROUNDS`."""

    retried: int = 0
    left: int = 0
    more: bool = False
    exhausted: int = 0
    webhooks: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Order:
    """Hold how a round goes. `by` says who asked, for the log; `limit` how many at the most, 0 as many as time allows.

    `pace` is called before each retry, and waits where too many would go at once. `with_envelopes`: a dry run tells
    the envelopes too, for what is asked of deliver. `has_room` is asked before each page, `most_left` are held at once.
    """

    dry_run: bool = False
    by: str = ""
    limit: int = 0
    pace: Callable[[], None] = lambda: None
    with_envelopes: bool = False
    has_room: Callable[[Report], bool] = lambda _: True
    most_left: int = MOST_LEFT


class Place(Protocol):
    """Hold where parked webhooks lie."""

    def page(self) -> list[Parked]:
        """Return the next ones; none at the end."""
        ...

    def retry(self, parked: Sequence[Parked]) -> list[Parked]:
        """Send some through the queue again, and forget them here; returns those that could not be sent."""
        ...

    def release(self, kept: list[Parked]) -> None:
        """Let go of what stays."""
        ...


class DeadLetters:
    """The dead-letter queue, as a place."""

    def __init__(self, queue: WebhookQueue) -> None:
        self.queue = queue

    def page(self) -> list[Parked]:
        return self.queue.receive_parked(VISIBILITY_SECONDS)

    def retry(self, parked: Sequence[Parked]) -> list[Parked]:
        return self.queue.retry(parked)

    def release(self, kept: list[Parked]) -> None:
        self.queue.release_parked(kept)


class Archived:
    """The archive, as a place."""

    def __init__(self, archive: Archive, queue: WebhookQueue) -> None:
        self.archive = archive
        self.queue = queue
        self.pages: Iterator[list[Parked]] = archive.pages()

    def page(self) -> list[Parked]:
        return next(self.pages, [])

    def retry(self, parked: Sequence[Parked]) -> list[Parked]:
        for one in parked:
            self.queue.forward(self.queue.retried(self.archive.restored(one)))
            self.archive.delete(one)
        return []

    def release(self, kept: list[Parked]) -> None:
        """Do nothing: nothing is held here."""


def retry_round(place: Place, wanted: Filter, order: Order, has_time: Callable[[], bool]) -> Report:
    """Retry what the filter takes, each webhook once, or only list it. Raises Unavailable."""
    report, seen = Report(), set[str]()
    kept: list[Parked] = []
    try:
        while page := place.page() if goes_on(report, order, has_time, len(kept)) else None:
            chosen: list[Parked] = []
            for parked in page:
                if is_meant(parked, wanted, order, seen, report):
                    seen.add(parked.id)
                    chosen += told(parked, order, report)
            kept += [parked for parked in page if parked not in chosen]
            kept += retry_all(chosen, place, order, report)
        report.more = page is None
    finally:
        place.release(kept)
    report.left = len(kept)
    return report


def goes_on(report: Report, order: Order, has_time: Callable[[], bool], held: int) -> bool:
    """Return whether there is time, and room in the queue, and neither as many as were asked for nor too many held."""
    is_enough = order.limit and len(report.webhooks) >= order.limit
    return has_time() and not is_enough and held < order.most_left and order.has_room(report)


def is_meant(parked: Parked, wanted: Filter, order: Order, seen: Collection[str], report: Report) -> bool:
    """Return whether a parked webhook is to be retried in this round; counts one that was retried often enough."""
    if not parked.id or parked.id in seen or not wanted.takes(parked):
        return False
    if parked.failure.failure_class in NEVER and (not order.dry_run or order.with_envelopes):
        return False
    if wanted.is_exhausted(parked) and not order.dry_run:
        report.exhausted += 1
        return False
    return True


def told(parked: Parked, order: Order, report: Report) -> list[Parked]:
    """Tell of a webhook that is meant; returns it where it is to be retried now."""
    if order.limit and len(report.webhooks) >= order.limit:
        return []
    envelope = {"envelope": parked.envelope} if order.dry_run and order.with_envelopes else {}
    report.webhooks.append(described(parked) | envelope)
    return [] if order.dry_run else [parked]


def retry_all(chosen: Sequence[Parked], place: Place, order: Order, report: Report) -> list[Parked]:
    """Retry webhooks of one page; returns those that stay. Raises Unavailable."""
    for _ in chosen:
        order.pace()
    stay = place.retry(chosen) if chosen else []
    for parked in chosen:
        if parked not in stay:
            report.retried += 1
            logger.info(
                "webhook retried",
                webhook_id=parked.id,
                failure_class=parked.failure.failure_class,
                round=int(parked.envelope.get("retries") or 0) + 1,
                by=order.by,
            )
    return stay


def described(parked: Parked) -> dict[str, Any]:
    """Return a parked webhook for people: no body."""
    names = ("id", "source", "connection", "topic", "received_at", "retries")
    return {name: parked.envelope.get(name) for name in names} | {
        "class": parked.failure.failure_class,
        "reason": parked.failure.reason,
        "failed_at": parked.failure.failed_at.isoformat(),
    }


def moment(text: str) -> datetime | None:
    """Return a time that names its zone; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None
