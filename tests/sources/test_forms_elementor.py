"""What is special about Elementor."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from functions.sources.forms.submission import Field, Submission
from functions.sources.forms.vendors import elementor
from tests.sources.test_forms import webhook

URLENCODED = "application/x-www-form-urlencoded; charset=UTF-8"


def read(pairs: dict[str, str], encoding: str = "utf-8") -> Submission:
    body = urlencode(pairs, encoding=encoding).encode()
    return elementor.read(webhook("elementor", body, content_type=URLENCODED))


def simple(pairs: dict[str, str]) -> dict[str, Any]:
    submission = read({**pairs, "form_id": "1", "form_name": "Contact"})
    return {field.label: field.value for field in submission.fields}


def advanced(kind: str, value: str, title: str = "Question", **raw: str) -> Field:
    pairs = {"fields[q1][id]": "q1", "fields[q1][type]": kind, "fields[q1][title]": title}
    pairs |= {"fields[q1][value]": value} | {f"fields[q1][raw_value][{n[1:]}]": v for n, v in raw.items()}
    [field] = read(pairs).fields
    return field


def test_metadata_at_the_end_is_no_answer_whatever_its_language() -> None:
    found = simple(
        {
            "Nom": "King",
            "Date": "5 sept. 2026",
            "Heure": "9 h 15",
            "URL de la page": "https://example.com/",
            "Agent utilisateur": "Mozilla/5.0",
            "Adresse IP": "2001:db8::1",
            "Signature": "Elementor",
        }
    )
    assert found == {"Nom": "King"}


def test_a_question_for_a_day_or_a_link_is_an_answer_where_there_is_no_metadata() -> None:
    asked = {"Website": "https://example.com/", "Date": "2026-09-05"}
    assert simple(asked) == asked


def test_a_field_without_a_label_is_called_by_its_id() -> None:
    assert simple({"No Label field_x": "1"}) == {"field_x": "1"}


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_utf_8_and_latin_1_are_read(encoding: str) -> None:
    submission = read({"Prénom": "Zoë", "form_id": "1"}, encoding)
    assert [(field.label, field.value) for field in submission.fields] == [("Prénom", "Zoë")]


@pytest.mark.parametrize(
    ("kind", "value", "type_", "answer"),
    [
        ("tel", "123", "phone", "123"),
        ("number", "2.5", "number", Decimal("2.5")),
        ("number", "007", "number", "007"),
        ("acceptance", "on", "consent", True),
        ("acceptance", "", "consent", None),
        ("upload", "https://e.com/a , https://e.com/b", "file", ["https://e.com/a", "https://e.com/b"]),
        ("upload", "https://e.com/a", "file", "https://e.com/a"),
        ("something_new", "x", "text", "x"),
    ],
)
def test_an_answer_is_read_by_its_type(kind: str, value: str, type_: str, answer: Any) -> None:
    field = advanced(kind, value)
    assert (field.type, field.value) == (type_, answer)


def test_a_zip_code_asked_as_a_number_stays_a_text() -> None:
    assert advanced("number", "94607", "Zip code").value == "94607"


def test_several_choices_are_a_list() -> None:
    assert advanced("checkbox", "A, B", _0="A", _1="B").value == ["A", "B"]


@pytest.mark.parametrize("kind", ["password", "recaptcha_v3", "honeypot"])
def test_a_password_and_traps_are_no_answers(kind: str) -> None:
    assert read({"fields[p][type]": kind, "fields[p][value]": "hunter2"}).fields == ()


def test_hidden_fields_are_known_by_id_or_label() -> None:
    found = read(
        {
            "fields[user_id][type]": "hidden",
            "fields[user_id][value]": "7",
            "fields[a1][type]": "hidden",
            "fields[a1][title]": "utm_source",
            "fields[a1][value]": "ad",
            "meta[page_url][value]": "https://example.com/?utm_term=mug",
        }
    )
    assert found.hidden == {"user_id": "7", "utm_source": "ad", "utm_term": "mug"}


def test_names_that_contradict_each_other_are_read_without_a_fault() -> None:
    body = b"fields[a][value]=1&fields[a][value][x]=2&fields=3&fields[b]=4&[]=5"
    assert elementor.read(webhook("elementor", body, content_type=URLENCODED)).form_id == "main"
