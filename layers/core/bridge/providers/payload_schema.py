"""The shape of a tool's JSON as far as a mapping reads it: which fields are there, of which types. Pure.

What is read is what the source's models have, so nobody keeps a list of it. Holds names and types, never a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args, get_origin

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

Seen: TypeAlias = Mapping[str, frozenset[str] | None]
"""Path → the JSON types of what stood there, without null; None where the field was absent from what should hold it."""
Models: TypeAlias = Mapping[str, type[BaseModel]]
"""Place in the body, such as `data.object`, or "" for all of it → the model that reads it."""

MAX_ITEMS = 10
"""Of a list, those that are looked at: all are alike."""
# type   as JSON knows it; null says nothing
TYPES = {str: "string", bool: "boolean", int: "number", float: "number", list: "list", dict: "object"}


@dataclass(frozen=True, slots=True)
class MovedTo:
    """Marks a model's field of which newer API versions tell elsewhere: a path from the model, `items.data[].end`.

    While it stands there it is not missed here.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Part:
    """A field that is read: its names in what holds it, its path (`line_items[].price`), and what is read below it."""

    names: tuple[str, ...]
    path: str
    parts: tuple[Part, ...]
    is_typed: bool
    moved_to: str


class Shape:
    """All that is read of a body."""

    def __init__(self, models: Models) -> None:
        self.roots = tuple(
            (tuple(filter(None, place.split("."))), parts_of(model, f"{place}." if place else ""))
            for place, model in models.items()
        )
        every = (part for _, parts in self.roots for part in all_of(parts))
        self.moves = {part.path: part.moved_to for part in every if part.moved_to}

    def seen(self, content: Mapping[str, Any]) -> Seen:
        """Return what is in a body. A path is left out where what should hold it is not there, or where it has
        moved."""
        found: dict[str, frozenset[str] | None] = {}
        for keys, parts in self.roots:
            holder: Any = content
            for key in keys:
                holder = holder.get(key) if isinstance(holder, dict) else None
            if isinstance(holder, dict):
                found.update(seen_in([holder], parts))
        for path, moved_to in self.moves.items():
            if found.get(path, frozenset()) is None and found.get(moved_to) is not None:
                del found[path]
        return found


def seen_in(
    holders: Sequence[Mapping[str, Any]], parts: Iterable[Part]
) -> Iterator[tuple[str, frozenset[str] | None]]:
    for part in parts:
        values = [holder[name] for holder in holders for name in part.names if name in holder]
        if len(values) < len(holders):
            yield part.path, None
        else:
            yield part.path, types_of(values) if part.is_typed else frozenset()
        if part.parts and (below := objects_in(values)):
            yield from seen_in(below, part.parts)


def types_of(values: Iterable[Any]) -> frozenset[str]:
    return frozenset(TYPES[type(value)] for value in values if value is not None)


def objects_in(values: Iterable[Any]) -> list[Mapping[str, Any]]:
    """Return the objects among the values, and in lists among them."""
    items = (item for value in values for item in (value[:MAX_ITEMS] if isinstance(value, list) else [value]))
    return [item for item in items if isinstance(item, dict)]


def parts_of(model: type[BaseModel], place: str = "") -> tuple[Part, ...]:
    """Return what a model reads, and the models in it; `place` is where it stands, with a dot behind."""
    return tuple(part_of(name, field, place) for name, field in model.model_fields.items())


def part_of(name: str, field: FieldInfo, place: str) -> Part:
    names = names_of(name, field)
    path = place + names[0]
    model, is_list = model_in(field.annotation)
    moved_to = next((place + one.path for one in field.metadata if isinstance(one, MovedTo)), "")
    parts = parts_of(model, f"{path}[]." if is_list else f"{path}.") if model else ()
    return Part(names, path, parts, field.annotation is not Any, moved_to)


def names_of(name: str, field: FieldInfo) -> tuple[str, ...]:
    """Return what a field may be called in the JSON, the usual name first."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(choice if isinstance(choice, str) else str(choice.path[0]) for choice in alias.choices)
    return (alias if isinstance(alias, str) else name,)


def model_in(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """Return the model in a type such as `tuple[Item, ...] | None`, and whether it is in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for inner in get_args(annotation):
        model, is_list = model_in(inner)
        if model:
            return model, is_list or get_origin(annotation) in (tuple, list)
    return None, False


def all_of(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        yield from all_of(part.parts)
