"""Call Batch's Profile API.

https://doc.batch.com/developer/api/cep/profiles/update
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import httpx

from bridge.errors import BadCredentials, BatchUnavailable, RejectedByBatch
from bridge.observability import count, logger
from bridge.storage.secrets import BatchKeys

MAX_OPERATIONS_PER_CALL = 200
CONNECT_TIMEOUT_SECONDS = 3.0
READ_TIMEOUT_SECONDS = 10.0
MAX_RETRY_AFTER_DIGITS = 6
UNAVAILABLE = frozenset({404, 408, 425, 429})
"""404 is a route that does not exist: an address to be put right, no fault of the webhook."""


@dataclass(frozen=True, slots=True)
class PartialError:
    """A part of one operation that Batch did not take; `attribute` where it names one."""

    position: int
    category: str
    attribute: str | None


class BatchClient:
    """Posts operations to one address (`https://api.batch.com/2.11`), over connections that stay open.

    `traced` surrounds each call; it is given the host, and nothing else of the address, as that may hold an app key.
    """

    def __init__(
        self,
        url: str,
        transport: httpx.BaseTransport | None = None,
        traced: Callable[[str], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.url = url.rstrip("/")
        self.traced = traced
        self.http = httpx.Client(
            transport=transport,
            timeout=httpx.Timeout(READ_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
        )

    def update(self, keys: BatchKeys, operations: Sequence[dict[str, Any]]) -> list[PartialError]:
        """Send at most 200 operations in one call, and return what Batch refused of them.

        Raises RejectedByBatch where the call is refused whole, BadCredentials, BatchUnavailable.
        """
        return self.post(
            f"{self.url}/profiles/update",
            content=json.dumps(
                operations, ensure_ascii=False, allow_nan=False, separators=(",", ":")
            ).encode(),
            headers={
                "Authorization": f"Bearer {keys.rest_api_key}",
                "X-Batch-Project": keys.project_key,
                "Content-Type": "application/json",
            },
        )

    def ask_gdpr(
        self, keys: BatchKeys, app_key: str, request_type: Literal["remove", "review"], custom_id: str
    ) -> None:
        """Ask to remove a person, or to gather what is known of them, in one app. Raises as `update` does.

        https://doc.batch.com/developer/api/mep/gdpr/create
        """
        self.post(
            httpx.URL(self.url).join(f"/1.0/{quote(app_key, safe='')}/gdpr/request"),
            json={"request_type": request_type, "id": {"type": "custom_id", "value": custom_id}},
            headers={"X-Authorization": keys.rest_api_key},
        )

    def post(self, url: httpx.URL | str, **content: Any) -> list[PartialError]:
        """Make one call. An answer whose status came and whose body broke off still says that Batch has taken it."""
        with self.traced(httpx.URL(self.url).host):
            try:
                with self.http.stream("POST", url, **content) as response:
                    return read_answer(response, body_of(response))
            except httpx.HTTPError as error:
                raise BatchUnavailable(f"no answer from Batch: {type(error).__name__}") from None


def body_of(response: httpx.Response) -> bytes | None:
    """Return the body, or None where it cannot be read to its end."""
    try:
        return response.read()
    except httpx.HTTPError:
        return None


def read_answer(response: httpx.Response, body: bytes | None) -> list[PartialError]:
    """Return the partial errors of a 2xx answer. Raises RejectedByBatch, BadCredentials, BatchUnavailable."""
    status = response.status_code
    if response.is_success:
        return partial_errors(body)
    if status in (401, 403):
        raise BadCredentials(f"Batch answered {status}")
    if status in UNAVAILABLE or not response.is_client_error:
        raise BatchUnavailable(f"Batch answered {status}", retry_after(response))
    raise RejectedByBatch(f"Batch answered {status}")


def partial_errors(body: bytes | None) -> list[PartialError]:
    """Return what a 202 says was not taken; its reasons are left out, as they may repeat values.

    One that cannot be read is counted: what it may have said is unknown, and asking again would double events.
    """
    try:
        answer = json.loads(body or b"{}") if body is not None else None
    except (ValueError, RecursionError):
        answer = None
    if answer is None:
        logger.warning("response of Batch not readable")
        count("BatchAnswersUnread")
    errors = answer.get("errors") if isinstance(answer, dict) else None
    return [
        PartialError(error["bulk_index"], str(error.get("category", "")), text_in(error.get("attribute")))
        for error in (errors if isinstance(errors, list) else [])
        if isinstance(error, dict) and type(error.get("bulk_index")) is int
    ]


def text_in(content: object) -> str | None:
    return content if isinstance(content, str) else None


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that Batch asks to wait, where it names them; no official page promises the header."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) <= MAX_RETRY_AFTER_DIGITS else None
