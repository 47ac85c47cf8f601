"""The baseline of a whole bridge: one process that answers once Batch has. `python -m bench.direct PORT BATCH_URL`.

It proves, maps and delivers one webhook after the other, and keeps nothing: what it has taken in is lost with it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Awaitable, Callable

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench.by_hand import as_bytes, operation
from local.connections import BATCH_KEYS, local_secret
from local.loopback import LoopbackOnly, is_nobodys


def receiver(batch_url: str) -> Callable[[Request], Awaitable[Response]]:
    client = httpx.AsyncClient(
        headers={
            "authorization": f"Bearer {BATCH_KEYS['rest_api_key']}",
            "x-batch-project": str(BATCH_KEYS["project_key"]),
            "content-type": "application/json",
        }
    )
    secret = local_secret("shopify").encode()

    async def receive(request: Request) -> Response:
        body = await request.body()
        digest = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest())
        if not hmac.compare_digest(digest, request.headers["x-shopify-hmac-sha256"].encode()):
            return JSONResponse({"error": "invalid_signature"}, 401)
        answer = await client.post(
            f"{batch_url}/2.11/profiles/update", content=as_bytes([operation(json.loads(body))])
        )
        return JSONResponse({"status": "delivered"}, 200 if answer.is_success else 502)

    return receive


async def cpu(_request: Request) -> Response:
    """Seconds of processor time of this process so far."""
    return JSONResponse({"cpu_seconds": time.process_time()})


def main() -> None:
    """Serve on loopback until ended."""
    port, batch_url = sys.argv[1:]
    app = Starlette(
        routes=[Route("/shopify/main", receiver(batch_url), methods=["POST"]), Route("/cpu", cpu)]
    )
    uvicorn.run(LoopbackOnly(app, is_nobodys), host="127.0.0.1", port=int(port), log_level="error", ws="none")


if __name__ == "__main__":
    main()
