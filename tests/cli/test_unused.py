"""A field is unused where whatever stands there changes nothing, alone, with the others, or in place of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cli.fields import body_in, place, values
from cli.unused import Search


def unused(content: Any, outcome: Callable[[Any], Any], words: tuple[str, ...] = ()) -> list[str]:
    known = list(dict.fromkeys(path for path, _ in values(content)))
    search = Search(content, outcome, lambda found: found is None, words, known)
    found = search.unused(known, known)
    return [place(path) for path in known if path in found]


BODY = {"a": "1", "b": "2", "c": "3", "kind": "free", "items": [{"sku": "x", "note": "y"}, {"sku": "z"}]}


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (lambda body: body.get("a"), ["b", "c", "kind", "items[].sku", "items[].note"]),
        (lambda body: body.get("a") or body.get("b"), ["c", "kind", "items[].sku", "items[].note"]),
        (
            lambda body: body.get("a") or body.get("b") or body.get("c"),
            ["kind", "items[].sku", "items[].note"],
        ),
        (
            lambda body: body.get("a") if body.get("kind") != "test" else body.get("b"),
            ["c", "items[].sku", "items[].note"],
        ),
        (lambda body: [one.get("sku") for one in body["items"]], ["a", "b", "c", "kind", "items[].note"]),
        (lambda body: isinstance(body.get("c"), dict), ["a", "b", "kind", "items[].sku", "items[].note"]),
        (lambda body: None, ["a", "b", "c", "kind", "items[].sku", "items[].note"]),
    ],
    ids=[
        "read",
        "stands in",
        "stands in for both",
        "decides by a word",
        "in a list",
        "only a model",
        "nothing",
    ],
)
def test_finds_what_nothing_uses(outcome: Callable[[Any], Any], expected: list[str]) -> None:
    assert unused(BODY, outcome, ("test",)) == expected


def test_two_fields_that_say_the_same_are_both_used() -> None:
    body = {"email": "ada@example.com", "contact": "ada@example.com", "rest": 1}
    assert unused(
        body, lambda body: body.get("email") == "ada@example.com" or body.get("contact") == "ada@example.com"
    ) == ["rest"]


def test_a_word_is_noticed_though_another_field_hides_it() -> None:
    body = {"name": "photo", "type": "text", "rest": 1}
    outcome = lambda body: body.get("name") == "photo" and body.get("type") == "file"  # noqa: E731
    assert "type" not in unused(body, outcome, ("file",))


def test_a_form_is_written_again_byte_by_byte_whatever_its_charset() -> None:
    posted = (
        "data[merges][NAME]=Zo%EB&list[]=a&list[]=b&empty=".replace("[", "%5B").replace("]", "%5D").encode()
    )
    body = body_in("application/x-www-form-urlencoded; charset=iso-8859-1", posted)
    assert body.write(body.content) == posted
    assert [place(path) for path, _ in values(body.content)] == ["data.merges.NAME", "list", "empty"]


@pytest.mark.parametrize(
    ("path", "written"),
    [(("items", "[]", "sku"), "items[].sku"), (("[]", "email"), "[].email"), (("a[b][]",), "a.b")],
)
def test_places_are_written_as_people_write_them(path: tuple[str, ...], written: str) -> None:
    assert place(path) == written
