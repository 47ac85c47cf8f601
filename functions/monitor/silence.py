"""Judge from what is known of a connection whether something is wrong with it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bridge.receiving.signatures import NO_HEADER
from bridge.settings import ConnectionSettings
from bridge.storage.connections import Known

LEARNING = timedelta(days=8)
"""A week with its weekend, before a connection's own silence is judged by what is usual for it."""
SHORTEST_SILENCE = timedelta(hours=3)
TIMES_THE_USUAL = 2
FADING_PER_DAY = 0.98
"""A longest pause of holidays has lost half of its weight five weeks later."""
FIRST_WEBHOOK_WITHIN = timedelta(hours=24)
REFUSALS_IN_A_ROW = 3
UNSIGNED_WITHIN = timedelta(hours=24)

SILENT, REFUSING, NEVER_SEEN, TOPIC_MISSING = "silent", "refusing", "never_seen", "topic_missing"
FIELD_GONE, FIELD_CHANGED = "field_gone", "field_changed"
DRIFTS_COUNT_FOR = timedelta(days=14)
"""A change of a topic's fields that lasts longer is how it is now; or the topic comes no more."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Hold what earlier rounds knew: when it last spoke, its longest pause of late, and the refusals until it spoke.

    `unsigned` are those without a signature until `unsigned_since`, when another one was first seen.
    """

    last_seen: str = ""
    usual_pause_seconds: float = 0
    refused: int = 0
    unsigned: int = 0
    unsigned_since: str = ""

    @classmethod
    def of(cls, text: str) -> Memory:
        """Return what `dump` wrote; nothing where that cannot be read."""
        try:
            stored: dict[str, Any] = json.loads(text)
            return cls(**stored)
        except (ValueError, TypeError):
            return cls()

    def dump(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


def remembered(known: Known, memory: Memory, now: datetime) -> Memory:
    """Return the memory with what happened since the last round."""
    memory = with_unsigned(known, memory, now)
    if known.last_seen == memory.last_seen:
        return memory
    refused = signed_refusals(known)
    if not memory.last_seen:
        return Memory(known.last_seen, 0, refused)
    pause = (moment(known.last_seen) - moment(memory.last_seen)).total_seconds()
    faded = memory.usual_pause_seconds * FADING_PER_DAY ** (pause / timedelta(days=1).total_seconds())
    return Memory(known.last_seen, max(pause, faded), refused)


def with_unsigned(known: Known, memory: Memory, now: datetime) -> Memory:
    """Return the memory with a window of a day for what came without a signature; the problems that were found stay."""
    count = unsigned_refusals(known)
    is_over = memory.unsigned_since and now - moment(memory.unsigned_since) > UNSIGNED_WITHIN
    if is_over and REFUSING not in known.findings:
        memory = replace(memory, unsigned=count, unsigned_since="")
    if count > memory.unsigned and not memory.unsigned_since:
        memory = replace(memory, unsigned_since=now.isoformat())
    return memory


def unsigned_refusals(known: Known) -> int:
    return known.refused.get(NO_HEADER, 0)


def signed_refusals(known: Known) -> int:
    """Return how often its signature did not fit: what has none may be anybody's."""
    return sum(known.refused.values()) - unsigned_refusals(known)


def is_refused(known: Known, memory: Memory) -> bool:
    """Return whether it is only refused: three times since it spoke, or, before it ever did, three times without a
    signature.

    A tool that was set up without a secret never speaks; a stranger says nothing of one that has.
    """
    if signed_refusals(known) - memory.refused >= REFUSALS_IN_A_ROW:
        return True
    is_proven = known.last_seen or known.newest_secret_at or known.older_secret_at
    return not is_proven and unsigned_refusals(known) - memory.unsigned >= REFUSALS_IN_A_ROW


def findings(known: Known, memory: Memory, settings: ConnectionSettings, now: datetime) -> Iterator[str]:
    """Yield what is wrong with a connection: a kind, and behind a space what it is about. Nothing of an inactive
    one."""
    if known.inactive_since:
        return
    if is_silent(known, memory, settings, now):
        yield SILENT
    if is_refused(known, memory):
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
    """Return whether it has not spoken for longer than its settings allow, or than is usual for it."""
    if not known.last_seen:
        return False
    quiet = now - moment(known.last_seen)
    if settings.silence_hours is not None:
        return settings.silence_hours > 0 and quiet > timedelta(hours=settings.silence_hours)
    usual = timedelta(seconds=memory.usual_pause_seconds) * TIMES_THE_USUAL
    return now - moment(known.first_seen) > LEARNING and quiet > max(usual, SHORTEST_SILENCE)


def changed_fields(known: Known, now: datetime) -> Iterator[str]:
    """Yield the fields of its topics that are gone or changed, as delivery noted them: `field_gone orders/paid
    email`."""
    for topic, fields in sorted(known.drifts.items()):
        for since, kind, path in (field.split(" ", 2) for field in fields):
            if now - moment(since) <= DRIFTS_COUNT_FOR:
                yield f"{kind} {topic} {path}"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
