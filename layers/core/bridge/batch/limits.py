"""Fit what a mapping says into Batch's limits, and tell what was renamed, cut or dropped. Pure.

The limits are those of https://doc.batch.com/developer/api/cep/profiles/update and, where that page is
silent, of Batch's own SDKs; where those differ, the stricter one.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any, TypeAlias, TypeGuard
from zoneinfo import available_timezones

from bridge.profiles import normalise
from bridge.profiles.profile_change import Event, Value, is_absent

MAX_NAME_CHARACTERS = 30
MAX_KEY_CHARACTERS = 300
"""Of a name before it is cleaned: it may be anybody's, and cleaned ones are kept in memory."""
MAX_STRING_CHARACTERS = 300
MAX_URL_CHARACTERS = 2048
MAX_LABEL_CHARACTERS = 200
MAX_TAGS = 10
MAX_TAG_CHARACTERS = 64
MAX_ARRAY_ITEMS = 25
MAX_PROFILE_ATTRIBUTES = 50
MAX_PROFILE_ARRAYS = 15
MAX_EVENT_ATTRIBUTES = 20
MAX_EVENT_ARRAYS = 10
MAX_EVENTS_PER_OPERATION = 15
MAX_EVENT_BYTES = 25_000
MAX_DEPTH = 3
MAX_NUMBER = 2**63 - 1
MAX_NAMED_WARNINGS = 100
"""Of one webhook, on its receipt: a row of DynamoDB holds 400 kB."""
EVENT_WINDOW = timedelta(hours=23, minutes=55)
"""Batch refuses events older than 24 hours; the five minutes are for the way."""

WRAPPED = re.compile(r"(date|url)\((.*)\)", re.DOTALL)
NAME = re.compile(r"[a-z0-9_]{1,30}")
E164 = re.compile(r"\+[1-9][0-9]{1,14}")
TWO_LETTERS = re.compile(r"[A-Za-z]{2}")
TOPIC = re.compile(r"[a-z0-9_]{1,300}")
URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://([^\s/?#@]*@)?"  # scheme, user
    r"(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(:[0-9]+)?"  # host, port
    r"([/?#]\S*)?"
)

# type of a scalar   what Batch keeps it as
KINDS = {str: "string", bool: "boolean", int: "integer", float: "float", Decimal: "float"}
SCALARS, NUMBERS, NESTED = tuple(KINDS), (int, float, Decimal), (list, dict)
"""Asked of every value, and several times faster than `float | Decimal` or `Sequence`."""

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

    def add_all(self, warnings: Iterable[tuple[str, str]]) -> None:
        """Add those of a mapping, each a kind and a name."""
        self.found.extend(Misfit(kind, name) for kind, name in warnings)


def fit_attributes(attributes: Mapping[str, Value], warnings: Warnings) -> dict[str, Json]:
    """Return the profile attributes as Batch takes them."""
    fitted: dict[str, Json] = {}
    names: set[str] = set()
    for key, value in attributes.items():
        name = fit_key(key, NATIVE_ATTRIBUTES, names, warnings)
        if name is None:
            continue
        content = None if value is None else fit_profile_value(name, value, warnings)
        if value is None or content is not None:
            fitted[name] = content
            names.add(bare(name))
    return first_attributes(fitted, warnings)


def fit_profile_value(key: str, value: Value, warnings: Warnings) -> Json:
    if holds_one_value(key, NATIVE_ATTRIBUTES):
        return fit_scalar(key, key, value, NATIVE_ATTRIBUTES, warnings)
    if isinstance(value, Mapping) and not set(value) <= {"$add", "$remove"}:
        warnings.add("object_dropped", key)
        return None
    fit = fit_topic if key in LISTS else fit_text
    if isinstance(value, Mapping):
        return fit_partial(key, value, fit, warnings)
    if is_list(value) or key in LISTS:
        return fit_strings(key, value, warnings, fit) or None
    return fit_scalar(key, key, value, NATIVE_ATTRIBUTES, warnings)


