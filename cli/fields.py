"""The fields of a webhook's body: their places, and the same body with other values in some of them. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode

from functions.sources.registry import source_module

Path: TypeAlias = tuple[str, ...]
"""The names that lead to a value; a step into a list is `ITEM`."""

ITEM = "[]"
BRACKETS = re.compile(r"\[([^\]]*)\]")
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


class Removed:
    """In place of a value that is to be missing."""


REMOVED = Removed()


@dataclass(frozen=True, slots=True)
class Body:
    """A body as a tree that can be changed, and written again as what its content type says."""

    content: Any
    content_type: str
    write: Callable[[Any], bytes]


def body_in(content_type: str, body: bytes) -> Body:
    """Return the body of a webhook. Files are left out of a multipart one. Raises ValueError, BridgeError."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == FORM:
        # Latin-1 on the way in and out keeps every byte, whatever the charset of the form
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
        return Body(gathered(pairs), content_type, lambda content: posted(content, "latin-1"))
    if media_type == MULTIPART:
        parts = source_module("form", "reading.multipart").text_parts(content_type, body)
        pairs = [(name.decode("utf-8", "replace"), text.decode("utf-8", "replace")) for name, text in parts]
        return Body(gathered(pairs), f"{FORM}; charset=utf-8", lambda content: posted(content, "utf-8"))
    return Body(json.loads(body), content_type, lambda content: json.dumps(content).encode())


def gathered(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the texts under each name of a form."""
    found: dict[str, list[str]] = {}
    for name, text in pairs:
        found.setdefault(name, []).append(text)
    return found


def posted(content: Mapping[str, Any], encoding: str) -> bytes:
    """Return a form with these fields, one after the other for a list."""
    fields = {name: value if isinstance(value, list) else [value] for name, value in content.items()}
    return urlencode(fields, doseq=True, encoding=encoding).encode()


def values(content: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield all values with their paths, those in a list's items with the same one. A list of mere values is one value.

    What is empty (null, `[]`, `{}`) is left out: nobody can tell by it what would be made of a value there.
    """
    if isinstance(content, dict):
        for name, inner in content.items():
            yield from values(inner, (*path, name))
    elif has_objects(content):
        for item in content:
            yield from values(item, (*path, ITEM))
    elif content is not None and content != []:
        yield path, content


def has_objects(content: Any) -> bool:
    return isinstance(content, list) and any(isinstance(item, dict | list) for item in content)


def altered(content: Any, changes: Mapping[Path, Any], path: Path = ()) -> Any:
    """Return the content with other values at these paths, in all items of a list."""
    if isinstance(content, dict):
        inner = {name: altered(value, changes, (*path, name)) for name, value in content.items()}
        return {name: value for name, value in inner.items() if value is not REMOVED}
    if has_objects(content):
        items = [altered(item, changes, (*path, ITEM)) for item in content]
        return [item for item in items if item is not REMOVED]
    return changes.get(path, content)


def place(path: Path) -> str:
    """Return the path as people write it: `items[].sku`; a form's field `data[merges][EMAIL]` is
    `data.merges.EMAIL`."""
    text = ""
    for name in path:
        written = BRACKETS.sub(r".\1", name).rstrip(".")
        text += ITEM if name == ITEM else f".{written}" if text else written
    return text
