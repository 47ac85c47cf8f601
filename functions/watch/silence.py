"""Judge from what is known of a connection whether something is amiss with it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from bridge.connections import Known
from bridge.settings import ConnectionSettings

LEARNING = timedelta(days=8)
"""A week with its weekend, before a connection's own silence is judged by what is usual for it."""
SHORTEST_SILENCE = timedelta(hours=3)
TIMES_THE_USUAL = 2
FADING_PER_DAY = 0.98
"""A longest pause of holidays has lost half of its weight five weeks later."""
FIRST_WEBHOOK_WITHIN = timedelta(hours=24)
REFUSALS_IN_A_ROW = 3

SILENT, REFUSING, NEVER_SEEN, TOPIC_MISSING = "silent", "refusing", "never_seen", "topic_missing"
FIELD_GONE, FIELD_CHANGED = "field_gone", "field_changed"
DRIFTS_COUNT_FOR = timedelta(days=14)
"""A change of a topic's fields that lasts longer is how it is now; or the topic comes no more."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What earlier rounds knew: when it last spoke, its longest pause of late, and the refusals until it spoke."""

    last_seen: str = ""
    usual_pause_seconds: float = 0
    refused: int = 0

    @classmethod
    def of(cls, text: str) -> Memory:
        """What `dump` wrote; nothing where that cannot be read."""
        try:
            stored: dict[str, Any] = json.loads(text)
            return cls(**stored)
        except (ValueError, TypeError):
            return cls()

    def dump(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


def remembered(known: Known, memory: Memory) -> Memory:
    """The memory with what happened since the last round."""
    if known.last_seen == memory.last_seen:
        return memory
    refused = sum(known.refused.values())
    if not memory.last_seen:
        return Memory(known.last_seen, 0, refused)
    pause = (moment(known.last_seen) - moment(memory.last_seen)).total_seconds()
    faded = memory.usual_pause_seconds * FADING_PER_DAY ** (pause / timedelta(days=1).total_seconds())
    return Memory(known.last_seen, max(pause, faded), refused)


def findings(known: Known, memory: Memory, settings: ConnectionSettings, now: datetime) -> Iterator[str]:
    """What is amiss with a connection: a kind, and behind a space what it is about. Nothing of an inactive one."""
    if known.inactive_since:
        return
    if is_silent(known, memory, settings, now):
        yield SILENT
    if sum(known.refused.values()) - memory.refused >= REFUSALS_IN_A_ROW:
        yield REFUSING
    yield from changed_fields(known, now)
    began = known.connected_at or known.first_seen
    if not began or now - moment(began) < FIRST_WEBHOOK_WITHIN:
        return
    if known.connected_at and not known.last_seen:
        yield NEVER_SEEN
    elif known.last_seen:
        yield from (
            f"{TOPIC_MISSING} {topic}" for topic in settings.expected_topics if topic not in known.topics
        )


def is_silent(known: Known, memory: Memory, settings: ConnectionSettings, now: datetime) -> bool:
    """Whether it has not spoken for longer than its settings allow, or than is usual for it."""
    if not known.last_seen:
        return False
    quiet = now - moment(known.last_seen)
    if settings.silence_hours is not None:
        return settings.silence_hours > 0 and quiet > timedelta(hours=settings.silence_hours)
    usual = timedelta(seconds=memory.usual_pause_seconds) * TIMES_THE_USUAL
    return now - moment(known.first_seen) > LEARNING and quiet > max(usual, SHORTEST_SILENCE)


def changed_fields(known: Known, now: datetime) -> Iterator[str]:
    """The fields of its topics that are gone or changed, as delivery noted them: `field_gone orders/paid email`."""
    for topic, fields in sorted(known.drifts.items()):
        for since, kind, path in (field.split(" ", 2) for field in fields):
            if now - moment(since) <= DRIFTS_COUNT_FOR:
                yield f"{kind} {topic} {path}"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
