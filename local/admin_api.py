"""The local stack's own routes under `/_local`: what AWS shows in its console, as JSON."""

from __future__ import annotations

import asyncio
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

from bridge.storage.connections import Known
from bridge.storage.ledger import FINAL
from bridge.storage.queue import parked
from local.connections import CONNECTION
from local.runtime import FunctionFailed
from local.samples import UnknownSample, files_before, send

if TYPE_CHECKING:
    from local.application import Application

RECEIPTS = 50
SEND_SECONDS = 35
"""Longer than the endpoint lets a function take."""
SETTLE_SECONDS = 2
LOOK_EVERY_SECONDS = 0.05
RETRY = "RetryFunction"
FILTERS = {"class": "classes", "source": "sources", "id": "ids"}
"""What the route calls a filter, and what the function does."""

Endpoint = Callable[[Request], Awaitable[Response]]


class AdminApi:
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
            ("POST", "/_local/happened/{source}", self.happened),
            ("POST", "/_local/samples", self.sample),
            ("POST", "/_local/forget", self.forget),
            ("GET", "/_local/state", self.state),
            ("GET", "/_local/functions", self.functions),
            ("POST", "/_local/functions/{name}/kill", self.kill),
            ("POST", "/_local/functions/{name}/invoke", self.invoke),
        ]
        return [Route(path, endpoint, methods=[method]) for method, path, endpoint in table]

    async def connections(self, _request: Request) -> Response:
        """Return `[{source, connection, url, signing_secret}]`."""
        return JSONResponse([asdict(connection) for connection in self.application.connections])

    async def receipts(self, request: Request) -> Response:
        """Return the ledger's receipts, newest first; `?limit=` how many."""
        limit = request.query_params.get("limit", str(RECEIPTS))
        if not limit.isdecimal():
            return JSONResponse({"error": "limit is not a whole number"}, 400)
        return JSONResponse(await self.read_receipts(int(limit)))

    async def failures(self, _request: Request) -> Response:
        """Return the dead-letter queue, looked at without taking anything out, oldest first."""
        return JSONResponse(self.read_failures())

    async def retry(self, request: Request) -> Response:
        """Retry what `{class, source, id}` name, all of them optional; `dry_run` only counts. The function's answer."""
        asked = await request.json()
        unknown = set(asked) - {*FILTERS, "dry_run"}
        if unknown:
            return JSONResponse({"error": f"unknown filter: {', '.join(sorted(unknown))}"}, 400)
        wanted = {FILTERS[name]: [value] for name, value in asked.items() if name in FILTERS and value}
        event = {"filter": wanted, "dry_run": bool(asked.get("dry_run")), "by": "the local page"}
        return await self.invoked(RETRY, event)

    async def happened(self, request: Request) -> Response:
        """Let an order or an event of Stripe have happened: the stand-in for their APIs mentions it from then on."""
        try:
            self.application.provider.tell(request.path_params["source"], await request.json())
        except (KeyError, ValueError, TypeError):
            return JSONResponse({"error": "no order of Shopify, and no event of Stripe"}, 400)
        return Response(status_code=204)

    async def invoke(self, request: Request) -> Response:
        """Return what a function answers to an event, as `aws lambda invoke` has it."""
        name = request.path_params["name"]
        if name not in self.application.functions:
            return JSONResponse({"error": "no such function"}, 404)
        return await self.invoked(name, await request.json())

    async def invoked(self, function: str, event: Any) -> Response:
        """Return what a function answers to an event."""
        try:
            answer = await self.application.functions[function].invoke(json.dumps(event).encode())
        except FunctionFailed as failed:
            return JSONResponse({"error": failed.error_type}, 502)
        return Response(answer, media_type="application/json")

    async def sample(self, request: Request) -> Response:
        """Sign the sample that `{"file": "events/shopify/orders.paid.json"}` names, and post it to the endpoint.

        What it comes after is sent before it, unless it is to be sent `{"alone": true}`. Its answer is
        `{status, answer, repeat, first}`; `repeat` is whether this webhook was delivered before, so that nothing
        more happens, and `first` are the files that were sent before it.
        """
        asked = await request.json()
        file = str(asked.get("file", ""))
        try:
            first = [] if asked.get("alone") else files_before(file)
            for earlier in first:
                await self.settle(await self.post(earlier))
            posted_at = datetime.now(UTC)
            response = await self.post(file)
        except UnknownSample:
            return JSONResponse({"error": "no such sample"}, 404)
        answer = readable(response)
        repeat = await self.was_done(id_in(answer), posted_at)
        return JSONResponse(
            {"status": response.status_code, "answer": answer, "repeat": repeat, "first": first}
        )

    async def post(self, file: str) -> httpx.Response:
        """Post a sample to the connection of its source. Raises UnknownSample."""
        source = file.removeprefix("events/").partition("/")[0]
        connection = next((one for one in self.application.connections if one.source == source), None)
        if connection is None:
            raise UnknownSample(file)
        return await send(file, connection, self.http)

    async def settle(self, response: httpx.Response) -> None:
        """Wait a moment until a webhook is delivered, so that the next finds whose it is; else that one waits."""
        webhook_id, give_up_at = id_in(readable(response)), time.monotonic() + SETTLE_SECONDS
        while webhook_id and time.monotonic() < give_up_at:
            if await self.was_done(webhook_id, datetime.now(UTC)):
                return
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def forget(self, _request: Request) -> Response:
        """Empty everything, as `DELETE /sandbox` of the Batch sandbox does, so that the same webhooks can be sent
        again.

        The sandbox forgets everything, and the stack empties its queues, their memory of repeats, and the
        ledger. Secrets and settings stay.
        """
        await self.application.sandbox.forget()
        return Response(status_code=204)

    async def state(self, request: Request) -> Response:
        """Profiles, receipts, failures, sources that have left; 204 where nothing changed since `?revision=`."""
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
                "connections": await run_in_threadpool(self.read_connections),
            }
        )

    async def functions(self, _request: Request) -> Response:
        """Return `[{name, pids, invocations, cpu_seconds, busy_seconds, memory_megabytes, restarts}]`.

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
        """Return whether a webhook that came in before that time is dealt with."""
        if webhook_id is None:
            return False
        receipt = await run_in_threadpool(self.application.ledger.receipt, webhook_id)
        return (
            receipt is not None
            and receipt.status in FINAL
            and datetime.fromisoformat(receipt.received_at) < before
        )

    def read_connections(self) -> dict[str, dict[str, Any]]:
        """Return what is known of the connection `main` of each source that has spoken or was refused."""
        return {
            known.source: told(known) for known in self.application.known.all() if known.name == CONNECTION
        }

    def read_failures(self) -> list[dict[str, Any]]:
        return [described(message.body) for message in self.application.dead_letters.held_messages()]


def told(known: Known) -> dict[str, Any]:
    """Return a connection for people: `refusal` is why it was last refused, where nothing was taken since."""
    reason = max(known.refused_at, key=lambda name: known.refused_at[name], default="")
    refused_at = known.refused_at.get(reason, "")
    return {
        "last_seen": known.last_seen,
        "inactive_since": known.inactive_since,
        "refusal": reason if refused_at >= known.last_seen else "",
        "refused_at": refused_at,
        "older_secret_at": known.older_secret_at,
        "findings": known.findings,
    }


def described(message: str) -> dict[str, Any]:
    """Return a parked webhook for people: no body."""
    one = parked({"Body": message, "ReceiptHandle": ""})
    return {
        **{name: one.envelope.get(name, "") for name in ("id", "source", "connection", "topic")},
        "class": one.failure.failure_class,
        "reason": one.failure.reason,
        "failed_at": one.failure.failed_at.isoformat(),
        "retries": one.envelope.get("retries", 0),
    }


def id_in(answer: Any) -> str | None:
    """Return the webhook's id in the endpoint's answer."""
    return answer.get("id") if isinstance(answer, dict) else None


def readable(answer: httpx.Response) -> Any:
    """Return the answer's JSON, or its text."""
    try:
        return answer.json()
    except ValueError:
        return answer.text
