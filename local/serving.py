"""Serve ASGI applications on loopback, several in one event loop, each behind the guard."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import uvicorn
from starlette.types import Scope

from local.loopback import LoopbackOnly, is_nobodys

HOST = "127.0.0.1"
GRACE_SECONDS = 1
BACKLOG = 512
KEEP_ALIVE_SECONDS = 3600
"""Longer than any client keeps a connection: one that the server closes may be in use again at that moment."""


class PortTaken(Exception):
    """Another program listens on the port that was asked for."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is taken by another program")
        self.port = port


def local_socket(port: int) -> socket.socket:
    """Return a listening socket on loopback; port 0 finds a free one. Raises PortTaken."""
    # asyncio turns Nagle's delay off only where the protocol is named.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(port) from None
        raise
    listening.listen(BACKLOG)
    return listening


def address(listening: socket.socket) -> str:
    """Return where a socket listens, as a URL."""
    return f"http://{HOST}:{listening.getsockname()[1]}"


class Server(uvicorn.Server):
    """A server that says when it listens, and leaves signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@contextlib.asynccontextmanager
async def served(
    app: Any, sockets: Sequence[socket.socket], is_public: Callable[[Scope], bool] = is_nobodys
) -> AsyncIterator[None]:
    """Serve the application on the sockets for the length of a `with`, to this machine alone but for what is public."""
    server = Server(
        uvicorn.Config(
            LoopbackOnly(app, is_public),
            log_level="error",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=list(sockets)))
    try:
        await server.listening.wait()
        yield
    finally:
        server.should_exit = True
        await serving
