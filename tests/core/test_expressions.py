"""An expression of the settings costs no more than the body that it is asked about."""

from __future__ import annotations

import pytest
from jmespath.exceptions import JMESPathError

from bridge.expressions import MAX_COPIES, TooCostly, Unanswerable, compiled, copies, search
from bridge.settings import ConnectionSettings, InvalidSettings, checked
from functions.sources.custom.expressions import found_text


@pytest.mark.parametrize(
    ("expression", "repeated"),
    [
        ("customer.email", 1),
        ("items[?price > `10`].{sku: sku, name: title}", 2),
        ("[a, [b, c]]", 3),
        ("[@,@] | [@,@] | [@,@]", 8),
        ("[@,@][] | [@,@,@][]", 6),
        ("map(&[@,@], items)", 2),
        ("join(' ', [first, last])", 2),
    ],
)
def test_it_is_known_how_often_an_expression_repeats_a_body(expression: str, repeated: int) -> None:
    assert copies(compiled(expression).parsed) == repeated


@pytest.mark.parametrize("step", [" | [@,@]", "[] | [@,@]", ".{a: @, b: @}"])
def test_an_expression_that_doubles_a_body_again_and_again_is_refused_at_once(step: str) -> None:
    with pytest.raises(TooCostly, match="too often"):
        compiled("[@,@]" + step * 40)
    assert found_text("to_string([@,@]" + step * 40 + ")", {"a": "b"}) is None


@pytest.mark.parametrize(
    "expression",
    ["!" * 900 + "a", "[" * 100 + "a" + "]" * 100, "a" + " | a" * 100, "(" * 2000 + "a" + ")" * 2000],
)
def test_an_expression_nested_too_deep_is_refused(expression: str) -> None:
    with pytest.raises(TooCostly, match="too deep"):
        compiled(expression)


def test_an_object_may_have_as_many_names_as_anybody_needs() -> None:
    names = ", ".join(f"name_{number}: a.b" for number in range(MAX_COPIES))
    assert compiled("items[].{" + names + "}")


def test_settings_with_such_an_expression_are_not_stored() -> None:
    with pytest.raises(InvalidSettings, match="too often"):
        checked({"added_attributes": {"all": "[@,@]" + " | [@,@]" * 40}}, ConnectionSettings)


@pytest.mark.parametrize("expression", ["ceil(n)", "floor(n)", "avg([m, n])", "sum([m, `0.5`])"])
def test_what_cannot_be_answered_is_told_as_any_other_fault_of_an_expression(expression: str) -> None:
    """Else one such webhook would break off the delivery of all that came with it."""
    with pytest.raises(Unanswerable, match="Error"):
        search(expression, {"n": float("inf"), "m": 10**400})
    assert issubclass(Unanswerable, JMESPathError)
    assert found_text(expression, {"n": float("inf"), "m": 10**400}) is None
