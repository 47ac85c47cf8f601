"""A signed webhook as API Gateway hands it to a function, without a gateway."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from functions.sources.registry import signed
from local.connections import settings
from local.payload import HttpRequest, to_event
from local.routes import Match

DOMAIN = "abc123.execute-api.eu-west-1.amazonaws.com"


def signed_event(
    match: Match,
    source: str,
    topic: str,
    body: bytes,
    secret: str,
    headers: Mapping[str, str],
) -> dict[str, Any]:
    """The event of a body, signed as the source does; `headers` are those that its signer does not make."""
    path = match.route.path.replace("{source}", source).replace("{connection}", "main")
    signed_headers, query = signed(
        source, topic, body, secret, time.time(), f"https://{DOMAIN}{path}", settings(source)
    )
    sent = {
        "host": DOMAIN,
        "user-agent": "webhooks/1.0",
        **headers,
        **signed_headers,
    }
    request = HttpRequest(
        method="POST",
        path=path,
        query=urlencode(query),
        headers=[(name.lower(), value) for name, value in sent.items()],
        body=body,
        sender="203.0.113.9",
    )
    return to_event(request, match, str(uuid.uuid4()), datetime.now(UTC))
