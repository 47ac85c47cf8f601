"""Fit what a mapping says into Batch's limits, and tell what was renamed, cut or dropped. Pure.

The limits are those of https://doc.batch.com/developer/api/cep/profiles/update and, where that page is
silent, of Batch's own SDKs; where those differ, the stricter one.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias, TypeGuard
from urllib.parse import urlsplit

from bridge import normalise
from bridge.profile import Event, Value

MAX_NAME_CHARACTERS = 30
MAX_STRING_CHARACTERS = 300
MAX_URL_CHARACTERS = 2048
MAX_LABEL_CHARACTERS = 200
MAX_TAGS = 10
MAX_TAG_CHARACTERS = 64
MAX_ARRAY_ITEMS = 25
MAX_PROFILE_ATTRIBUTES = 50
MAX_PROFILE_ARRAYS = 15
MAX_EVENT_ATTRIBUTES = 20
MAX_EVENTS_PER_OPERATION = 15
MAX_EVENT_BYTES = 25_000
MAX_DEPTH = 3
MAX_INTEGER = 2**63 - 1
EVENT_WINDOW = timedelta(hours=23, minutes=55)
"""Batch refuses events older than 24 hours; the five minutes are for the way."""

KEY = re.compile(r"(?:(date|url)\()?([^()]*)\)?")
NAME = re.compile(r"[a-z0-9_]{1,30}")
E164 = re.compile(r"\+[1-9][0-9]{1,14}")
TWO_LETTERS = re.compile(r"[A-Za-z]{2}")

Json: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something that did not fit: `kind` says what was done about it, `name` where. Never a value."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(slots=True)
class Warnings:
    """The warnings of one webhook, in order."""

    found: list[Misfit] = field(default_factory=list)

    def add(self, kind: str, name: str) -> None:
        self.found.append(Misfit(kind, name))


def fit_attributes(attributes: Mapping[str, Value], warnings: Warnings) -> dict[str, Json]:
    """The profile attributes as Batch takes them."""
    fitted: dict[str, Json] = {}
    for key, value in attributes.items():
        name = fit_key(key, NATIVE_ATTRIBUTES, fitted, warnings)
        if name is None:
            continue
        content = None if value is None else fit_profile_value(name, value, warnings)
        if value is None or content is not None:
            fitted[name] = content
    return first_attributes(fitted, MAX_PROFILE_ATTRIBUTES, warnings, max_arrays=MAX_PROFILE_ARRAYS)


def fit_profile_value(key: str, value: Value, warnings: Warnings) -> Json:
    if isinstance(value, Mapping) and not set(value) <= {"$add", "$remove"}:
        warnings.add("object_dropped", key)
        return None
    if isinstance(value, Mapping):
        changes = {verb: fit_strings(key, value[verb], warnings) for verb in value}
        return {verb: strings for verb, strings in changes.items() if strings} or None
    if is_list(value):
        return fit_strings(key, value, warnings) or None
    return fit_scalar(key, value, NATIVE_ATTRIBUTES, warnings)


def fit_event(event: Event, now: datetime, warnings: Warnings) -> dict[str, Json] | None:
    """The event as Batch takes it at `now`, or None where its name cannot be used.

    An event older than 24 hours goes without `time`, which Batch would refuse, and with `date(occurred_at)`;
    one from the future, of a clock ahead of ours, happens now.
    """
    if not NAME.fullmatch(event.name):
        warnings.add("event_dropped", "name")
        return None
    attributes: dict[str, Value] = dict(event.attributes)
    fitted: dict[str, Json] = {"name": event.name}
    if event.time is not None:
        if event.time > now - EVENT_WINDOW:
            fitted["time"] = normalise.timestamp(min(event.time, now))
        else:
            attributes = {"date(occurred_at)": normalise.timestamp(event.time), **attributes}
    fitted["attributes"] = fit_object(event.name, attributes, EVENT_NATIVES, 0, warnings)
    return shrink(fitted, warnings)


def fit_object(
    path: str, content: Mapping[str, Value], natives: Natives, depth: int, warnings: Warnings
) -> dict[str, Json]:
    """An event's attributes, or an object within them."""
    fitted: dict[str, Json] = {}
    for key, value in content.items():
        name = fit_key(key, natives, fitted, warnings)
        if name is None or value is None:
            continue
        inner = fit_event_value(f"{path}.{name}" if depth else name, name, value, natives, depth, warnings)
        if inner not in (None, [], {}):
            fitted[name] = inner
    return first_attributes(fitted, MAX_EVENT_ATTRIBUTES, warnings)


