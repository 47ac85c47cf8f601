"""Name a form's answers as Batch takes them: short, readable, and the same for every submission. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from functions.sources.forms.reading.words import MAX_LABEL_CHARACTERS, PLACEHOLDER, set_of, words
from functions.sources.forms.submission import Field

MAX_CHARACTERS = 30
RESERVED = set_of(
    "form_id form_name vendor page occurred_at utm_source utm_medium utm_campaign utm_term utm_content"
)
CONTRACTION = re.compile(r"['’](?=(?:s|t|re|ve|ll|m|d)\b)", re.IGNORECASE)
READABLE_WORD = re.compile(r"[a-z]+\d{0,3}|[A-Z]+\d{0,3}|[A-Z]?[a-z]+(?:[A-Z][a-z]+)*\d{0,3}|\d{1,3}")


def answer_names(fields: Sequence[Field]) -> tuple[str, ...]:
    """Return a name for each field, none twice. It depends on the questions alone, never on the answers."""
    taken: set[str] = set(RESERVED)
    numbers: dict[str, int] = {}
    names = []
    for field in fields:
        name = unique(next(candidates(field)), taken, numbers)
        taken.add(name)
        names.append(name)
    return tuple(names)


def candidates(field: Field) -> Iterator[str]:
    """Yield names from the best to the last resort: the label, a readable key, the label's beginning, the key, a
    digest."""
    shown = field.label[:MAX_LABEL_CHARACTERS]
    label = slug(shown) if is_legible(shown) else ""
    key = slug(field.key)
    if label and len(label) <= MAX_CHARACTERS and not PLACEHOLDER.search(shown):
        yield label
    if key and len(key) <= MAX_CHARACTERS and is_readable(field.key):
        yield key
    if beginning(label):
        yield beginning(label)
    if key:
        yield key[:MAX_CHARACTERS].strip("_")
    yield "answer_" + hashlib.sha256(f"{field.key}\n{field.label}".encode()).hexdigest()[:8]


def slug(text: str) -> str:
    """Return the text's ASCII words, joined by underscores."""
    plain = ("".join(filter(str.isascii, word)) for word in words(CONTRACTION.sub("", text)))
    return "_".join(word for word in plain if word)


def is_legible(label: str) -> bool:
    """Return whether at least half of the label's letters are left in its slug."""
    letters = sum(map(str.isalpha, PLACEHOLDER.sub("", label)))
    return 2 * sum(map(str.isalpha, slug(label))) >= letters


def is_readable(key: str) -> bool:
    """Return whether a person chose the key: words, not the digits of a machine."""
    parts = [part for part in re.split(r"[\W_]+", key) if part]
    return any(len(part) > 1 for part in parts) and all(READABLE_WORD.fullmatch(part) for part in parts)


def beginning(name: str) -> str:
    """Return the name's first words, as many as fit."""
    if len(name) <= MAX_CHARACTERS:
        return name
    return name[: MAX_CHARACTERS + 1].rpartition("_")[0] or name[:MAX_CHARACTERS]


def unique(name: str, taken: set[str], numbers: dict[str, int]) -> str:
    """Return the name, with a number where it is taken; `numbers` are the last ones, to begin with the next."""
    number, found = numbers.get(name, 1), name
    while found in taken:
        number += 1
        ending = f"_{number}"
        found = name[: MAX_CHARACTERS - len(ending)].rstrip("_") + ending
    numbers[name] = number
    return found
