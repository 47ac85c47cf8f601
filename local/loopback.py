"""Let only this machine reach a listener: the one guard in front of all of them.

A listener on 127.0.0.1 is still open to every page that the developer's browser shows: a page may post to it, and a
name of the page's own that suddenly means 127.0.0.1 (DNS rebinding) lets it read the answers too. So the Host has to
be a loopback name, the Origin that same host, and a browser that says that the request comes from another site has
to be opening a page.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
SAME_SITE = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says of a page of this listener, and of a person who types an address."""
OTHER_PORT = "same-site"
"""A page of another listener of this machine: the page has links to the sandbox's look-in."""


class LoopbackOnly:
    """An ASGI application that hands on what comes from this machine, and what `is_public` says anybody may ask."""

    def __init__(self, app: ASGIApp, is_public: Callable[[Scope], bool]) -> None:
        self.app = app
        self.is_public = is_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not (self.is_public(scope) or is_from_this_machine(scope)):
            await refuse(send)
            return
        await self.app(scope, receive, send)


def is_nobodys(_scope: Scope) -> bool:
    """Let nobody in who has to be on this machine: what a listener without a public part has for `is_public`."""
    return False


def is_from_this_machine(scope: Scope) -> bool:
    """Return whether a request was sent to a loopback name, and by no page of another origin."""
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    return is_loopback(host) and is_same_origin(headers.get("origin"), host) and is_same_site(scope, headers)


def is_loopback(host: str) -> bool:
    """Return whether a host, with a port or without, is this machine by name."""
    name, colon, port = host.rpartition(":")
    return host in LOOPBACK_NAMES or (colon == ":" and name in LOOPBACK_NAMES and port.isdecimal())


def is_same_origin(origin: str | None, host: str) -> bool:
    """Return whether the page that asks, if one does, is of this listener itself."""
    return origin is None or origin == f"http://{host}"


def is_same_site(scope: Scope, headers: Headers) -> bool:
    """Return whether the browser, if it is one, names no other site; a link elsewhere may open a page, without a
    query."""
    site = headers.get("sec-fetch-site", "none")
    if site in SAME_SITE:
        return True
    opens_a_page = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return opens_a_page and scope["method"] == "GET" and (site == OTHER_PORT or not scope["query_string"])


async def refuse(send: Send) -> None:
    body = json.dumps({"error": "this listener answers to this machine alone"}).encode()
    headers: list[Any] = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),  # the body of the request was not read
    ]
    await send({"type": "http.response.start", "status": HTTPStatus.FORBIDDEN.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