def fit_event_value(
    path: str, key: str, value: Value, natives: Natives, depth: int, warnings: Warnings
) -> Json:
    if key in natives or not (isinstance(value, Mapping) or is_list(value)):
        return fit_scalar(key, value, natives, warnings)
    items = list(value) if is_list(value) else [value]
    objects = [item for item in items if isinstance(item, Mapping)]
    below = depth + 1 + bool(objects and is_list(value))
    if below > MAX_DEPTH:
        warnings.add("nested_too_deep", path)
        return None
    if not objects:
        return fit_strings(path, value, warnings)
    kept = first_items(path, objects, MAX_ARRAY_ITEMS, warnings)
    fitted = [inner for item in kept if (inner := fit_object(path, item, {}, below, warnings))]
    return fitted if is_list(value) else next(iter(fitted), None)


def fit_scalar(key: str, value: Value, natives: Natives, warnings: Warnings) -> Json:
    """One value that is no list or object, by what its key promises."""
    fit = natives.get(key) or (
        fit_date if key.startswith("date(") else fit_url if key.startswith("url(") else fit_plain
    )
    return fit(key, value, warnings)


def fit_plain(key: str, value: Value, warnings: Warnings) -> Json:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return within(key, value, abs(value) <= MAX_INTEGER, warnings)
    if isinstance(value, float | Decimal):
        number = float(value) + 0.0
        return within(key, number, math.isfinite(number), warnings)
    return fit_string(key, str(value), MAX_STRING_CHARACTERS, warnings)


def within(key: str, number: float, fits: bool, warnings: Warnings) -> float | None:
    if not fits:
        warnings.add("number_dropped", key)
        return None
    return number


def fit_string(key: str, text: str, limit: int, warnings: Warnings) -> str | None:
    """One line without control characters, cut at the limit, counted as the stricter systems do (UTF-16)."""
    line = one_line(text)
    if len(line.encode("utf-16-le")) // 2 > limit:
        warnings.add("string_cut", key)
        line = line.encode("utf-16-le")[: 2 * limit].decode("utf-16-le", "ignore").rstrip()
    return line or None


def one_line(text: str) -> str:
    """The text with newlines and runs of spaces as one space, and without what is no character."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    kept = "".join(
        character if unicodedata.category(character) not in ("Cc", "Cs") else " " for character in text
    )
    return " ".join(kept.split())


def fit_strings(key: str, value: Value, warnings: Warnings) -> list[str]:
    """A list of texts; other scalars become texts."""
    items = value if is_list(value) else [value]
    strings = [
        text
        for item in items
        if item is not None
        and not isinstance(item, Mapping)
        and not is_list(item)
        and (text := fit_string(key, str(item), MAX_STRING_CHARACTERS, warnings))
    ]
    return first_items(key, strings, MAX_ARRAY_ITEMS, warnings)


def fit_date(key: str, value: Value, warnings: Warnings) -> str | None:
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError:
        warnings.add("date_dropped", key)
        return None
    return normalise.timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def fit_url(key: str, value: Value, warnings: Warnings) -> str | None:
    """An absolute link; a cut one would lead elsewhere, so it is dropped."""
    link = str(value).strip()
    if not link:
        return None
    if len(link) > MAX_URL_CHARACTERS or not is_absolute(link):
        warnings.add("url_dropped", key)
        return None
    return link


def is_absolute(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc) and not any(
        character.isspace() or unicodedata.category(character) in ("Cc", "Cs") for character in link
    )


def fit_pattern(pattern: re.Pattern[str], change: Callable[[str], str] = str) -> Fit:
    def fit(key: str, value: Value, warnings: Warnings) -> str | None:
        text = change(str(value).strip())
        if not pattern.fullmatch(text):
            warnings.add("value_dropped", key)
            return None
        return text

    return fit


def fit_email(key: str, value: Value, warnings: Warnings) -> str | None:
    address = normalise.email(str(value))
    if address is None:
        warnings.add("value_dropped", key)
    return address


def fit_label(key: str, value: Value, warnings: Warnings) -> str | None:
    return fit_string(key, str(value), MAX_LABEL_CHARACTERS, warnings)


def fit_tags(key: str, value: Value, warnings: Warnings) -> list[str]:
    items = value if is_list(value) else [value]
    tags = [fit_string(key, str(item).lower(), MAX_TAG_CHARACTERS, warnings) for item in items]
    return first_items(key, list(dict.fromkeys(tag for tag in tags if tag)), MAX_TAGS, warnings)


def fit_key(key: str, natives: Natives, taken: Mapping[str, Json], warnings: Warnings) -> str | None:
    """The attribute's key with its name as Batch takes it; None where nothing is left or it is taken."""
    if key in natives:
        return key
    parts = KEY.fullmatch(key)
    wrapper, name = parts.groups() if parts else (None, key)
    fitted = name if NAME.fullmatch(name) else clean_name(name)
    whole = f"{wrapper}({fitted})" if wrapper else fitted
    if not fitted or whole in taken or key.startswith("$"):
        warnings.add("attribute_dropped", fitted or "unnamed")
        return None
    if fitted != name:
        warnings.add("renamed", whole)
    return whole


