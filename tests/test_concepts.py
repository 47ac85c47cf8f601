"""What a reader of one order's way meets does not grow: lower these figures where a change makes it shorter."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.concepts import Figures, figures

PAGE = Path(__file__).parent.parent / "docs/architecture.md"
# walk   at most: modules, classes, functions, calls, changes of module, depth
LIMITS = {
    "cold": Figures(60, 36, 400, 7400, 1040, 18),
    "warm": Figures(55, 30, 350, 3250, 480, 17),
}


@pytest.fixture(scope="module")
def found() -> dict[str, Figures]:
    return figures()


@pytest.mark.parametrize("walk", LIMITS)
def test_an_order_meets_no_more_than_before(walk: str, found: dict[str, Figures]) -> None:
    grown = {
        name: (value, limit)
        for name in Figures.__slots__
        if (value := getattr(found[walk], name)) > (limit := getattr(LIMITS[walk], name))
    }
    assert not grown, f"{walk}: (found, at most) {grown}"


def test_a_walk_is_one(found: dict[str, Figures]) -> None:
    assert found["warm"].modules > 20
    assert found["warm"].depth > 5


def test_the_page_has_figures_of_this_size(found: dict[str, Figures]) -> None:
    row = re.search(
        r"^\| warm \| (\d+) \| (\d+) \| (\d+) \| ([\d,]+) \| (\d+) \| (\d+) \|$", PAGE.read_text(), re.M
    )
    assert row, "docs/architecture.md has lost the row of the warm walk"
    shown = [int(cell.replace(",", "")) for cell in row.groups()]
    for value, name in zip(shown, Figures.__slots__, strict=True):
        assert abs(value - getattr(found["warm"], name)) <= value * 0.1 + 2, f"correct {name} on the page"
