"""What is special about Wufoo."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from bridge.errors import InvalidSignature, MalformedBody
from bridge.webhook import Request
from functions.sources.forms.reading.body import posted
from functions.sources.forms.submission import Submission
from functions.sources.forms.vendors import wufoo
from tests.sources.test_forms import webhook

HEADERS = {"content-type": "application/x-www-form-urlencoded"}


def request(query: dict[str, str] | None = None, **posted: str) -> Request:
    return Request("wufoo", "main", HEADERS, query or {}, urlencode({"Field1": "x", **posted}).encode())


def read(*questions: dict[str, Any], **posted: str) -> Submission:
    body = urlencode({"FieldStructure": json.dumps({"Fields": questions}), **posted}).encode()
    return wufoo.read(webhook("wufoo", body, content_type=HEADERS["content-type"]))


def question(kind: str, title: str = "Question", *parts: str) -> dict[str, Any]:
    listed = [{"ID": f"Field{number}", "Label": label} for number, label in enumerate(parts, 1)]
    return {"ID": "Field1", "Title": title, "Type": kind} | ({"SubFields": listed} if parts else {})


def test_the_handshake_key_proves_the_webhook_with_any_secret() -> None:
    assert wufoo.verify(request(HandshakeKey="old"), ["new", "old"], 0) == 1


def test_without_a_handshake_key_the_token_in_the_address_does() -> None:
    assert wufoo.verify(request({"token": "new"}, HandshakeKey=""), ["new"], 0) == 0


@pytest.mark.parametrize(("key", "token"), [("wrong", "right"), ("", "wrong"), ("", "")])
def test_a_wrong_key_is_refused(key: str, token: str) -> None:
    with pytest.raises(InvalidSignature):
        wufoo.verify(request({"token": token}, HandshakeKey=key), ["right"], 0)


def test_the_handshake_key_is_no_answer() -> None:
    found = read(question("text"), Field1="x", HandshakeKey="secret", IP="203.0.113.1")
    assert [(field.label, field.value) for field in found.fields] == [("Question", "x")]


@pytest.mark.parametrize(
    ("kind", "value", "answer"),
    [
        ("text", " x ", "x"),
        ("number", "2", Decimal(2)),
        ("date", "20261003", "2026-10-03"),
        ("date", "2026-10-03", "2026-10-03"),
        ("file", "a.jpg (https://e.com/a.jpg)", "https://e.com/a.jpg"),
        ("file", "a.jpg", "a.jpg"),
        ("something_new", "x", "x"),
        ("text", "", None),
    ],
)
def test_an_answer_is_read_by_its_question(kind: str, value: str, answer: Any) -> None:
    [field] = read(question(kind), Field1=value).fields
    assert field.value == answer


def test_a_name_and_an_address_are_the_persons_own_or_those_of_what_they_name() -> None:
    posted = {"Field1": "Ada", "Field2": "King"}
    own, other = (
        [
            (field.label, field.value)
            for field in read(question("shortname", of, "First", "Last"), **posted).fields
        ]
        for of in ("Name", "Name of your pet")
    )
    assert own == [("First name", "Ada"), ("Last name", "King")]
    assert other == [("Name of your pet", "Ada King")]
    parts = ("Street Address", "Line 2", "City", "State", "Zip", "Country")
    labels = [
        [field.label for field in read(question("address", of, *parts), Field1="x").fields][2]
        for of in ("Address", "Venue")
    ]
    assert labels == ["City", "Venue city"]


def test_one_box_is_yes_or_no_and_several_are_a_list() -> None:
    [box] = read(question("checkbox", "Newsletter", "Yes please"), Field1="Yes please").fields
    assert (box.key, box.label, box.type, box.value) == ("Yes please", "Newsletter", "boolean", True)
    [boxes] = read(question("checkbox", "Tea", "Green", "Black"), Field1="", Field2="Black").fields
    assert boxes.value == ["Black"]
    [likert] = read(question("likert", "How was", "Food", "Rooms"), Field1="Good").fields
    assert likert.value == ["Food: Good"]


def test_hidden_questions_tell_the_person_and_the_campaign() -> None:
    found = read(question("text", "user_id"), Field1="7")
    assert (found.fields, found.hidden) == ((), {"user_id": "7"})


def test_an_entry_is_known_by_its_form_and_number() -> None:
    form = json.dumps({"Hash": "k12"})
    assert wufoo.routing_of(request(FormStructure=form, EntryId="5")).idempotency_key == "k12/5"
    assert wufoo.routing_of(request(FormStructure="{", EntryId="5")).idempotency_key is None


def test_what_is_no_entry_is_malformed() -> None:
    with pytest.raises(MalformedBody):
        wufoo.routing_of(Request("wufoo", "main", HEADERS, {}, b"EntryId=5"))


@pytest.mark.parametrize("body", [b"HandshakeKey=a%2Bb+c&Field1=x", b"Field1=x&HandshakeKey=a%2Bb+c"])
def test_the_handshake_key_is_found_wherever_it_stands(body: bytes) -> None:
    assert wufoo.verify(Request("wufoo", "main", HEADERS, {}, body), ["a+b c"], 0) == 0


@pytest.mark.parametrize(
    "body", [b"XHandshakeKey=right", b"Field1=HandshakeKey=right", b'{"HandshakeKey": "right"}']
)
def test_a_handshake_key_is_a_field_of_the_form_and_nothing_else(body: bytes) -> None:
    with pytest.raises(InvalidSignature):
        wufoo.verify(Request("wufoo", "main", HEADERS, {}, body), ["right"], 0)


def test_looking_for_the_key_reads_no_form() -> None:
    """Nothing is proven yet: a stranger's megabytes are searched once, not decoded."""
    body = b"a=" + b"%41" * 1_500_000
    started = time.process_time()
    with pytest.raises(InvalidSignature):
        wufoo.verify(Request("wufoo", "main", HEADERS, {}, body), ["right"], 0)
    searched, started = time.process_time() - started, time.process_time()
    posted(HEADERS, body)
    assert searched < (time.process_time() - started) / 2
