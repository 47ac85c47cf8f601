"""What is special about Google Forms: the script is ours, and is in the documentation."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import InvalidSignature, MalformedBody
from bridge.receiving import signatures
from bridge.webhook import Request
from functions.sources.forms.submission import Field
from functions.sources.forms.vendors import google
from tests.sources.test_forms import webhook

NOW = 1_788_000_000.0
SCRIPT = Path("docs/connect-google.md").read_text(encoding="utf-8")


def body(*answers: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"formId": "f", "responseId": "r", "answers": answers, **more}).encode()


def answer(kind: str, value: Any, *options: str) -> Field:
    one = {"id": "1", "title": "Question", "type": kind, "options": options, "value": value}
    [field] = google.read(webhook("google", body(one))).fields
    return field


def test_the_script_sends_what_is_read() -> None:
    example = json.loads(Path("events/google/form_response.json").read_text())["body"]
    for name in (*example, *example["answers"][0]):
        assert re.search(rf"\b{name}: ", SCRIPT), f"the script in docs/connect-google.md does not send {name}"
    for header in (google.SIGNATURE, google.TIMESTAMP):
        assert header in SCRIPT.lower()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"x-bridge-signature": ""}, signatures.NO_HEADER),
        ({"x-bridge-signature": "x"}, signatures.MALFORMED_HEADER),
        ({"x-bridge-timestamp": ""}, signatures.MALFORMED_HEADER),
        ({"x-bridge-timestamp": str(int(NOW) - 1)}, signatures.MISMATCH),
    ],
)
def test_what_is_not_signed_is_refused(change: dict[str, str], reason: str) -> None:
    headers, _ = google.sign(body(), "secret", NOW, "")
    assert google.verify(Request("google", "main", headers, {}, body()), ["new", "secret"], NOW) == 1
    with pytest.raises(InvalidSignature) as refused:
        google.verify(Request("google", "main", headers | change, {}, body()), ["secret"], NOW)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("TEXT", "x", "x"),
        ("TEXT", None, None),
        ("SCALE", "4", Decimal(4)),
        ("CHECKBOX", ["A", "B"], ["A", "B"]),
        ("DATE", "2026-09-01", "2026-09-01"),
        ("FILE_UPLOAD", ["1a"], "https://drive.google.com/open?id=1a"),
        (
            "FILE_UPLOAD",
            ["1a", "https://e.com/b"],
            ["https://drive.google.com/open?id=1a", "https://e.com/b"],
        ),
        ("FILE_UPLOAD", None, None),
        ("SOMETHING_NEW", "x", "x"),
    ],
)
def test_an_answer_is_read_by_its_question(kind: str, value: Any, found: Any) -> None:
    assert answer(kind, value).value == found


def test_one_box_is_yes_or_no() -> None:
    assert answer("CHECKBOX", ["Yes"], "Yes").value is True
    assert answer("CHECKBOX", None, "Yes").value is False


def test_a_question_may_name_the_person_and_google_the_e_mail() -> None:
    one = {"id": "1", "title": "user_id", "type": "TEXT", "value": "7"}
    found = google.read(webhook("google", body(one, respondentEmail="ada@example.com")))
    assert found.hidden == {"user_id": "7"}
    assert [(field.type, field.value) for field in found.fields] == [("email", "ada@example.com")]


@pytest.mark.parametrize("content", [{}, {"responseId": "r"}, {"answers": []}])
def test_what_is_no_response_is_malformed(content: dict[str, Any]) -> None:
    with pytest.raises(MalformedBody):
        google.routing_of(Request("google", "main", {}, {}, json.dumps(content).encode()))
