"""Judge whether a tool has changed the shape of its webhooks: a usual field is gone, or of another type.

Pure. A fingerprint is what is known of one topic in one API version. Holds names of fields and of types, no values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from bridge.providers.payload_schema import Seen

USUAL_AFTER = 20
"""A field is usual once it was present in so many webhooks, and absent from none."""
ODD_IN_A_ROW = 3
"""One odd webhook is no change."""
MAX_GAPS = 5
"""A field that was unusual and usual again more often than this comes and goes: nobody is notified."""
TOLD_FOR = timedelta(days=14)
"""A change that lasts longer is how it is now."""
MAX_VERSIONS = 3
"""Of a topic, those that began last."""
OPTIONAL = -1

GONE, CHANGED = "field_gone", "field_changed"


@dataclass(frozen=True, slots=True)
class FieldHistory:
    """Hold what is known of one field.

    `present`: in how many webhooks it was, up to `USUAL_AFTER`; OPTIONAL where it comes and goes. `odd`: how many in a
    row had it otherwise, up to `ODD_IN_A_ROW`; `gaps`: how often that was over again. `inherited`: known of an older
    version, and not seen in this one yet. `drift`: GONE or CHANGED while that lasts, `since` when (RFC 3339).
    """

    present: int = 0
    types: frozenset[str] = frozenset()
    odd: int = 0
    gaps: int = 0
    inherited: bool = False
    drift: str = ""
    since: str = ""


NEW, COMES_AND_GOES = FieldHistory(), FieldHistory(OPTIONAL)

Fingerprint: TypeAlias = Mapping[str, FieldHistory]
Versions: TypeAlias = Mapping[str, Fingerprint]
"""API version → its fingerprint, in the order in which they were first seen."""


def observed(versions: Versions, version: str, seen: Seen, now: datetime) -> Versions:
    """Return the versions after one more webhook. One that is new begins with what is known of the version before
    it."""
    known = versions.get(version)
    if known is None:
        known = inherited(newest(versions))
    changed = {path: after_one(known.get(path, NEW), types, now) for path, types in seen.items()}
    kept = {**versions, version: {**known, **changed}}
    return {name: kept[name] for name in list(kept)[-MAX_VERSIONS:]}


def inherited(fingerprint: Fingerprint) -> Fingerprint:
    return {
        path: replace(
            habit, odd=habit.odd if habit.drift else 0, gaps=0, inherited=habit.present == USUAL_AFTER
        )
        for path, habit in fingerprint.items()
    }


def after_one(habit: FieldHistory, types: frozenset[str] | None, now: datetime) -> FieldHistory:
    """Return the habit after one more webhook, in which the field had these types, or was absent: None."""
    if habit.present == OPTIONAL:
        return habit
    if habit.present < USUAL_AFTER:
        if types is None:
            return COMES_AND_GOES
        return replace(habit, present=habit.present + 1, types=habit.types | types)
    if types is None:
        return odd(habit, GONE, frozenset(), now)
    if habit.types and not types <= habit.types:
        return odd(habit, CHANGED, types, now)
    return as_usual(habit, types)


def odd(habit: FieldHistory, kind: str, types: frozenset[str], now: datetime) -> FieldHistory:
    """Return a usual field that was not as usual. Of one that a new version never had, once is enough."""
    times = ODD_IN_A_ROW if habit.inherited else min(habit.odd + 1, ODD_IN_A_ROW)
    if times < ODD_IN_A_ROW:
        return replace(habit, odd=times)
    since = habit.since or now.isoformat(timespec="seconds")
    if now - datetime.fromisoformat(since) > TOLD_FOR:
        return COMES_AND_GOES if kind == GONE else FieldHistory(USUAL_AFTER, habit.types | types)
    return replace(habit, odd=times, inherited=False, drift=kind, since=since)


def as_usual(habit: FieldHistory, types: frozenset[str]) -> FieldHistory:
    if not habit.odd and not habit.inherited and types <= habit.types:
        return habit
    gaps = habit.gaps + (habit.odd > 0)
    return COMES_AND_GOES if gaps > MAX_GAPS else FieldHistory(USUAL_AFTER, habit.types | types, gaps=gaps)


def drifts(fingerprint: Fingerprint) -> Iterator[tuple[str, FieldHistory]]:
    """Return the fields that are gone or changed now."""
    return ((path, habit) for path, habit in fingerprint.items() if habit.drift)


def is_restless(fingerprint: Fingerprint, paths: Iterable[str]) -> bool:
    """Return whether each webhook has to be looked at: little is known yet, or something is odd that could be seen
    of late."""
    known = max((habit.present for habit in fingerprint.values()), default=0)
    return known < USUAL_AFTER or any(fingerprint[path].odd for path in paths)


def newest(versions: Versions) -> Fingerprint:
    """Return the fingerprint of the version that began last."""
    return list(versions.values())[-1] if versions else {}


# ── In the ledger ───────────────────────────────────────────────────────────────────────────────────────


def dump(versions: Versions) -> str:
    content = [
        [version, {path: written(habit) for path, habit in fingerprint.items()}]
        for version, fingerprint in versions.items()
    ]
    return json.dumps(content, separators=(",", ":"))


def load(text: str) -> Versions:
    """Return what `dump` wrote; nothing where that cannot be read."""
    try:
        return {
            version: {path: read(stored) for path, stored in fingerprint.items()}
            for version, fingerprint in json.loads(text)
        }
    except (ValueError, TypeError, AttributeError):
        return {}


def written(habit: FieldHistory) -> list[Any]:
    """Return `[20, "number string"]`, and what else is not as usual."""
    values: list[Any] = [habit.present, " ".join(sorted(habit.types)), habit.odd, habit.gaps]
    values += [int(habit.inherited), habit.drift, habit.since]
    while values and not values[-1]:
        values.pop()
    return values


def read(stored: list[Any]) -> FieldHistory:
    present, types, odd_times, gaps, is_inherited, drift, since = (
        stored + [0, "", 0, 0, 0, "", ""][len(stored) :]
    )
    return FieldHistory(present, frozenset(types.split()), odd_times, gaps, bool(is_inherited), drift, since)
