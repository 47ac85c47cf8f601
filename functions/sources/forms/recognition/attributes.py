"""Guess which profile attribute a question asks for, from its type and label. Pure.

A label counts only where, but for words of politeness, it says nothing else: `What is your first name?` does,
`First name of your pet` does not. A wrong guess writes into someone's profile; a missing one is a line of settings.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from functions.sources.forms.reading.words import sentence, words
from functions.sources.forms.recognition.phrases import labels, pattern, words_of
from functions.sources.forms.submission import Field, Kind

FULL_NAME = "first_name last_name"
"""A name that is to be split."""
NAME = "name"
"""First, last or full name, as the questions beside it tell: French and German forms ask `Nom` beside `Prénom`."""

# type of the question   attribute
BY_TYPE: dict[Kind, str] = {"email": "$email_address", "phone": "$phone_number"}

FAMILY_NAME_FIRST = (("\u3040", "\u30ff"), ("\u3400", "\u9fff"), ("\uac00", "\ud7af"))
"""The letters of Japanese, Chinese, Korean, from one to the other: an expression of them takes long to compile."""
NOT_ASKED = frozenset({"computed", "boolean", "consent", "file", "url"})


@cache
def attributes() -> dict[str, str]:
    """Return label → attribute, each label without the words of politeness that it has itself."""
    return {essence(label): attribute for label, attribute in labels()}


def essence(label: str) -> str:
    """Return the label without words of politeness; where nothing is left, as it is."""
    plain = sentence(label).split()
    return " ".join(word for word in plain if word not in words_of("politeness")) or " ".join(plain)


def recognise(field: Field) -> str | None:
    """Return the attribute that the question asks for, FULL_NAME, NAME, or None."""
    if field.type in NOT_ASKED or isinstance(field.value, bool) or is_about_someone_else(field):
        return None
    if field.type in BY_TYPE:
        return BY_TYPE[field.type]
    return attributes().get(essence(field.label)) or attributes().get(essence(field.key))


def is_about_someone_else(field: Field) -> bool:
    return any(pattern("someone_else").search(sentence(text)) for text in (field.label, field.key))


def is_secret(field: Field) -> bool:
    """Return whether the answer is a password or the number of a card, which no one wants in a marketing tool."""
    return any(pattern("secret").search(sentence(text)) for text in (field.label, field.key))


def name_part(asked: Iterable[str | None]) -> str:
    """Return what a bare `Name` means beside the other attributes that are asked for."""
    others = set(asked)
    if "first_name" in others:
        return "last_name"
    return "first_name" if "last_name" in others else FULL_NAME


def split_name(name: str) -> dict[str, str]:
    """Return first name and the rest; `Lovelace, Ada` and `田中 花子` are read the other way round."""
    first, *rest = name.split(maxsplit=1) or [""]
    last = "".join(rest)
    if "," in name:
        last, _, first = name.partition(",")
    elif last and is_family_name_first(name):
        first, last = last, first
    named = {"first_name": first.strip(), "last_name": last.strip()}
    return {part: text for part, text in named.items() if words(text)}


def is_family_name_first(name: str) -> bool:
    """Return whether a letter of the name is of a language that puts the family name first."""
    return any(first <= letter <= last for letter in name for first, last in FAMILY_NAME_FIRST)
