"""A request becomes the event that API Gateway makes of it, byte for byte, and an answer becomes HTTP again."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.receiving.receiver import exact_bytes
from local.payload import HttpAnswer, HttpRequest, InvalidAnswer, to_answer, to_event
from local.routes import Match
from local.template import Route

MATCH = Match(Route("POST", "/shopify/{connection}", "ShopifyFunction"), {"connection": "main"})
TIME = datetime(2026, 9, 1, 12, 30, 5, tzinfo=UTC)
MEDIA_TYPES = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "",
]


def event(**of_request: Any) -> dict[str, Any]:
    request = {"method": "POST", "path": "/shopify/main", "query": "", "headers": [], **of_request}
    return to_event(HttpRequest(**request), MATCH, "request-1", TIME)


@given(st.binary(max_size=200), st.sampled_from(MEDIA_TYPES))
def test_every_body_arrives_byte_for_byte(body: bytes, media_type: str) -> None:
    assert exact_bytes(event(body=body, headers=[("content-type", media_type)])) == body


@pytest.mark.parametrize(
    ("media_type", "body", "is_base64"),
    [
        ("application/json", b'{"name": "Zo\xc3\xab"}', False),
        ("application/json; charset=utf-8", b"{}", False),
        ("text/plain", b"hello", False),
        ("application/json", b"\xff", True),
        ("application/x-www-form-urlencoded", b"a=b", True),
        ("multipart/form-data; boundary=x", b"--x--", True),
        ("application/octet-stream", b"a", True),
    ],
)
def test_text_comes_as_text_and_all_else_in_base64(media_type: str, body: bytes, is_base64: bool) -> None:
    made = event(body=body, headers=[("content-type", media_type)])
    assert made["isBase64Encoded"] is is_base64
    assert made["body"] == (base64.b64encode(body).decode() if is_base64 else body.decode())


def test_headers_and_query_parameters_of_one_name_are_joined_by_commas() -> None:
    made = event(headers=[("x-a", "1"), ("x-a", "2")], query="tag=a&tag=b%20c&empty=")
    assert made["headers"] == {"x-a": "1,2"}
    assert made["queryStringParameters"] == {"tag": "a,b c", "empty": ""}
    assert made["rawQueryString"] == "tag=a&tag=b%20c&empty="


def test_what_a_request_does_not_have_is_left_out() -> None:
    made = event()
    assert not {"cookies", "queryStringParameters", "body"} & set(made)
    assert made["pathParameters"] == {"connection": "main"}


def test_cookies_stand_apart_from_the_headers() -> None:
    made = event(headers=[("cookie", "a=1; b=2"), ("cookie", "c=3")])
    assert made["cookies"] == ["a=1", "b=2", "c=3"]
    assert "cookie" not in made["headers"]


def test_the_context_says_who_asked_what_and_when() -> None:
    made = event(headers=[("host", "door.example.com"), ("user-agent", "Shopify")], sender="203.0.113.9")
    context = made["requestContext"]
    assert context["http"] == {
        "method": "POST",
        "path": "/shopify/main",
        "protocol": "HTTP/1.1",
        "sourceIp": "203.0.113.9",
        "userAgent": "Shopify",
    }
    assert (context["domainName"], context["requestId"]) == ("door.example.com", "request-1")
    assert (context["time"], context["timeEpoch"]) == ("01/Sep/2026:12:30:05 +0000", 1788265805000)
    assert made["routeKey"] == context["routeKey"] == "POST /shopify/{connection}"


@given(st.binary(max_size=200), st.integers(100, 599))
def test_binary_answers_arrive_byte_for_byte(body: bytes, status: int) -> None:
    returned = {"statusCode": status, "body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    assert to_answer(json.dumps(returned).encode()) == HttpAnswer(status, [], body)


def test_headers_and_cookies_are_passed_on() -> None:
    returned = {
        "statusCode": "303",
        "headers": {"Location": "/thanks", "x-n": 1, "x-b": True},
        "cookies": ["a=1", "b=2"],
    }
    answer = to_answer(json.dumps(returned).encode())
    assert answer.status == 303
    assert answer.headers == [
        ("location", "/thanks"),
        ("x-n", "1"),
        ("x-b", "true"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    ]


@pytest.mark.parametrize("returned", [b'{"hello": 1}', b"[1]", b"null", b'"text"'])
def test_what_has_no_status_is_the_body_of_a_200(returned: bytes) -> None:
    assert to_answer(returned) == HttpAnswer(200, [("content-type", "application/json")], returned)


@pytest.mark.parametrize(
    "returned",
    [
        b"not JSON",
        b'{"statusCode": "many"}',
        b'{"statusCode": 99}',
        b'{"statusCode": -1}',
        b'{"statusCode": 200, "body": {}}',
        b'{"statusCode": 200, "body": "%", "isBase64Encoded": true}',
    ],
)
def test_what_is_no_response_is_refused(returned: bytes) -> None:
    with pytest.raises(InvalidAnswer):
        to_answer(returned)
