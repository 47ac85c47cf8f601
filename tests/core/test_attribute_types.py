"""Whatever comes in whatever order, every name is sent with one type, and whatever is changed for it is told by name.

The judge is the Batch sandbox, which keeps one type per name for ever.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.batch.attribute_types import (
    agreed_attributes,
    agreed_event,
    attribute_kind,
    emptied,
    event_kinds,
    event_path,
)
from bridge.batch.limits import MAX_EVENT_BYTES, Warnings, bare, fit_attributes, fit_event, names, size
from bridge.profiles.profile_change import Event
from local.sandbox.rules import read_operation
from local.sandbox.shape import check_operations, read_array
from local.sandbox.store import Store
from tests.core.test_limits import ATTRIBUTES, GENEROUS, MAX_OPERATIONS

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)


@dataclass
class Project:
    """A Batch project, and the kinds that were taken there, as delivery remembers them."""

    store: Store = field(default_factory=Store)
    kinds: dict[str, str] = field(default_factory=dict)
    others: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def profile(self, attributes: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Send attributes: as they were sent, and the warnings."""
        warnings = Warnings()
        fitted = fit_attributes(attributes, warnings)
        sent, origins = agreed_attributes(fitted, self.others, self.kinds.get, warnings)
        assert self.refused(attributes=sent) == []
        kinds = {bare(key): attribute_kind(key, value) for key, value in sent.items()}
        self.remember({name: kind for name, kind in kinds.items() if kind})
        for key, origin in origins.items():
            self.others[origin] = (*self.others.get(origin, ()), key)
        return sent, list(names(warnings.found))

    def event(
        self, attributes: Mapping[str, Any], name: str = "form_submitted"
    ) -> tuple[dict[str, Any], list[str]]:
        """Send an event with these attributes: as they were sent, and the warnings."""
        warnings = Warnings()
        fitted = fit_event(Event(name, NOW, attributes), NOW, warnings)
        assert fitted is not None
        sent = agreed_event(fitted, self.kinds.get, warnings)
        assert self.refused(events=[sent]) == []
        self.remember(event_kinds(sent))
        return sent["attributes"], list(names(warnings.found))

    def refused(self, **members: Any) -> list[str]:
        body = json.dumps([{"identifiers": {"custom_id": "ada"}, **members}]).encode()
        [operation] = check_operations(read_array(body, MAX_OPERATIONS))
        reading = read_operation(operation, NOW.timestamp())
        flaws = reading.flaws + self.store.apply("project", reading, NOW.timestamp())
        return [
            f"{flaw.attribute}: {flaw.reason}" for flaw in flaws if "more than 25 items" not in flaw.reason
        ]

    def remember(self, kinds: Mapping[str, str]) -> None:
        for path, kind in kinds.items():
            assert self.kinds.setdefault(path, kind) == kind, "a name has two types"


# ── One name, two types ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("first", "second", "sent", "warning"),
    [
        ({"x": 1.5}, {"x": 2}, {"x": 2.0}, []),
        ({"x": 1}, {"x": 2.0}, {"x": 2}, []),
        ({"x": "a"}, {"x": 2}, {"x": "2"}, ["retyped:x"]),
        ({"x": "a"}, {"x": True}, {"x": "true"}, ["retyped:x"]),
        ({"x": "a"}, {"date(x)": "2026-09-01"}, {"x": "2026-09-01T00:00:00Z"}, ["retyped:x"]),
        ({"x": "a"}, {"url(x)": "https://a.example"}, {"x": "https://a.example"}, ["retyped:x"]),
        ({"x": True}, {"x": "yes"}, {"x": True}, ["retyped:x"]),
        ({"x": 1}, {"x": "2"}, {"x": 2}, ["retyped:x"]),
        ({"date(x)": "2026-09-01"}, {"x": "2026-09-02"}, {"date(x)": "2026-09-02T00:00:00Z"}, ["retyped:x"]),
        ({"url(x)": "https://a.example"}, {"x": "http://b.example"}, {"url(x)": "http://b.example"}, ["retyped:x"]),
        ({"x": ["a"]}, {"x": "b"}, {"x": ["b"]}, ["retyped:x"]),
        ({"x": ["a"]}, {"x": 3}, {"x": ["3"]}, ["retyped:x"]),
        ({"x": True}, {"x": "maybe"}, {"x_text": "maybe"}, ["renamed:x_text"]),
        ({"x": 1}, {"x": True}, {"x_yes_no": True}, ["renamed:x_yes_no"]),
        ({"x": True}, {"x": 1}, {"x_number": 1.0}, ["renamed:x_number"]),
        ({"x": True}, {"x": 2**53 + 1}, {"x_number": 2**53 + 1}, ["renamed:x_number"]),
        ({"x": 1}, {"x": 1.5}, {"x_number": 1.5}, ["renamed:x_number"]),
        ({"x": 1}, {"date(x)": "2026-09-01"}, {"date(x_date)": "2026-09-01T00:00:00Z"}, ["renamed:x_date"]),
        ({"x": 1}, {"url(x)": "https://a.example"}, {"url(x_link)": "https://a.example"}, ["renamed:x_link"]),
        ({"x": "a"}, {"x": ["b"]}, {"x_list": ["b"]}, ["renamed:x_list"]),
    ],
)  # fmt: skip
def test_a_second_type_of_a_name_is_converted_or_gets_a_name_that_tells_it(
    first: Any, second: Any, sent: Any, warning: list[str]
) -> None:
    project = Project()
    assert project.profile(first)[1] == project.event(first)[1] == []
    for found, warnings in (project.profile(second), project.event(second), project.event(second)):
        assert (found, warnings) == (sent, warning)
        assert [type(value) for value in found.values()] == [type(value) for value in sent.values()]


