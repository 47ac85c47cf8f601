"""A webhook on its way: the request at the receiver, and what is kept of it. Values only: no I/O, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from bridge.errors import MalformedBody
from bridge.strict_json import json_value

Claim: TypeAlias = tuple[str | None, str | None]
"""A user id as a visitor hands it over, and its signature."""

MAX_BODY_BYTES = 6 * 1024 * 1024
"""What Lambda takes of a request. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it reached the receiver: exact bytes, header names in lower case, the public address.

    `settings` are the connection's as stored, unchecked, for a source that `uses_settings`; else empty.
    """

    source: str
    connection: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    url: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def content_type(self) -> str:
        """Return the media type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def has_header(*headers: str) -> Callable[[Request], bool]:
    """Return what says whether a request has one of these headers; `user-agent: Stripe/` also says how it begins.

    Without any, nothing is known about a tool that names itself nowhere.
    """
    wanted = [
        (name, beginning.strip()) for name, _, beginning in (header.partition(":") for header in headers)
    ]

    def is_from_tool(request: Request) -> bool:
        return any(
            name in request.headers and request.headers[name].startswith(beginning)
            for name, beginning in wanted
        )

    return is_from_tool


@dataclass(frozen=True, slots=True)
class Routing:
    """Hold what the receiver must know of a webhook to queue it.

    `customer` orders the queue: webhooks of one customer stay in order. `idempotency_key` is the provider's own
    id of the webhook where it stands inside the signed body; without it the body itself is the key.
    """

    topic: str
    customer: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Hold what the receiver needs to know of one source; everything else about it is in its mapping.

    `topics` are those that have a mapping. `verify(request, secrets, now)` returns the position of the secret
    that proved the request, or raises InvalidSignature. `routing_of(request)` raises Ignored or MalformedBody.
    `kept_headers` are the headers that the mapping reads, in lower case. `redirects`: people post to it from a
    browser, and go on to the connection's `thank_you_url`. `repeat_seconds`: the sender never repeats a webhook,
    so that the same content is a repeat only this long; else it is one for as long as the ledger remembers.
    `uses_settings`: the connection's settings say how to verify and which topics there are, `topics` does not.
    `verification_response(request)` answers a tool that asks whether it has the right address, and returns None for
    a webhook; a POST is verified before, a GET, which nobody signs, is not.
    `is_from_tool(request)`: whether headers of the tool's own show that it sent the request, although unsigned, as
    one does that was set up without a secret. They prove nothing.
    `is_older_scheme(request)`: whether it is proven by a scheme that the tool has replaced by another one; refused once
    the connection was proven by that.
    `handshake(request)` is why an unsigned call that only asks whether somebody is there is answered 200 and
    forgotten, or None for every other request: those must be proven.
    `claims(request)` are the user ids that a visitor hands over in the body, each with its signature, if any; it is
    asked only where the connection has a secret to prove them, and may raise MalformedBody.
    """

    name: str
    topics: frozenset[str]
    verify: Callable[[Request, Sequence[str], float], int]
    routing_of: Callable[[Request], Routing]
    is_from_tool: Callable[[Request], bool]
    kept_headers: tuple[str, ...] = ("content-type",)
    redirects: bool = False
    repeat_seconds: int | None = None
    uses_settings: bool = False
    verification_response: Callable[[Request], str | None] | None = None
    handshake: Callable[[Request], str | None] | None = None
    claims: Callable[[Request], Iterable[Claim]] | None = None
    is_older_scheme: Callable[[Request], bool] | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """One accepted webhook. `id` is the same for every repeat of the same signed content.

    `only` names the attributes and events still to be sent, after Batch refused just a part; empty means all.
    `retries` counts the rounds through the dead-letter queue, `waits` those for an identity. `confirm_key` signs links
    by which the person of this webhook confirms a consent; empty where its connection has no secret for these.
    """

    id: str
    source: str
    connection: str
    topic: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    group: str
    only: tuple[str, ...] = ()
    retries: int = 0
    waits: int = 0
    confirm_key: str = ""

    @property
    def writer(self) -> str:
        """Return the connection by which it came, such as `shopify/main`: who writes what it states."""
        return f"{self.source}/{self.connection}"


def webhook_id(source: str, connection: str, summary: Routing, body: bytes, period: int | None = None) -> str:
    """Return the id of a webhook: 32 hex digits over the source, the connection and the signed content.

    With a `period`, the same content has another id in another period.
    """
    content = (
        written(summary.idempotency_key) if summary.idempotency_key else written(f"{summary.topic}\n") + body
    )
    named = f"{source}/{connection}\n" if period is None else f"{source}/{connection}/{period}\n"
    return hashlib.sha256(named.encode() + content).hexdigest()[:32]


def group_id(source: str, connection: str, customer: str) -> str:
    """Return the FIFO group of a customer: a digest, so that no e-mail becomes a queue's metadata."""
    return hashlib.sha256(written(f"{source}/{connection}\n{customer}")).hexdigest()[:32]


def written(text: str) -> bytes:
    """Return the text in UTF-8, also where JSON brought half a character."""
    return text.encode(errors="surrogatepass")


def json_object(body: bytes) -> dict[str, Any]:
    """Return the body as a JSON object. Raises MalformedBody."""
    parsed = json_value(body)
    if not isinstance(parsed, dict):
        raise MalformedBody("body is not a JSON object")
    return parsed
