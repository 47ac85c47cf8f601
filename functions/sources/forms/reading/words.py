"""Read labels in several languages as plain words. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

NO_ASCII_FORM = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "ı": "i"}
)
MAX_LABEL_CHARACTERS = 300
MOST_REMEMBERED = 2048
"""Texts whose words are kept in mind: each label is read several times, by one question after the other."""
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
SPACE = re.compile(r"\s")
WORD = re.compile(r"[^\W_]+")
PLACEHOLDER = re.compile(r"\{+[^{}]*\}+|<[^<>]*>")
"""A template's `{{field:name}}`, or a tag of HTML."""


@lru_cache(maxsize=MOST_REMEMBERED)
def words(label: str) -> tuple[str, ...]:
    """Return the label's words in lower case without accents; a name such as `firstName` is two."""
    text = PLACEHOLDER.sub(" ", label[:MAX_LABEL_CHARACTERS])
    if not SPACE.search(text):
        text = CAMEL.sub(" ", text)
    if text.isascii():
        return tuple(WORD.findall(text.lower()))
    plain = unicodedata.normalize("NFKD", text).casefold().translate(NO_ASCII_FORM)
    return tuple(
        WORD.findall("".join(character for character in plain if not unicodedata.combining(character)))
    )


@lru_cache(maxsize=MOST_REMEMBERED)
def sentence(label: str) -> str:
    """Return the words in one line, with `e-mail` and its kin as one word."""
    return re.sub(r"\be (?=mail)", "e", " ".join(words(label)))


def set_of(text: str) -> frozenset[str]:
    """Return the words of a constant, where a list would fill a page."""
    return frozenset(text.split())


def same(label: str) -> str:
    """Return the label as two people would type it alike: no case, no runs of spaces, no `[]`."""
    return " ".join(label.casefold().split()).removesuffix("[]")
