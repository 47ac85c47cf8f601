"""How a form's body is proven, read and named for the queue, in every shape that browsers and scripts post."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BodyTooLarge, InvalidSignature, MalformedBody
from bridge.receiving import urlencoded
from bridge.receiving.receiver import Receiver
from bridge.webhook import Request, Routing
from functions.sources.forms import unsigned
from functions.sources.forms.reading import body, multipart
from functions.sources.forms.receiver import SOURCES
from functions.sources.forms.vendors import typeform
from tests.sources.test_forms import RECEIVED_AT, answers, posted

BOUNDARY = "----boundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
URLENCODED = "application/x-www-form-urlencoded"


def read(content: bytes, content_type: str = URLENCODED) -> dict[str, Any]:
    return body.posted_by_visitor({"content-type": content_type}, content)


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


def routing_of(content: bytes, content_type: str = URLENCODED) -> Routing:
    return unsigned.routing_of(Request("form", "main", {"content-type": content_type}, {}, content))


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
    receive = Receiver(
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
    assert unsigned.verify(request, ["new", "old"], 0) == 1
    with pytest.raises(InvalidSignature):
        unsigned.verify(Request("form", "main", {}, {}, b""), ["new"], 0)


def test_one_persons_submissions_stay_in_order_whatever_the_field_is_called() -> None:
    assert routing_of(b"a=Ada%40example.com").customer == routing_of(b"x=1&b=ada%40EXAMPLE.com").customer
    assert routing_of(b"a=1").customer != routing_of(b"a=2").customer


def test_the_same_bytes_are_the_same_webhook() -> None:
    assert routing_of(b"a=1").idempotency_key is None


@pytest.mark.parametrize("header", ["sha1=AAAA", "AAAA", "sha256=%%%", "sha256=", "sha256=AAAA"])
def test_typeforms_signature_has_its_scheme(header: str) -> None:
    with pytest.raises(InvalidSignature):
        typeform.verify(typeform_request({}, typeform_signature=header), ["secret"], 0)


def test_an_unfinished_response_is_left_to_the_door() -> None:
    summary = typeform.routing_of(
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
        typeform.routing_of(typeform_request(content))


def test_typeforms_customer_is_the_email_else_the_response() -> None:
    response: dict[str, Any] = {"token": "t", "answers": [{"type": "email", "email": "Ada@example.com"}]}
    content = {"event_id": "e", "event_type": "form_response", "form_response": response}
    assert typeform.routing_of(typeform_request(content)) == Routing(
        "form_response", "email:ada@example.com", "e"
    )
    response["answers"] = []
    assert typeform.routing_of(typeform_request(content)).customer == "response:t"


def test_half_a_character_breaks_nothing() -> None:
    response = {"token": "\ud800", "answers": [{"email": "\ud83d@example.com"}]}
    request = typeform_request({"event_type": "form_response", "form_response": response})
    assert typeform.routing_of(request).customer.encode() == b"email:?@example.com"


# What anybody may post is bounded


MAX_TEXT = body.MAX_TEXT_BYTES


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"a=" + b"x" * MAX_TEXT, URLENCODED),
        (b'{"a": "' + b"x" * MAX_TEXT + b'"}', "application/json"),
        (parts(('name="a"', b"x" * MAX_TEXT)), MULTIPART),
        (parts(*[(f'name="{"n" * 1000}{number}"', b"x" * 1000) for number in range(300)]), MULTIPART),
    ],
)
def test_a_plain_forms_text_is_at_most_512_kb(content: bytes, content_type: str) -> None:
    with pytest.raises(BodyTooLarge):
        routing_of(content, content_type)


def test_files_of_megabytes_are_passed_over() -> None:
    upload = 'name="cv"; filename="cv.pdf"\r\nContent-Type: application/pdf'
    content = parts((upload, b"\r\n--" * 1_000_000), ('name="a"', b"1"), (upload, b"x" * 1_000_000))
    assert read(content, MULTIPART) == {"a": "1"}


def test_a_thousand_files_are_no_fields() -> None:
    assert read(parts(*[('name="f"; filename="a.txt"', b"x")] * 5000, ('name="a"', b"1")), MULTIPART) == {
        "a": "1"
    }


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (parts(*[(f'name="{number}"', b"1") for number in range(1500)]), MULTIPART),
        (b"&".join(b"%d=1" % number for number in range(1500)), URLENCODED),
        (json.dumps({str(number): 1 for number in range(1500)}).encode(), "application/json"),
    ],
)
def test_of_a_vendor_the_first_thousand_fields_are_read(content: bytes, content_type: str) -> None:
    fields = body.posted({"content-type": content_type}, content)
    assert (list(fields), fields.is_cut) == ([str(number) for number in range(1000)], True)


@pytest.mark.parametrize("content_type", [MULTIPART, URLENCODED, "application/json"])
def test_a_thousand_fields_are_all_read(content_type: str) -> None:
    names = [str(number) for number in range(1000)]
    written = {
        MULTIPART: parts(*[(f'name="{name}"', b"1") for name in names]),
        URLENCODED: "&".join(f"{name}=1" for name in names).encode(),
        "application/json": json.dumps(dict.fromkeys(names, 1)).encode(),
    }
    fields = body.posted({"content-type": content_type}, written[content_type])
    assert (list(fields), fields.is_cut) == (names, False)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_characters='"\r\n\\', exclude_categories=["Cs"]), min_size=1),
            st.binary(max_size=60),
        ),
        max_size=6,
    )
)
def test_parts_come_back_as_they_were_written(fields: list[tuple[str, bytes]]) -> None:
    written = [(name, content) for name, content in fields if BOUNDARY.encode() not in content]
    heads = [(f'name="{name}"', content) for name, content in written]
    told = list(multipart.text_parts(MULTIPART, parts(*heads)))
    assert told == [(name.encode(), content) for name, content in written]


@given(
    st.lists(
        st.tuples(st.text(max_size=20), st.text(max_size=20)).filter(lambda pair: bool("".join(pair))),
        min_size=1,
        max_size=6,
    ),
)
def test_what_is_urlencoded_is_read_as_the_standard_library_reads_it(fields: list[tuple[str, str]]) -> None:
    written = urlencode(fields, errors="replace")
    expected = parse_qsl(written, keep_blank_values=True)
    told = list(urlencoded.fields_in(written.encode()))
    assert [(name.decode(), value.decode()) for name, value in told] == expected


@pytest.mark.parametrize("text", [b"%", b"%%%", b"%4", b"%zz", b"100%", b"%41%", b"a+b%2", b"%c3%A9"])
def test_a_percent_sign_before_anything_else_stays(text: bytes) -> None:
    assert urlencoded.unquoted(text) == unquote_to_bytes(text.replace(b"+", b" "))


@pytest.mark.parametrize(
    ("head", "content", "value"),
    [
        ('name="a"\r\nContent-Transfer-Encoding: base64', b"WmHDqw==", "Zaë"),
        ('name="a"\r\nContent-Transfer-Encoding: quoted-printable', b"Za=C3=AB", "Zaë"),
        ('name="a"\r\nContent-Transfer-Encoding: 8bit', "Zaë".encode(), "Zaë"),
        ("name=a", b"1", "1"),
        ('name="a"\r\nContent-Type: text/plain; charset=utf-8', b"1", "1"),
    ],
)
def test_a_part_may_be_written_in_other_ways(head: str, content: bytes, value: str) -> None:
    assert read(parts((head, content)), MULTIPART) == {"a": value}


def test_a_boundary_that_begins_like_another_one_parts_nothing() -> None:
    inner = b"\r\n--" + BOUNDARY.encode() + b"-and-more\r\n"
    assert read(parts(('name="a"', inner)), MULTIPART) == {"a": inner.decode()}


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    )
)
def test_every_answer_of_a_plain_form_is_a_text(value: Any) -> None:
    found = answers(posted({"colour": value}))
    assert all(isinstance(text, str) for text in found.values())
