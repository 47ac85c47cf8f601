"""Write the tables of what arrives into the pages. Writes nothing unless all of it fits.

Usage: python -m tools.tables
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.becomes import ANY_OTHER, Attributes, Becomes, of_examples, of_preset
from tools.texts import Refused

PAGES = "docs/*.md"
TABLES = re.compile(
    r"(<!-- made from (\S+) by `make docs`: change nothing until the end -->\n).*?(<!-- the end -->)",
    re.DOTALL,
)
"""Where tables stand on a page, and what they are made from: a folder of events/, or a preset."""
OCCURRED = "date(occurred_at)"
"""What Batch gets with every event that is old, as those of the examples are."""
NONE = "*none*"

# type of a JSON value   what the tagging plan calls it
WORDS = {str: "text", int: "whole number", float: "number", bool: "yes/no", list: "list", dict: "object"}
# what a name is wrapped in   what it is
WRAPPED = {"date": "date", "url": "link"}
PARTS_OF_A_LIST = {"$add", "$remove"}

OF_EXAMPLES = f"""
What Batch gets for [our examples](../{{source}}), by topic. {NONE}: a webhook of this topic creates no event, or
writes no attribute. The [tagging plan](tagging-plan.md) explains the names, and what else a topic does.
"""
OF_PRESET = """
What Batch gets for each topic with the [preset](../{source}).
"""
TOPICS = """
| Topic | Events | Attributes of the profile |
|---|---|---|
"""
TYPES = """
Their types{occurred}:

| Of | Attributes |
|---|---|
"""
ALSO = f" (an event older than 24 hours also has `{OCCURRED}`, a date)"


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of an attribute, and of the fields of an object or of objects."""

    word: str
    fields: Mapping[str, Kind] = field(default_factory=dict)


# ── Types ───────────────────────────────────────────────────────────────────────────────────────────────


def kinds(several: Iterable[Attributes]) -> dict[str, Kind]:
    """Return the types of attributes by name, of several writings together. Raises Refused where they disagree."""
    found: dict[str, Kind] = {}
    for attributes in several:
        for name, value in attributes.items():
            if value is not None:
                here = kind(name, value)
                found[name] = united(name, found[name], here) if name in found else here
    return found


def kind(name: str, value: Any) -> Kind:
    """Return the type of an attribute that has a value."""
    wrapper, _, wrapped = name.partition("(")
    if wrapped:
        return Kind(WRAPPED[wrapper])
    if isinstance(value, dict):
        return Kind("list") if value.keys() <= PARTS_OF_A_LIST else Kind("object", kinds([value]))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return Kind("objects", kinds(value))
    return Kind(WORDS[type(value)])


def united(name: str, one: Kind, other: Kind) -> Kind:
    """Return one type of two, with the fields of both. Raises Refused."""
    if {one.word, other.word} == {"number", "whole number"}:
        return Kind("number")
    if one.word != other.word:
        raise Refused(f"{name} is a {one.word} in one example and a {other.word} in another")
    fields = {**one.fields, **other.fields}
    for key in one.fields.keys() & other.fields.keys():
        fields[key] = united(f"{name}.{key}", one.fields[key], other.fields[key])
    return Kind(one.word, fields)


# ── Tables ──────────────────────────────────────────────────────────────────────────────────────────────


def tables(found: list[Becomes]) -> str:
    """Return the topics with what they become, and below the types of the attributes. Raises Refused."""
    topics = TOPICS + "".join(f"{row}\n" for row in rows_of_topics(found))
    types = "".join(f"{row}\n" for row in rows_of_types(found))
    occurred = any(OCCURRED in attributes for one in found for _, attributes in one.events)
    return topics + (TYPES.format(occurred=ALSO if occurred else "") + types if types else "") + "\n"


def rows_of_topics(found: list[Becomes]) -> Iterator[str]:
    for topic in unique(one.topic for one in found):
        of_topic = [one for one in found if one.topic == topic]
        name = topic if topic == ANY_OTHER else f"`{topic}`"
        yield f"| {name} | {events_of(of_topic)} | {profile_of(of_topic)} |"


def events_of(of_topic: list[Becomes]) -> str:
    """Return the names of the events, and whether there is an example without any."""
    names = unique(name for one in of_topic for name, _ in one.events)
    sometimes = ", or none" if any(not one.events for one in of_topic) else ""
    return quoted(names) + sometimes if names else NONE


def profile_of(of_topic: list[Becomes]) -> str:
    """Return the names of the profile's attributes, those last that are only emptied."""
    names = unique(name for one in of_topic for name in one.profile)
    given = [name for name in names if any(one.profile.get(name) is not None for one in of_topic)]
    emptied = [f"`{name}` (emptied)" for name in names if name not in given]
    return ", ".join([*(f"`{name}`" for name in given), *emptied]) or NONE


def rows_of_types(found: list[Becomes]) -> Iterator[str]:
    """Yield the profile, then the events; events with the same attributes share a row."""
    if profile := kinds(one.profile for one in found):
        yield f"| the profile | {typed(profile)} |"
    events = [event for one in found for event in one.events]
    sharing: dict[str, list[str]] = {}
    for event in unique(name for name, _ in events):
        attributes = kinds(attributes for name, attributes in events if name == event)
        attributes.pop(OCCURRED, None)
        sharing.setdefault(typed(attributes), []).append(event)
    for text, names in sharing.items():
        yield f"| {quoted(names)} | {text or NONE} |"


def typed(attributes: Mapping[str, Kind]) -> str:
    """Return the attributes by type: text: `a`, `b`; objects: `c` (text: `d`)."""
    by_word: dict[str, list[str]] = {}
    for name, one in attributes.items():
        within = f" ({typed(one.fields)})" if one.fields else ""
        by_word.setdefault(one.word, []).append(f"`{name}`{within}")
    return "; ".join(f"{word}: {', '.join(names)}" for word, names in by_word.items())


def unique(names: Iterable[str]) -> list[str]:
    """Return each once, in the order of the first."""
    return list(dict.fromkeys(names))


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


# ── Pages ───────────────────────────────────────────────────────────────────────────────────────────────


def made_from(root: Path, source: str) -> str:
    """Return what stands between the two lines of a page that name a folder of events/, or a preset. Raises Refused."""
    path = root / source
    if path.suffix == ".json":
        return OF_PRESET.format(source=source) + tables(of_preset(path))
    return OF_EXAMPLES.format(source=source) + tables(of_examples(path))


def with_tables(root: Path, text: str) -> str:
    """Return a page with its tables made anew. Raises Refused."""
    return TABLES.sub(lambda place: place[1] + made_from(root, place[2]) + place[3], text)


def pages(root: Path) -> dict[Path, str]:
    """Return every page as it should be. Raises Refused."""
    found = sorted(root.glob(PAGES))
    return {path: with_tables(root, path.read_text(encoding="utf-8")) for path in found}


def write(root: Path) -> list[str]:
    """Write the pages that are not as they should be; returns their paths. Raises Refused."""
    changed = {path: text for path, text in pages(root).items() if path.read_text(encoding="utf-8") != text}
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")
    return [str(path.relative_to(root)) for path in changed]


def main() -> int:
    try:
        print("\n".join(write(Path())) or "The tables of what arrives are as they should be.")
    except Refused as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
