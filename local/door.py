"""What listens on the stack's port: the HTTP API, and on the machine itself the page and the stack's own routes.

A tunnel that lets a real provider reach the local stack exposes the HTTP API alone: all else answers only to
loopback names, and to no page that the developer's browser has open elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from local import page
from local.contract import Contract
from local.gateway import Gateway

if TYPE_CHECKING:
    from local.application import Application

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Door:
    """An ASGI application in front of both."""

    def __init__(self, gateway: Gateway, application: Application) -> None:
        self.gateway = gateway
        self.own = Starlette(routes=[*Contract(application).routes, *page.routes(application)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        app = self.own if is_own(scope) else self.gateway
        await app(scope, receive, send)


def is_own(scope: Scope) -> bool:
    """Whether a request is for the stack itself: its page or its routes, under a name of this machine."""
    path: str = scope["path"]
    if path.startswith("/_local/") or (path == "/" and scope["method"] in ("GET", "HEAD")):
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        return is_loopback(headers.get("host", "")) and (
            origin is None or is_loopback(origin.removeprefix("http://"))
        )
    return False


def is_loopback(host: str) -> bool:
    """Whether a host, with a port or without, is this machine by name."""
    return host.rpartition(":")[0] in LOOPBACK_NAMES or host in LOOPBACK_NAMES
