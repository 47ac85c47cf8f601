"""Which profile a webhook belongs to."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import IdentityUnknown
from bridge.placeholders import WORDS
from bridge.profiles.identity import CANDIDATES, MAX_CUSTOM_ID_CHARACTERS, custom_id, email_sha256
from bridge.profiles.profile_change import Person
from local.sandbox.rules import read_operation
from tests.owners import owners_person

ADA = owners_person(
    user_id="user-1",
    email="ada@example.com",
    source_id="shopify:1",
    references=("shopify:customer:1", "shopify:order:2"),
)
ADA_SHA256 = hashlib.sha256(b"ada@example.com").hexdigest()


def named(
    person: Person, *candidates: str, links: dict[str, str] | None = None, may_wait: bool = False
) -> str:
    return custom_id(person, links or {}, candidates or CANDIDATES, may_wait=may_wait)  # type: ignore[arg-type]


def test_your_own_id_comes_first_then_the_e_mail_then_the_sources_id() -> None:
    assert CANDIDATES == ("user_id", "email_sha256", "source_id")
    assert named(ADA) == "user-1"
    assert named(owners_person(email=ADA.email, source_id=ADA.source_id)) == ADA_SHA256
    assert named(owners_person(source_id=ADA.source_id)) == "shopify:1"


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        (("source_id", "user_id"), "shopify:1"),
        (("email_sha256", "source_id"), ADA_SHA256),
        (("source_id",), "shopify:1"),
    ],
)
def test_a_connection_may_choose_another_order(candidates: tuple[str, ...], expected: str) -> None:
    assert named(ADA, *candidates) == expected


def test_what_a_connection_leaves_out_is_not_used() -> None:
    with pytest.raises(IdentityUnknown):
        named(owners_person(email="ada@example.com", source_id="shopify:1"), "user_id")


def test_the_e_mail_is_hashed_trimmed_and_in_lower_case() -> None:
    for written in ("ada@example.com", " Ada@Example.COM\n", "\tADA@EXAMPLE.COM"):
        assert email_sha256(written) == ADA_SHA256


@pytest.mark.parametrize(
    "text", [None, "", " ", "ada", "ada@", "@example.com", "ada@example", "\ud800@example.com"]
)
def test_what_is_no_e_mail_names_no_one(text: str | None) -> None:
    assert email_sha256(text) is None


@pytest.mark.parametrize("word", [*sorted(WORDS), "NULL", " Undefined ", "NaN", "[Object Object]"])
def test_the_words_that_broken_integrations_send_name_no_one(word: str) -> None:
    assert named(owners_person(user_id=word, source_id="shopify:1")) == "shopify:1"
    with pytest.raises(IdentityUnknown):
        named(owners_person(source_id=word))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n",
        "a\nb",
        "a\rb",
        "a\x00b",
        "a\u2028b",
        "a\x85b",
        "\ud800",
        "a" * 513,
        "🎉" * 257,
        "\u200b",
    ],
)
def test_what_batch_would_not_take_for_an_id_names_no_one(text: str) -> None:
    assert named(owners_person(user_id=text, source_id="shopify:1")) == "shopify:1"


@pytest.mark.parametrize(
    "text", ["10", "a" * MAX_CUSTOM_ID_CHARACTERS, "🎉" * 256, "Zoë Ångström", "nullify", "-11", "guest-7"]
)
def test_an_id_that_only_looks_odd_is_taken_as_it_is(text: str) -> None:
    assert named(owners_person(user_id=f"  {text} ")) == text


@given(
    st.text()
    | st.text("a\n\r\u2028\u2029\x85\x0b\x0c\x00 \ud800🎉", max_size=9)
    | st.text(min_size=500, max_size=600)
)
def test_whatever_is_named_batch_takes_and_dynamodb_can_keep(text: str) -> None:
    found = named(owners_person(user_id=text, source_id="last resort"))
    reading = read_operation({"identifiers": {"custom_id": found}}, 0.0)
    assert reading.flaws == []
    assert len(f"profile#{'p' * 63}#{found}".encode()) <= 2048


def test_what_a_reference_is_linked_to_outweighs_all_else() -> None:
    assert named(ADA, links={"shopify:order:2": "linked"}) == "linked"
    assert named(ADA, links={"shopify:order:2": "second", "shopify:customer:1": "first"}) == "first"
    assert named(ADA, links={"shopify:customer:9": "someone else"}) == "user-1"


def test_who_is_named_elsewhere_is_waited_for_before_the_last_resort() -> None:
    person = owners_person(
        source_id="stripe:cus_9", references=("stripe:customer:cus_9",), named_elsewhere=True
    )
    with pytest.raises(IdentityUnknown):
        named(person, may_wait=True)
    assert named(person, may_wait=False) == "stripe:cus_9"
    assert named(person, links={"stripe:customer:cus_9": "ada"}, may_wait=True) == "ada"


def test_nobody_waits_who_is_named_already_or_nowhere_else() -> None:
    named_here = owners_person(user_id="user-1", source_id="stripe:cus_9", named_elsewhere=True)
    assert named(named_here, may_wait=True) == "user-1"
    assert named(owners_person(source_id="shopify:1"), may_wait=True) == "shopify:1"


def test_nobody_at_all_is_unknown_and_the_error_says_nothing_of_them() -> None:
    with pytest.raises(IdentityUnknown) as caught:
        named(owners_person(email="not an e-mail", references=("shopify:order:2",)))
    assert caught.value.args == ("nothing tells yet whose this is",)
