"""JSON is read as the standard has it, and never deeper than anybody needs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import MalformedBody
from bridge.strict_json import MAX_DEPTH, depth_is_within, is_shallow, json_value

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.sampled_from('[]{}"\\,:aé'), max_size=6)
VALUES = st.recursive(
    LEAVES | TEXTS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3)
)


def nested(depth: int, innermost: str = "1", kind: str = "list") -> bytes:
    opening, closing = ("[", "]") if kind == "list" else ('{"a":', "}")
    return (opening * depth + innermost + closing * depth).encode()


@given(VALUES, st.booleans())
def test_what_is_written_is_read(value: Any, plain: bool) -> None:
    assert json_value(json.dumps(value, ensure_ascii=plain).encode()) == value


@pytest.mark.parametrize("kind", ["list", "object"])
@pytest.mark.parametrize("innermost", ["1", '"["', '"]"', '"{\\"["', '"\\\\"', '""'])
def test_64_levels_are_read_and_65_are_not_whatever_the_texts_say(kind: str, innermost: str) -> None:
    json_value(nested(MAX_DEPTH, innermost, kind))
    with pytest.raises(MalformedBody, match="nested too deep"):
        json_value(nested(MAX_DEPTH + 1, innermost, kind))


def test_brackets_in_texts_hide_no_depth() -> None:
    hidden = '["]",' * 100 + "1" + ',"["]' * 100
    with pytest.raises(MalformedBody, match="nested too deep"):
        json_value(hidden.encode())


def test_many_brackets_in_texts_are_no_depth() -> None:
    assert json_value(json.dumps({"note": "[" * 10_000}).encode()) == {"note": "[" * 10_000}


@given(VALUES, st.integers(0, 80))
def test_the_quick_look_at_the_brackets_never_overlooks_a_depth(value: Any, depth: int) -> None:
    body = nested(depth, json.dumps(value))
    assert depth_is_within(json.loads(body), MAX_DEPTH) or not is_shallow(body)


def test_depth_is_counted_by_objects_and_lists_alone() -> None:
    assert depth_is_within("text", 0)
    assert depth_is_within({"a": [1]}, 2)
    assert not depth_is_within({"a": [1]}, 1)


@pytest.mark.parametrize(
    "body",
    [
        b'{"amount": NaN}',
        b'{"amount": Infinity}',
        b'{"amount": -Infinity}',
        b'{"amount": ' + b"1" * 5000 + b"}",
        b'{"note": "\x00"}',
        b'{"note": "\xff"}',
        b'{"note": 1}\x00',
        '{"note": 1}'.encode("utf-16"),
        '{"note": 1}'.encode("utf-32"),
        b"\xef\xbb\xbf",
        b"",
    ],
    ids=["nan", "infinity", "minus", "digits", "nul", "utf-8", "ending", "utf-16", "utf-32", "bom", "empty"],
)
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody, match="body is not JSON"):
        json_value(body)


def test_the_last_of_two_values_of_one_name_counts() -> None:
    """As everywhere else: what is verified, what is queued and what is mapped read the same."""
    assert json_value(b'{"id": 1, "id": 2}') == {"id": 2}


def test_a_byte_order_mark_is_passed_over() -> None:
    assert json_value(b'\xef\xbb\xbf{"id": 1}') == {"id": 1}


def test_half_a_character_is_read_as_it_is() -> None:
    assert json_value(rb'{"note": "\ud83d"}') == {"note": "\ud83d"}
    assert json_value(b'{"note": "\xed\xa0\xbd"}') == {"note": "\ud83d"}
