"""Read the words and phrases of each language from `languages/`, once, when first asked. No other I/O.

Receivers import this module by way of the vendors, and never load a language: their cold start pays nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = Path(__file__).parent / "languages"


@cache
def languages() -> tuple[Mapping[str, Any], ...]:
    """Return the tables of every language: `labels`, `words`, `phrases`."""
    from tomllib import loads

    return tuple(loads(path.read_text(encoding="utf-8")) for path in sorted(LANGUAGES.glob("*.toml")))


def labels() -> Iterator[tuple[str, str]]:
    """Yield each label with the attribute that it asks for."""
    for language in languages():
        for attribute, texts in language["labels"].items():
            yield from ((text, attribute) for text in texts)


@cache
def words_of(kind: str) -> frozenset[str]:
    """Return the single words of a kind in all languages: `politeness`, `bare`, `ticked`."""
    return frozenset(word for language in languages() for word in language["words"].get(kind, ()))


def alternatives(kind: str) -> str:
    """Return the phrases of a kind in all languages as one expression; `*` is the rest of a word. Raises KeyError."""
    phrases = dict.fromkeys(
        phrase for language in languages() for phrase in language["phrases"].get(kind, ())
    )
    if not phrases:
        raise KeyError(kind)
    return "|".join(phrases).replace("*", r"\w*")


@cache
def pattern(kind: str) -> re.Pattern[str]:
    """Return an expression for any phrase of a kind, as whole words."""
    return re.compile(rf"\b(?:{alternatives(kind)})\b")
