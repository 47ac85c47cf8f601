"""A signed webhook as API Gateway hands it to a function, without a gateway."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from functions.sources import room
from local.payload import HttpRequest, to_event
from local.routes import Match


def signed_event(
    match: Match,
    source: str,
    topic: str,
    body: bytes,
    secret: str,
    headers: Mapping[str, str],
) -> dict[str, Any]:
    """The event of a body, signed as the source does; `headers` are those that its signer does not make."""
    signed, query = room(source, "signer").sign(source, topic, body, secret, time.time())
    sent = {
        "host": "abc123.execute-api.eu-west-1.amazonaws.com",
        "user-agent": "webhooks/1.0",
        **headers,
        **signed,
    }
    request = HttpRequest(
        method="POST",
        path=match.route.path.replace("{source}", source).replace("{connection}", "main"),
        query=urlencode(query),
        headers=[(name.lower(), value) for name, value in sent.items()],
        body=body,
        sender="203.0.113.9",
    )
    return to_event(request, match, str(uuid.uuid4()), datetime.now(UTC))
