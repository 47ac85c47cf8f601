"""The HTTP API in front of the functions, as API Gateway behaves: routes, CORS, limits, its own error answers."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from local.payload import HttpAnswer, HttpRequest, InvalidAnswer, to_answer, to_event
from local.routes import Match, Router
from local.runtime import MAX_PAYLOAD_BYTES, Function, FunctionFailed
from local.template import Deployment

MAX_BODY_BYTES = 10 * 1024 * 1024
INTEGRATION_TIMEOUT_SECONDS = 30.0
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"""


class Gateway:
    """An ASGI application that turns requests into invocations; `told` gets a line for each."""

    def __init__(
        self,
        deployment: Deployment,
        functions: Mapping[str, Function],
        told: Callable[[str], None] | None = None,
    ) -> None:
        self.told = told
        self.router = Router(deployment.routes)
        self.cors = deployment.cors
        self.functions = functions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        if body is None:
            answer = message(413, "Request Entity Too Large")
        else:
            answer = await self.answer(request_of(scope, body))
        if self.told:  # no query: an address may hold a token
            self.told(
                f"{datetime.now().astimezone():%H:%M:%S}  {scope['method']} {scope['path']}  {answer.status}"
            )
        await send_answer(send, answer)

    async def answer(self, request: HttpRequest) -> HttpAnswer:
        """Return what API Gateway answers."""
        origin = next((value for name, value in request.headers if name == "origin"), None)
        if request.method == "OPTIONS" and self.cors:
            return preflight(self.cors, origin)
        match = self.router.match(request.method, request.path)
        if match is None:
            return message(404, "Not Found")
        answer = await self.invoke(request, match)
        allowed = allowed_origin(self.cors, origin)
        return HttpAnswer(answer.status, [*answer.headers, *allowed.items()], answer.body)

    async def invoke(self, request: HttpRequest, match: Match) -> HttpAnswer:
        request_id = uuid.uuid4().hex[:16]
        event = to_event(request, match, request_id, datetime.now(UTC))
        payload = json.dumps(event, separators=(",", ":")).encode()
        if len(payload) > MAX_PAYLOAD_BYTES:
            return message(413, "Request Too Long")
        function = self.functions[match.route.function]
        try:
            async with asyncio.timeout(INTEGRATION_TIMEOUT_SECONDS):
                answer = to_answer(await function.invoke(payload))
        except (FunctionFailed, InvalidAnswer):
            return message(500, "Internal Server Error")
        except TimeoutError:
            return message(503, "Service Unavailable")
        return HttpAnswer(answer.status, [*answer.headers, ("apigw-requestid", request_id)], answer.body)


def request_of(scope: Scope, body: bytes) -> HttpRequest:
    """Return an ASGI request in the words of the payload."""
    path: str = scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0]
    sender = (scope.get("client") or ("127.0.0.1", 0))[0]
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    headers += [("x-forwarded-for", sender), ("x-forwarded-proto", scope.get("scheme", "http"))]
    return HttpRequest(scope["method"], path, scope["query_string"].decode("latin-1"), headers, body, sender)


async def read_body(receive: Receive) -> bytes | None:
    """Return the whole body, or None where it is over the limit; the rest is read, so that the answer arrives."""
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        part: Message = await receive()
        if part["type"] == "http.disconnect":
            break
        size += len(part.get("body", b""))
        if size <= MAX_BODY_BYTES:
            parts.append(part.get("body", b""))
        more = part.get("more_body", False)
    return b"".join(parts) if size <= MAX_BODY_BYTES else None


async def send_answer(send: Send, answer: HttpAnswer) -> None:
    headers = [
        (name.encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in answer.headers
        if name != "content-length"
    ]
    length = (b"content-length", str(len(answer.body)).encode())
    await send({"type": "http.response.start", "status": answer.status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": answer.body})


def message(status: int, text: str) -> HttpAnswer:
    """Return one of API Gateway's own answers."""
    body = json.dumps({"message": text}, separators=(",", ":")).encode()
    return HttpAnswer(status, [("content-type", "application/json")], body)


def preflight(cors: Mapping[str, Any], origin: str | None) -> HttpAnswer:
    """Return the answer to a browser that asks what it may send."""
    allowed = allowed_origin(cors, origin)
    if allowed:
        allowed["access-control-allow-methods"] = ",".join(cors.get("allowMethods", []))
        allowed["access-control-allow-headers"] = ",".join(cors.get("allowHeaders", []))
        if "maxAge" in cors:
            allowed["access-control-max-age"] = str(cors["maxAge"])
    return HttpAnswer(204, [(name, value) for name, value in allowed.items() if value], b"")


def allowed_origin(cors: Mapping[str, Any], origin: str | None) -> dict[str, str]:
    """Return the header that lets a page of this origin read the answer, if it may."""
    origins = cors.get("allowOrigins", [])
    if origin is None or not {"*", origin} & set(origins):
        return {}
    return {"access-control-allow-origin": "*" if "*" in origins else origin}
