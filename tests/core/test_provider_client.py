"""What is read of a provider's answer, and what is refused."""

from __future__ import annotations

import httpx
import pytest

from bridge.errors import BadCredentials, BridgeError, MappingFailed, ProviderUnavailable
from bridge.providers.client import ProviderClient

URL = "https://ada.myshopify.com/admin/api/orders.json"


def client(answer: httpx.Response | Exception, asked: list[httpx.Request] | None = None) -> ProviderClient:
    def reply(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ProviderClient(httpx.MockTransport(reply))


def test_an_answer_has_its_content_and_the_addresses_that_it_links_to() -> None:
    link = f'<{URL}?page_info=before>; rel="previous", <{URL}?page_info=after&limit=1>; rel="next"'
    answer = client(httpx.Response(200, json={"orders": []}, headers={"Link": link})).ask(URL, {})
    assert answer.content == {"orders": []}
    assert answer.links == {"previous": f"{URL}?page_info=before", "next": f"{URL}?page_info=after&limit=1"}


def test_a_form_is_posted() -> None:
    asked: list[httpx.Request] = []
    found = client(httpx.Response(200, json={"access_token": "shpat_1"}), asked).post(
        URL, {"client_id": "a b"}
    )
    assert found == {"access_token": "shpat_1"}
    assert (asked[0].method, asked[0].content) == ("POST", b"client_id=a+b")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("2.0", 2.0), ("3", 3.0), ("soon", None), ("-1", None), ("inf", None), ("nan", None)],
)
def test_the_time_that_a_provider_asks_for_is_told(header: str, seconds: float | None) -> None:
    with pytest.raises(ProviderUnavailable) as told:
        client(httpx.Response(429, headers={"Retry-After": header})).ask(URL, {})
    assert told.value.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401), BadCredentials),
        (httpx.Response(403), BadCredentials),
        (httpx.Response(500), ProviderUnavailable),
        (httpx.Response(404), MappingFailed),
        (httpx.Response(302, headers={"Location": "https://evil.example.com"}), MappingFailed),
        (httpx.Response(200, text="<html>"), ProviderUnavailable),
        (httpx.Response(200, json=[]), ProviderUnavailable),
        (httpx.Response(200, text='{"a":' * 100_000), ProviderUnavailable),
        (httpx.ConnectError("secret.example.com"), ProviderUnavailable),
    ],
)
def test_a_refusal_says_why_without_a_word_of_the_answer(
    answer: httpx.Response | Exception, error: type[BridgeError]
) -> None:
    with pytest.raises(error) as told:
        client(answer).ask(URL, {"Authorization": "Bearer private"})
    assert "example.com" not in told.value.reason
    assert "private" not in told.value.reason
