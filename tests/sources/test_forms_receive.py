"""How a form's body is proven, read and named for the queue, in every shape that browsers and scripts post."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.door import Door
from bridge.errors import InvalidSignature, MalformedBody
from bridge.webhook import Request, Summary
from functions.forms import body, form, typeform
from functions.forms.handler import SOURCES
from tests.sources.test_forms import RECEIVED_AT, answers, posted

BOUNDARY = "----boundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
URLENCODED = "application/x-www-form-urlencoded"


def read(content: bytes, content_type: str = URLENCODED) -> dict[str, Any]:
    return body.posted({"content-type": content_type}, content)


def parts(*fields: tuple[str, bytes], end: bytes = b"--") -> bytes:
    return (
        b"".join(
            b"--"
            + BOUNDARY.encode()
            + b"\r\nContent-Disposition: form-data; "
            + head.encode()
            + b"\r\n\r\n"
            + content
            + b"\r\n"
            for head, content in fields
        )
        + b"--"
        + BOUNDARY.encode()
        + end
        + b"\r\n"
    )


def summarise(content: bytes, content_type: str = URLENCODED) -> Summary:
    return form.summarise(Request("form", "main", {"content-type": content_type}, {}, content))


def typeform_request(content: dict[str, Any], **headers: str) -> Request:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Request("typeform", "main", named, {}, json.dumps(content).encode())


# Bodies of a plain form


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"name=Zo%C3%AB+King", URLENCODED),
        (b"name=Zo%C3%AB%20King", URLENCODED + "; charset=UTF-8"),
        (b"name=Zo%EB+King", URLENCODED),
        (b"name=Zo\xeb+King", URLENCODED),
        (b"name=Zo%EB+King", URLENCODED + '; charset="ISO-8859-1"'),
        (b"name=Zo%EB+King&_charset_=windows-1252", URLENCODED),
        (b"name=Zo%EB+King", URLENCODED + "; charset=nonsense"),
        (parts(('name="name"', "Zoë King".encode())), MULTIPART),
        (parts(('name="name"', "Zoë King".encode("latin-1"))), MULTIPART),
        ('{"name": "Zoë King"}'.encode(), "application/json"),
        ('{"name": "Zoë King"}'.encode(), "application/vnd.form+json; charset=utf-8"),
        ('{"name": "Zoë King"}'.encode(), "text/plain;charset=UTF-8"),
        ('{"name": "Zoë King"}'.encode(), ""),
    ],
)
def test_a_form_is_read_in_every_shape_and_charset(content: bytes, content_type: str) -> None:
    assert read(content, content_type)["name"] == "Zoë King"


def test_a_declared_charset_counts() -> None:
    assert read(b"name=%8A", URLENCODED + "; charset=windows-1250") == {"name": "Š"}
    assert read("name=名".encode("shift_jis"), URLENCODED + "; charset=Shift_JIS") == {"name": "名"}


def test_repeated_names_and_names_with_brackets_are_lists() -> None:
    assert read(b"a=1&a=2&b%5B%5D=3&c=4&d=") == {"a": ["1", "2"], "b": ["3"], "c": "4", "d": ""}


def test_objects_within_json_are_flattened() -> None:
    content = {
        "contact": {"email": "a@example.com", "tags": ["x", 1, {"y": 2}]},
        "deep": {"a": {"b": {"c": {"d": 1}}}},
    }
    assert read(json.dumps(content).encode(), "application/json") == {
        "contact.email": "a@example.com",
        "contact.tags": ["x", "1"],
    }


def test_files_are_left_out() -> None:
    content = parts(
        ('name="cv"; filename="cv.pdf"\r\nContent-Type: application/pdf', b"%PDF" * 1000), ('name="a"', b"1")
    )
    assert read(content, MULTIPART) == {"a": "1"}


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", URLENCODED),
        (b"{}", "application/json"),
        (b"[1]", "application/json"),
        (b"{", "application/json"),
        (b"name=Ada", "text/plain"),
        (b"<xml/>", "application/xml"),
        (b"", MULTIPART),
        (b"name=Ada", MULTIPART),
        (parts(('name="a"', b"1")), "multipart/form-data"),
        (parts(('name="a"', b"1"), end=b""), MULTIPART),
        (parts(("x=1", b"1")), MULTIPART),
        (parts(*[('name="a"', b"1")] * 1001), MULTIPART),
        (b"&".join(b"f%d=1" % number for number in range(1001)), URLENCODED),
        (json.dumps({str(number): 1 for number in range(1001)}).encode(), "application/json"),
        (b'{"a":' * 100_000, "application/json"),
    ],
)
def test_what_is_no_form_is_malformed(content: bytes, content_type: str) -> None:
    with pytest.raises(MalformedBody):
        read(content, content_type)


@given(
    st.binary(max_size=300),
    st.sampled_from([URLENCODED, MULTIPART, "application/json", "multipart/form-data; boundary=\x00é"]),
)
def test_any_bytes_are_a_form_or_malformed(content: bytes, content_type: str) -> None:
    try:
        fields = read(content, content_type)
    except MalformedBody:
        return
    json.dumps(fields, ensure_ascii=False).encode()


@given(st.binary(max_size=200))
def test_any_part_is_a_field_or_malformed(content: bytes) -> None:
    try:
        read(parts(('name="a"', content)) + content, MULTIPART)
        read(b"--" + BOUNDARY.encode() + b"\r\n" + content, MULTIPART)
    except MalformedBody:
        return


def test_the_parser_quotes_nothing_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(MalformedBody):
        read(b"--" + BOUNDARY.encode() + b"secret", MULTIPART)
    with caplog.at_level(logging.DEBUG):
        read(parts(('name="a"\r\nContent-Transfer-Encoding: secret', b"1")), MULTIPART)
    assert "secret" not in caplog.text


# What a plain form says beside its answers


def test_control_fields_are_no_answers() -> None:
    fields = {
        "_redirect": "/x",
        "_token": "t",
        "g-recaptcha-response": "r",
        "submit": "Send",
        "colour": "red",
    }
    assert answers(posted(fields)) == {"colour": "red"}


def test_a_form_without_a_name_is_called_as_its_connection() -> None:
    event = posted({"colour": "red"}).events[0].attributes
    assert (event["form_id"], event["form_name"], event["$label"], event["vendor"]) == (
        "main",
        "main",
        "main",
        "form",
    )


@pytest.mark.parametrize(
    ("fields", "headers", "page"),
    [
        ({"page": "https://example.com/a"}, {"referer": "https://example.com/b"}, "https://example.com/a"),
        ({"url": "https://example.com/a"}, {}, "https://example.com/a"),
        ({"colour": "red"}, {"referer": "https://example.com/b"}, "https://example.com/b"),
        ({"colour": "red"}, {"origin": "https://example.com"}, "https://example.com"),
        ({"colour": "red"}, {"origin": "null"}, None),
    ],
)
def test_the_page_is_what_a_field_or_the_browser_says(
    fields: dict[str, str], headers: dict[str, str], page: str | None
) -> None:
    assert posted(fields, **headers).events[0].attributes.get("url(page)") == page


def test_a_page_that_is_no_link_is_an_answer() -> None:
    assert answers(posted({"page": "seven"})) == {"page_2": "seven"}


def test_the_campaign_is_read_from_fields_else_from_the_pages_address() -> None:
    change = posted({"utm_source": "shop"}, referer="https://example.com/?utm_source=ad&utm_term=mug&x=1")
    found = answers(change)
    assert (found["utm_source"], found["utm_term"]) == ("shop", "mug")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-09-01T10:00:00+02:00", "2026-09-01T08:00:00+00:00"),
        ("2026-09-01T10:00:00", "2026-09-01T10:00:00+00:00"),
        ("2126-09-01T10:00:00Z", RECEIVED_AT.isoformat()),
        ("yesterday", RECEIVED_AT.isoformat()),
        ("0001-01-01T00:00:00+14:00", RECEIVED_AT.isoformat()),
        (None, RECEIVED_AT.isoformat()),
    ],
)
def test_submitted_at_counts_where_it_is_a_time_in_the_past(text: str | None, moment: str) -> None:
    [event] = posted({"colour": "red", "submitted_at": text}).events
    assert event.time is not None
    assert event.time.isoformat() == moment


# What the sender is told


@pytest.mark.parametrize(("content_type", "status"), [(URLENCODED, 303), ("application/json", 200)])
def test_a_browser_goes_on_to_the_thank_you_page(world: Any, content_type: str, status: int) -> None:
    world.connect("form", signing_secrets=["token"])
    world.parameters.write("form", "main", {"thank_you_url": "https://example.com/thanks"})
    receive = Door(
        *SOURCES,
        secrets=world.secrets,
        queue=world.queue,
        connections=world.connections,
        parameters=world.parameters,
    )
    answer = receive(
        {
            "pathParameters": {"source": "form", "connection": "main"},
            "headers": {"Content-Type": content_type},
            "queryStringParameters": {"token": "token"},
            "body": '{"colour": "red"}',
        },
        None,
    )
    assert (answer["statusCode"], answer["headers"].get("location")) == (
        status,
        "https://example.com/thanks" if status == 303 else None,
    )


# What the queue is told


def test_a_form_is_proven_by_the_token_in_its_address() -> None:
    request = Request("form", "main", {}, {"token": "old"}, b"")
    assert form.verify(request, ["new", "old"], 0) == 1
    with pytest.raises(InvalidSignature):
        form.verify(Request("form", "main", {}, {}, b""), ["new"], 0)


def test_one_persons_submissions_stay_in_order_whatever_the_field_is_called() -> None:
    assert summarise(b"a=Ada%40example.com").customer == summarise(b"x=1&b=ada%40EXAMPLE.com").customer
    assert summarise(b"a=1").customer != summarise(b"a=2").customer


def test_the_same_bytes_are_the_same_webhook() -> None:
    assert summarise(b"a=1").content_key is None


@pytest.mark.parametrize("header", ["sha1=AAAA", "AAAA", "sha256=%%%", "sha256=", "sha256=AAAA"])
def test_typeforms_signature_has_its_scheme(header: str) -> None:
    with pytest.raises(InvalidSignature):
        typeform.verify(typeform_request({}, typeform_signature=header), ["secret"], 0)


def test_an_unfinished_response_is_left_to_the_door() -> None:
    summary = typeform.summarise(
        typeform_request({"event_type": "form_response_partial", "form_response": {"token": "t"}})
    )
    assert summary.topic not in typeform.VENDOR.source.topics


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"event_type": "form_response"},
        {"event_type": "form_response", "form_response": []},
    ],
)
def test_what_typeform_never_sends_is_malformed(content: dict[str, Any]) -> None:
    with pytest.raises(MalformedBody):
        typeform.summarise(typeform_request(content))


def test_typeforms_customer_is_the_email_else_the_response() -> None:
    response: dict[str, Any] = {"token": "t", "answers": [{"type": "email", "email": "Ada@example.com"}]}
    content = {"event_id": "e", "event_type": "form_response", "form_response": response}
    assert typeform.summarise(typeform_request(content)) == Summary(
        "form_response", "email:ada@example.com", "e"
    )
    response["answers"] = []
    assert typeform.summarise(typeform_request(content)).customer == "response:t"


def test_half_a_character_breaks_nothing() -> None:
    response = {"token": "\ud800", "answers": [{"email": "\ud83d@example.com"}]}
    request = typeform_request({"event_type": "form_response", "form_response": response})
    assert typeform.summarise(request).customer.encode() == b"email:?@example.com"
