"""What is special about Jotform."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.errors import MalformedBody
from bridge.profiles.profile_change import ProfileChange
from bridge.settings import ConnectionSettings
from bridge.webhook import Request
from functions.sources.forms import mapping
from functions.sources.forms.submission import Submission
from functions.sources.forms.vendors import jotform
from tests.sources.test_forms import RECEIVED_AT, answers, attributes, webhook
from tests.sources.test_forms_receive import MULTIPART, parts


def body(answers: Any, **more: str) -> bytes:
    posted = {
        "submissionID": "9",
        "formID": "7",
        "formTitle": "Course",
        "rawRequest": json.dumps(answers),
        **more,
    }
    return parts(*((f'name="{name}"', text.encode()) for name, text in posted.items()))


def read(raw: dict[str, Any], **more: str) -> Submission:
    return jotform.read(webhook("jotform", body(raw, **more), content_type=MULTIPART))


def change(raw: dict[str, Any], **stored: Any) -> ProfileChange:
    settings = ConnectionSettings.model_validate(stored)
    return mapping.to_change(webhook("jotform", body(raw), content_type=MULTIPART), settings)


@pytest.mark.parametrize("name", ["q3_name", "q3_name3", "q3_fullName3", "q3_input3", "q3_typeA", "q3_"])
def test_a_name_is_first_and_last_name(name: str) -> None:
    found = attributes(change({name: {"prefix": "Dr", "first": "Ada", "last": "King"}}))
    assert found == {"first_name": "Ada", "last_name": "King"}


@pytest.mark.parametrize("name", ["q3_friendsName", "q3_guarantor", "q3_nameOfThePet"])
def test_a_name_of_someone_else_is_an_answer(name: str) -> None:
    found = change({name: {"first": "Ada", "last": "King"}})
    assert (attributes(found), list(answers(found).values())) == ({}, ["Ada King"])


@pytest.mark.parametrize(
    "number",
    [
        {"full": "+44 7700 900123"},
        {"area": "+447700", "phone": "900123"},
        {"country": "44", "area": "7700", "phone": "900123"},
        {"country": "+44", "area": "7700", "phone": "900123"},
    ],
)
def test_a_phone_number_comes_whole_or_in_parts(number: dict[str, str]) -> None:
    assert attributes(change({"q5_phoneNumber": number})) == {"$phone_number": "+447700900123"}


def test_an_address_is_the_persons_own_or_that_of_what_it_names() -> None:
    parts = {"addr_line1": "1 Road", "city": "Bath", "postal": "BA1", "country": "United Kingdom"}
    own = {"city": "Bath", "zip_code": "BA1", "$region": "GB"}
    assert attributes(change({"q6_address6": parts})) == own
    venue = change({"q6_venueAddress": parts})
    assert attributes(venue) == {}
    assert answers(venue)["venue_address_city"] == "Bath"


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (["A", "B"], ["A", "B"]),
        ({"0": "A", "other": "mine"}, ["A", "mine"]),
        ({"Food": "Good", "Rooms": ""}, ["Food: Good"]),
        ("I&#039;m &quot;in&quot;", 'I\'m "in"'),
        ("data:image/png;base64,AAAA", None),
        ("", None),
    ],
)
def test_answers_are_what_was_filled_in(content: Any, answer: Any) -> None:
    [field] = read({"q8_question": content}).fields
    assert field.value == answer


def test_a_date_in_parts_is_a_date_and_one_without_a_year_none() -> None:
    [full] = read({"q9_date": {"month": "9", "day": "1", "year": "2026"}}).fields
    [empty] = read({"q9_date": {"month": "", "day": "", "year": ""}}).fields
    assert (full.type, full.value, empty.value) == ("date", "2026-09-01", None)


def test_uploads_are_found_under_a_name_without_a_number_and_the_rest_is_machinery() -> None:
    raw = {
        "slug": "submit/7",
        "event_id": "1_7_x",
        "cv": ["https://example.com/cv.pdf"],
        "temp_upload": {"q1": ["cv"]},
    }
    [field] = read(raw).fields
    assert (field.type, field.value) == ("file", "https://example.com/cv.pdf")


def test_fields_that_the_link_fills_in_are_hidden() -> None:
    found = read({"q1_userId": "7", "q2_utm_source": "mail", "q3_utmMedium3": "post"})
    assert (found.hidden, found.fields) == ({"user_id": "7", "utm_source": "mail", "utm_medium": "post"}, ())


def test_a_number_that_tells_two_fields_apart_is_no_part_of_the_name_but_where_it_is_all_there_is() -> None:
    labels = [field.label for field in read({"q4_email4": "", "q5_input5": "", "q6_top6": ""}).fields]
    assert labels == ["email", "input5", "top"]


@pytest.mark.parametrize(
    ("stated", "at"),
    [
        ("1788166800000", datetime(2026, 8, 31, 9, tzinfo=UTC)),
        ("undefined", RECEIVED_AT),
        ("9999999999999", RECEIVED_AT),
        ("9" * 30, RECEIVED_AT),
        (None, RECEIVED_AT),
    ],
)
def test_the_time_is_the_visitors_unless_it_lies_ahead(stated: Any, at: datetime) -> None:
    assert read({"q1_a": "x", "submitDate": stated}).submitted_at == at


def test_a_box_is_a_consent_by_the_name_of_its_field() -> None:
    assert attributes(change({"q1_newsletter": ["Yes, please"]})) == {"$email_marketing": "subscribed"}
    assert attributes(change({"q1_newsletter": []})) == {}
    named = change({"q1_typeA": ["Yes, I want the newsletter"]}, consent_fields={"typeA": "email"})
    assert attributes(named) == {"$email_marketing": "subscribed"}


def test_pretty_is_not_read() -> None:
    assert read({"q1_a": "x"}, pretty="E-mail:ada@example.com, Name, first:Ada").fields[0].value == "x"


@pytest.mark.parametrize(
    "content",
    [parts(('name="a"', b"1")), body([]), body("text"), parts(('name="submissionID"', b"9"))],
)
def test_what_is_no_submission_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedBody):
        jotform.routing_of(Request("jotform", "main", {"content-type": MULTIPART}, {}, content))
