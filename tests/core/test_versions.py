"""Any order of the same webhooks ends in the same profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.profiles import versions
from bridge.profiles.profile_change import AttributeGroup, Event, Value
from bridge.profiles.versions import ProfileState
from tests.owners import owners_group

NAMES = st.sampled_from(["first_name", "last_name", "orders_count", "$email_address", "date(seen)", "plan"])
VALUES = st.integers(0, 9) | st.text(max_size=3) | st.lists(st.text(max_size=2), max_size=2)
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=4)
VERSIONS = st.text("0123456789", min_size=1, max_size=3)


@st.composite
def groups_of_members(draw: st.DrawFn) -> list[AttributeGroup]:
    """Statements about a few subscriptions, each with its own history of versions and ranks; ranks may be equal."""
    stated = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["sub_1", "sub_2", "sub_3"]), VERSIONS, st.sampled_from("012"), ATTRIBUTES
            ),
            unique_by=lambda one: one[:2],
            max_size=8,
        )
    )
    return [
        owners_group("subscription", version, content, name, rank) for name, version, rank, content in stated
    ]


PLAIN_GROUPS = st.lists(
    st.builds(owners_group, st.sampled_from(["customer", "order"]), VERSIONS, ATTRIBUTES),
    unique_by=lambda group: group.version,
    max_size=8,
)


def shown_by_batch(groups: Sequence[AttributeGroup], *, stored: bool = False) -> Mapping[str, Any]:
    """The profile at Batch after each group was sent by itself: null deletes. `stored`: the ledger in between."""
    state, profile = ProfileState(), dict[str, Any]()
    for group in groups:
        state, changes = versions.apply(versions.load(versions.dump(state)) if stored else state, [group])
        profile |= changes
        profile = {name: value for name, value in profile.items() if value is not None}
    return profile


def shuffled(groups: Sequence[AttributeGroup], data: st.DataObject) -> list[AttributeGroup]:
    """The groups in any order, some of them more than once."""
    repeats = data.draw(st.lists(st.sampled_from(groups), max_size=4)) if groups else []
    return data.draw(st.permutations([*groups, *repeats]))


@given(groups=PLAIN_GROUPS, data=st.data())
def test_any_order_of_states_ends_with_the_newest_of_each_attribute(
    groups: list[AttributeGroup], data: st.DataObject
) -> None:
    newest: dict[str, Any] = {}
    for group in sorted(groups, key=lambda group: group.version):
        newest |= group.attributes
    assert shown_by_batch(shuffled(groups, data), stored=data.draw(st.booleans())) == newest


@given(groups=groups_of_members(), data=st.data())
def test_any_order_of_members_ends_with_the_one_of_greatest_rank_and_nothing_of_the_others(
    groups: list[AttributeGroup], data: st.DataObject
) -> None:
    newest = {group.member: group for group in sorted(groups, key=lambda group: group.version)}
    shown = max(newest.values(), key=lambda group: (group.rank, group.member or ""), default=None)
    expected = {} if shown is None else shown.attributes
    assert shown_by_batch(shuffled(groups, data), stored=data.draw(st.booleans())) == expected


@given(plain=PLAIN_GROUPS, members=groups_of_members(), data=st.data())
def test_one_call_for_many_groups_ends_where_many_calls_do(
    plain: list[AttributeGroup], members: list[AttributeGroup], data: st.DataObject
) -> None:
    apart = [owners_group(one.name, one.version, prefixed(one), one.member, one.rank) for one in members]
    groups = shuffled([*plain, *apart], data)
    _, changes = versions.apply(ProfileState(), groups)
    assert {name: value for name, value in changes.items() if value is not None} == shown_by_batch(groups)


def prefixed(group: AttributeGroup) -> dict[str, Any]:
    return {f"subscription_{name}": value for name, value in group.attributes.items()}


@given(groups=st.one_of(PLAIN_GROUPS, groups_of_members()))
def test_a_state_comes_out_of_the_ledger_as_it_went_in(groups: list[AttributeGroup]) -> None:
    state, _ = versions.apply(ProfileState(), groups)
    assert versions.load(versions.dump(state)) == state


def test_nothing_stored_is_the_empty_state() -> None:
    assert (
        versions.load(None)
        == versions.load("")
        == versions.load(versions.dump(ProfileState()))
        == ProfileState()
    )


def test_a_state_is_text_that_dynamodb_takes_whatever_names_are_in_it() -> None:
    state, _ = versions.apply(
        ProfileState(),
        [
            owners_group("form", "1", {"half \ud800": "x", "": "y"}),
            owners_group("subscription", "1", {"amount": Decimal("9.90"), "note": "\ud800"}, "sub_1", "1"),
        ],
    )
    text = versions.dump(state)
    assert text.isascii()
    loaded = versions.load(text)
    assert loaded.versions == state.versions
    assert loaded.members["subscription"]["sub_1"].attributes == {"amount": 9.9, "note": "\ud800"}


def test_the_state_of_a_profile_stays_small() -> None:
    names = [f"attribute_number_{number:02}" for number in range(50)]
    state, _ = versions.apply(
        ProfileState(), [owners_group("customer", "2026-09-10T12:00:00", dict.fromkeys(names, 1))]
    )
    assert len(versions.dump(state)) < 50 * 30


def test_an_older_subscribed_never_undoes_a_newer_unsubscribed() -> None:
    newer = owners_group("consent", "2", {"$email_marketing": "unsubscribed"})
    older = owners_group("consent", "1", {"$email_marketing": "subscribed", "first_name": "Ada"})
    state, _ = versions.apply(ProfileState(), [newer])
    assert versions.apply(state, [older])[1] == {"first_name": "Ada"}


def test_a_state_of_the_same_version_is_sent_again() -> None:
    group = owners_group("customer", "1", {"first_name": "Ada"})
    state, _ = versions.apply(ProfileState(), [group])
    assert versions.apply(state, [group])[1] == {"first_name": "Ada"}


def test_what_the_shown_member_no_longer_states_is_deleted() -> None:
    trial = owners_group("subscription", "1", {"plan": "pro", "date(trial_end)": "2026-10-01"}, "sub_1", "1")
    active = owners_group("subscription", "2", {"plan": "pro"}, "sub_1", "1")
    state, _ = versions.apply(ProfileState(), [trial])
    assert versions.apply(state, [active])[1] == {"date(trial_end)": None, "plan": "pro"}


def test_a_member_of_lower_rank_changes_nothing() -> None:
    active = owners_group("subscription", "1", {"plan": "pro"}, "sub_1", "2")
    cancelled = owners_group("subscription", "2", {"plan": "basic", "status": "canceled"}, "sub_2", "1")
    state, _ = versions.apply(ProfileState(), [active])
    assert versions.apply(state, [cancelled])[1] == {}


def test_when_the_shown_member_sinks_the_next_one_is_shown() -> None:
    groups = [
        owners_group("subscription", "1", {"plan": "pro", "seats": 5}, "sub_1", "2"),
        owners_group("subscription", "1", {"plan": "basic"}, "sub_2", "1"),
    ]
    state, _ = versions.apply(ProfileState(), groups)
    ended = owners_group("subscription", "2", {"plan": "pro", "seats": 5}, "sub_1", "0")
    assert versions.apply(state, [ended])[1] == {"seats": None, "plan": "basic"}


def tags(version: str, *, added: list[str] | None = None, removed: list[str] | None = None) -> AttributeGroup:
    changes = {"$add": added or [], "$remove": removed or []}
    return owners_group("tags", version, {"tags": {verb: items for verb, items in changes.items() if items}})


def shown_tags(order: Sequence[AttributeGroup], together_from: int | None = None) -> set[str]:
    """The tags that Batch has after the groups, in this order; an empty list is sent to nobody."""
    calls = [[group] for group in order[:together_from]]
    calls += [] if together_from is None else [list(order[together_from:])]
    state, shown = ProfileState(), set[str]()
    for groups in calls:
        state, changes = versions.apply(versions.load(versions.dump(state)), groups)
        value = changes.get("tags", {})
        if value is None:
            shown = set()
        if isinstance(value, list) and value:
            shown = set(value)
        elif isinstance(value, dict):
            shown = (shown | set(value.get("$add", ()))) - set(value.get("$remove", ()))
    return shown


@given(st.permutations([tags("1", added=["a", "b"]), tags("2", removed=["a"]), tags("3", added=["c"])]))
def test_items_of_a_list_end_the_same_in_any_order(order: list[AttributeGroup]) -> None:
    assert shown_tags(order) == {"b", "c"}


@given(
    st.permutations(
        [
            tags("1", added=["old"]),
            owners_group("tags", "2", {"tags": ["x", "y"]}),
            tags("3", added=["z"], removed=["x"]),
        ]
    )
)
def test_a_whole_list_and_later_changes_of_its_items_end_the_same_in_any_order(
    order: list[AttributeGroup],
) -> None:
    assert shown_tags(order) == {"y", "z"}


ITEMS = st.lists(st.sampled_from("abcd"), max_size=3, unique=True)
LIST_GROUPS = st.lists(
    st.one_of(
        st.builds(
            owners_group, st.just("tags"), VERSIONS, ITEMS.filter(bool).map(lambda items: {"tags": items})
        ),
        st.builds(
            lambda version, added, removed: tags(
                version, added=added, removed=[item for item in removed if item not in added]
            ),
            VERSIONS,
            ITEMS,
            ITEMS,
        ),
    ),
    unique_by=lambda group: group.version,
    max_size=7,
)


@given(groups=LIST_GROUPS, data=st.data())
def test_any_order_of_lists_and_of_changes_of_their_items_ends_with_the_same_items(
    groups: list[AttributeGroup], data: st.DataObject
) -> None:
    in_order = sorted(groups, key=lambda group: group.version)
    assert shown_tags(shuffled(groups, data)) == shown_tags(in_order)


def test_a_list_of_which_no_item_is_left_is_deleted() -> None:
    state, _ = versions.apply(ProfileState(), [tags("2", removed=["a"])])
    late = owners_group("tags", "1", {"tags": ["a"]})
    assert versions.apply(state, [late])[1] == {"tags": None}
    assert versions.apply(state, [late, tags("3", added=["b"])])[1] == {"tags": ["b"]}
    assert versions.merged(["a"], {"$remove": ["a"]}) is None


@given(groups=LIST_GROUPS, data=st.data())
def test_changes_of_a_list_that_travel_together_end_where_they_would_one_by_one(
    groups: list[AttributeGroup], data: st.DataObject
) -> None:
    order = shuffled(groups, data)
    before = data.draw(st.integers(0, len(order)))
    assert shown_tags(order, together_from=before) == shown_tags(order)


def test_of_very_many_keys_of_events_the_newest_are_remembered() -> None:
    events = [
        Event("checkout_completed", None, once=f"cs_{number}") for number in range(versions.MAX_SEEN + 5)
    ]
    state, first = versions.unseen(ProfileState(), events)
    assert (len(first), len(state.seen)) == (len(events), versions.MAX_SEEN)
    assert versions.unseen(state, events[-5:])[1] == ()


def test_events_without_a_key_are_had_every_time() -> None:
    event = Event("order_paid", None)
    assert versions.unseen(ProfileState(), [event, event]) == (ProfileState(), (event, event))


def test_an_event_with_a_key_is_had_once() -> None:
    told_twice = [
        Event("checkout_completed", None, once="cs_1"),
        Event("checkout_completed", None, once="cs_1"),
    ]
    state, first = versions.unseen(ProfileState(), told_twice)
    _, again = versions.unseen(versions.load(versions.dump(state)), told_twice)
    assert (len(first), len(again)) == (1, 0)


@pytest.mark.parametrize(
    ("earlier", "later", "together"),
    [
        (["a", "b"], {"$add": ["c"], "$remove": ["a"]}, ["b", "c"]),
        ({"$add": ["a"]}, {"$add": ["b"]}, {"$add": ["a", "b"]}),
        ({"$add": ["a"]}, {"$remove": ["a"]}, {"$remove": ["a"]}),
        ({"$add": ["a"]}, ["b"], ["b"]),
        (None, {"$add": ["a"]}, {"$add": ["a"]}),
    ],
)
def test_two_changes_of_a_list_travel_as_one(earlier: Value, later: Value, together: Value) -> None:
    assert versions.merged(earlier, later) == together


def test_keys_under_which_an_attribute_was_sent_as_well_are_kept_with_the_state() -> None:
    state = versions.sent_as(ProfileState(), {"x_text": "x"})
    state = versions.sent_as(state, {"x_text": "x", "x_list": "x", "born": "date(born)"})
    assert state.others == {"x": ("x_text", "x_list"), "date(born)": ("born",)}
    assert versions.load(versions.dump(state)) == state
    assert versions.sent_as(state, {}) is state
    assert "others" not in versions.dump(ProfileState())


# ── Who states it ───────────────────────────────────────────────────────────────────────────────────────

OWNER, VISITOR = "owner", "visitor"
STATED = st.lists(
    st.builds(
        AttributeGroup,
        st.just("customer"),
        VERSIONS,
        ATTRIBUTES,
        st.none(),
        st.just(""),
        st.sampled_from([OWNER, VISITOR]),
    ),
    unique_by=lambda group: group.version,
    max_size=8,
)


@given(groups=STATED, data=st.data())
def test_a_visitor_never_replaces_what_an_owner_states_in_any_order(
    groups: list[AttributeGroup], data: st.DataObject
) -> None:
    expected: dict[str, Any] = {}
    visitors = sorted((one for one in groups if one.provenance == VISITOR), key=lambda one: one.version)
    for group in visitors:
        expected |= {name: value for name, value in group.attributes.items() if name != "$email_address"}
    for group in reversed(visitors):
        expected |= {name: value for name, value in group.attributes.items() if name == "$email_address"}
    for group in sorted((one for one in groups if one.provenance == OWNER), key=lambda one: one.version):
        expected |= group.attributes
    assert shown_by_batch(shuffled(groups, data), stored=data.draw(st.booleans())) == expected


def consent(version: str, value: str, provenance: Any) -> AttributeGroup:
    return owners_group("consent_email", version, {"$email_marketing": value}, provenance=provenance)


@pytest.mark.parametrize("withdrawn_by", [OWNER, VISITOR])
@given(data=st.data())
def test_a_visitor_never_undoes_a_withdrawal_in_any_order(withdrawn_by: str, data: st.DataObject) -> None:
    groups = [
        consent("1", "subscribed", OWNER),
        consent("2", "unsubscribed", withdrawn_by),
        consent("3", "subscribed", VISITOR),
    ]
    state, profile = ProfileState(), dict[str, Any]()
    for group in shuffled(groups, data):
        state, changes = versions.apply(versions.load(versions.dump(state)), [group])
        profile |= changes
    assert profile == {"$email_marketing": "unsubscribed"} == dict(state.consents)


def test_a_state_knows_which_connections_wrote_an_attribute() -> None:
    shop = owners_group("customer", "1", {"first_name": "Ada", "plan": "pro"})
    form = owners_group("customer", "2", {"first_name": "Ada"})
    state, _ = versions.apply(ProfileState(), [shop], "shopify/main")
    state, _ = versions.apply(state, [form, form], "form/main")
    loaded = versions.load(versions.dump(state))
    assert loaded == state
    assert loaded.writers == {"first_name": ("shopify/main", "form/main"), "plan": ("shopify/main",)}


def test_what_is_outdated_has_no_writer() -> None:
    newer = owners_group("customer", "2", {"first_name": "Ada"})
    older = owners_group("customer", "1", {"first_name": "Eve"})
    state, _ = versions.apply(ProfileState(), [newer], "shopify/main")
    state, _ = versions.apply(state, [older], "form/main")
    assert state.writers == {"first_name": ("shopify/main",)}


def test_who_writes_an_attribute_last_is_the_last_of_its_writers() -> None:
    state = ProfileState()
    for version, writer in enumerate(("shopify/main", "form/main", "shopify/main")):
        group = owners_group("customer", str(version), {"first_name": "Ada"})
        state, _ = versions.apply(state, [group], writer)
    assert state.writers == {"first_name": ("form/main", "shopify/main")}


def test_a_state_knows_every_connection_that_fed_it_and_that_the_owner_named_it() -> None:
    state = versions.fed(versions.fed(ProfileState(), "stripe/main", is_owners=True), "shopify/main")
    loaded = versions.load(versions.dump(state))
    assert loaded == versions.fed(loaded, "stripe/main")
    assert (loaded.fed_by, loaded.is_owners) == (("shopify/main", "stripe/main"), True)


# ── Members that visitors state ─────────────────────────────────────────────────────────────────────────


def subscription(name: str, plan: str, version: str, rank: str, provenance: str) -> AttributeGroup:
    return owners_group("subscription", version, {"plan": plan}, name, rank, provenance=provenance)


def test_a_visitors_member_replaces_no_owners_member_and_is_not_shown_before_one() -> None:
    owners = subscription("sub_1", "basic", "1", "", "owner")
    same, greater = (subscription(name, "stolen", "9", "9", "visitor") for name in ("sub_1", "sub_2"))
    for groups in permutations((owners, same, greater)):
        profile: dict[str, Value] = {}
        state = ProfileState()
        for group in groups:
            state, changes = versions.apply(state, [group])
            profile |= changes
        assert profile == {"plan": "basic"}


def test_a_visitors_member_writes_no_attribute_that_an_owner_stated_elsewhere() -> None:
    state, _ = versions.apply(ProfileState(), [owners_group("customer", "1", {"plan": "pro"})])
    _, changes = versions.apply(state, [subscription("sub_1", "stolen", "9", "9", "visitor")])
    assert changes == {}
