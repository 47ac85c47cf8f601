"""Make the sandbox an ASGI application."""

import time
from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from local.sandbox import lookin
from local.sandbox.endpoint import Endpoint
from local.sandbox.keys import ProjectKeys
from local.sandbox.state import Clock, Sandbox

__all__ = ["ProjectKeys", "Sandbox", "create_app"]


class SandboxApp(Starlette):
    """The look-in under `/sandbox` is Starlette's; all else is Batch's and needs the server's own `send`."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(routes=lookin.ROUTES, exception_handlers={HTTPException: lookin.show_error})
        self.state.sandbox = sandbox
        self._door = Endpoint(sandbox)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one connection."""
        if scope["type"] == "http" and not f"{scope['path']}/".startswith("/sandbox/"):
            await self._door(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


def create_app(
    *,
    projects: Mapping[str, ProjectKeys],
    clock: Clock = time.time,
    on_forget: Callable[[], Awaitable[None]] | None = None,
    rate_limited: bool = True,
) -> SandboxApp:
    """Make a sandbox with an empty memory.

    `projects` maps a project key to its keys, `clock` gives seconds since 1970, `on_forget` is awaited after
    everything was forgotten, and `rate_limited=False` leaves the token buckets out, for benchmarks.
    What it holds is `app.state.sandbox`; its `revision` grows with every change of a profile. Give the
    application a port of its own: it drops connections only where uvicorn calls it directly.
    """
    return SandboxApp(Sandbox(projects, clock, on_forget, rate_limited))
