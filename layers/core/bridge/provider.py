"""Ask a provider for what its webhook leaves out. Besides `bridge.batch` the only module that imports httpx.

Keeps and logs nothing of what it is told, and goes nowhere but to the address that it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import httpx

from bridge.errors import BadCredentials, MappingFailed, ProviderUnavailable

CONNECT_TIMEOUT_SECONDS = 2.0
READ_TIMEOUT_SECONDS = 4.0
"""The deliver function has 30 seconds for its whole batch; after one timeout the rest of it waits."""
UNAVAILABLE = frozenset({408, 409, 425, 429})


class ProviderClient:
    """Gets JSON over connections that stay open."""

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self.transport = transport

    @cached_property
    def http(self) -> httpx.Client:
        """Made at first use: few webhooks need it, and reading the certificates takes 20 ms."""
        return httpx.Client(
            transport=self.transport,
            timeout=httpx.Timeout(READ_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
        )

    def get(self, url: str, api_key: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """The JSON object at an address. Raises BadCredentials, ProviderUnavailable, MappingFailed."""
        try:
            response = self.http.get(url, headers={**headers, "Authorization": f"Bearer {api_key}"})
        except httpx.HTTPError as error:
            raise ProviderUnavailable(f"no answer from the provider: {type(error).__name__}") from None
        return read_answer(response)


def read_answer(response: httpx.Response) -> dict[str, Any]:
    status = response.status_code
    if status in (401, 403):
        raise BadCredentials(f"the provider answered {status} to the connection's API key")
    if status in UNAVAILABLE or response.is_server_error:
        raise ProviderUnavailable(f"the provider answered {status}")
    if not response.is_success:
        raise MappingFailed(f"the provider answered {status}")
    try:
        content = response.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ProviderUnavailable("the provider answered no JSON object")
    return content
