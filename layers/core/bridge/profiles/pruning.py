"""Keep what is known of a profile within a row of DynamoDB, however many webhooks mention it. Pure.

Each part has a bound of its own, and the newest stays. What is dropped leaves its newest version behind, so that an
older webhook never passes for a newer one: any order of arrival ends with the same newest ones.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from bridge.batch.limits import MAX_STRING_CHARACTERS, MAX_URL_CHARACTERS
from bridge.profiles.profile_change import Value
from bridge.profiles.versions import ATTRIBUTES, Member, ProfileState, leading, number

MAX_ITEMS = 100
"""Of each list that changes by its items; Batch takes 25 of a list."""
MAX_MEMBERS = 100
"""Of each group, with the one that the profile shows."""
MAX_ATTRIBUTES = 500
MAX_OTHERS = 200
# part          most bytes of it in the row
ITEM_BYTES = 32_000
MEMBER_BYTES = 32_000
ATTRIBUTE_BYTES = 64_000
OTHER_BYTES = 24_000
WRITER_BYTES = 32_000

SMALL_CHARACTERS = 4000
"""Of a state that needs no closer look."""

ITEM = re.compile(r"[+-]")
"""After the name of a list, before its item: `tags+vip`."""
ESCAPED = 6
"""Bytes in JSON of a character that is written `\\u0000`."""


def pruned(state: ProfileState) -> ProfileState:
    """Return the state without the oldest of what there is too much of."""
    if is_small(state):
        return state
    forgotten = dict(state.forgotten)
    versions = newest_attributes(newest_items(state.versions), forgotten)
    members = {
        group: newest_members(group, named, forgotten, MEMBER_BYTES // len(state.members))
        for group, named in state.members.items()
    }
    others = dict(within(sorted(state.others.items())[:MAX_OTHERS], OTHER_BYTES))
    writers = dict(within(sorted(state.writers.items()), WRITER_BYTES))
    return replace(
        state, versions=versions, members=members, others=others, writers=writers, forgotten=forgotten
    )


def is_small(state: ProfileState) -> bool:
    """Return whether no part of it can be too much, as of nearly every profile."""
    many = (state.versions, state.others, state.writers, *state.members.values())
    if sum(map(len, many)) > min(MAX_ITEMS, MAX_OTHERS) or any(
        len(named) > MAX_MEMBERS for named in state.members.values()
    ):
        return False
    texts = [*state.versions, *state.versions.values(), *state.writers]
    return sum(map(len, texts)) <= SMALL_CHARACTERS and not state.members and not state.others


def newest_items(versions: Mapping[str, str]) -> dict[str, str]:
    """Return the versions with the newest items of each list; a list counts as known as of the newest one dropped."""
    items = [key for key in versions if is_item(key)]
    kept, counts = dict(versions), Counter[str]()
    if len(items) <= MAX_ITEMS and cost(*items, *map(versions.__getitem__, items)) <= ITEM_BYTES:
        return kept
    left = ITEM_BYTES
    for key in sorted(items, key=lambda key: (versions[key], key), reverse=True):
        name = list_of(key)
        counts[name] += 1
        left -= cost(key, versions[key])
        if counts[name] > MAX_ITEMS or left < 0:
            kept[name] = max(kept.get(name, ""), versions[key])
            del kept[key]
    return kept


def is_item(key: str) -> bool:
    """Return whether a key of the versions is of a list's item."""
    return "+" in key or "-" in key


def list_of(key: str) -> str:
    """Return the list of an item's key; an attribute's key is its own."""
    return ITEM.split(key, maxsplit=1)[0]


def newest_attributes(versions: dict[str, str], forgotten: dict[str, str]) -> dict[str, str]:
    """Return the versions without the oldest attributes, and note those; Batch's own are few, and always kept."""
    names = [key for key in versions if not is_item(key) and not key.startswith("$")]
    if len(names) <= MAX_ATTRIBUTES and cost(*names, *map(versions.__getitem__, names)) <= ATTRIBUTE_BYTES:
        return versions
    ranked = sorted(((versions[name], name) for name in names), reverse=True)
    kept = {name for _, name in within(ranked[:MAX_ATTRIBUTES], ATTRIBUTE_BYTES)}
    dropped = {name for name in names if name not in kept}
    note(forgotten, ATTRIBUTES, (versions[name] for name in dropped))
    return {key: version for key, version in versions.items() if list_of(key) not in dropped}


def newest_members(
    group: str, members: Mapping[str, Member], forgotten: dict[str, str], most_bytes: int
) -> dict[str, Member]:
    """Return the member that the profile shows and the newest others, with values as long as Batch takes them."""
    shortened = {name: replace(one, attributes=short(one.attributes)) for name, one in members.items()}
    shown = leading(shortened)
    ranked = sorted(
        ((one is shown, one.version, name) for name, one in shortened.items()),
        reverse=True,
    )[:MAX_MEMBERS]
    kept: list[str] = []
    for is_shown, _, name in ranked:
        most_bytes -= size((name, shortened[name].version, shortened[name].rank, shortened[name].attributes))
        if most_bytes >= 0 or is_shown:
            kept.append(name)
    note(forgotten, group, (one.version for name, one in members.items() if name not in kept))
    return {name: one for name, one in shortened.items() if name in kept}


def note(forgotten: dict[str, str], name: str, dropped: Iterable[str]) -> None:
    """Note the newest version among those that are dropped."""
    newest = max(dropped, default="")
    if newest > forgotten.get(name, ""):
        forgotten[name] = newest


def short(attributes: Mapping[str, Value]) -> dict[str, Value]:
    """Return attributes with texts that are no longer than Batch takes them."""
    return {
        name: value[: MAX_URL_CHARACTERS if "(" in name else MAX_STRING_CHARACTERS]
        if isinstance(value, str)
        else value
        for name, value in attributes.items()
    }


def within(entries: Iterable[tuple[Any, ...]], most_bytes: int) -> Iterator[Any]:
    """Return the first entries that take at most so many bytes together."""
    for entry in entries:
        most_bytes -= cost(*texts_in(entry))
        if most_bytes < 0:
            return
        yield entry


def texts_in(entry: tuple[Any, ...]) -> Iterator[str]:
    """Return all texts of an entry: a text, or several."""
    for content in entry:
        yield from (content,) if isinstance(content, str) else content


def cost(*texts: str) -> int:
    """Return the most bytes that texts take in a row, with their quotes and commas."""
    return sum(4 + len(text) * (1 if text.isascii() and text.isprintable() else ESCAPED) for text in texts)


def size(content: Any) -> int:
    """Return the bytes that it takes in a row."""
    return len(json.dumps(content, default=number))
