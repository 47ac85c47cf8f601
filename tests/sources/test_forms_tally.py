"""What is special about Tally."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.errors import InvalidSignature, MalformedBody
from bridge.receiving.signatures import MALFORMED_HEADER, MISMATCH, NO_HEADER
from bridge.settings import ConnectionSettings
from bridge.webhook import Request
from functions.sources.forms import mapping
from functions.sources.forms.submission import Submission
from functions.sources.forms.vendors import tally
from tests.sources.test_forms import answers, attributes, webhook

OPTIONS = [{"id": "a1", "text": "Coast"}, {"id": "b2", "text": "Islands"}]


def body(*fields: dict[str, Any]) -> bytes:
    response = {"responseId": "r1", "formId": "f1", "formName": "Tours", "fields": fields}
    return json.dumps({"eventId": "e1", "eventType": "FORM_RESPONSE", "data": response}).encode()


def read(*fields: dict[str, Any]) -> Submission:
    return tally.read(webhook("tally", body(*fields)))


def question(kind: str, value: Any, label: Any = "Where to?", **more: Any) -> dict[str, Any]:
    return {"key": "question_kGqLoV", "label": label, "type": kind, "value": value, **more}


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("", NO_HEADER),
        ("not base64!", MALFORMED_HEADER),
        ("sha256=AAAA", MALFORMED_HEADER),
        ("AAAA", MISMATCH),
    ],
)
def test_a_wrong_signature_is_refused(signature: str, reason: str) -> None:
    with pytest.raises(InvalidSignature) as caught:
        tally.verify(Request("tally", "main", {"tally-signature": signature}, {}, b"{}"), ["secret"], 0)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("kind", "value", "answer"),
    [
        ("DROPDOWN", ["b2"], "Islands"),
        ("DROPDOWN", None, None),
        ("MULTIPLE_CHOICE", ["b2"], ["Islands"]),
        ("CHECKBOXES", ["a1", "b2"], ["Coast", "Islands"]),
        ("RANKING", ["b2", "a1"], ["Islands", "Coast"]),
        ("MULTI_SELECT", ["a1", "somewhere else"], ["Coast", "somewhere else"]),
        ("MULTIPLE_CHOICE", "a1", ["Coast"]),
        ("CHECKBOXES", None, []),
    ],
)
def test_choices_are_the_texts_of_their_ids(kind: str, value: Any, answer: Any) -> None:
    [field] = read(question(kind, value, options=OPTIONS)).fields
    assert (field.type, field.value) == ("choice", answer)


def test_an_option_that_comes_again_as_a_yes_or_no_is_not_another_answer() -> None:
    doubles = [
        question("CHECKBOXES", True, f"Where to? ({one['text']})") | {"key": f"question_kGqLoV_{one['id']}"}
        for one in OPTIONS
    ]
    [field] = read(*doubles, question("CHECKBOXES", ["a1"], options=OPTIONS)).fields
    assert field.value == ["Coast"]


@pytest.mark.parametrize(
    ("label", "beside", "value", "consent"),
    [
        ("Newsletter", "Yes", ["y"], "subscribed"),
        ("Newsletter", "Yes", [], None),
        (None, "Send me the newsletter", ["y"], "subscribed"),
        ("Untitled checkboxes field", "Send me the newsletter", ["y"], "subscribed"),
        ("Stay in touch", "Send me news and offers by e-mail", ["y"], "subscribed"),
        ("Newsletter", "I agree to the terms and conditions", ["y"], None),
        ("Terms", "I agree", ["y"], None),
    ],
)
def test_a_single_box_is_a_consent_by_what_stands_beside_it(
    label: str | None, beside: str, value: list[str], consent: str | None
) -> None:
    box = question("CHECKBOXES", value, label, options=[{"id": "y", "text": beside}])
    change = mapping.to_change(webhook("tally", body(box)), ConnectionSettings())
    assert attributes(change).get("$email_marketing") == consent


@pytest.mark.parametrize(
    "options", [OPTIONS, [{"id": "a1", "text": "Newsletter"}, {"id": "b2", "text": "SMS"}]]
)
def test_several_boxes_are_no_consent(options: list[dict[str, str]]) -> None:
    box = question("CHECKBOXES", ["a1"], "Newsletter", options=options)
    assert attributes(mapping.to_change(webhook("tally", body(box)), ConnectionSettings())) == {}


def test_a_matrix_is_a_list_of_its_rows() -> None:
    rows, columns = (
        [{"id": "r1", "text": "Food"}],
        [{"id": "c1", "text": "Good"}, {"id": "c2", "text": "Cheap"}],
    )
    [field] = read(question("MATRIX", {"r1": ["c1", "c2"], "r2": ["c1"]}, rows=rows, columns=columns)).fields
    assert field.value == ["Food: Good, Cheap", "r2: Good"]


def test_files_are_their_links() -> None:
    one, two = {"url": "https://example.com/1"}, {"url": "https://example.com/2"}
    [single] = read(question("FILE_UPLOAD", [one])).fields
    [several] = read(question("SIGNATURE", [one, two, {"url": "javascript:"}])).fields
    assert (single.value, several.value) == (
        "https://example.com/1",
        ["https://example.com/1", "https://example.com/2"],
    )


def test_numbers_keep_one_type_whatever_the_answer() -> None:
    change = mapping.to_change(webhook("tally", body(question("INPUT_NUMBER", 5))), ConnectionSettings())
    assert str(answers(change)["where_to"]) == "5"
    [scale] = read(question("RATING", 4)).fields
    assert scale.value == 4


def test_what_a_payment_asks_for_is_not_taken_for_the_person() -> None:
    payment = question("PAYMENT", "bank@example.com", "Email")
    assert attributes(mapping.to_change(webhook("tally", body(payment)), ConnectionSettings())) == {}


def test_hidden_fields_name_the_person_and_the_campaign_unless_nobody_filled_them_in() -> None:
    hidden = [
        question("HIDDEN_FIELDS", value, name) for name, value in (("user_id", "7"), ("utm_term", "{{x}}"))
    ]
    assert (read(*hidden).hidden, read(*hidden).fields) == ({"user_id": "7", "utm_term": None}, ())


@pytest.mark.parametrize("content", [{}, {"eventType": 1.5}, {"eventType": "FORM_RESPONSE", "data": []}])
def test_what_is_no_response_is_malformed(content: dict[str, Any]) -> None:
    with pytest.raises(MalformedBody):
        tally.routing_of(Request("tally", "main", {}, {}, json.dumps(content).encode()))
