"""What is special about Fillout."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from bridge.errors import MalformedBody
from bridge.settings import ConnectionSettings
from bridge.webhook import Request
from functions.sources.forms import mapping
from functions.sources.forms.submission import Submission
from functions.sources.forms.vendors import fillout
from tests.sources.test_forms import attributes, webhook


def body(*questions: dict[str, Any], wrapped: bool = True, **more: Any) -> bytes:
    submission = {
        "submissionId": "9",
        "submissionTime": "2026-09-01T10:00:00Z",
        "questions": questions,
        **more,
    }
    content = {"formId": "7", "formName": "Tasting", "submission": submission} if wrapped else submission
    return json.dumps(content).encode()


def read(*questions: dict[str, Any], **more: Any) -> Submission:
    return fillout.read(webhook("fillout", body(*questions, **more)))


def question(kind: str, value: Any, name: str = "Question") -> dict[str, Any]:
    return {"id": "5AtgG35AAZVcrSVfRubvp1", "name": name, "type": kind, "value": value}


@pytest.mark.parametrize(
    ("kind", "value", "answer"),
    [
        ("ShortAnswer", " x ", "x"),
        ("NumberInput", 2, Decimal(2)),
        ("NumberInput", None, None),
        ("StarRating", 4, 4),
        ("Checkbox", False, False),
        ("Checkboxes", ["A", "B"], ["A", "B"]),
        ("FileUpload", [{"url": "https://example.com/a", "filename": "a"}], "https://example.com/a"),
        ("DateRange", {"start": "2026-09-01", "end": "2026-09-03"}, "start: 2026-09-01, end: 2026-09-03"),
        ("Matrix", {"Food": "Good", "Rooms": ["Clean", "Quiet"]}, "Food: Good, Rooms: Clean, Quiet"),
        ("Table", [{"Name": "Ada", "Age": 9}], ["Name: Ada, Age: 9"]),
        ("SomethingNew", "x", "x"),
        ("SomethingNew", {"a": {"b": 1}}, None),
    ],
)
def test_an_answer_is_read_by_its_question(kind: str, value: Any, answer: Any) -> None:
    [field] = read(question(kind, value)).fields
    assert field.value == answer


def test_a_password_and_a_captcha_are_no_answers() -> None:
    assert read(question("Password", "hunter2"), question("Captcha", "ok")).fields == ()


def test_an_address_is_the_persons_own_or_that_of_what_it_names() -> None:
    parts = {"address": "1 Road", "city": "Bath", "zipCode": "BA1", "country": "United Kingdom"}
    for name, found in (("Address", {"city": "Bath", "zip_code": "BA1", "$region": "GB"}), ("Venue", {})):
        change = mapping.to_change(
            webhook("fillout", body(question("Address", parts, name))), ConnectionSettings()
        )
        assert attributes(change) == found


def test_the_link_and_a_login_name_the_person() -> None:
    found = read(
        urlParameters=[
            {"id": "user_id", "name": "user_id", "value": "7"},
            {"id": "x", "name": "utm_term", "value": None},
        ],
        login={"email": "ada@example.com"},
    )
    assert found.hidden == {"user_id": "7", "utm_term": None}
    assert [(field.type, field.value) for field in found.fields] == [("email", "ada@example.com")]


def test_calculations_and_a_score_are_worked_out() -> None:
    found = read(
        calculations=[
            {"id": "c", "name": "Price", "type": "number", "value": 9.5},
            {"id": "d", "name": "Size", "value": "M"},
        ],
        quiz={"score": 3, "maxScore": 5},
    )
    values = [(field.label, field.type, field.value) for field in found.fields]
    assert values == [
        ("Price", "computed", Decimal("9.5")),
        ("Size", "computed", "M"),
        ("Quiz score", "computed", Decimal(3)),
    ]


def test_a_submission_may_be_the_whole_body() -> None:
    found = read(question("ShortAnswer", "x"), wrapped=False)
    assert (found.form_id, found.response_id, found.fields[0].value) == ("main", "9", "x")


def test_an_edited_submission_is_another_webhook_and_a_repeat_is_not() -> None:
    first, again, edited = (
        fillout.routing_of(Request("fillout", "main", {}, {}, body(lastUpdatedAt=at, **more)))
        for at, more in (("1", {}), ("1", {"quiz": {}}), ("2", {}))
    )
    assert first.idempotency_key == again.idempotency_key != edited.idempotency_key


@pytest.mark.parametrize(
    "content", [{}, {"submission": []}, {"submission": {"questions": []}}, {"submissionId": " "}]
)
def test_what_is_no_submission_is_malformed(content: dict[str, Any]) -> None:
    with pytest.raises(MalformedBody):
        fillout.routing_of(Request("fillout", "main", {}, {}, json.dumps(content).encode()))
