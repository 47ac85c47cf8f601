"""A profile's row stays small whatever webhooks say about it, and what is dropped never lets an older webhook win."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.profiles import versions
from bridge.profiles.profile_change import AttributeGroup, Event
from bridge.profiles.pruning import MAX_ATTRIBUTES, MAX_ITEMS, MAX_MEMBERS, pruned
from bridge.profiles.versions import MAX_SEEN, ProfileState, dump, load
from tests.owners import owners_group

MAX_ROW_BYTES = 300_000
"""Of the 400 kB that DynamoDB takes."""


def after(state: ProfileState, group: AttributeGroup) -> ProfileState:
    return pruned(versions.apply(state, [group], "shopify/main")[0])


def after_all(groups: Iterable[AttributeGroup]) -> ProfileState:
    return reduce(after, groups, ProfileState())


def tag(number: int, text: str = "", sign: str = "$add") -> AttributeGroup:
    return owners_group("tags", f"{number:09}", {"tags": {sign: [text or f"tag {number}"]}})


def subscription(number: int, status: str = "ended", text: str = "", version: int = 0) -> AttributeGroup:
    attributes = {"plan": text or f"plan {number}", "status": status}
    rank = f"{status == 'active'}|{number:09}"
    return owners_group("subscription", f"{version or number:09}", attributes, f"sub_{number}{text}", rank)


def attribute(number: int, text: str = "") -> AttributeGroup:
    return owners_group("custom", f"{number:09}{text}", {f"name_{number}{text}": number})


ODD = ["", "x" * 420_000, "\ud800" * 500, "漢" * 3000]
MAKERS = {
    "items": tag,
    "members": lambda number, text="": subscription(number, text=text),
    "attributes": attribute,
}


@pytest.mark.parametrize("text", ODD, ids=lambda text: f"{text[:1]!a} {len(text)}")
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_row_stays_small_after_thousands_of_webhooks(make: Any, text: str) -> None:
    many = 60 if text else 700
    state = after_all(make(number, f"{text}{number}" if text else "") for number in range(many))
    assert len(dump(state)) < MAX_ROW_BYTES / 2
    assert load(dump(state)) == state


def test_all_parts_together_at_their_worst_stay_below_the_row() -> None:
    state, hostile = ProfileState(), "\ud800" * 400
    for number in range(300):
        for make in MAKERS.values():
            state = after(state, make(number, f"{hostile}{number}"))
        state = after(
            state,
            owners_group("tags", f"{number:09}", {f"list{number % 9}": {"$add": [f"{hostile}{number}"]}}),
        )
        state, _ = versions.unseen(state, [Event("seen", None, {}, f"{'é' * 60}{number}")])
        state = pruned(versions.sent_as(state, {f"{number}{hostile}text": f"{number}{hostile}"}))
    assert len(dump(state)) < MAX_ROW_BYTES


def test_an_ordinary_profile_of_years_is_kept_whole() -> None:
    groups = [tag(number) for number in range(MAX_ITEMS)]
    groups += [subscription(number) for number in range(MAX_MEMBERS)]
    groups += [attribute(number) for number in range(200)]
    state = reduce(
        lambda state, group: versions.apply(state, [group], "shopify/main")[0], groups, ProfileState()
    )
    assert pruned(state) == state


# ── What was dropped ────────────────────────────────────────────────────────────────────────────────────


@given(st.permutations(range(40)), st.randoms())
def test_any_order_ends_with_the_same_newest_items(order: list[int], chance: random.Random) -> None:
    groups = [tag(number, f"tag {number % 25}", chance.choice(["$add", "$remove"])) for number in order]
    few = replace(after_all(groups), writers={})
    assert few == replace(after_all(sorted(groups, key=lambda group: group.version)), writers={})


def test_the_newest_items_are_kept_and_an_older_one_is_not_taken_for_new() -> None:
    state = after_all(tag(number) for number in range(2, 500))
    kept = [key for key in state.versions if "+" in key]
    assert sorted(kept) == sorted(f"tags+tag {number}" for number in range(500 - MAX_ITEMS, 500))
    for old in (tag(3, sign="$remove"), tag(1)):
        assert versions.apply(state, [old])[1] == {}
    assert versions.apply(state, [tag(1000, "tag 3", "$remove")])[1] == {"tags": {"$remove": ["tag 3"]}}


@pytest.mark.parametrize("seed", range(5))
def test_an_ended_member_that_was_dropped_never_comes_back_as_it_was(seed: int) -> None:
    """Its webhook from before it ended comes last, days late."""
    groups = [subscription(number) for number in range(1, 3 * MAX_MEMBERS)]
    random.Random(seed).shuffle(groups)
    state = after_all([*groups, subscription(1, "ended", version=2)])
    assert len(state.members["subscription"]) <= MAX_MEMBERS
    late, changes = versions.apply(state, [subscription(1, "active")])
    assert (changes, late.members) == ({}, state.members)


@pytest.mark.parametrize("seed", range(5))
def test_the_newest_members_are_kept_in_any_order_and_the_one_that_is_shown(seed: int) -> None:
    last = 3 * MAX_MEMBERS
    groups = [subscription(number) for number in range(2, last)]
    random.Random(seed).shuffle(groups)
    members = after_all([subscription(1, "active"), *groups]).members["subscription"]
    assert set(members) == {"sub_1", *(f"sub_{number}" for number in range(last - MAX_MEMBERS + 1, last))}
    assert versions.leading(members).attributes["status"] == "active"  # type: ignore[union-attr]


def test_the_oldest_attributes_are_dropped_and_never_overwritten_by_older_ones() -> None:
    own = owners_group("consent", "0", {"$email_marketing": "unsubscribed"})
    state = after_all([own, *(attribute(number) for number in range(1, MAX_ATTRIBUTES + 11))])
    assert len(state.versions) == MAX_ATTRIBUTES + 1
    assert state.versions["$email_marketing"] == "0"
    assert versions.apply(state, [owners_group("custom", "000000002", {"name_5": 0})])[1] == {}
    assert versions.apply(state, [owners_group("custom", "999999999", {"name_5": 1})])[1] == {"name_5": 1}


def test_events_are_had_once_however_long_their_keys_are_and_few_are_remembered() -> None:
    state = ProfileState()
    for number in range(1000):
        state, kept = versions.unseen(state, [Event("seen", None, {}, f"{number}{'x' * 420_000}")])
        assert len(kept) == 1
    assert versions.unseen(state, [Event("seen", None, {}, f"999{'x' * 420_000}")])[1] == ()
    assert len(state.seen) == MAX_SEEN
    assert len(dump(state)) < 20_000


def test_a_version_that_is_cut_still_sorts_as_before() -> None:
    long = [f"{number:09}|{'x' * 420_000}" for number in range(5)]
    state = after_all(owners_group("customer", one, {"city": one[:9]}) for one in long)
    assert versions.apply(state, [owners_group("customer", long[2], {"city": "old"})])[1] == {}
    assert versions.apply(state, [owners_group("customer", "000000009", {"city": "new"})])[1] == {
        "city": "new"
    }
    assert len(dump(state)) < 500
