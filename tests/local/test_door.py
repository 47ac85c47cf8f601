"""The stack's own routes answer to the machine itself, and the HTTP API to everybody."""

from __future__ import annotations

import pytest

from local.door import is_own


def asked(path: str = "/_local/retry", method: str = "POST", **headers: str) -> bool:
    named = [(name.encode(), value.encode()) for name, value in headers.items()]
    return is_own({"type": "http", "path": path, "method": method, "headers": named})


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "localhost"])
def test_the_machine_itself_reaches_the_stacks_own_routes(host: str) -> None:
    assert asked(host=host)
    assert asked(host=host, origin=f"http://{host}")
    assert asked("/", "GET", host=host)


@pytest.mark.parametrize(
    "host", ["", "abc.tunnel.example", "127.0.0.1.example.com:8080", "localhost.example.com"]
)
def test_nobody_who_comes_by_another_name_does(host: str) -> None:
    assert not asked(host=host)


@pytest.mark.parametrize(
    "origin", ["https://example.com", "null", "http://localhost.example.com", "https://localhost:8080"]
)
def test_a_page_from_elsewhere_that_the_browser_has_open_does_not_either(origin: str) -> None:
    assert not asked(host="127.0.0.1:8080", origin=origin)


def test_what_is_no_route_of_the_stack_is_the_apis() -> None:
    assert not asked("/shopify/main", host="127.0.0.1:8080")
