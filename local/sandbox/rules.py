"""Judge one operation by Batch's rules: what of it applies, and what is refused and why. No I/O, no state.

A bad attribute or event is refused alone. Over a limit of number, all that the limit counts is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import orjson

from local.sandbox import limits
from local.sandbox.limits import Kind
from local.sandbox.values import (
    NATIVE_CHECKS,
    TOPICS,
    Refused,
    check_length,
    check_string,
    check_strings,
    check_topic,
    parse_key,
    read_scalar,
    read_time,
)

Category = Literal["identifier", "attribute", "event"]
PARTIAL_MEMBERS = frozenset({"$add", "$remove"})
EVENT_MEMBERS = frozenset({"name", "time", "attributes"})
MAX_SHOWN_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class Flaw:
    """One refused part of an operation. `attribute` is a name or a path of names, never a value."""

    category: Category
    attribute: str | None
    reason: str

    def as_error(self, bulk_index: int) -> dict[str, object]:
        """Give the member of `errors` in Batch's answer."""
        error: dict[str, object] = {"category": self.category, "bulk_index": bulk_index}
        if self.attribute is not None:
            error["attribute"] = self.attribute[:MAX_SHOWN_CHARACTERS]
        return error | {"reason": self.reason}


@dataclass(frozen=True, slots=True)
class AttributeWrite:
    """An accepted attribute: null deletes, an object is a partial update. A bare deletion has no kind."""

    key: str
    name: str
    kind: Kind | None
    value: object


@dataclass(frozen=True, slots=True)
class EventWrite:
    """An accepted event as sent, its time in seconds if it had one, and the kind of each path in it."""

    sent: dict[str, object]
    name: str
    time: float | None
    kinds: dict[str, Kind]


@dataclass(slots=True)
class Reading:
    """Hold what one operation comes to. Without a `custom_id` nothing of it applies."""

    custom_id: str | None
    attributes: list[AttributeWrite] = field(default_factory=list)
    events: list[EventWrite] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)

    def refuse_first(self) -> None:
        """Refuse the first attribute, or without any the first event, as the `partial_errors` fault asks."""
        if self.attributes:
            self.flaws.append(Flaw("attribute", self.attributes.pop(0).key, "refused by a fault"))
        elif self.events:
            self.flaws.append(Flaw("event", self.events.pop(0).name, "refused by a fault"))


def read_operation(operation: Mapping[str, object], now: float) -> Reading:
    """Judge an operation whose shape is already known to be right; `now` is in seconds since 1970."""
    reading = Reading(custom_id=None)
    _read_identifiers(operation["identifiers"], reading)
    attributes, events = operation.get("attributes"), operation.get("events")
    if isinstance(attributes, dict):
        _read_attributes(attributes, reading)
    if isinstance(events, list):
        _read_events(events, now, reading)
    return reading


def _read_identifiers(identifiers: object, reading: Reading) -> None:
    custom_id = identifiers.get("custom_id") if isinstance(identifiers, dict) else None
    if custom_id is None:
        reason = "the installation is unknown: the sandbox has no installations"
        reading.flaws.append(Flaw("identifier", "installation", reason))
        return
    try:
        check_string(custom_id, limits.MAX_CUSTOM_ID_CHARACTERS)
        if custom_id.strip().lower() in limits.NULL_LIKE_WORDS:
            raise Refused("the string is a word for nothing")
    except Refused as refusal:
        reading.flaws.append(Flaw("identifier", "custom_id", refusal.reason))
        return
    reading.custom_id = custom_id


def _read_attributes(attributes: dict[str, object], reading: Reading) -> None:
    if len(attributes) > limits.MAX_PROFILE_ATTRIBUTES:
        reason = f"more than {limits.MAX_PROFILE_ATTRIBUTES} attributes: none is applied"
        reading.flaws.append(Flaw("attribute", None, reason))
        return
    too_many_arrays = (
        sum(isinstance(value, list | dict) for value in attributes.values()) > limits.MAX_PROFILE_ARRAYS
    )
    if too_many_arrays:
        reason = f"more than {limits.MAX_PROFILE_ARRAYS} array attributes: none of them is applied"
        reading.flaws.append(Flaw("attribute", None, reason))
    names: set[str] = set()
    for key, value in attributes.items():
        if too_many_arrays and isinstance(value, list | dict):
            continue
        try:
            write = read_attribute(key, value)
            if write.name in names:
                raise Refused("the name is there twice")
        except Refused as refusal:
            reading.flaws.append(Flaw("attribute", key, refusal.reason))
            continue
        names.add(write.name)
        reading.attributes.append(write)


