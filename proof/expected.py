"""Say what must stand in Batch once everything has arrived, computed from the calls beside the examples. Pure.

It uses nothing of the mappings, of the version guard and of the limits: those are what is proven.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proof.lives import STATED_WHOLE
from proof.templates import OCCURRED_AT, Filled


@dataclass(slots=True)
class Expected:
    """One profile. `events` counts keys of `event_key`; `stated` is what the last webhook of a kind stated."""

    custom_id: str
    attributes: dict[str, Any] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)
    stated: dict[str, set[str]] = field(default_factory=dict)

    def add(self, filled: Filled) -> None:
        """Let a later webhook of the same person have happened."""
        attributes = filled.operation.get("attributes", {})
        for gone in self.unstated(filled.sample.topic, set(attributes)):
            self.attributes.pop(gone, None)
        for name, value in attributes.items():
            self.write(name, value)
        self.events.update(event_key(event) for event in filled.operation.get("events", ()))

    def unstated(self, topic: str, names: set[str]) -> set[str]:
        """Return what the last webhook of the same kind stated and this one does not, where each states all there
        is."""
        kind = next((kind for start, kind in STATED_WHOLE.items() if topic.startswith(start)), None)
        if kind is None:
            return set()
        gone = self.stated.get(kind, set()) - names
        self.stated[kind] = names
        return gone

    def write(self, name: str, value: Any) -> None:
        """Write an attribute as Batch does: null deletes, `$add` and `$remove` change a list."""
        if isinstance(value, dict):
            kept = [one for one in self.attributes.get(name, []) if one not in value.get("$remove", [])]
            value = [*kept, *(one for one in value.get("$add", []) if one not in kept)] or None
        if value is None:
            self.attributes.pop(name, None)
            return
        self.attributes[name] = value


def profile_of(filled: Iterable[Filled]) -> Expected:
    """Return the profile of a person to whom all this happened, in this order."""
    steps = list(filled)
    expected = Expected(steps[0].operation["identifiers"]["custom_id"])
    for one in steps:
        expected.add(one)
    return expected


def event_key(event: Mapping[str, Any]) -> str:
    """Return an event as a text: its time is in one place, whether Batch was sent it as `time` or as an
    attribute."""
    attributes = {name: value for name, value in event["attributes"].items() if name != OCCURRED_AT}
    at = event.get("time") or event["attributes"].get(OCCURRED_AT)
    return json.dumps([event["name"], at, attributes], sort_keys=True, ensure_ascii=False)


def untimed(key: str) -> str:
    """Return the key of the same event without its time: where a tool tells none, it is when the webhook came in."""
    name, _, attributes = json.loads(key)
    return json.dumps([name, None, attributes], sort_keys=True, ensure_ascii=False)
