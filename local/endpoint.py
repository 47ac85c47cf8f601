"""Say what listens on the stack's port: the HTTP API, and on the machine itself the page and the stack's own routes.

A tunnel that lets a real provider reach the local stack exposes the HTTP API alone: `is_public` tells the guard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from local import page
from local.admin_api import AdminApi
from local.gateway import Gateway

if TYPE_CHECKING:
    from local.application import Application

OWN_PAGES = frozenset({"/"})
OWN_ROUTES = "/_local/"


class Endpoint:
    """An ASGI application in front of both."""

    def __init__(self, gateway: Gateway, application: Application) -> None:
        self.gateway = gateway
        self.own = Starlette(routes=[*AdminApi(application).routes, *page.routes(application)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        app = self.own if is_own(scope) else self.gateway
        await app(scope, receive, send)


def is_own(scope: Scope) -> bool:
    """Return whether a request is for the stack itself: its page or its routes."""
    path: str = scope["path"]
    return path.startswith(OWN_ROUTES) or (path in OWN_PAGES and scope["method"] in ("GET", "HEAD"))


def is_public(scope: Scope) -> bool:
    """Return whether a request is for the HTTP API, which answers to every name, as in AWS."""
    return not is_own(scope)