def test_objects_get_a_name_of_their_own_with_all_that_is_in_them() -> None:
    project = Project()
    project.event({"address": "1 Tea Street", "lines": "two", "where": {"city": "Paris"}})
    sent, warnings = project.event(
        {"address": {"city": "Paris"}, "lines": [{"sku": 1}], "where": [{"city": "Rome"}]}
    )
    assert sent == {
        "address_object": {"city": "Paris"},
        "lines_objects": [{"sku": 1}],
        "where_objects": [{"city": "Rome"}],
    }
    assert warnings == ["renamed:address_object", "renamed:lines_objects", "renamed:where_objects"]


def test_paths_within_objects_have_a_type_each() -> None:
    project = Project()
    project.event({"items": [{"quantity": 1, "size": 42}], "size": "M"})
    sent, warnings = project.event(
        {"items": [{"quantity": 2.0}, {"size": "43"}, {"size": "XL"}], "size": "L"}
    )
    assert sent == {"items": [{"quantity": 2}, {"size": 43}, {"size_text": "XL"}], "size": "L"}
    assert warnings == ["retyped:items.size", "renamed:items.size_text"]


def test_within_one_event_too_a_name_has_one_type_whichever_way_it_is_written() -> None:
    sent, warnings = Project().event({"items": [{"born": "1815"}, {"date(born)": "1815-12-10"}]})
    assert sent == {"items": [{"born": "1815"}, {"born": "1815-12-10T00:00:00Z"}]}
    assert warnings == ["retyped:items.born"]


def test_a_name_has_a_type_for_each_event_and_one_for_profiles() -> None:
    project = Project()
    for sent in (
        project.profile({"size": "M"}),
        project.event({"size": 42}, "order_paid"),
        project.event({"size": True}, "form_submitted"),
    ):
        assert sent[1] == []
    assert project.event({"size": 43}, "order_paid") == ({"size": 43}, [])


def test_the_other_name_is_cut_to_what_batch_takes_and_never_one_that_is_taken() -> None:
    project = Project()
    long = "what_is_your_favourite_colour"
    project.event({long: True, "x": True})
    sent, warnings = project.event({long: "perhaps", "x": "perhaps", "x_text": "my own"})
    assert sent == {
        "what_is_your_favourite_co_text": "perhaps",
        "x_text_2": "perhaps",
        "x_text": "my own",
    }
    assert warnings == ["renamed:what_is_your_favourite_co_text", "renamed:x_text_2"]


def test_another_name_that_has_another_type_itself_is_used_where_the_value_fits_or_else_the_next() -> None:
    project = Project()
    project.event({"x": True, "x_text": 5, "y": True, "y_text": ["a"]})
    sent, warnings = project.event({"x": "perhaps", "y": "perhaps"})
    assert sent == {"x_text_2": "perhaps", "y_text": ["perhaps"]}
    assert warnings == ["renamed:x_text_2", "renamed:y_text"]


def test_a_value_for_which_no_name_is_left_is_dropped_and_told() -> None:
    project = Project()
    project.event({"x": True, "x_text": True, **{f"x_text_{number}": True for number in range(2, 10)}})
    assert project.event({"x": "perhaps"}) == ({}, ["attribute_dropped:x"])


def test_changes_of_a_list_are_of_the_lists_type() -> None:
    project = Project()
    project.profile({"tags": ["a"], "x": "a"})
    assert project.profile({"tags": {"$add": ["b"]}}) == ({"tags": {"$add": ["b"]}}, [])
    assert project.profile({"x": {"$add": ["b"]}}) == ({"x_list": {"$add": ["b"]}}, ["renamed:x_list"])


def test_a_text_becomes_no_list_where_batch_takes_no_more_lists_or_levels() -> None:
    project = Project()
    project.event({"x": ["a"], "a": {"b": {"c": {"d": "e"}}}})
    lists = {f"list_{number}": ["a"] for number in range(10)}
    assert project.event({**lists, "x": "b"}) == ({**lists, "x_text": "b"}, ["renamed:x_text"])
    project.kinds["form_submitted.a.b.c.d"] = "list of strings"
    deep = {"a": {"b": {"c": {"d": "e"}}}}
    found = agreed_event({"name": "form_submitted", "attributes": deep}, project.kinds.get, Warnings())
    assert found["attributes"] == {"a": {"b": {"c": {"d_text": "e"}}}}
    profile = {f"list_{number}": ["a"] for number in range(15)}
    project.profile({"x": ["a"]})
    assert project.profile({**profile, "x": "b"})[0]["x_text"] == "b"


