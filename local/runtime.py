"""Run functions as Lambda does: each in processes of its own, which fetch invocations from the Lambda Runtime API.

A process that dies is started again, and its invocation in flight has failed. Nothing is retried here.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.lineage import header_of
from local.process import FunctionProcess
from local.serving import local_socket
from local.template import FunctionSettings

VERSION = "/2018-06-01/runtime"
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
RESTART_PAUSES_SECONDS = (0.5, 1, 2, 5, 10)
"""Between starts of a function that does not come up."""


class FunctionFailed(Exception):
    """An invocation ended without a response; `error_type` is Lambda's name for it."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type


@dataclass(slots=True)
class Invocation:
    """A payload on its way through a function."""

    payload: bytes
    trace: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answer: asyncio.Future[bytes] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def succeed(self, answer: bytes) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error_type: str, message: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(FunctionFailed(error_type, message))


class Function:
    """A deployed function: invocations wait here for one of its environments."""

    def __init__(self, settings: FunctionSettings) -> None:
        self.settings = settings
        self.environments: list[Environment] = []
        self.idle: list[Environment] = []
        self.waiting: deque[Invocation] = deque()
        self.invocations = 0
        self.dropped = 0

    async def invoke(self, payload: bytes, trace: str = "") -> bytes:
        """Return the function's response. `trace` is the trace header of its chain; a new chain has none yet.

        Raises FunctionFailed.
        """
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise FunctionFailed("RequestTooLarge", "the payload is over 6 MB")
        invocation = Invocation(payload, trace or header_of({}, self.settings.name))
        self.invocations += 1
        self.waiting.append(invocation)
        self.hand_over()
        return await invocation.answer

    def hand_over(self) -> None:
        """Give what waits to whoever is idle."""
        while self.waiting and self.idle:
            self.idle.pop().take(self.waiting.popleft())

    def fail_waiting(self, error_type: str, message: str) -> None:
        """Fail what waits, as Lambda does where a function does not start."""
        while self.waiting:
            self.waiting.popleft().fail(error_type, message)

    @property
    def in_hand(self) -> list[asyncio.Future[bytes]]:
        """Return the answers that are still to come."""
        flying = [environment.current for environment in self.environments if environment.current is not None]
        return [invocation.answer for invocation in (*self.waiting, *flying)]

    @property
    def restarts(self) -> int:
        return sum(max(0, environment.starts - 1) for environment in self.environments)

    @property
    def cpu_seconds(self) -> float:
        return sum(environment.cpu_seconds for environment in self.environments)

    @property
    def busy_seconds(self) -> float:
        return sum(environment.busy_seconds for environment in self.environments)

    @property
    def pids(self) -> list[int]:
        return [
            environment.process.pid for environment in self.environments if environment.process is not None
        ]


class Environment:
    """One place where a function runs: a port of the Runtime API, and one process after another that uses it."""

    def __init__(self, function: Function, variables: Mapping[str, str], log: Path) -> None:
        self.function = function
        self.socket = local_socket(0)
        self.variables = {**variables, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.port}"}
        self.log = log
        self.process: FunctionProcess | None = None
        self.came_up = asyncio.Event()
        self.offer: asyncio.Future[Invocation] | None = None
        self.current: Invocation | None = None
        self.deadline: asyncio.TimerHandle | None = None
        self.outdated = False
        self.starts = 0
        self.failed_starts = 0
        self.ended_cpu_seconds = 0.0
        self.busy_seconds = 0.0
        self.taken_at = 0.0

    @property
    def port(self) -> int:
        port: int = self.socket.getsockname()[1]
        return port

    @property
    def cpu_seconds(self) -> float:
        return self.ended_cpu_seconds + (self.process.cpu_seconds() if self.process else 0.0)

    async def live(self) -> None:
        """Keep a process running until cancelled."""
        try:
            while True:
                self.came_up.clear()
                self.outdated = False
                self.starts += 1
                self.process = FunctionProcess(self.variables, self.log)
                used = await self.process.ended()
                self.ended_cpu_seconds += used
                self.process = None
                await self.recover()
        finally:
            self.let_go("Runtime.ExitError", "the stack ends")
            self.kill()

    async def recover(self) -> None:
        """Fail what the dead process had taken, and wait a little if it never came up."""
        name = self.function.settings.name
        self.let_go("Runtime.ExitError", "the process ended before it answered")
        if self.came_up.is_set():
            self.failed_starts = 0
            print(f"{name}: its process ended, another starts", file=sys.stderr, flush=True)
            return
        self.function.fail_waiting("Runtime.InitError", "the function does not start")
        print(f"{name} does not start: see {self.log}", file=sys.stderr, flush=True)
        pause = RESTART_PAUSES_SECONDS[min(self.failed_starts, len(RESTART_PAUSES_SECONDS) - 1)]
        self.failed_starts += 1
        await asyncio.sleep(pause)

    def let_go(self, error_type: str, message: str) -> None:
        if self.offer is not None:
            self.offer.cancel()
            self.offer = None
        if self in self.function.idle:
            self.function.idle.remove(self)
        if (current := self.finish()) is not None:
            current.fail(error_type, message)

    async def next(self) -> Invocation:
        """Return the next invocation, for the process that asks."""
        self.came_up.set()
        if self.outdated:
            self.kill()
            raise asyncio.CancelledError
        offer: asyncio.Future[Invocation] = asyncio.get_running_loop().create_future()
        self.offer = offer
        self.function.idle.append(self)
        self.function.hand_over()
        return await offer

    def take(self, invocation: Invocation) -> None:
        """Hand an invocation to the process that waits for one; from here on the function's timeout runs."""
        self.current = invocation
        self.taken_at = time.monotonic()
        timeout = self.function.settings.timeout_seconds
        self.deadline = asyncio.get_running_loop().call_later(timeout, self.time_out)
        if self.offer is not None:
            self.offer.set_result(invocation)
            self.offer = None

    def finish(self) -> Invocation | None:
        """Return the invocation in flight, which ends here."""
        if self.deadline is not None:
            self.deadline.cancel()
        if self.current is not None:
            self.busy_seconds += time.monotonic() - self.taken_at
        current, self.current, self.deadline = self.current, None, None
        return current

    def renew(self) -> None:
        """Start a new process: now, or once the invocation in flight has ended."""
        self.outdated = True
        if self.current is None:
            self.let_go("Runtime.ExitError", "the code has changed")
            self.kill()

    def time_out(self) -> None:
        seconds = self.function.settings.timeout_seconds
        self.let_go("Sandbox.Timedout", f"Task timed out after {seconds} seconds")
        self.kill()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()