def fit_partial(key: str, value: Mapping[str, Value], fit: Fit, warnings: Warnings) -> Json:
    """Return what is added to a list and removed from it; what is both is added."""
    changes = {verb: fit_strings(key, value[verb], warnings, fit) for verb in value}
    both = set(changes.get("$add", ())) & set(changes.get("$remove", ()))
    if both:
        warnings.add("item_dropped", key)
        changes["$remove"] = [text for text in changes["$remove"] if text not in both]
    return {verb: strings for verb, strings in changes.items() if strings} or None


def fit_event(
    event: Event, now: datetime, warnings: Warnings, kinds: dict[str, str] | None = None
) -> dict[str, Json] | None:
    """Return the event as Batch takes it at `now`, or None where its name cannot be used; fills in `kinds` by path.

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
            attributes = {"date(occurred_at)": event.time.isoformat(), **attributes}
    fit = EventFit(warnings, {} if kinds is None else kinds)
    fitted["attributes"] = fit.object("", attributes, EVENT_NATIVES, 0)
    return shrink(fitted, warnings)


@dataclass(slots=True)
class EventFit:
    """One event on its way to fit: `kinds` tells the type of each path in it, as a name has one type in all objects."""

    warnings: Warnings
    kinds: dict[str, str]

    def object(
        self, path: str, content: Mapping[str, Value], natives: Natives, depth: int
    ) -> dict[str, Json]:
        """Return an event's attributes, or an object within them."""
        fitted: dict[str, Json] = {}
        names: set[str] = set()
        for key, value in content.items():
            name = fit_key(key, natives, names, self.warnings)
            if name is None or is_absent(value):
                continue
            place = f"{path}.{name}" if path else name
            if len(fitted) == MAX_EVENT_ATTRIBUTES:
                self.warnings.add("attribute_dropped", place)
                continue
            inner = self.value(place, name, value, natives, depth)
            if inner not in (None, [], {}):
                fitted[name] = inner
                names.add(bare(name))
        return fitted

    def value(self, path: str, key: str, value: Value, natives: Natives, depth: int) -> Json:
        """Return one attribute of an event; nothing where its name has another type elsewhere in the event."""
        if key in natives:
            return fit_scalar(path, key, value, natives, self.warnings)
        kind = kind_of(key, value)
        known = self.kinds.get(path)
        if known == "float" and kind == "integer" and isinstance(value, int):
            kind, value = known, float(value)
        if known not in (None, kind) or (known is None and kind.startswith("list") and self.has_all_arrays()):
            self.warnings.add("attribute_dropped", path)
            return None
        self.kinds[path] = kind
        inner = self.content(path, key, value, depth)
        if known is None and inner in (None, [], {}):
            del self.kinds[path]
        return inner

    def content(self, path: str, key: str, value: Value, depth: int) -> Json:
        if isinstance(value, SCALARS) or holds_one_value(key, {}):
            return fit_scalar(path, key, value, {}, self.warnings)
        items = list(value) if is_list(value) else [value]
        objects = [item for item in items if isinstance(item, Mapping)]
        below = depth + 1 + bool(objects and is_list(value))
        if below > MAX_DEPTH:
            self.warnings.add("nested_too_deep", path)
            return None
        if not objects:
            return fit_strings(path, value, self.warnings)
        if len(objects) < len([item for item in items if item is not None]):
            self.warnings.add("item_dropped", path)
        kept = first_items(path, objects, MAX_ARRAY_ITEMS, self.warnings)
        fitted = [inner for item in kept if (inner := self.object(path, item, {}, below))]
        return fitted if is_list(value) else next(iter(fitted), None)

    def has_all_arrays(self) -> bool:
        return sum(known.startswith("list") for known in self.kinds.values()) == MAX_EVENT_ARRAYS


def kind_of(key: str, value: Value) -> str:
    """Return the type that Batch keeps of an attribute."""
    if "(" in key:
        return key.partition("(")[0]
    if is_list(value):
        return "list of objects" if any(isinstance(item, Mapping) for item in value) else "list of strings"
    return KINDS.get(type(value), "object" if isinstance(value, Mapping) else "string")


def holds_one_value(key: str, natives: Natives) -> bool:
    """Return whether the key promises a date, a link, or what its native name says: no list and no object."""
    return (key in natives and key not in LISTS) or "(" in key


