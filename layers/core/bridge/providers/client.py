"""Ask a provider for what its webhooks leave out. Besides `bridge.batch.client` the only module that imports httpx.

Keeps and logs nothing of what it is told, and goes nowhere but to the address that it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx

from bridge.errors import BadCredentials, MappingFailed, ProviderUnavailable

CONNECT_TIMEOUT_SECONDS = 2.0
READ_TIMEOUT_SECONDS = 4.0
"""The deliver function has 30 seconds for its whole batch; after one timeout the rest of it waits."""
UNAVAILABLE = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON object, and the addresses that the `Link` header names, by their relation: `{"next": "https://..."}`."""

    content: dict[str, Any]
    links: Mapping[str, str] = field(default_factory=dict)


class ProviderClient:
    """Gets JSON over connections that stay open."""

    def __init__(
        self,
        transport: httpx.BaseTransport | None = None,
        read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
    ) -> None:
        self.transport = transport
        self.read_timeout_seconds = read_timeout_seconds

    @cached_property
    def http(self) -> httpx.Client:
        """Return the client, made at first use: few webhooks need it, and reading the certificates takes 20 ms."""
        return httpx.Client(
            transport=self.transport,
            timeout=httpx.Timeout(self.read_timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS),
        )

    def get(self, url: str, api_key: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """Return the JSON object at an address. Raises BadCredentials, ProviderUnavailable, MappingFailed."""
        return self.ask(url, {**headers, "Authorization": f"Bearer {api_key}"}).content

    def ask(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Return the answer at an address, with headers that open it. Raises what `get` raises."""
        return self.answer("GET", url, headers=dict(headers))

    def post(self, url: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the JSON object that answers a form. Raises what `get` raises."""
        return self.answer("POST", url, data=dict(form)).content

    def answer(self, method: str, url: str, **sent: Any) -> Answer:
        try:
            response = self.http.request(method, url, **sent)
        except httpx.HTTPError as error:
            raise ProviderUnavailable(f"no answer from the provider: {type(error).__name__}") from None
        links = {name: link["url"] for name, link in response.links.items() if name and "url" in link}
        return Answer(read_answer(response), links)


def read_answer(response: httpx.Response) -> dict[str, Any]:
    status = response.status_code
    if status in (401, 403):
        raise BadCredentials(f"the provider answered {status} to the connection's API key")
    if status in UNAVAILABLE or response.is_server_error:
        raise ProviderUnavailable(f"the provider answered {status}", retry_after_seconds(response))
    if not response.is_success:
        raise MappingFailed(f"the provider answered {status}")
    try:
        content = response.json()
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ProviderUnavailable("the provider answered no JSON object")
    return content


def retry_after_seconds(response: httpx.Response) -> float | None:
    """Return the seconds that the provider asks to wait; providers write `2` and `2.0`."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
