"""What an erasure takes of a profile, and what stays as it is another's."""

from __future__ import annotations

import pytest

from bridge.profiles import ownership, versions
from bridge.profiles.identity import email_sha256
from bridge.profiles.profile_change import Value
from bridge.profiles.versions import ProfileState
from tests.owners import owners_group

ADA = email_sha256("ada@example.com") or ""
SHOP, FORM, STRIPE = "shopify/main", "form/main", "stripe/main"


def written(*writes: tuple[str, dict[str, Value]], member: str | None = None) -> ProfileState:
    """A profile to which connections wrote, one after the other."""
    state = ProfileState()
    for number, (writer, attributes) in enumerate(writes):
        group = owners_group("any", str(number), attributes, member=member)
        state, _ = versions.apply(versions.fed(state, writer), [group], writer)
    return state


@pytest.mark.parametrize("custom_id", [ADA, "shopify:1", "shopify:order:9"])
def test_a_profile_that_one_connection_named_and_fed_is_its_alone(custom_id: str) -> None:
    state = written((SHOP, {"first_name": "Ada"}))
    assert ownership.is_of_connection_alone(custom_id, state, SHOP, [SHOP, ""])


@pytest.mark.parametrize("custom_id", ["1042", "ada", ADA.upper(), "stripe:cus_1", ADA[1:]])
def test_a_profile_with_any_other_name_is_the_owners(custom_id: str) -> None:
    state = written((SHOP, {"first_name": "Ada"}))
    assert not ownership.is_of_connection_alone(custom_id, state, SHOP, [])


def test_an_owners_id_may_look_like_a_digest() -> None:
    state = versions.fed(written((SHOP, {"first_name": "Ada"})), SHOP, is_owners=True)
    assert not ownership.is_of_connection_alone(ADA, state, SHOP, [])


def test_whoever_fed_a_profile_counts_whatever_it_did_there() -> None:
    shop = written((SHOP, {"first_name": "Ada"}))
    only_an_event = versions.fed(shop, FORM)
    assert not ownership.is_of_connection_alone(ADA, only_an_event, SHOP, [])
    assert not ownership.is_of_connection_alone(ADA, shop, SHOP, [STRIPE])
    assert not ownership.is_of_connection_alone(ADA, written((FORM, {"city": "Lyon"})), SHOP, [])
    assert not ownership.is_of_connection_alone(ADA, shop, "shopify/paris", [])


def test_a_value_is_of_who_wrote_it_last() -> None:
    state = written(
        (SHOP, {"first_name": "Ada", "zip_code": "69003"}),
        (FORM, {"first_name": "Ada", "city": "Paris"}),
        (SHOP, {"city": "Lyon"}),
    )
    assert ownership.last_written(state, SHOP) == ["city", "zip_code"]
    assert ownership.written_alone(state, SHOP) == ["zip_code"]


def test_a_list_is_of_each_who_added_to_it() -> None:
    state = written((SHOP, {"tags": {"$add": ["vip"]}}), (FORM, {"tags": {"$add": ["tea"]}}))
    assert ownership.last_written(state, SHOP) == ["tags"]
    assert ownership.written_alone(state, SHOP) == []


def test_what_is_emptied_leaves_the_state_and_a_consent_stays_withdrawn() -> None:
    state = written(
        (SHOP, {"first_name": "Ada", "tags": {"$add": ["vip"]}, "$email_marketing": "subscribed"}),
        (FORM, {"city": "Lyon"}),
    )
    state = versions.sent_as(state, {"first_name_2": "first_name"})
    names = ownership.last_written(state, SHOP)
    assert ownership.emptying(state, names) == {
        "$email_marketing": "unsubscribed",
        "first_name": None,
        "first_name_2": None,
        "tags": None,
    }
    left = ownership.without(state, names, SHOP)
    assert set(left.versions) == {"city", "$email_marketing"}
    assert (left.consents, left.others) == ({"$email_marketing": "unsubscribed"}, {})
    assert left.writers == {"city": (FORM,)}
    older = owners_group("consent", "", {"$email_marketing": "subscribed"})
    assert versions.apply(left, [older], SHOP)[1] == {}
    anew = owners_group("customer", "0", {"first_name": "Ada"})
    assert versions.apply(left, [anew], SHOP)[1] == {"first_name": "Ada"}


def test_a_subscription_that_is_emptied_leaves_the_state_and_another_stays() -> None:
    state = written((SHOP, {"plan": "tea"}), member="one")
    assert ownership.without(state, ["plan"], SHOP).members == {}
    assert ownership.without(state, ["city"], SHOP).members == state.members


def test_the_attributes_of_a_profile_have_all_their_keys() -> None:
    state = written((SHOP, {"tags": {"$add": ["vip"]}, "born": "1815"}))
    state = versions.sent_as(state, {"date(born)": "born"})
    assert ownership.attribute_names(state) == {"tags", "born", "date(born)"}