def fit_scalar(path: str, key: str, value: Value, natives: Natives, warnings: Warnings) -> Json:
    """Return one value that is no list or object, by what its key promises; a warning names its `path`."""
    if not isinstance(value, SCALARS) and key not in LISTS:
        warnings.add("value_dropped", path)
        return None
    fit = natives.get(key) or (
        fit_date if key.startswith("date(") else fit_url if key.startswith("url(") else fit_plain
    )
    return fit(path, value, warnings)


def fit_plain(key: str, value: Value, warnings: Warnings) -> Json:
    if isinstance(value, bool):
        return value
    if isinstance(value, NUMBERS):
        return fit_number(key, value, warnings)
    return fit_text(key, value, warnings)


def fit_number(key: str, value: float | Decimal, warnings: Warnings) -> float | None:
    """Return a number that is one, within 64 bits; money as JSON knows it, and no minus before zero."""
    if isinstance(value, Decimal):
        value = float(value) if value.is_finite() else math.nan
    if not abs(value) <= MAX_NUMBER:
        warnings.add("number_dropped", key)
        return None
    return value if isinstance(value, int) else value + 0.0


def fit_text(key: str, value: Value, warnings: Warnings) -> str | None:
    return fit_string(key, str(value), MAX_STRING_CHARACTERS, warnings)


def fit_string(key: str, text: str, limit: int, warnings: Warnings) -> str | None:
    """Return one line without control characters, cut at the limit, counted as the stricter systems do (UTF-16)."""
    if text.isascii() and text.isprintable() and len(text) <= limit and "  " not in text:
        return text.strip() or None
    line = one_line(text)
    if normalise.utf16_units(line) > limit:
        warnings.add("string_cut", key)
        line = line.encode("utf-16-le")[: 2 * limit].decode("utf-16-le", "ignore").rstrip()
    return line or None


def one_line(text: str) -> str:
    """Return the text with newlines and runs of spaces as one space, and without what is no character."""
    kept = "".join(
        character if unicodedata.category(character) not in ("Cc", "Cs") else " " for character in text
    )
    return " ".join(kept.split())


def fit_strings(key: str, value: Value, warnings: Warnings, fit: Fit | None = None) -> list[str]:
    """Return a list of texts; other scalars become texts."""
    items = [item for item in (value if is_list(value) else [value]) if item is not None]
    scalars = [item for item in items if not isinstance(item, Mapping) and not is_list(item)]
    if len(scalars) < len(items):
        warnings.add("item_dropped", key)
    strings = (text for item in scalars if (text := (fit or fit_text)(key, item, warnings)))
    return first_items(key, list(islice(strings, MAX_ARRAY_ITEMS + 1)), MAX_ARRAY_ITEMS, warnings)


def fit_date(key: str, value: Value, warnings: Warnings) -> str | None:
    """Return a time in ISO 8601, in UTC where it names no zone. A bare number may be anything."""
    try:
        moment = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
    except ValueError:
        moment = None
    fitted = normalise.timestamp(moment.replace(tzinfo=moment.tzinfo or UTC)) if moment else None
    if fitted is None:
        warnings.add("date_dropped", key)
    return fitted


def fit_url(key: str, value: Value, warnings: Warnings) -> str | None:
    """Return an absolute link; a cut one would lead elsewhere, so it is dropped."""
    link = str(value).strip()
    if not link:
        return None
    if normalise.utf16_units(link) > MAX_URL_CHARACTERS or not is_absolute(link):
        warnings.add("url_dropped", key)
        return None
    return link


def is_absolute(link: str) -> bool:
    if not URL.fullmatch(link):
        return False
    if link.isascii():
        return link.isprintable()
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in link)


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
    tags = fit_strings(key, value, warnings, fit_tag)
    return first_items(key, list(dict.fromkeys(tags)), MAX_TAGS, warnings)


def fit_tag(key: str, value: Value, warnings: Warnings) -> str | None:
    return fit_string(key, str(value).lower(), MAX_TAG_CHARACTERS, warnings)


