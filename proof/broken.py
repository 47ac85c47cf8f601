"""Bodies that are broken in every way, to be signed rightly. Pure: chance is handed in."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

DEPTH = 20_000
OVER_LIMIT_BYTES = 6 * 1024 * 1024 + 1
HUGE = "9" * 400

Break = Callable[[bytes, random.Random], bytes]


def not_json(body: bytes, chance: random.Random) -> bytes:
    del body
    return f"<html>{chance.random()}</html>".encode()


def empty(body: bytes, chance: random.Random) -> bytes:
    del body, chance
    return b""


def truncated(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randint(1, max(1, len(body) - 1))]


def nested(body: bytes, chance: random.Random) -> bytes:
    """Return a body deeper than any parser goes, as a list or within an object."""
    del body
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return opening * DEPTH + b"1" + closing * DEPTH


def no_object(body: bytes, chance: random.Random) -> bytes:
    del body
    return chance.choice((b"null", b"true", b"7", b'"text"', b"[]", b"[{}]", b"{}"))


def wrong_types(body: bytes, chance: random.Random) -> bytes:
    """Return a body in which one object or list is something else. Plain values stay: in Batch a name has one type."""
    content = object_of(body)
    places = [name for name, value in content.items() if isinstance(value, dict | list)] or ["id"]
    content[chance.choice(places)] = chance.choice((7, "text", [[]], {"a": {"a": []}}, True))
    return json.dumps(content).encode()


def huge_numbers(body: bytes, chance: random.Random) -> bytes:
    """Return a number of 400 digits, or one that is infinite, where an id was."""
    number = chance.choice((HUGE, "1e999", "-1e999", "NaN"))
    head = json.dumps(object_of(body))[1:]
    return f'{{"id": {number}, {head}'.replace('"id": ', f'"id": {number}, "was": ', 1).encode()


def not_utf8(body: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(body))
    return body[:place] + b"\xff\xfe\xc3\x28" + body[place:]


def half_a_character(body: bytes, chance: random.Random) -> bytes:
    """Return a body with half of a character: JSON can name it, and UTF-8 cannot write it."""
    content = object_of(body)
    texts = [name for name, value in content.items() if isinstance(value, str)]
    if not texts:
        return b'{"id": "\\ud800"}'
    return json.dumps(content | {chance.choice(texts): "\ud800"}).encode()


def huge_texts(body: bytes, chance: random.Random) -> bytes:
    """Return a body whose names and ids are longer than any key of a database may be, some longer than a row."""
    content = object_of(body)
    length = chance.choice((3_000, 420_000))
    texts = [name for name, value in content.items() if isinstance(value, str | int)]
    return json.dumps(content | {name: f"{chance.random()}" + "x" * length for name in texts}).encode()


def over_limit(body: bytes, chance: random.Random) -> bytes:
    del chance
    return body.rstrip() + b" " * OVER_LIMIT_BYTES


# how it is broken   what breaks it
WAYS: Mapping[str, Break] = {
    "not_json": not_json,
    "empty": empty,
    "truncated": truncated,
    "nested": nested,
    "no_object": no_object,
    "wrong_types": wrong_types,
    "huge_numbers": huge_numbers,
    "not_utf8": not_utf8,
    "half_a_character": half_a_character,
    "huge_texts": huge_texts,
    "over_limit": over_limit,
}


SHAPED = frozenset({"shopify", "stripe", "woocommerce", "custom", "typeform", "tally", "netlify", "google"})
"""Sources whose bodies have a shape of their own. In the others people name the fields: there another type is another
answer, which Batch refuses for the name's sake, as it should."""


def ways(source: str) -> tuple[str, ...]:
    """Return how a webhook of this source can be broken; what is over the limit is large, and so not among them."""
    spared = {"over_limit"} if source in SHAPED else {"over_limit", "wrong_types"}
    return tuple(way for way in WAYS if way not in spared)


def object_of(body: bytes) -> dict[str, Any]:
    """Return the body as an object, empty where it is none."""
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