def clean_name(text: str) -> str:
    """A name of Batch's alphabet from any label: accents go, other signs become underscores."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:MAX_NAME_CHARACTERS].rstrip("_")


def first_attributes(
    fitted: dict[str, Json], limit: int, warnings: Warnings, max_arrays: int | None = None
) -> dict[str, Json]:
    """The first attributes up to the limits; the others are dropped."""
    kept: dict[str, Json] = {}
    arrays = 0
    for key, value in fitted.items():
        arrays += isinstance(value, list | dict)
        if len(kept) == limit or (
            max_arrays is not None and isinstance(value, list | dict) and arrays > max_arrays
        ):
            warnings.add("attribute_dropped", key)
            continue
        kept[key] = value
    return kept


def first_items(key: str, items: Sequence[Json], limit: int, warnings: Warnings) -> list[Json]:
    if len(items) > limit:
        warnings.add("list_cut", key)
    return list(items[:limit])


def shrink(event: dict[str, Json], warnings: Warnings) -> dict[str, Json]:
    """The event within 25 kB: its longest list loses its last items, then its longest value goes."""
    attributes = event["attributes"]
    while size(event) > MAX_EVENT_BYTES:
        key = max(attributes, key=lambda name: size(attributes[name]))
        if isinstance(attributes[key], list) and len(attributes[key]) > 1:
            warnings.add("list_cut", key)
            attributes[key] = attributes[key][: len(attributes[key]) * 3 // 4]
        else:
            warnings.add("attribute_dropped", key)
            del attributes[key]
    return event


def size(content: Json) -> int:
    """Bytes as JSON on the wire."""
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def is_list(value: Value) -> TypeGuard[Sequence[Value]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def fit_choice(*allowed: str) -> Fit:
    return fit_pattern(re.compile("|".join(allowed)))


Fit: TypeAlias = Callable[[str, Value, Warnings], Json]
Natives: TypeAlias = Mapping[str, Fit]

# native profile attribute   what fits it
NATIVE_ATTRIBUTES: Natives = {
    "$email_address": fit_email,
    "$email_marketing": fit_choice("subscribed", "unsubscribed"),
    "$phone_number": fit_pattern(E164),
    "$sms_marketing": fit_choice("subscribed", "unsubscribed"),
    "$language": fit_pattern(TWO_LETTERS, str.lower),
    "$region": fit_pattern(TWO_LETTERS, str.upper),
    "$timezone": fit_pattern(re.compile(r"[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+){0,2}")),
    "$topic_preferences": fit_strings,
}
# reserved event attribute   what fits it
EVENT_NATIVES: Natives = {"$label": fit_label, "$tags": fit_tags}


def names(found: Iterable[Misfit]) -> tuple[str, ...]:
    """Warnings as a receipt keeps them, each once."""
    return tuple(dict.fromkeys(str(warning) for warning in found))
