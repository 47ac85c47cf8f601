"""AWS on loopback: moto's services as an ASGI application, for the functions and for people's tools."""

from __future__ import annotations

import asyncio
import io
import logging
import threading
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import Any

from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from starlette.types import Receive, Scope, Send

from local import moto_dynamodb, moto_fifo
from local.callers import sender, sender_of
from local.lineage import trace_header
from local.serving import address, local_socket, served

WAITING_TARGETS = frozenset({b"AmazonSQS.ReceiveMessage"})
"""Calls that may wait for something, and so run in a thread; all others are answered at once, one after the other:
that is faster than threads that take turns, and moto's services know no locks."""

Headers = list[tuple[bytes, bytes]]


# service of AWS    what moto calls it: those that the application, the command line and their tests call.
SERVICES = {
    "cloudformation": "cloudformation",
    "dynamodb": "dynamodb",
    "iam": "iam",
    "lambda": "awslambda",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "sqs": "sqs",
    "ssm": "ssm",
    "sts": "sts",
}
IN_USE = frozenset(SERVICES.values())
"""moto has a hundred more, and a back door of its own (`/moto-api`): none of them starts."""
NOT_IN_USE = b"nothing here uses this service: see SERVICES in local/aws.py"


class ServiceNotInUse(Exception):
    """A request is for a service that nothing here calls."""


class Dispatcher(DomainDispatcherApplication):
    """moto's choice of a service for a request, remembered by host: moto lists a folder each time."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self.remembered = cache(super().get_backend_for_host)

    def get_backend_for_host(self, host: str | None) -> Any:
        """Return the service, None where more of the request has to be looked at. Raises ServiceNotInUse."""
        service = self.remembered(host)
        if service is not None and service not in IN_USE:
            raise ServiceNotInUse(service)
        return service


class Moto:
    """An ASGI application that is all of moto."""

    def __init__(self) -> None:
        moto_fifo.install()
        moto_dynamodb.install()
        for noisy in ("moto", "werkzeug"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        self.moto = Dispatcher()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        environ = environ_of(scope, await whole_body(receive))
        if dict(scope["headers"]).get(b"x-amz-target") in WAITING_TARGETS:
            status, headers, body = await asyncio.to_thread(self.answer, environ)
        else:
            status, headers, body = self.answer(environ)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def answer(self, environ: dict[str, Any]) -> tuple[int, Headers, bytes]:
        """Let moto's WSGI application answer one call of AWS."""
        try:
            return self.call(environ)
        except ServiceNotInUse:
            return HTTPStatus.FORBIDDEN.value, [], NOT_IN_USE

    def call(self, environ: dict[str, Any]) -> tuple[int, Headers, bytes]:
        """Return the same, of a service in use."""
        started: list[tuple[int, Headers]] = []

        def start_response(status: str, headers: Iterable[tuple[str, str]], *_: object) -> None:
            encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            started.append((int(status.partition(" ")[0]), encoded))

        trace_header.set(environ.get("HTTP_X_AMZN_TRACE_ID", ""))
        sender.set(sender_of(environ.get("HTTP_AUTHORIZATION", "")))
        body = b"".join(self.moto(environ, start_response))
        status, headers = started[-1] if started else (HTTPStatus.INTERNAL_SERVER_ERROR.value, [])
        return status, headers, body


def forget_all() -> None:
    """Forget all that moto holds in this process."""
    moto_api_backend.reset()


class LocalAws:
    """Moto on a free port of loopback, from a thread, for the length of a `with`; `endpoint` is its address.

    moto's state belongs to the process: two of these share it.
    """

    def __init__(self) -> None:
        self.listening = local_socket(0)
        self.endpoint = address(self.listening)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True, name="aws")

    async def serve(self) -> None:
        async with served(Moto(), [self.listening]):
            await asyncio.to_thread(self.stopped.wait)

    def __enter__(self) -> LocalAws:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.thread.join()


async def whole_body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        part = await receive()
        parts.append(part.get("body", b""))
        more = part.get("more_body", False)
    return b"".join(parts)


def environ_of(scope: Scope, body: bytes) -> dict[str, Any]:
    """Return an ASGI request as WSGI knows it."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "RAW_URI": scope["raw_path"].decode("latin-1"),
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        key = name.decode("latin-1").upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value.decode("latin-1")
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ
