"""One round over the dead-letter queue: take what a filter names back to the queue, leave the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from bridge.errors import FAILURE_CLASSES
from bridge.queue import Parked, WebhookQueue

VISIBILITY_SECONDS = 120
"""Longer than a round may take: each message is seen once."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What to retry; an empty field takes all. `classes` are failure classes, `ids` webhook ids."""

    classes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Filter:
        """The filter in an event. Raises ValueError for a field or class that does not exist, or no list."""
        unknown = set(given) - {one.name for one in fields(cls)}
        if unknown:
            raise ValueError(f"unknown filter: {', '.join(sorted(unknown))}")
        single = [name for name, values in given.items() if not isinstance(values, list | tuple)]
        if single:
            raise ValueError(f"not a list: {', '.join(sorted(single))}")
        strange = set(given.get("classes", ())) - set(FAILURE_CLASSES)
        if strange:
            raise ValueError(f"unknown failure class: {', '.join(sorted(map(str, strange)))}")
        return cls(**{name: tuple(values) for name, values in given.items()})

    def takes(self, parked: Parked) -> bool:
        """Whether a parked webhook is meant."""
        return (
            (not self.classes or parked.failure.failure_class in self.classes)
            and (not self.sources or parked.envelope.get("source") in self.sources)
            and (not self.ids or parked.id in self.ids)
        )


@dataclass(slots=True)
class Report:
    """What a round did. `more`: time ran out before the queue was empty."""

    retried: int = 0
    left: int = 0
    more: bool = False
    webhooks: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def retry_parked(
    queue: WebhookQueue, wanted: Filter, *, dry_run: bool, has_time: Callable[[], bool]
) -> Report:
    """Retry what the filter takes, each webhook once, or only list it. Raises Unavailable."""
    report, kept, seen = Report(), [], set()
    try:
        while page := queue.receive_parked(VISIBILITY_SECONDS) if has_time() else None:
            for parked in page:
                if not parked.id or parked.id in seen or not wanted.takes(parked):
                    kept.append(parked)
                    continue
                seen.add(parked.id)
                report.webhooks.append(described(parked))
                if dry_run:
                    kept.append(parked)
                else:
                    queue.retry(parked)
                    report.retried += 1
        report.more = page is None
    finally:
        queue.release_parked(kept)
    report.left = len(kept)
    return report


def described(parked: Parked) -> dict[str, Any]:
    """A parked webhook for people: no body."""
    names = ("id", "source", "connection", "topic", "received_at", "retries")
    return {name: parked.envelope.get(name) for name in names} | {
        "class": parked.failure.failure_class,
        "reason": parked.failure.reason,
        "failed_at": parked.failure.failed_at.isoformat(),
    }
