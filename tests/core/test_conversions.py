"""What comes as another type than its name has is converted where nothing of it is lost, and else is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.batch.conversions import converted
from bridge.batch.limits import KINDS

LONG_LINK = "https://example.com/" + "a" * 281


@pytest.mark.parametrize(
    ("value", "kind", "wanted", "expected"),
    [
        (3, "integer", "float", 3.0),
        (2**53, "integer", "float", float(2**53)),
        (3.0, "float", "integer", 3),
        (-0.0, "float", "integer", 0),
        ("3", "string", "integer", 3),
        ("3.0", "string", "integer", 3),
        ("-12", "string", "float", -12.0),
        ("64.70", "string", "float", 64.7),
        ("Yes", "string", "boolean", True),
        ("on", "string", "boolean", True),
        ("TRUE", "string", "boolean", True),
        ("Sí", "string", "boolean", True),
        ("non", "string", "boolean", False),
        ("No.", "string", "boolean", False),
        ("2026-09-01", "string", "date", "2026-09-01T00:00:00Z"),
        ("2026-09-01T10:30:00+02:00", "string", "date", "2026-09-01T08:30:00Z"),
        ("https://example.com/a", "string", "url", "https://example.com/a"),
        (True, "boolean", "string", "true"),
        (False, "boolean", "string", "false"),
        (7, "integer", "string", "7"),
        (64.7, "float", "string", "64.7"),
        (130.0, "float", "string", "130"),
        (1e-7, "float", "string", "0.0000001"),
        (1e18, "float", "string", "1000000000000000000"),
        ("2026-09-01T00:00:00Z", "date", "string", "2026-09-01T00:00:00Z"),
        ("https://example.com/a", "url", "string", "https://example.com/a"),
        ("tea", "string", "list of strings", ["tea"]),
        (7, "integer", "list of strings", ["7"]),
        (True, "boolean", "list of strings", ["true"]),
    ],
)
def test_a_value_is_written_as_another_type_where_nothing_is_lost(
    value: Any, kind: str, wanted: str, expected: Any
) -> None:
    found = converted(value, kind, wanted)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("value", "kind", "wanted"),
    [
        (2**53 + 1, "integer", "float"),
        (2**63 - 1, "integer", "float"),
        (3.5, "float", "integer"),
        (5e-324, "float", "string"),
        ("007", "string", "integer"),
        ("+33612345678", "string", "integer"),
        ("1,5", "string", "float"),
        ("1e5", "string", "float"),
        ("٣", "string", "integer"),
        ("3.5", "string", "integer"),
        ("0.12345678901234567890", "string", "float"),
        ("9" * 300, "string", "integer"),
        ("about 5", "string", "integer"),
        ("1", "string", "boolean"),
        ("maybe", "string", "boolean"),
        ("yes, but later", "string", "boolean"),
        ("", "string", "boolean"),
        (1, "integer", "boolean"),
        (True, "boolean", "integer"),
        ("10/12/1815", "string", "date"),
        ("20260901", "string", "date"),
        ("2026-13-01", "string", "date"),
        ("2026-09-01 or later", "string", "date"),
        ("example.com", "string", "url"),
        (LONG_LINK, "url", "string"),
        (LONG_LINK, "url", "list of strings"),
        ("2026-09-01T00:00:00Z", "date", "url"),
        ("https://example.com/", "url", "date"),
        (["tea"], "list of strings", "string"),
        ({"$add": ["tea"]}, "list of strings", "string"),
        ([{"sku": "T-1"}], "list of objects", "list of strings"),
        ({"sku": "T-1"}, "object", "string"),
        ("tea", "string", "object"),
    ],
)
def test_what_would_lose_or_invent_something_is_not_converted(value: Any, kind: str, wanted: str) -> None:
    assert converted(value, kind, wanted) is None


SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.floats(-1e18, 1e18, allow_subnormal=False).map(lambda number: number + 0.0),
    st.text(max_size=20),
    st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", fullmatch=True),
)


TYPES = {"string": str, "boolean": bool, "integer": int, "float": float}


@given(SCALARS, st.sampled_from([*TYPES, "list of strings"]))
def test_what_is_converted_there_and_back_is_what_it_was(value: Any, wanted: str) -> None:
    kind = KINDS[type(value)]
    found = converted(value, kind, wanted)
    if found is None or kind == wanted:
        return
    [inner] = found if wanted == "list of strings" else [found]
    assert type(inner) is TYPES.get(wanted, str)
    back = inner if type(inner) is type(value) else converted(inner, KINDS[type(inner)], kind)
    if kind != "string" or wanted == "list of strings":
        assert back == value
    elif wanted != "boolean":
        assert float(back) == float(value)


@given(st.floats(-1e18, 1e18))
def test_a_number_as_a_text_has_digits_and_no_power_of_ten(number: float) -> None:
    text = converted(number, "float", "string")
    assert text is None or (float(text) == number and "e" not in text)
