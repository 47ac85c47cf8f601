"""A usual field that is gone or changed is noticed; what comes and goes, and any values, are left in peace."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.providers.payload_schema import Seen, Shape
from functions.deliver.schema_drift.fields import (
    CHANGED,
    GONE,
    MAX_GAPS,
    MAX_VERSIONS,
    ODD_IN_A_ROW,
    TOLD_FOR,
    USUAL_AFTER,
    FieldHistory,
    Versions,
    drifts,
    dump,
    is_restless,
    load,
    newest,
    observed,
)
from functions.sources.shopify.mapping import reads

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
TEXT, NUMBER, NULL = frozenset({"string"}), frozenset({"number"}), frozenset[str]()
USUAL: Seen = {"id": NUMBER, "email": TEXT}
WITHOUT: Seen = {"id": NUMBER, "email": None}


def after(
    webhooks: Sequence[Seen], versions: Versions | None = None, version: str = "1", now: datetime = NOW
) -> Versions:
    versions = versions or {}
    for seen in webhooks:
        versions = observed(versions, version, seen, now)
    return versions


def found(versions: Versions) -> dict[str, str]:
    """The drifts of the version that began last: path → kind."""
    return {path: habit.drift for path, habit in drifts(newest(versions))}


LEARNT = after([USUAL] * USUAL_AFTER)


def test_a_usual_field_that_three_webhooks_in_a_row_lack_is_gone() -> None:
    assert found(after([WITHOUT] * (ODD_IN_A_ROW - 1), LEARNT)) == {}
    assert found(after([WITHOUT] * ODD_IN_A_ROW, LEARNT)) == {"email": GONE}


def test_a_field_is_not_usual_before_twenty_webhooks_had_it() -> None:
    assert found(after([*[USUAL] * (USUAL_AFTER - 1), *[WITHOUT] * 9])) == {}


def test_a_field_that_one_of_the_first_webhooks_lacked_is_never_missed() -> None:
    assert found(after([USUAL, WITHOUT, *[USUAL] * 50, *[WITHOUT] * 50])) == {}


@pytest.mark.parametrize("types", [NUMBER, TEXT | NUMBER, frozenset({"object"})])
def test_a_field_of_another_type_three_times_in_a_row_has_changed(types: frozenset[str]) -> None:
    odd = {**USUAL, "email": types}
    assert found(after([odd] * (ODD_IN_A_ROW - 1), LEARNT)) == {}
    assert found(after([odd] * ODD_IN_A_ROW, LEARNT)) == {"email": CHANGED}


def test_null_is_no_type_and_the_first_type_behind_it_no_change() -> None:
    nulls = after([{"email": NULL}] * USUAL_AFTER)
    assert found(after([{"email": TEXT}] * 9, nulls)) == {}
    assert found(after([{"email": NULL}] * 9, LEARNT)) == {}
    assert found(after([{"email": TEXT}, *[{"email": NUMBER}] * 3], nulls)) == {"email": CHANGED}


def test_odd_ones_between_usual_ones_are_no_change() -> None:
    mixed = [WITHOUT, USUAL, WITHOUT, WITHOUT, USUAL]
    assert found(after(mixed, LEARNT)) == {}
    assert found(after([*mixed, *[WITHOUT] * ODD_IN_A_ROW], LEARNT)) == {"email": GONE}


def test_what_was_odd_again_and_again_comes_and_goes() -> None:
    flapping = after([WITHOUT, USUAL] * (MAX_GAPS + 1), LEARNT)
    assert found(after([WITHOUT] * 9, flapping)) == {}
    steady = after([WITHOUT, USUAL] * MAX_GAPS, LEARNT)
    assert found(after([WITHOUT] * 9, steady)) == {"email": GONE}


def test_a_drift_ends_when_the_field_is_back() -> None:
    gone = after([WITHOUT] * 9, LEARNT)
    assert found(after([USUAL], gone)) == {}
    assert not is_restless(newest(after([USUAL], gone)), USUAL)


def test_a_drift_keeps_the_moment_at_which_it_began_and_ends_after_two_weeks() -> None:
    gone = after([WITHOUT] * ODD_IN_A_ROW, LEARNT)
    later = after([WITHOUT], gone, now=NOW + TOLD_FOR)
    assert newest(later)["email"].since == NOW.isoformat()
    over = after([WITHOUT], later, now=NOW + TOLD_FOR + timedelta(seconds=1))
    assert found(over) == {}
    assert not is_restless(newest(over), WITHOUT)


def test_a_change_of_type_that_lasts_is_what_is_usual_then() -> None:
    odd: Seen = {**USUAL, "email": NUMBER}
    late = NOW + TOLD_FOR + timedelta(seconds=1)
    settled = after([odd], after([odd] * ODD_IN_A_ROW, LEARNT), now=late)
    assert found(settled) == {}
    assert found(after([odd] * 9, settled, now=late)) == {}
    assert found(after([WITHOUT] * 9, settled, now=late)) == {"email": GONE}


def test_what_a_new_version_lacks_is_gone_at_once() -> None:
    assert found(after([WITHOUT], LEARNT, version="2")) == {"email": GONE}


def test_what_a_new_version_has_is_judged_there_as_ever() -> None:
    begun = after([USUAL], LEARNT, version="2")
    assert found(after([WITHOUT], begun, version="2")) == {}
    assert found(after([WITHOUT] * ODD_IN_A_ROW, begun, version="2")) == {"email": GONE}


def test_versions_side_by_side_do_not_disturb_each_other() -> None:
    both = after([WITHOUT], LEARNT, version="2")
    both = after([USUAL] * 5, both, version="1")
    assert [path for path, _ in drifts(both["1"])] == []
    assert [path for path, _ in drifts(both["2"])] == ["email"]


def test_a_drift_of_an_older_version_ends_with_a_new_one_that_has_the_field() -> None:
    gone = after([WITHOUT] * ODD_IN_A_ROW, LEARNT)
    assert found(after([USUAL], gone, version="2")) == {}


def test_the_last_versions_are_kept() -> None:
    versions = LEARNT
    for number in range(9):
        versions = after([USUAL], versions, version=f"v{number}")
    assert list(versions) == [f"v{number}" for number in range(9 - MAX_VERSIONS, 9)]


def test_each_webhook_is_wanted_until_a_shape_is_known_and_while_something_is_odd() -> None:
    assert is_restless(newest({}), ())
    assert is_restless(newest(after([USUAL] * (USUAL_AFTER - 1))), USUAL)
    assert not is_restless(newest(LEARNT), USUAL)
    assert is_restless(newest(after([WITHOUT], LEARNT)), WITHOUT)


def test_what_is_odd_where_it_can_no_more_be_seen_keeps_nobody_awake() -> None:
    assert not is_restless(newest(after([WITHOUT], LEARNT)), ["id"])


# ── Whatever comes ──────────────────────────────────────────────────────────────────────────────────────

WORDS = st.text(max_size=5)
VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "total_price": st.none() | WORDS,
    "id": st.integers() | st.floats(allow_nan=False),
    "test": st.none() | st.booleans(),
    "tags": WORDS,
    "customer": st.none() | st.fixed_dictionaries({"email": st.none() | WORDS}),
    "line_items": st.lists(st.fixed_dictionaries({"price": WORDS, "quantity": st.integers()}), max_size=3),
    "note_attributes": st.lists(
        st.fixed_dictionaries({"name": WORDS, "value": st.integers() | WORDS}), max_size=2
    ),
}
ORDER = Shape(reads("orders/paid"))
BODIES = st.lists(st.fixed_dictionaries(dict(VALUES)), min_size=30, max_size=50)


@given(BODIES)
def test_a_constant_shape_never_drifts_whatever_the_values(bodies: list[dict[str, Any]]) -> None:
    versions: Versions = {}
    for body in bodies:
        versions = observed(versions, "1", ORDER.seen(body), NOW)
        assert found(versions) == {}


@given(st.lists(st.booleans(), max_size=USUAL_AFTER - 1), st.lists(st.booleans(), max_size=60))
def test_a_field_that_was_once_missing_while_it_was_learnt_never_drifts(
    first: list[bool], later: list[bool]
) -> None:
    versions: Versions = {}
    for is_there in (*first, False, *later):
        versions = observed(versions, "1", USUAL if is_there else WITHOUT, NOW)
        assert found(versions) == {}


SEEN = st.dictionaries(
    st.sampled_from(["id", "email", "lines[].sku"]),
    st.none() | st.frozensets(st.sampled_from(["string", "number", "object"])),
)


@given(st.lists(st.tuples(st.sampled_from("12"), SEEN), max_size=60))
def test_what_is_known_survives_being_written_and_read(webhooks: list[tuple[str, Seen]]) -> None:
    versions = LEARNT
    for version, seen in webhooks:
        versions = observed(versions, version, seen, NOW)
    assert load(dump(versions)) == versions
    assert list(load(dump(versions))) == list(versions)


@pytest.mark.parametrize("text", ["", "nonsense", "7", "null", '[["1"]]', '[["1", 7]]', '[["1", {"a": 7}]]'])
def test_what_cannot_be_read_begins_anew(text: str) -> None:
    assert load(text) == {}


def test_what_is_written_is_small() -> None:
    body = json.loads(Path("events/shopify/orders.paid.json").read_text(encoding="utf-8"))["body"]
    versions: Versions = {}
    for version in ("2026-01", "2026-04", "2026-07"):
        versions = after([ORDER.seen(body)] * USUAL_AFTER, versions, version=version)
    assert len(dump(versions)) < 20_000
    assert '"total_price":[20,"string"]' in dump(versions)
    assert newest(versions)["total_price"] == FieldHistory(USUAL_AFTER, TEXT)
