"""Judge what is in Batch against what must stand there. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from proof.expected import Expected, event_key, untimed
from proof.observer import Call, digest
from proof.scenario import REPEAT, TRUE
from proof.sender import Sent
from proof.target import DELIVER

WINDOW_FAULTS = frozenset({"apply_then_drop", "reset_mid_body"})
"""Batch took the call, and its answer was lost: the first window of docs/operating.md."""
KILL_SECONDS = 5.0
"""Between a call and the death of the function that made it, at most: the second window."""
ON_THE_WIRE_SECONDS = 0.25
"""A call may be read just after the death of the function that made it: 12 milliseconds were seen."""
PERIOD_SECONDS = 300
# source   the same answers are a new submission in the next five minutes
FORGETFUL = frozenset({"form", "elementor", "wpforms"})


@dataclass(slots=True)
class Judgement:
    """Counts of events; and the custom ids of profiles that are not equal, unknown, or duplicated outside the
    window."""

    compared: int = 0
    equal: int = 0
    expected_events: int = 0
    lost: int = 0
    doubled_inside: int = 0
    doubled_outside: int = 0
    strange: int = 0
    emptied: list[str] = field(default_factory=list)
    """Profiles that must stand there with attributes, and are gone or have none."""
    unequal: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Windows:
    """Hold when an event may have been duplicated: what befell each call, and when deliveries were killed."""

    calls: Mapping[str, Sequence[Call]]
    kills: Sequence[float]

    @classmethod
    def of(cls, calls: Iterable[Call], kills: Iterable[tuple[float, str]]) -> Windows:
        by_event: dict[str, list[Call]] = defaultdict(list)
        for call in sorted(calls, key=lambda call: call.time):
            for event in call.events:
                by_event[event].append(call)
        return cls(by_event, sorted(at for at, function in kills if function == DELIVER))

    def explained(self, custom_id: str, events: Iterable[Mapping[str, Any]], key: str) -> int:
        """Return how many copies of an event too many the windows explain: calls that mentioned it, and came to
        nothing here."""
        written = {digest(custom_id + event_key(event)) for event in events if same(event_key(event), key)}
        calls = [call for one in written for call in self.calls.get(one, ())]
        return sum(self.is_lost_on_us(call) for call in calls)

    def is_lost_on_us(self, call: Call) -> bool:
        at = datetime.fromisoformat(call.time.replace("Z", "+00:00")).timestamp()
        place = bisect_left(self.kills, at - ON_THE_WIRE_SECONDS)
        was_killed = place < len(self.kills) and self.kills[place] <= at + KILL_SECONDS
        return call.fault in WINDOW_FAULTS or (call.is_answered and was_killed)


def same(key: str, expected: str) -> bool:
    """Return whether an event is the expected one, whose time may be untold."""
    return key == expected or untimed(key) == expected


def judge(
    profiles: Mapping[str, Any],
    expected: Mapping[str, Expected],
    at_most: Mapping[str, int],
    windows: Windows,
    known: Iterable[str] = (),
) -> Judgement:
    """Compare every profile. `at_most` is how often the events of a profile may be there, where not once.

    `known` are other profiles that may be there: those of broken webhooks that were delivered all the same.
    """
    judgement = Judgement()
    for custom_id, must in expected.items():
        compare(judgement, must, profiles.get(custom_id), at_most.get(custom_id, 1), windows)
    judgement.strangers = sorted(set(profiles) - set(expected) - set(known))
    return judgement


def compare(
    judgement: Judgement, must: Expected, profile: Mapping[str, Any] | None, at_most: int, windows: Windows
) -> None:
    """Count one profile."""
    judgement.compared += 1
    judgement.expected_events += must.events.total()
    events = profile["events"] if profile else []
    found = Counter(matching(event_key(event), must.events) for event in events)
    lost = (must.events - found).total()
    strange = sum(count for key, count in found.items() if key not in must.events)
    too_many = {key: found[key] - count * at_most for key, count in must.events.items()}
    for key, count in too_many.items():
        if count > 0:
            inside = min(count, windows.explained(must.custom_id, events, key))
            judgement.doubled_inside += inside
            judgement.doubled_outside += count - inside
            judgement.doubled += [must.custom_id] if count > inside else []
    judgement.lost += lost
    judgement.strange += strange
    attributes = profile["attributes"] if profile else {}
    judgement.emptied += [must.custom_id] if must.attributes and not attributes else []
    if lost or strange or profile is None or attributes != must.attributes:
        judgement.unequal.append(must.custom_id)
        return
    judgement.equal += 1


def matching(key: str, expected: Counter[str]) -> str:
    """Return the key under which an event is expected: without its time where none is told."""
    return key if key in expected or untimed(key) not in expected else untimed(key)


def at_most(sent: Iterable[Sent]) -> dict[str, int]:
    """Return how often the one submission of a profile may count, where the tool has no number for it.

    Sent again in the next period of five minutes, it is a new one and meant to be.
    """
    spans: dict[str, list[float]] = defaultdict(list)
    for one in sent:
        posting = one.posting
        if posting.kind in (TRUE, REPEAT) and posting.sample.source in FORGETFUL:
            spans[posting.custom_id] += [one.began, one.ended]
    return {
        custom_id: int(max(times) // PERIOD_SECONDS) - int(min(times) // PERIOD_SECONDS) + 1
        for custom_id, times in spans.items()
    }


def twice_named(sent: Iterable[Sent]) -> Iterator[int]:
    """Yield the webhooks that got two ids: repeats that were not recognised."""
    ids: dict[int, set[str]] = defaultdict(set)
    for one in sent:
        is_same = one.posting.kind in (TRUE, REPEAT) and one.posting.sample.source not in FORGETFUL
        if is_same and one.webhook_id:
            ids[one.posting.webhook].add(one.webhook_id)
    yield from (webhook for webhook, found in ids.items() if len(found) > 1)
