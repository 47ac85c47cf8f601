"""What is sent to Batch, and what each of its answers means."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.batch.client import (
    CONNECT_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    BatchClient,
    PartialError,
)
from bridge.errors import BadCredentials, BatchUnavailable, BridgeError, RejectedByBatch
from bridge.storage.secrets import BatchKeys

KEYS = BatchKeys("rest-key-never-shown", "project_never_shown")
OPERATION = {
    "identifiers": {"custom_id": "zoë@example.com"},
    "attributes": {"amount": 19.9, "note": "漢字 🎉"},
}
URL = "https://api.batch.com/2.11"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def client(answer: httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]) -> BatchClient:
    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    return BatchClient(URL, transport=httpx.MockTransport(handle))


def partial(*errors: Any) -> httpx.Response:
    return httpx.Response(202, json={"code": "SUCCESS_WITH_PARTIAL_ERRORS", "errors": list(errors)})


# ── What is sent ────────────────────────────────────────────────────────────────────────────────────────


def sent(operations: list[dict[str, Any]]) -> httpx.Request:
    requests: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(202, json={"code": "SUCCESS"})

    assert client(keep).update(KEYS, operations) == []
    [request] = requests
    return request


def test_operations_are_posted_as_one_json_array_in_utf_8() -> None:
    request = sent([OPERATION])
    assert (request.method, str(request.url)) == ("POST", f"{URL}/profiles/update")
    assert json.loads(request.content) == [OPERATION]
    assert "漢字 🎉".encode() in request.content
    assert b": " not in request.content


def test_the_keys_stand_in_the_headers() -> None:
    headers = sent([OPERATION]).headers
    assert headers["authorization"] == "Bearer rest-key-never-shown"
    assert headers["x-batch-project"] == "project_never_shown"
    assert headers["content-type"] == "application/json"


def test_an_address_may_end_in_a_slash() -> None:
    batch = BatchClient(
        f"{URL}/", transport=httpx.MockTransport(lambda request: httpx.Response(202, text=str(request.url)))
    )
    assert batch.url == URL


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_does_not_know_never_leaves(number: float) -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError("sent")

    with pytest.raises(ValueError, match="not JSON compliant"):
        client(never).update(KEYS, [{"attributes": {"amount": number}}])


def test_a_call_has_a_time_limit_that_leaves_room_within_the_functions_own() -> None:
    timeout = BatchClient(URL).http.timeout
    assert (timeout.connect, timeout.read) == (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)
    assert None not in (timeout.write, timeout.pool)
    assert CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS < 30


def test_connections_stay_open_from_call_to_call(loopback: Any) -> None:
    batch = BatchClient(loopback.url)
    for _ in range(3):
        assert batch.update(KEYS, [OPERATION]) == []
    batch.http.close()
    assert (loopback.connections, loopback.requests) == (1, 3)


# ── What an answer means ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize(
    "body", [b'{"code": "SUCCESS"}', b"", b"<html>", b"null", b"[]", b'"text"', b"\xff\xfe", b"{}"]
)
def test_a_success_without_errors_is_one_whatever_else_it_says(status: int, body: bytes) -> None:
    assert client(httpx.Response(status, content=body)).update(KEYS, [OPERATION]) == []


def test_every_partial_error_is_read() -> None:
    answer = partial(
        {"category": "attribute", "bulk_index": 0, "attribute": "first_name", "reason": "..."},
        {"category": "attribute", "bulk_index": 0, "attribute": "note", "reason": "..."},
        {"category": "event", "bulk_index": 2, "reason": "..."},
    )
    assert client(answer).update(KEYS, [OPERATION] * 3) == [
        PartialError(0, "attribute", "first_name"),
        PartialError(0, "attribute", "note"),
        PartialError(2, "event", None),
    ]


@pytest.mark.parametrize(
    ("error", "read"),
    [
        ({"bulk_index": 1}, [PartialError(1, "", None)]),
        ({"bulk_index": 1, "category": None, "attribute": None}, [PartialError(1, "None", None)]),
        ({"bulk_index": 1, "category": 7, "attribute": {"name": "x"}}, [PartialError(1, "7", None)]),
        ({"bulk_index": 1, "attribute": ["x"]}, [PartialError(1, "", None)]),
        ({"bulk_index": -1}, [PartialError(-1, "", None)]),
        ({"bulk_index": "1"}, []),
        ({"bulk_index": True}, []),
        ({"bulk_index": None}, []),
        ({"category": "attribute"}, []),
        ("text", []),
        (None, []),
        ([], []),
    ],
)
def test_a_partial_error_of_odd_shape_is_read_as_far_as_it_goes(error: Any, read: list[PartialError]) -> None:
    assert client(partial(error)).update(KEYS, [OPERATION]) == read


@given(ANYTHING, ANYTHING)
def test_no_202_whatever_breaks_a_delivery_that_batch_has_taken(errors: Any, error: Any) -> None:
    for body in ({"errors": errors}, {"errors": [error, {"bulk_index": error, "attribute": errors}]}, errors):
        for found in client(httpx.Response(202, json=body)).update(KEYS, [OPERATION]):
            assert isinstance(found.position, int)
            assert isinstance(found.attribute, str | None)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_keys_are_bad_credentials(status: int) -> None:
    with pytest.raises(BadCredentials, match=f"^Batch answered {status}$"):
        client(httpx.Response(status)).update(KEYS, [OPERATION])


@pytest.mark.parametrize("status", [400, 402, 405, 409, 413, 415, 422, 451])
def test_what_batch_does_not_want_is_rejected(status: int) -> None:
    with pytest.raises(RejectedByBatch, match=f"^Batch answered {status}$"):
        client(httpx.Response(status, json={"error_code": 31})).update(KEYS, [OPERATION])


@pytest.mark.parametrize("status", [404, 408, 425, 429, 500, 502, 503, 504, 599, 301, 302, 304, 307])
def test_what_may_pass_is_waited_for(status: int) -> None:
    with pytest.raises(BatchUnavailable, match=f"^Batch answered {status}$"):
        client(httpx.Response(status, headers={"location": "https://elsewhere.example"})).update(
            KEYS, [OPERATION]
        )


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("soon", None),
        ("²", None),
        ("9" * 400, None),
    ],
)
def test_the_seconds_to_wait_are_read_where_batch_names_them(header: str, seconds: float | None) -> None:
    answer = httpx.Response(429, headers={b"retry-after": header.encode("latin-1")})
    with pytest.raises(BatchUnavailable) as caught:
        client(answer).update(KEYS, [OPERATION])
    assert caught.value.retry_after_seconds == seconds


def test_without_such_a_header_nothing_is_said_of_waiting() -> None:
    with pytest.raises(BatchUnavailable) as caught:
        client(httpx.Response(503)).update(KEYS, [OPERATION])
    assert caught.value.retry_after_seconds is None


NETWORK = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.ReadTimeout("slow"),
    httpx.WriteTimeout("slow"),
    httpx.PoolTimeout("busy"),
    httpx.ReadError("cut"),
    httpx.RemoteProtocolError("odd"),
    httpx.DecodingError("odd"),
    httpx.ProxyError("odd"),
]


@pytest.mark.parametrize("error", NETWORK, ids=lambda error: type(error).__name__)
def test_a_broken_connection_is_waited_for_and_its_kind_is_told(error: Exception) -> None:
    with pytest.raises(BatchUnavailable, match=f"^no answer from Batch: {type(error).__name__}$"):
        client(error).update(KEYS, [OPERATION])


@pytest.mark.parametrize(
    "answer",
    [*NETWORK[:3], *(httpx.Response(status, text="zoë@example.com") for status in (400, 401, 429, 500))],
    ids=str,
)
def test_no_error_carries_the_keys_the_payload_or_the_answer(answer: httpx.Response | Exception) -> None:
    with pytest.raises(BridgeError) as caught:
        client(answer).update(KEYS, [OPERATION])
    error = caught.value
    assert (error.__cause__, error.__suppress_context__ or error.__context__ is None) == (None, True)
    shown = "".join(traceback.format_exception_only(error)) + repr(error) + str(vars(error))
    for private in ("never-shown", "never_shown", "zoë", "@example.com", "漢字"):
        assert private not in shown


def test_keys_that_no_header_can_hold_never_come_this_far() -> None:
    """`Secrets.batch_keys` refuses them: httpx would put the key into its error."""
    with pytest.raises(UnicodeEncodeError):
        client(httpx.Response(202)).update(BatchKeys("clé", "project"), [OPERATION])


# ── GDPR requests ───────────────────────────────────────────────────────────────────────────────────────


def test_a_gdpr_request_goes_to_the_route_of_its_app_with_the_header_of_that_api() -> None:
    requests: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(201, json={"token": "1"})

    client(keep).ask_gdpr(KEYS, "app/ios", "remove", "zoë@example.com")
    [request] = requests
    assert str(request.url) == "https://api.batch.com/1.0/app%2Fios/gdpr/request"
    assert request.headers["x-authorization"] == KEYS.rest_api_key
    assert json.loads(request.content) == {
        "request_type": "remove",
        "id": {"type": "custom_id", "value": "zoë@example.com"},
    }


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401), BadCredentials),
        (httpx.Response(400), RejectedByBatch),
        (httpx.Response(503), BatchUnavailable),
        (httpx.ConnectError("no"), BatchUnavailable),
    ],
)
def test_a_gdpr_request_fails_as_an_update_does(answer: Any, error: type[BridgeError]) -> None:
    with pytest.raises(error):
        client(answer).ask_gdpr(KEYS, "app-ios", "review", "ada")
