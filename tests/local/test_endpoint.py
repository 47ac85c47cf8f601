"""Of what listens on the stack's port, the HTTP API alone is public."""

from __future__ import annotations

import pytest

from local.endpoint import is_public


def asked(path: str, method: str = "POST") -> bool:
    return is_public({"type": "http", "path": path, "method": method, "headers": []})


@pytest.mark.parametrize(
    ("path", "method"),
    [("/shopify/main", "POST"), ("/form/main/confirm/abc", "GET"), ("/", "POST"), ("/_localhost/x", "GET")],
)
def test_the_http_api_is_public(path: str, method: str) -> None:
    assert asked(path, method)


@pytest.mark.parametrize(
    ("path", "method"),
    [("/_local/retry", "POST"), ("/_local/state", "GET"), ("/_local/page/page.css", "GET"), ("/", "GET")],
)
def test_the_page_and_the_stacks_own_routes_are_not(path: str, method: str) -> None:
    assert not asked(path, method)