def test_an_event_that_grows_over_25_kb_by_it_is_made_to_fit() -> None:
    project = Project()
    project.event({"x": True})
    items = [{f"note_{number}": "a" * 80 for number in range(10)} for _ in range(25)]
    event = {"name": "form_submitted", "time": "2026-09-10T12:00:00Z"}
    for item in items:
        package = MAX_EVENT_BYTES - size({**event, "attributes": {"x": "maybe", "items": items}})
        item["note_0"] += "a" * min(220, package)
    assert size({**event, "attributes": {"x": "maybe", "items": items}}) == MAX_EVENT_BYTES
    sent, warnings = project.event({"x": "maybe", "items": items})
    assert (sent["x_text"], len(sent["items"]), warnings) == (
        "maybe",
        18,
        ["renamed:x_text", "list_cut:items"],
    )


# ── Emptying ────────────────────────────────────────────────────────────────────────────────────────────


def test_null_has_no_type_and_empties_whatever_the_name_holds() -> None:
    project = Project()
    assert project.profile({"x": None}) == ({"x": None}, [])
    assert project.kinds == {}
    project.profile({"x": 1, "date(y)": "2026-09-01"})
    assert project.profile({"x": None, "y": None}) == ({"x": None, "y": None}, [])


def test_null_for_a_date_is_sent_as_the_type_that_the_name_has() -> None:
    project = Project()
    project.profile({"x": "a"})
    assert project.profile({"date(x)": None}) == ({"x": None}, [])
    assert project.profile({"date(new)": None}) == ({"date(new)": None}, [])
    assert project.profile({"new": "a"}) == ({"new_text": "a"}, ["renamed:new_text"])
    assert emptied("date(Born on)", {"born_on": "url"}.get) == "url(born_on)"
    assert emptied("$email_address", {}.get) == "$email_address"


def test_what_was_sent_under_another_name_is_emptied_there_too() -> None:
    project = Project()
    project.profile({"x": True})
    project.profile({"x": "perhaps"})
    assert project.profile({"x": None}) == ({"x": None, "x_text": None}, [])
    assert project.profile({"x": None, "x_text": "mine"}) == ({"x_text": "mine", "x": None}, [])


# ── Names ───────────────────────────────────────────────────────────────────────────────────────────────


def test_batchs_own_attributes_have_no_type_of_ours() -> None:
    project = Project()
    project.profile({"$email_address": "ada@example.com", "$topic_preferences": ["news"]})
    project.event({"$label": "a", "$tags": ["b"]})
    assert project.kinds == {}


def test_a_path_is_remembered_without_the_wrappers_of_its_names() -> None:
    assert event_path("order_paid", "items.date(born)") == "order_paid.items.born"
    assert event_path("order_paid", "url(page)") == "order_paid.page"
    sent = {
        "name": "order_paid",
        "attributes": {"url(page)": "x", "items": [{"date(born)": "y"}], "$label": "z"},
    }
    assert event_kinds(sent) == {
        "order_paid.page": "url",
        "order_paid.items": "list of objects",
        "order_paid.items.born": "date",
    }


# ── Whatever comes ──────────────────────────────────────────────────────────────────────────────────────


@GENEROUS
@given(st.lists(st.tuples(st.booleans(), ATTRIBUTES), min_size=2, max_size=5))
def test_of_whatever_comes_in_any_order_batch_refuses_nothing(
    sent: list[tuple[bool, dict[str, Any]]],
) -> None:
    project = Project()
    for is_event, attributes in sent:
        (project.event if is_event else project.profile)(attributes)


FEW = st.sampled_from(["x", "y", "x_text", "date(x)", "url(x)", "x_number"])
VALUES = st.one_of(
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from([2**53 + 1, 1.5, 2.0, "yes", "5", "1.5", "tea", "2026-09-01", "https://a.example"]),
    st.sampled_from(["https://a.example/" + "a" * 300, ["tea"], {"$add": ["tea"]}, None]),
)


@GENEROUS
@given(st.lists(st.dictionaries(FEW, VALUES, max_size=4), min_size=2, max_size=8))
def test_of_a_few_names_with_every_type_nothing_is_refused_and_nothing_lost(
    sent: list[dict[str, Any]],
) -> None:
    """A second type of a name finds a place: as many attributes go out as were fitted."""
    project = Project()
    for attributes in sent:
        fitted = {
            key: value for key, value in fit_attributes(attributes, Warnings()).items() if value is not None
        }
        found, warnings = project.profile(attributes)
        assert len([value for value in found.values() if value is not None]) == len(fitted)
        assert len([warning for warning in warnings if warning.startswith(("retyped", "renamed"))]) >= len(
            [key for key in fitted if key not in found]
        )
