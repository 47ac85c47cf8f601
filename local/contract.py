"""The local stack's own routes under `/_local`: what AWS shows in its console, as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.ledger import FINAL
from bridge.queue import parked
from local.runtime import FunctionFailed
from local.samples import UnknownSample, send

if TYPE_CHECKING:
    from local.application import Application

RECEIPTS = 50
SEND_SECONDS = 35
"""Longer than the door lets a function take."""
RETRY = "RetryFunction"
FILTERS = {"class": "classes", "source": "sources", "id": "ids"}
"""What the route calls a filter, and what the function does."""

Endpoint = Callable[[Request], Awaitable[Response]]


class Contract:
    """The routes, over one application."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.http = httpx.AsyncClient(trust_env=False, timeout=SEND_SECONDS)

    @property
    def routes(self) -> list[Route]:
        # method  path  what it does
        table: list[tuple[str, str, Endpoint]] = [
            ("GET", "/_local/connections", self.connections),
            ("GET", "/_local/receipts", self.receipts),
            ("GET", "/_local/failures", self.failures),
            ("POST", "/_local/retry", self.retry),
            ("POST", "/_local/samples", self.sample),
            ("POST", "/_local/forget", self.forget),
            ("GET", "/_local/state", self.state),
            ("GET", "/_local/functions", self.functions),
            ("POST", "/_local/functions/{name}/kill", self.kill),
        ]
        return [Route(path, endpoint, methods=[method]) for method, path, endpoint in table]

    async def connections(self, _request: Request) -> Response:
        """`[{source, connection, url, signing_secret}]`."""
        return JSONResponse([asdict(connection) for connection in self.application.connections])

    async def receipts(self, request: Request) -> Response:
        """The ledger's receipts, newest first; `?limit=` how many."""
        limit = request.query_params.get("limit", str(RECEIPTS))
        if not limit.isdecimal():
            return JSONResponse({"error": "limit is not a whole number"}, 400)
        return JSONResponse(await self.read_receipts(int(limit)))

    async def failures(self, _request: Request) -> Response:
        """The dead-letter queue, looked at without taking anything out, oldest first."""
        return JSONResponse(self.read_failures())

    async def retry(self, request: Request) -> Response:
        """Retry what `{class, source, id}` name, all of them optional; `dry_run` only counts. The function's answer."""
        asked = await request.json()
        unknown = set(asked) - {*FILTERS, "dry_run"}
        if unknown:
            return JSONResponse({"error": f"unknown filter: {', '.join(sorted(unknown))}"}, 400)
        wanted = {FILTERS[name]: [value] for name, value in asked.items() if name in FILTERS and value}
        event = {"filter": wanted, "dry_run": bool(asked.get("dry_run"))}
        try:
            answer = await self.application.functions[RETRY].invoke(json.dumps(event).encode())
        except FunctionFailed as failed:
            return JSONResponse({"error": failed.error_type}, 502)
        return Response(answer, media_type="application/json")

    async def sample(self, request: Request) -> Response:
        """Sign the sample that `{"file": "events/shopify/orders.paid.json"}` names, and post it to the door.

        Its answer is `{status, answer, repeat}`; `repeat` is whether this webhook was delivered before, so that
        nothing more happens.
        """
        file = str((await request.json()).get("file", ""))
        source = file.removeprefix("events/").partition("/")[0]
        connection = next((one for one in self.application.connections if one.source == source), None)
        posted_at = datetime.now(UTC)
        try:
            if connection is None:
                raise UnknownSample(file)
            response = await send(file, connection, self.http)
        except UnknownSample:
            return JSONResponse({"error": "no such sample"}, 404)
        answer = readable(response)
        repeat = isinstance(answer, dict) and await self.was_done(answer.get("id"), posted_at)
        return JSONResponse({"status": response.status_code, "answer": answer, "repeat": repeat})

    async def forget(self, _request: Request) -> Response:
        """As `DELETE /sandbox` of the Batch sandbox, so that the same webhooks can be sent again.

        The sandbox forgets everything, and the stack empties its queues, their memory of repeats, and the
        ledger. Secrets and settings stay.
        """
        await self.application.sandbox.forget()
        return Response(status_code=204)

    async def state(self, request: Request) -> Response:
        """Profiles, receipts, failures; 204 where nothing changed since `?revision=`."""
        revision = self.application.revision
        if request.query_params.get("revision") == revision:
            return Response(status_code=204)
        profiles = [profile.as_json() for profile in self.application.sandbox.store.profiles()]
        return JSONResponse(
            {
                "revision": revision,
                "profiles": profiles[:RECEIPTS],
                "receipts": await self.read_receipts(RECEIPTS),
                "failures": self.read_failures(),
            }
        )

    async def functions(self, _request: Request) -> Response:
        """`[{name, pids, invocations, cpu_seconds, busy_seconds, memory_megabytes, restarts}]`.

        Processor time includes processes that ended; busy is a function while it has an invocation, as Lambda bills.
        """
        return JSONResponse(
            [
                {
                    "name": name,
                    "pids": function.pids,
                    "invocations": function.invocations,
                    "cpu_seconds": round(function.cpu_seconds, 3),
                    "busy_seconds": round(function.busy_seconds, 3),
                    "memory_megabytes": function.settings.memory_megabytes,
                    "restarts": function.restarts,
                }
                for name, function in self.application.functions.items()
            ]
        )

    async def kill(self, request: Request) -> Response:
        """Kill the processes of a function, as a crash would; they start again by themselves. `at` is Unix time."""
        function = self.application.functions.get(request.path_params["name"])
        if function is None:
            return JSONResponse({"error": "no such function"}, 404)
        killed = function.pids
        for environment in function.environments:
            environment.kill()
        return JSONResponse({"killed": killed, "at": time.time()})

    async def read_receipts(self, limit: int) -> list[dict[str, Any]]:
        receipts = await run_in_threadpool(self.application.ledger.scan_receipts, limit)
        return [asdict(receipt) for receipt in receipts]

    async def was_done(self, webhook_id: str | None, before: datetime) -> bool:
        """Whether a webhook that came in before that time is dealt with."""
        if webhook_id is None:
            return False
        receipt = await run_in_threadpool(self.application.ledger.receipt, webhook_id)
        return (
            receipt is not None
            and receipt.status in FINAL
            and datetime.fromisoformat(receipt.received_at) < before
        )

    def read_failures(self) -> list[dict[str, Any]]:
        return [described(message.body) for message in self.application.dead_letters.held_messages()]


def described(message: str) -> dict[str, Any]:
    """A parked webhook for people: no body."""
    one = parked({"Body": message, "ReceiptHandle": ""})
    return {
        **{name: one.envelope.get(name, "") for name in ("id", "source", "connection", "topic")},
        "class": one.failure.failure_class,
        "reason": one.failure.reason,
        "failed_at": one.failure.failed_at.isoformat(),
        "retries": one.envelope.get("retries", 0),
    }


def readable(answer: httpx.Response) -> Any:
    """The answer's JSON, or its text."""
    try:
        return answer.json()
    except ValueError:
        return answer.text