def read_attribute(key: str, value: object) -> AttributeWrite:
    """Judge one profile attribute; raises `Refused`."""
    if key.startswith("$"):
        return AttributeWrite(key, key, _native_kind(key, value), value)
    name, wrapper = parse_key(key)
    if value is None:
        return AttributeWrite(key, name, _wrapper_kind(wrapper), None)
    if not isinstance(value, list | dict):
        return AttributeWrite(key, name, read_scalar(wrapper, value), value)
    if wrapper is not None:
        raise Refused(f"{wrapper}() holds one value, no array and no object")
    for strings in _string_arrays(value):
        check_strings(strings, limits.MAX_ARRAY_ITEMS)
    return AttributeWrite(key, name, "array of strings", value)


def _wrapper_kind(wrapper: str | None) -> Kind | None:
    if wrapper == "date":
        return "date"
    return "url" if wrapper == "url" else None


def _native_kind(key: str, value: object) -> Kind:
    if key != TOPICS and key not in NATIVE_CHECKS:
        raise Refused("no such native attribute")
    if value is not None:
        _check_native(key, value)
    return "array of strings" if key == TOPICS else "string"


def _check_native(key: str, value: object) -> None:
    if key != TOPICS:
        NATIVE_CHECKS[key](value)
        return
    for topics in _string_arrays(value):
        check_strings(topics, limits.MAX_ARRAY_ITEMS)
        for topic in topics:
            check_topic(topic)


def _string_arrays(value: object) -> list[list[object]]:
    """Give the arrays in a whole array or in a partial update of one."""
    if isinstance(value, list):
        return [value]
    if not isinstance(value, dict):
        raise Refused("is not an array of strings")
    if not value or not value.keys() <= PARTIAL_MEMBERS:
        raise Refused("a profile has no objects: only $add and $remove, on an array of strings")
    arrays = list(value.values())
    if not all(isinstance(array, list) for array in arrays):
        raise Refused("$add and $remove take an array of strings")
    if len(arrays) > 1 and any(item in arrays[1] for item in arrays[0]):
        raise Refused("$add and $remove name the same string")
    return arrays


def _read_events(events: list[object], now: float, reading: Reading) -> None:
    if len(events) > limits.MAX_EVENTS:
        reason = f"more than {limits.MAX_EVENTS} events: none is applied"
        reading.flaws.append(Flaw("event", None, reason))
        return
    for position, event in enumerate(events):
        write, flaws = read_event(position, event, now)
        reading.flaws.extend(flaws)
        if write is not None:
            reading.events.append(write)


def read_event(position: int, event: object, now: float) -> tuple[EventWrite | None, list[Flaw]]:
    """Judge one event. It is taken whole or not at all; all its flaws are given."""
    place = f"events[{position}]"
    if not isinstance(event, dict):
        return None, [Flaw("event", place, "is not an object")]
    name = event.get("name")
    if not isinstance(name, str) or not limits.NAME_PATTERN.fullmatch(name):
        return None, [Flaw("event", place, "the name is not 1 to 30 of a-z, 0-9 and _")]
    judge = _EventJudge(name)
    judge.judge(event, now)
    if judge.flaws:
        return None, judge.flaws
    return EventWrite(event, name, judge.time, judge.kinds), []


