"""What is special about Gravity Forms."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from bridge.settings import ConnectionSettings
from bridge.webhook import Request
from functions.sources.forms import mapping
from functions.sources.forms.submission import Field, Submission
from functions.sources.forms.vendors import gravity
from tests.sources.test_forms import attributes, webhook

ENTRY = {"id": "7", "form_id": "3", "date_created": "2026-09-01 10:00:00", "status": "active"}


def read(content: dict[str, Any]) -> Submission:
    return gravity.read(webhook("gravity", json.dumps(content).encode(), content_type="application/json"))


def fields(**numbered: Any) -> list[Field]:
    return list(
        read({**ENTRY, **{name.strip("n").replace("_", "."): v for name, v in numbered.items()}}).fields
    )


def idempotency_key(content: dict[str, Any]) -> str | None:
    body = json.dumps(content).encode()
    return gravity.routing_of(Request("gravity", "main", {}, {}, body)).idempotency_key


def test_of_a_whole_entry_a_name_is_known_by_its_parts_and_only_the_first_is_the_persons() -> None:
    found = fields(n1_3="Ada", n1_6="King", n1_2="", n2_3="Bob", n2_6="Hope")
    assert [(field.label, field.value) for field in found] == [
        ("First name", "Ada"),
        ("Last name", "King"),
        ("Field 2", ["Bob", "Hope"]),
    ]


def test_of_a_whole_entry_a_ticked_consent_is_known_by_its_text_and_an_unticked_one_states_nothing() -> None:
    for ticked, consent in (("1", {"$email_marketing": "subscribed"}), ("", {})):
        text = "I want to receive the newsletter" if ticked else ""
        entry = {**ENTRY, "5.1": ticked, "5.2": text, "5.3": "9" if ticked else ""}
        body = json.dumps(entry).encode()
        change = mapping.to_change(
            webhook("gravity", body, content_type="application/json"), ConnectionSettings()
        )
        assert attributes(change) == consent


def test_of_a_whole_entry_an_e_mail_is_the_persons_only_if_there_is_no_other() -> None:
    assert [field.type for field in fields(n1="a@example.com", n2="a@example.com")] == ["email", "email"]
    assert [field.type for field in fields(n1="a@example.com", n2="b@example.com")] == ["text", "text"]


def test_a_number_can_be_named_in_the_settings() -> None:
    body = json.dumps({**ENTRY, "7": "Bath"}).encode()
    settings = ConnectionSettings.model_validate({"fields": {"7": "city"}})
    change = mapping.to_change(webhook("gravity", body, content_type="application/json"), settings)
    assert attributes(change) == {"city": "Bath"}


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ('["A","B"]', ["A", "B"]),
        ('["A"', '["A"'),
        ("[A]", "[A]"),
        ("https://example.com/wp-content/uploads/a.pdf", "https://example.com/wp-content/uploads/a.pdf"),
        (
            '["https://example.com/index.php?gf-download=a.pdf"]',
            "https://example.com/index.php?gf-download=a.pdf",
        ),
    ],
)
def test_several_answers_come_as_a_list_and_one_file_as_its_link(value: str, answer: Any) -> None:
    assert fields(n4=value)[0].value == answer


def test_an_entry_is_known_by_its_number_its_form_and_its_time() -> None:
    assert idempotency_key(ENTRY) == idempotency_key({**ENTRY, "is_read": "1"}) == "3/7/2026-09-01 10:00:00"
    assert idempotency_key({**ENTRY, "date_created": "2026-09-02 10:00:00"}) != idempotency_key(ENTRY)
    assert idempotency_key({"form_id": "3", "entry_id": "7", "date_created": "x"}) == "3/7/x"
    assert idempotency_key({"form_id": "3", "id": "customer", "date_created": "x"}) is None


def test_json_and_a_posted_form_say_the_same() -> None:
    content = {**ENTRY, "1.3": "Ada", "1.6": "King", "2": "ada@example.com"}
    as_form = webhook(
        "gravity", urlencode(content).encode(), content_type="application/x-www-form-urlencoded"
    )
    assert gravity.read(as_form).fields == read(content).fields


def test_a_time_ahead_does_not_count() -> None:
    assert (
        read({**ENTRY, "date_created": "2027-01-01 00:00:00"}).submitted_at
        == webhook("gravity", b'{"a": 1}', content_type="application/json").received_at
    )
