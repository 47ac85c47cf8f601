"""Tell an id from what tools send in place of one. Light and pure: receivers import it too."""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

NAMES = """
none / null / nil / nul / void / undefined / undef / unset / not set / not available / not applicable / not provided
not found / not logged in / no id / no user / empty / blank / missing / n a / na / n a n / nan / inf / infinity
anonymous / anonymous user / anon / guest / guest user / unknown / unknown user / nobody / test / test user / dummy
tbd / object object / object / true / false / id / user id / userid / customer id / customerid / your user id
"""
WORDS = frozenset(name.strip() for line in NAMES.split("\n") for name in line.split("/")) - {""}
"""What stands for nobody in tills, plugins, test data and broken integrations; Batch's SDKs refuse some of them.
In small letters, with one blank for all that stands between them."""
ZERO = re.compile(r"0[xob]0+|0+(?:[.,]0*)?e[-+]?0+")
MINUS_ONE = re.compile(r"-\s*0*1(?:[.,]0*)?|-0x0*1")
ALL_F = re.compile(r"f{24}|f{32}")
"""The greatest UUID and the greatest id of a document, without what stands between their digits."""

UNFILLED = re.compile(
    r"x{4,}|[$#@]?\{+[^{}]*\}+|\[\[?[^\[\]]*\]?\]|%+[^%\s]+%+|\*\|.*\|\*|<[^<>]*>|«[^«»]*»"
    r"|#[A-Z0-9/]+[!?]",
    re.IGNORECASE | re.DOTALL,
)
"""What stands where a template, a link or a sheet had nothing to fill in: the same for everyone, so it names no one."""
MARK_INSIDE = re.compile(r"\{\{.*\}\}|\$\{.*\}|\{%.*%\}|\[\[.*\]\]|%%.+%%|\*\|.*\|\*|<%.*%>", re.DOTALL)
"""Marks of which one alone, anywhere in a text, says that nobody filled it in."""
UUID_IN_BRACES = re.compile(r"\{[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}", re.IGNORECASE)
"""As Microsoft's tools write one: an id, and no mark of a template."""

MINUS, SPACE_BETWEEN = "\N{MINUS SIGN}", re.compile(r"[\W_]+")
BRACKETS = "\"'`()[]{}<> "
MAX_CHARACTERS = 1000
"""Of a placeholder; a longer text is none."""

WITHOUT_ID = " without id:"
"""In a key of `object_key`, before the digest of all that an object says."""
OF_ACCOUNT = re.compile(r"^acct_\w+/")
"""Before the ids of an account that is connected to another at Stripe."""


def is_placeholder(value: object) -> bool:
    """Return whether a value names nobody although it is there: `0` in any type and script, `guest` in any spelling."""
    if isinstance(value, bool):
        return True
    if isinstance(value, int | float | Decimal):
        return value in (0, -1) or not math.isfinite(value)
    text = str(value).strip()
    if not text or len(text) > MAX_CHARACTERS:
        return False
    text = plain(text)
    return is_unfilled(text) or is_nobody(text)


def is_unfilled(text: str) -> bool:
    """Return whether a text is a mark that a template should have replaced, or has one in it."""
    if len(text) > MAX_CHARACTERS or UUID_IN_BRACES.fullmatch(text):
        return False
    return bool(UNFILLED.fullmatch(text) or MARK_INSIDE.search(text))


def is_nobody(text: str) -> bool:
    """Return whether a plain text is a word, a number or a UUID that stands for nobody, or has no letter, digit or
    picture."""
    if MINUS_ONE.fullmatch(text.strip(BRACKETS)):
        return True
    signs = SPACE_BETWEEN.sub(" ", text).strip()
    digits = signs.removeprefix("urn uuid ").replace(" ", "")
    return (
        not (digits.strip("0") or any(unicodedata.category(sign) == "So" for sign in text))
        or signs in WORDS
        or bool(ZERO.fullmatch(text.strip(BRACKETS + "-+")) or ALL_F.fullmatch(digits))
    )


def plain(text: str) -> str:
    """Return a text in small letters, with common digits, letters, blanks and minus signs, without what nobody sees."""
    return "".join(map(plain_character, unicodedata.normalize("NFKC", text))).casefold().strip()


def plain_character(character: str) -> str:
    """Return one character as a keyboard has it: `٣` is 3, any dash is a minus; nothing for one that has no width."""
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Pd" or character == MINUS:
        return "-"
    digit = unicodedata.digit(character, None)
    return "" if category == "Cf" else character if digit is None else str(digit)


def name_in(value: object) -> str | None:
    """Return an id as a text; None where there is none, and where a placeholder stands."""
    if value is None or not isinstance(value, str | int | float | Decimal) or is_placeholder(value):
        return None
    return str(value).strip() or None


def object_key(kind: str, ids: Iterable[object], content: Mapping[str, Any]) -> str:
    """Return the key of an object, such as `object:7`: by the first id that names it, else by all that it says.

    So what has no id shares its key with nothing but its own repeats.
    """
    name = next(filter(None, map(name_in, ids)), None)
    if name:
        return f"{kind}:{name}"
    said = json.dumps(content, sort_keys=True, default=str)
    return f"{kind}{WITHOUT_ID}{hashlib.sha256(said.encode()).hexdigest()}"


def is_placeholder_of(reference: str) -> bool:
    """Return whether what a reference names, the last part of `shopify:customer:0`, is a placeholder."""
    return is_placeholder(OF_ACCOUNT.sub("", reference.rpartition(":")[2]))