class _EventJudge:
    """Walks one event, noting the kind of every path in it and every flaw it meets."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.time: float | None = None
        self.kinds: dict[str, Kind] = {}
        self.flaws: list[Flaw] = []

    def judge(self, event: dict[str, object], now: float) -> None:
        if not event.keys() <= EVENT_MEMBERS:
            self._refuse(self.name, "has members other than name, time and attributes")
        if "time" in event:
            self._judge_time(event["time"], now)
        attributes = event.get("attributes", {})
        if isinstance(attributes, dict):
            self._judge_root(attributes)
        else:
            self._refuse(self.name, "attributes is not an object")
        if len(orjson.dumps(event)) > limits.MAX_EVENT_BYTES:
            self._refuse(self.name, f"the event is larger than {limits.MAX_EVENT_BYTES} bytes")

    def _judge_time(self, value: object, now: float) -> None:
        try:
            self.time = read_time(value)
        except Refused as refusal:
            self._refuse(self.name, f"time: {refusal.reason}")
            return
        if self.time > now + limits.MAX_CLOCK_SKEW_SECONDS:
            self._refuse(self.name, "time: is in the future")
        elif self.time < now - limits.MAX_EVENT_AGE_SECONDS:
            self._refuse(self.name, "time: is more than 24 hours ago")

    def _judge_root(self, attributes: dict[str, object]) -> None:
        self._judge_object(self.name, attributes, level=0)
        arrays = sum(kind.startswith("array") for kind in self.kinds.values())
        if arrays > limits.MAX_EVENT_ARRAYS:
            self._refuse(self.name, f"more than {limits.MAX_EVENT_ARRAYS} array attributes")

    def _judge_object(self, path: str, members: dict[str, object], level: int) -> None:
        if len(members) > limits.MAX_EVENT_OBJECT_MEMBERS:
            self._refuse(path, f"more than {limits.MAX_EVENT_OBJECT_MEMBERS} attributes in one object")
            return
        for key, value in members.items():
            try:
                self._judge_member(path, key, value, level)
            except Refused as refusal:
                self._refuse(f"{path}.{key}", refusal.reason)

    def _judge_member(self, path: str, key: str, value: object, level: int) -> None:
        if key.startswith("$"):
            _check_reserved(key, value, level)
            return
        name, wrapper = parse_key(key)
        path = f"{path}.{name}"
        kind = self._judge_value(path, wrapper, value, level)
        if self.kinds.setdefault(path, kind) != kind:
            raise Refused("the name has two types in one event")

    def _judge_value(self, path: str, wrapper: str | None, value: object, level: int) -> Kind:
        if value is None:
            raise Refused("null has no meaning in an event")
        if not isinstance(value, list | dict):
            return read_scalar(wrapper, value)
        if wrapper is not None:
            raise Refused(f"{wrapper}() holds one value, no array and no object")
        if isinstance(value, list):
            return self._judge_array(path, value, level + 1)
        if not value:
            raise Refused("the object is empty")
        _check_level(level + 1)
        self._judge_object(path, value, level + 1)
        return "object"

    def _judge_array(self, path: str, items: list[object], level: int) -> Kind:
        _check_level(level)
        check_length(items, limits.MAX_ARRAY_ITEMS)
        if isinstance(items[0], str):
            check_strings(items, limits.MAX_ARRAY_ITEMS)
            return "array of strings"
        objects = [item for item in items if isinstance(item, dict) and item]
        if len(objects) != len(items):
            raise Refused("the array holds something else than strings only, or filled objects only")
        _check_level(level + 1)
        for item in objects:
            self._judge_object(path, item, level + 1)
        return "array of objects"

    def _refuse(self, path: str, reason: str) -> None:
        self.flaws.append(Flaw("event", path, reason))


def _check_level(level: int) -> None:
    if level > limits.MAX_EVENT_LEVELS:
        raise Refused(f"more than {limits.MAX_EVENT_LEVELS} levels of arrays and objects")


def _check_reserved(key: str, value: object, level: int) -> None:
    if key not in ("$label", "$tags") or level > 0:
        raise Refused("only $label and $tags are reserved, and only at the root of an event's attributes")
    if key == "$label":
        check_string(value, limits.MAX_LABEL_CHARACTERS)
    else:
        check_strings(value, limits.MAX_TAGS, limits.MAX_TAG_CHARACTERS)