class RuntimeApi:
    """The Runtime API of all environments: one application, which knows them by the port that was called."""

    def __init__(self) -> None:
        self.environments: dict[int, Environment] = {}
        self.app = Starlette(
            routes=[
                Route(f"{VERSION}/invocation/next", self.next, methods=["GET"]),
                Route(f"{VERSION}/invocation/{{id}}/response", self.response, methods=["POST"]),
                Route(f"{VERSION}/invocation/{{id}}/error", self.error, methods=["POST"]),
                Route(f"{VERSION}/init/error", self.init_error, methods=["POST"]),
            ]
        )

    @property
    def sockets(self) -> list[socket.socket]:
        return [environment.socket for environment in self.environments.values()]

    def add(self, environment: Environment) -> None:
        self.environments[environment.port] = environment
        environment.function.environments.append(environment)

    def called(self, request: Request) -> Environment:
        return self.environments[request.scope["server"][1]]

    async def next(self, request: Request) -> Response:
        environment = self.called(request)
        settings = environment.function.settings
        try:
            invocation = await environment.next()
        except asyncio.CancelledError:
            return Response(status_code=410)  # the process that asked is gone
        return Response(
            invocation.payload,
            media_type="application/json",
            headers={
                "Lambda-Runtime-Aws-Request-Id": invocation.id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + settings.timeout_seconds) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": settings.arn,
                "Lambda-Runtime-Trace-Id": invocation.trace,
            },
        )

    async def response(self, request: Request) -> Response:
        body = await request.body()
        invocation = self.in_flight(request)
        if invocation is None:
            return unknown_invocation()
        if len(body) > MAX_PAYLOAD_BYTES:
            invocation.fail("Function.ResponseSizeTooLarge", "the response is over 6 MB")
            return JSONResponse({"errorType": "RequestEntityTooLarge"}, 413)
        invocation.succeed(body)
        return accepted()

    async def error(self, request: Request) -> Response:
        body = await request.body()
        invocation = self.in_flight(request)
        if invocation is None:
            return unknown_invocation()
        invocation.fail(*error_of(body))
        return accepted()

    async def init_error(self, request: Request) -> Response:
        self.called(request).function.fail_waiting(*error_of(await request.body()))
        return accepted()

    def in_flight(self, request: Request) -> Invocation | None:
        """Return the invocation that is being answered, if it is still waited for."""
        environment = self.called(request)
        if environment.current is None or environment.current.id != request.path_params["id"]:
            return None
        return environment.finish()


def error_of(body: bytes) -> tuple[str, str]:
    """Return type and message of an error that a runtime reports."""
    try:
        error = json.loads(body)
        return str(error.get("errorType", "")), str(error.get("errorMessage", ""))
    except (ValueError, AttributeError):
        return "Runtime.Unknown", "the runtime reported no readable error"


def accepted() -> Response:
    return JSONResponse({"status": "OK"}, 202)


def unknown_invocation() -> Response:
    return JSONResponse({"errorType": "InvalidRequestID"}, 400)
