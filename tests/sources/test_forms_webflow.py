"""What is special about Webflow."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from bridge.errors import InvalidSignature, MalformedBody
from bridge.receiving.signatures import CLOCK_SKEW, MALFORMED_HEADER, MISMATCH, NO_HEADER, STALE
from bridge.settings import ConnectionSettings
from bridge.webhook import Request
from functions.sources.forms import mapping
from functions.sources.forms.submission import Submission
from functions.sources.forms.vendors import webflow
from tests.sources.test_forms import answers, attributes, webhook

NOW = 1_788_000_000.0
SECRETS = ("newest-secret", "older-secret")
BODY = b'{"triggerType": "form_submission"}'


def signature(timestamp: str, secret: str = SECRETS[1], body: bytes = BODY) -> dict[str, str]:
    """As Webflow's documentation tells, and not by the code under test."""
    digest = hmac.new(secret.encode(), f"{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"x-webflow-timestamp": timestamp, "x-webflow-signature": digest}


def verify(headers: dict[str, str], query: dict[str, str] | None = None, now: float = NOW) -> int:
    return webflow.verify(Request("webflow", "main", headers, query or {}, BODY), SECRETS, now)


@pytest.mark.parametrize("off", [0, 300, -300])
def test_a_signature_with_a_time_in_milliseconds_proves(off: int) -> None:
    assert verify(signature("1788000000000"), now=NOW + off) == 1


def test_without_a_signature_the_token_in_the_address_proves() -> None:
    assert verify({}, {"token": SECRETS[0]}) == 0


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, NO_HEADER),
        (signature("1788000301000"), CLOCK_SKEW),
        (signature("1787999699000"), STALE),
        (signature("1788000000"), STALE),
        (signature("1788000000000", "stranger"), MISMATCH),
        (signature("1788000000000", body=BODY + b" "), MISMATCH),
        (signature("1788000000000") | {"x-webflow-timestamp": "1788000000001"}, MISMATCH),
        (signature("soon"), MALFORMED_HEADER),
        (signature("9" * 16), MALFORMED_HEADER),
        ({"x-webflow-signature": signature("1788000000000")["x-webflow-signature"]}, MALFORMED_HEADER),
        ({"x-webflow-signature": ""}, MALFORMED_HEADER),
    ],
)
def test_anything_else_is_refused(headers: dict[str, str], reason: str) -> None:
    with pytest.raises(InvalidSignature) as caught:
        verify(headers)
    assert caught.value.reason == reason


@pytest.mark.parametrize("headers", [{"x-webflow-signature": ""}, signature("1788000000000", "stranger")])
def test_a_token_does_not_help_a_wrong_signature(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidSignature):
        verify(headers, {"token": SECRETS[0]})


def content(data: dict[str, Any], **payload: Any) -> bytes:
    whole = {"name": "Contact", "id": "9", "formId": "7", "data": data, **payload}
    return json.dumps({"triggerType": "form_submission", "payload": whole}).encode()


def read(data: dict[str, Any], **payload: Any) -> Submission:
    return webflow.read(webhook("webflow", content(data, **payload)))


def test_a_checkbox_says_true_or_false_as_a_text() -> None:
    values = [field.value for field in read({"A": "true", "B": "false", "C": True, "D": "True story"}).fields]
    assert values == [True, False, True, "True story"]


def test_a_phone_number_that_came_as_a_number_is_a_text_and_another_number_stays() -> None:
    change = mapping.to_change(
        webhook("webflow", content({"Phone Number": 12025550171, "Country": "US", "Seats": 4})),
        ConnectionSettings(),
    )
    assert attributes(change) == {"$phone_number": "+12025550171", "$region": "US"}
    assert answers(change)["seats"] == 4


def test_the_schema_tells_files_and_passwords() -> None:
    schema = [
        {"fieldName": "Upload", "fieldType": "FormFileUploadInput"},
        {"fieldName": "Code", "fieldType": "FormPasswordInput"},
    ]
    [field] = read({"Upload": "https://example.com/a.pdf", "Code": "1234"}, schema=schema).fields
    assert (field.key, field.type, field.value) == ("Upload", "file", "https://example.com/a.pdf")


def test_the_campaign_and_the_person_stand_in_hidden_fields_and_machinery_nowhere() -> None:
    found = read({"utm_source": "mail", "user_id": "7", "g-recaptcha-response": "x"})
    assert (found.hidden, found.fields) == ({"utm_source": "mail", "user_id": "7"}, ())


def test_labels_in_any_script_are_kept() -> None:
    change = mapping.to_change(
        webhook("webflow", content({"Имя": "Анна", "Город": "Рига"})), ConnectionSettings()
    )
    assert sorted(answers(change).values()) == ["Анна", "Рига"]


@pytest.mark.parametrize(
    "body",
    [{}, {"triggerType": "form_submission"}, {"data": []}, {"triggerType": "form_submission", "payload": []}],
)
def test_what_has_no_fields_is_malformed(body: dict[str, Any]) -> None:
    with pytest.raises(MalformedBody):
        webflow.routing_of(Request("webflow", "main", {}, {}, json.dumps(body).encode()))


def test_other_triggers_keep_their_name_to_be_ignored() -> None:
    body = json.dumps({"triggerType": "site_publish", "payload": {"id": "1"}}).encode()
    assert webflow.routing_of(Request("webflow", "main", {}, {}, body)).topic == "site_publish"
