"""Give every name one type: convert where nothing is lost, else say it under a name that tells the type. Pure.

Batch converts nothing, and a name keeps its type. https://doc.batch.com/developer/api/cep/profiles/update
A kind belongs to a name of the profile (`newsletter`), or to a path in an event (`order_paid.items.quantity`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from bridge.batch.conversions import converted, decimal_number
from bridge.batch.limits import (
    MAX_DEPTH,
    MAX_EVENT_ARRAYS,
    MAX_NAME_CHARACTERS,
    MAX_PROFILE_ARRAYS,
    NESTED,
    Json,
    Warnings,
    bare,
    cleaned,
    first_attributes,
    kind_of,
    shrink,
)

Known: TypeAlias = Callable[[str], "str | None"]
"""Tells the kind of a name or path; None where it has none yet."""

NUMERIC = frozenset({"integer", "float"})

# kind              what is put behind a name that holds another
WORDS = {
    "string": "text",
    "boolean": "yes_no",
    "integer": "number",
    "float": "number",
    "date": "date",
    "url": "link",
    "list of strings": "list",
    "list of objects": "objects",
    "object": "object",
}


# ── What a name holds ───────────────────────────────────────────────────────────────────────────────────


def attribute_kind(key: str, value: Json) -> str | None:
    """Return the kind of a profile attribute as sent: none of Batch's own, none where null empties a plain name."""
    if key.startswith("$") or (value is None and "(" not in key):
        return None
    return "list of strings" if isinstance(value, dict) else kind_of(key, value)


def event_kinds(event: Mapping[str, Json]) -> dict[str, str]:
    """Return the kind of each path in an event as sent."""
    return dict(kinds_in(event["name"], event["attributes"]))


def kinds_in(path: str, content: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if key.startswith("$"):
            continue
        place = f"{path}.{bare(key)}"
        yield place, kind_of(key, value)
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                yield from kinds_in(place, inner)


def event_path(event: str, path: str) -> str:
    """Return a path in an event as it is remembered: `order_paid.items.born` of `items.date(born)`."""
    above, dot, key = path.rpartition(".")
    return f"{event}.{above}{dot}{bare(key)}"


def keyed(name: str, kind: str) -> str:
    """Return the key under which a name is sent with a value of this kind."""
    return f"{kind}({name})" if kind in ("date", "url") else name


def emptied(key: str, known: Known) -> str:
    """Return the key with which null empties an attribute: null for a date is a date as well."""
    if key.startswith("$"):
        return key
    whole, name = cleaned(key)
    kind = known(name) if whole != name else None
    return keyed(name, kind) if kind else whole


# ── What is sent ────────────────────────────────────────────────────────────────────────────────────────


def agreed_attributes(
    attributes: Mapping[str, Json], others: Mapping[str, Iterable[str]], known: Known, warnings: Warnings
) -> tuple[dict[str, Json], dict[str, str]]:
    """Return profile attributes with one kind for each name, and, of keys that come out otherwise, what they were.

    `others` are keys under which attributes were sent before: where one is emptied, these are too.
    """
    lists = sum(isinstance(value, NESTED) for value in attributes.values())
    fit = KindFit("", known, warnings, MAX_PROFILE_ARRAYS - lists)
    told = {key: value for key, value in attributes.items() if value is not None}
    agreed, origins = fit.object("", told, 0), dict(fit.origins)
    for key in [key for key, value in attributes.items() if value is None]:
        for sent in (emptied(key, known), *others.get(key, ())):
            if sent not in agreed:
                agreed[sent] = None
                origins |= {sent: key} if sent != key else {}
    return first_attributes(agreed, warnings), origins


def agreed_event(event: Mapping[str, Json], known: Known, warnings: Warnings) -> dict[str, Json]:
    """Return an event with one kind for each path."""
    lists = sum(kind.startswith("list") for kind in event_kinds(event).values())
    fit = KindFit(event["name"], known, warnings, MAX_EVENT_ARRAYS - lists)
    return shrink({**event, "attributes": fit.object("", event["attributes"], 0)}, warnings)


@dataclass(slots=True)
class KindFit:
    """The attributes of a profile, or those of an `event`, on their way to one kind for each path.

    `lists_left` says how many more lists fit in, `origins` which keys came out otherwise and what they were.
    """

    event: str
    known: Known
    warnings: Warnings
    lists_left: int
    kinds: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def object(self, path: str, content: Mapping[str, Json], depth: int) -> dict[str, Json]:
        """Return the content, with what has to be of another kind or under another name."""
        agreed: dict[str, Json] = {}
        taken = {bare(key) for key in content}
        for key, value in content.items():
            sent, inner = (key, value) if key.startswith("$") else self.member(path, key, value, depth, taken)
            if inner in (None, [], {}):
                continue
            agreed[sent] = inner
            taken.add(bare(sent))
            if sent != key:
                self.origins[sent] = key
        return agreed

    def member(self, path: str, key: str, value: Json, depth: int, taken: set[str]) -> tuple[str, Json]:
        """Return the key under which a value is sent, and the value as it is then; None where no name is left for
        it."""
        own, kind = bare(key), self.kind_as_sent(key, value)
        for name in (own, *(other for other in other_names(own, kind) if other not in taken)):
            place = f"{path}.{name}" if path else name
            wanted = self.kind(place) or (kind if name == own else new_kind(kind, value))
            found = self.as_kind(place, value, kind, wanted, depth)
            if found is None:
                continue
            self.kinds[place] = wanted
            if name != own:
                self.warnings.add("renamed", place)
            elif not {kind, wanted} <= NUMERIC and kind != wanted:
                self.warnings.add("retyped", place)
            return keyed(name, wanted), found
        self.warnings.add("attribute_dropped", f"{path}.{own}" if path else own)
        return key, None

    def kind_as_sent(self, key: str, value: Json) -> str:
        """Return the kind of a value; objects on a profile say how a list changes."""
        return kind_of(key, [] if isinstance(value, dict) and not self.event else value)

    def kind(self, place: str) -> str | None:
        """Return the kind that a path has, here or by what is known."""
        return self.kinds.get(place) or self.known(f"{self.event}.{place}" if self.event else place)

    def as_kind(self, place: str, value: Json, kind: str, wanted: str, depth: int) -> Json:
        """Return the value as a kind, or None where that would lose something, or be one list too many."""
        if kind == wanted:
            return self.content(place, value, depth) if self.event else value
        found = converted(value, kind, wanted)
        if isinstance(found, list) and place not in self.kinds:
            if depth == MAX_DEPTH or not self.lists_left:
                return None
            self.lists_left -= 1
        return found

    def content(self, place: str, value: Json, depth: int) -> Json:
        """Return a value of an event with what is within it."""
        if isinstance(value, dict):
            return self.object(place, value, depth + 1)
        if not isinstance(value, list):
            return value
        items = [self.object(place, item, depth + 2) if isinstance(item, dict) else item for item in value]
        return [item for item in items if item != {}]


def new_kind(kind: str, value: Json) -> str:
    """Return the kind that a name made for a value gets: both kinds of numbers are behind one such name."""
    return "float" if kind == "integer" and decimal_number(value) is not None else kind


def other_names(name: str, kind: str) -> Iterator[str]:
    """Yield names that tell their kind: `newsletter_text`, `newsletter_text_2`, ..., as many as there are kinds."""
    for number in range(1, len(WORDS) + 1):
        ending = f"_{WORDS[kind]}" + (f"_{number}" if number > 1 else "")
        yield name[: MAX_NAME_CHARACTERS - len(ending)].rstrip("_") + ending
