"""HTTP to API Gateway's payload format 2.0, and a function's answer back to HTTP. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from local.routes import Match

TEXT_TYPES = frozenset({"application/json", "application/javascript", "application/xml"})
"""Beside `text/*`: what API Gateway hands over as text. All else, forms too, comes in base64."""
LOWEST_STATUS, HIGHEST_STATUS = 100, 599


class InvalidAnswer(Exception):
    """Raised where what a function returned is no HTTP response."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came in: path and query undecoded, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""
    sender: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Hold what goes back to the sender."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


def to_event(request: HttpRequest, match: Match, request_id: str, time: datetime) -> dict[str, Any]:
    """Return the event that a function gets for a request."""
    headers = joined((name, value) for name, value in request.headers if name != "cookie")
    cookies = [one for name, value in request.headers if name == "cookie" for one in value.split("; ")]
    query = joined(parse_qsl(request.query, keep_blank_values=True))
    return {
        "version": "2.0",
        "routeKey": match.route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        **({"cookies": cookies} if cookies else {}),
        "headers": headers,
        **({"queryStringParameters": query} if query else {}),
        "requestContext": context(request, match, headers, request_id, time),
        **({"pathParameters": dict(match.parameters)} if match.parameters else {}),
        **event_body(request.body, headers.get("content-type", "")),
    }


def context(
    request: HttpRequest, match: Match, headers: Mapping[str, str], request_id: str, time: datetime
) -> dict[str, Any]:
    host = headers.get("host", "localhost")
    return {
        "accountId": "123456789012",
        "apiId": "local",
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.sender,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": match.route_key,
        "stage": "$default",
        "time": time.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(time.timestamp() * 1000),
    }


def event_body(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the body as text where its media type is a text and it is UTF-8, else in base64."""
    if not body:
        return {"isBase64Encoded": False}
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type.startswith("text/") or media_type in TEXT_TYPES:
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return values by name; those of one name are joined by commas."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: ",".join(several) for name, several in values.items()}


def to_answer(returned: bytes) -> HttpAnswer:
    """Return the HTTP response that a function returned. Raises InvalidAnswer.

    What has no `statusCode` is itself the body of a 200, as JSON.
    """
    try:
        result = json.loads(returned)
    except ValueError as error:
        raise InvalidAnswer("not JSON") from error
    if not isinstance(result, dict) or "statusCode" not in result:
        return HttpAnswer(200, [("content-type", "application/json")], returned)
    headers = [
        (str(name).lower(), header_text(value)) for name, value in (result.get("headers") or {}).items()
    ]
    headers += [("set-cookie", str(cookie)) for cookie in result.get("cookies") or []]
    return HttpAnswer(status_code(result["statusCode"]), headers, answer_body(result))


def status_code(value: object) -> int:
    """Return a status from a number, or from a text that is one. Raises InvalidAnswer."""
    if not str(value).isdecimal() or not LOWEST_STATUS <= int(str(value)) <= HIGHEST_STATUS:
        raise InvalidAnswer("statusCode is no HTTP status")
    return int(str(value))


def answer_body(result: Mapping[str, Any]) -> bytes:
    body = result.get("body", "")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise InvalidAnswer("body is no text")
    if not result.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidAnswer("body is not base64") from error


def header_text(value: object) -> str:
    """Return a header's value: booleans as JSON writes them."""
    return str(value).lower() if isinstance(value, bool) else str(value)
