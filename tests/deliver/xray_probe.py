"""Call Batch and Stripe with tracing on, in a process of its own: `python -m tests.deliver.xray_probe`.

Prints the subsegments that X-Ray would get, and the headers of the requests.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

import httpx
from aws_xray_sdk.core import xray_recorder

from bridge.batch.client import BatchClient
from bridge.errors import BridgeError
from bridge.providers.client import ProviderClient
from bridge.storage.secrets import BatchKeys
from functions.deliver.tracing import traced

KEYS = BatchKeys("rest-key-1", "project-key-1", ("app-key-1",))


class Recorded:
    """Takes the place of the X-Ray daemon."""

    def __init__(self) -> None:
        self.entities: list[Any] = []

    def send_entity(self, entity: Any) -> None:
        self.entities.append(json.loads(entity.serialize()))


def main() -> None:
    xray_recorder.emitter = recorded = Recorded()
    headers: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        headers.append(dict(request.headers))
        if b"refused" in request.content:
            raise httpx.ConnectError(f"no way to {request.url}")
        return httpx.Response(202, json={})

    transport = httpx.MockTransport(answer)
    batch = BatchClient("https://api.batch.com/2.11", transport, traced=traced)
    batch.update(KEYS, [])
    batch.ask_gdpr(KEYS, "app-key-1", "remove", "ada")
    with contextlib.suppress(BridgeError):
        batch.ask_gdpr(KEYS, "app-key-1", "remove", "refused")
    ProviderClient(transport).get("https://api.stripe.com/v1/events/evt_1", "sk_1", {})
    sys.stdout.write(json.dumps({"entities": recorded.entities, "headers": headers}))


if __name__ == "__main__":
    main()