def fit_topic(key: str, value: Value, warnings: Warnings) -> str | None:
    topic = str(value).strip().lower()
    if TOPIC.fullmatch(topic):
        return topic
    warnings.add("item_dropped", key)
    return None


def fit_topics(key: str, value: Value, warnings: Warnings) -> list[str]:
    return fit_strings(key, value, warnings, fit_topic)


def fit_timezone(key: str, value: Value, warnings: Warnings) -> str | None:
    """Return an IANA name, such as Europe/Paris."""
    name = str(value).strip()
    if name in timezones():
        return name
    warnings.add("value_dropped", key)
    return None


@lru_cache(maxsize=1)
def timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def fit_key(key: str, natives: Natives, taken: Set[str], warnings: Warnings) -> str | None:
    """Return the attribute's key with its name as Batch takes it; None where nothing is left or the name is taken."""
    if key in natives:
        return key
    whole, fitted = cleaned(key[:MAX_KEY_CHARACTERS])
    if not fitted or fitted in taken or key.startswith("$"):
        warnings.add("attribute_dropped", fitted or "unnamed")
        return None
    if whole != key:
        warnings.add("renamed", whole)
    return whole


@lru_cache(maxsize=2048)
def cleaned(key: str) -> tuple[str, str]:
    """Return a key with its name as Batch takes it, and that name alone; mappings use the same few again and again."""
    wrapped = WRAPPED.fullmatch(key)
    wrapper, name = wrapped.groups() if wrapped else (None, key)
    fitted = name if NAME.fullmatch(name) else clean_name(name)
    return f"{wrapper}({fitted})" if wrapper else fitted, fitted


def clean_name(text: str) -> str:
    """Return a name of Batch's alphabet from any label: accents go, other signs become underscores."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:MAX_NAME_CHARACTERS].rstrip("_")


def bare(key: str) -> str:
    """Return the name in a key that fits: `born` of `date(born)`."""
    return key.partition("(")[2].removesuffix(")") or key


def first_attributes(fitted: dict[str, Json], warnings: Warnings) -> dict[str, Json]:
    """Return a profile's first attributes, and of lists its first, up to the limits; the others are dropped.

    Where there are too many, those that Batch itself has come first: nobody can be written to without an address.
    """
    kept: dict[str, Json] = {}
    arrays = 0
    keys = fitted if len(fitted) <= MAX_PROFILE_ATTRIBUTES else sorted(fitted, key=is_own)
    for key in keys:
        value = fitted[key]
        is_array = isinstance(value, NESTED)
        if len(kept) == MAX_PROFILE_ATTRIBUTES or (is_array and arrays == MAX_PROFILE_ARRAYS):
            warnings.add("attribute_dropped", key)
            continue
        arrays += is_array
        kept[key] = value
    return kept


def is_own(key: str) -> bool:
    """Return whether the name is one of the project's own, not of Batch."""
    return not key.startswith("$")


def first_items(key: str, items: Sequence[Json], limit: int, warnings: Warnings) -> list[Json]:
    if len(items) > limit:
        warnings.add("list_cut", key)
    return list(items[:limit])


def shrink(event: dict[str, Json], warnings: Warnings) -> dict[str, Json]:
    """Return the event within 25 kB: its longest list loses its last items, then its longest value goes."""
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
    """Return bytes as JSON on the wire."""
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def is_list(value: Value) -> TypeGuard[Sequence[Value]]:
    return not isinstance(value, SCALARS) and isinstance(value, Sequence)


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
    "$timezone": fit_timezone,
    "$topic_preferences": fit_topics,
}
# reserved event attribute   what fits it
EVENT_NATIVES: Natives = {"$label": fit_label, "$tags": fit_tags}
LISTS = frozenset({"$topic_preferences", "$tags"})


def names(found: Iterable[Misfit]) -> tuple[str, ...]:
    """Return warnings as a receipt keeps them, each once; of very many, the first, and how many more."""
    listed = tuple(dict.fromkeys(str(warning) for warning in found))
    more = len(listed) - MAX_NAMED_WARNINGS
    return (*listed[:MAX_NAMED_WARNINGS], f"more:{more}") if more > 0 else listed
