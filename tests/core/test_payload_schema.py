"""What is watched is what the models read, wherever it stands."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, BeforeValidator, Field

from bridge.providers.payload_schema import MAX_ITEMS, MovedTo, Shape


class Line(BaseModel):
    sku: str | None = None
    note: Any = None
    end: int | None = None


class Buyer(BaseModel):
    email: str | None = None
    aliased: str = Field("", validation_alias="otherName")
    either: str = Field("", validation_alias=AliasChoices("old_name", "new_name", AliasPath("names", 0)))


class Order(BaseModel):
    id: str
    buyer: Buyer | None = None
    lines: Annotated[tuple[Line, ...], BeforeValidator(lambda value: value or [])] = ()
    metadata: dict[str, Any] = {}
    end: Annotated[int | None, MovedTo("lines[].end")] = None


SHAPE = Shape({"": Order})
BODY: dict[str, Any] = {
    "id": 1,
    "buyer": {"email": None, "otherName": "x", "old_name": "y"},
    "lines": [{"sku": "a", "note": 1, "end": 1}, {"sku": None, "note": "b", "end": 2.5}],
    "metadata": {"anything": {}},
    "end": 3,
    "unread": True,
}


def test_each_field_is_seen_with_the_types_it_has() -> None:
    assert SHAPE.seen(BODY) == {
        "id": {"number"},
        "buyer": {"object"},
        "buyer.email": set(),
        "buyer.otherName": {"string"},
        "buyer.old_name": {"string"},
        "lines": {"list"},
        "lines[].sku": {"string"},
        "lines[].note": set(),
        "lines[].end": {"number"},
        "metadata": {"object"},
        "end": {"number"},
    }


@pytest.mark.parametrize("name", ["new_name", "names"])
def test_a_field_may_go_by_any_of_its_names(name: str) -> None:
    seen = SHAPE.seen(BODY | {"buyer": {name: "y"}})
    assert seen["buyer.old_name"] == {"string"}
    assert seen["buyer.email"] is None


@pytest.mark.parametrize("buyer", [None, "cus_1", 7, []])
def test_nothing_is_missed_below_what_is_no_object(buyer: Any) -> None:
    seen = SHAPE.seen(BODY | {"buyer": buyer})
    assert [path for path in seen if path.startswith("buyer")] == ["buyer"]


def test_a_field_is_absent_from_a_list_when_one_item_lacks_it() -> None:
    assert SHAPE.seen(BODY | {"lines": [{"sku": "a"}, {}]})["lines[].sku"] is None
    assert "lines[].sku" not in SHAPE.seen(BODY | {"lines": []})


def test_of_a_long_list_the_first_items_are_looked_at() -> None:
    lines = [{"sku": "a"}] * MAX_ITEMS + [{}]
    assert SHAPE.seen(BODY | {"lines": lines})["lines[].sku"] == {"string"}


def test_what_has_moved_is_not_missed_where_it_stood() -> None:
    moved = {name: value for name, value in BODY.items() if name != "end"}
    assert "end" not in SHAPE.seen(moved)
    assert SHAPE.seen(moved | {"lines": []})["end"] is None
    assert SHAPE.seen(moved | {"lines": [{"sku": "a"}]})["end"] is None


def test_a_model_may_read_a_part_of_the_body() -> None:
    shape = Shape({"data.object": Buyer})
    assert shape.seen({"data": {"object": {"email": "ada@example.com"}}})["data.object.email"] == {"string"}
    assert shape.seen({"data": {"object": "gone"}}) == shape.seen({"data": None}) == shape.seen({}) == {}
