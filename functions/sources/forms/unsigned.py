"""Receive submissions that nobody signs: a secret in the address proves them, `?token=`. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from bridge.receiving import signatures
from bridge.webhook import Request, Routing
from functions.sources.forms.reading.body import posted_by_visitor
from functions.sources.forms.submission import customer

TOPIC = "submission"
DOUBLE_CLICK_SECONDS = 300


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """Return the secret in the address."""
    del now
    return signatures.verify_token(request.query.get("token"), secrets)


def sign(body: bytes, secret: str) -> tuple[dict[str, str], dict[str, str]]:
    del body
    return {}, {"token": secret}


def routing_of(request: Request) -> Routing:
    """Return the person, where an e-mail is in the fields. Raises MalformedBody."""
    fields = posted_by_visitor(request.headers, request.body)
    unknown = f"submission:{hashlib.sha256(request.body).hexdigest()}"
    return Routing(TOPIC, customer(fields.values(), unknown))
