"""What stands in place of an id and names nobody."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.placeholders import is_placeholder, is_placeholder_of, name_in

# as the issue of many tools has them
NOBODY = ["0", "-1", "none", "null", "undefined", "anonymous", "guest", "n/a", "unknown", "test"]
NIL = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("written", [str, str.upper, str.title, lambda text: f" \t{text}\n"])
@pytest.mark.parametrize("text", [*NOBODY, NIL, f"{{{NIL}}}", "0.0", "00", "-0", "-1.0"])
def test_a_placeholder_is_nobody_in_any_case_and_with_blanks(text: str, written: Any) -> None:
    assert is_placeholder(written(text))
    assert name_in(written(text)) is None
    assert is_placeholder_of(f"shopify:customer:{written(text)}")


@pytest.mark.parametrize("value", [0, -1, 0.0, -0.0, Decimal("0.00"), True, False, float("nan")])
def test_a_placeholder_is_nobody_in_any_type(value: Any) -> None:
    assert is_placeholder(value)
    assert name_in(value) is None


@pytest.mark.parametrize("value", [None, "", "  ", [], {}, ["0"]])
def test_what_is_no_id_at_all_names_nobody(value: Any) -> None:
    assert name_in(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (42, "42"),
        ("-10", "-10"),
        ("guest-7", "guest-7"),
        ("tester", "tester"),
        ("0a", "0a"),
        ("1.0", "1.0"),
        ("annull", "annull"),
        ("10000000-0000-0000-0000-000000000000", "10000000-0000-0000-0000-000000000000"),
        (" ada ", "ada"),
    ],
)
def test_an_id_that_only_resembles_one_is_an_id(value: Any, expected: str) -> None:
    assert not is_placeholder(value)
    assert name_in(value) == expected


@pytest.mark.parametrize(
    "reference", ["stripe:customer:acct_7/0", "custom:shop:customer:unknown", "shopify:None"]
)
def test_a_reference_is_judged_by_what_it_names(reference: str) -> None:
    assert is_placeholder_of(reference)


@pytest.mark.parametrize(
    "reference",
    ["stripe:customer:acct_7/cus_9", "woocommerce:test:customer:9", "custom:c:page:https://x.example/test"],
)
def test_only_what_a_reference_names_is_judged(reference: str) -> None:
    assert not is_placeholder_of(reference)


@given(st.integers(min_value=1))
def test_every_number_above_zero_is_somebody(number: int) -> None:
    assert name_in(number) == name_in(str(number)) == str(number)
