"""Write a value as another of Batch's types, where nothing of it is lost. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from bridge.batch.limits import (
    MAX_NUMBER,
    MAX_STRING_CHARACTERS,
    Json,
    Warnings,
    clean_name,
    fit_date,
    fit_url,
)
from bridge.profiles import normalise

YES = frozenset({"true", "yes", "on", "oui", "ja", "si", "sim"})
NO = frozenset({"false", "no", "off", "non", "nein", "nee", "nao"})
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
"""Not `007`, which is a code, nor `1,5`, which is read one way here and another there."""
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?")


def converted(value: Json, kind: str, wanted: str) -> Json:
    """Return a value of one kind as another, or None where that would lose or invent something."""
    if wanted == "list of strings":
        text = text_of(value)
        return None if text is None else [text]
    if wanted == "string":
        return text_of(value)
    read = (OF_TEXT if kind == "string" else OF_NUMBER if kind in ("integer", "float") else {}).get(wanted)
    return read(value) if read else None


def text_of(value: Json) -> str | None:
    """Return any single value as a text. What is too long for one is none: a link that is cut leads elsewhere."""
    if isinstance(value, list | dict):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else digits(value)
    return text if normalise.utf16_units(text) <= MAX_STRING_CHARACTERS else None


def digits(number: float) -> str:
    """Return a number as people write it: `130`, `64.7`, and no power of ten."""
    return format(Decimal(repr(number)), "f").removesuffix(".0")


def whole_number(value: float) -> int | None:
    return int(value) if value == int(value) else None


def decimal_number(value: float) -> float | None:
    return float(value) if float(value) == value else None


def number_in(text: str) -> Decimal | None:
    """Return the number that a text is, as people and machines write it alike."""
    number = Decimal(text) if NUMBER.fullmatch(text) else None
    return number if number is not None and abs(number) <= MAX_NUMBER else None


def whole_number_in(text: str) -> int | None:
    number = number_in(text)
    return int(number) if number is not None and number == int(number) else None


def decimal_number_in(text: str) -> float | None:
    """Return the number, where a float holds all of its digits; zero has no minus."""
    number = number_in(text)
    if number is None or Decimal(repr(float(number))) != number:
        return None
    return float(number) + 0.0


def yes_or_no(text: str) -> bool | None:
    word = clean_name(text)
    return True if word in YES else False if word in NO else None


def date_in(text: str) -> str | None:
    return fit_date("", text, Warnings()) if DATE.fullmatch(text) else None


def link_in(text: str) -> str | None:
    return fit_url("", text, Warnings())


# wanted kind   what reads it off another
OF_TEXT: Mapping[str, Callable[[str], Json]] = {
    "boolean": yes_or_no,
    "integer": whole_number_in,
    "float": decimal_number_in,
    "date": date_in,
    "url": link_in,
}
OF_NUMBER: Mapping[str, Callable[[float], Json]] = {"integer": whole_number, "float": decimal_number}
