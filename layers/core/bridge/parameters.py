"""Read the settings of a connection from SSM Parameter Store, unchecked. The only module that calls SSM."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bridge.cache import Cache
from bridge.errors import Unavailable


class Parameters:
    """The settings of the stack's connections, stored under `/{stack}/{source}/{connection}`."""

    def __init__(self, stack: str, client: Any = None) -> None:
        self.stack = stack
        self._client = client
        self.cache: Cache[dict[str, Any]] = Cache(self.load)

    @property
    def client(self) -> Any:
        """Made at first use: a tenth of a cold start, and of what is received, only plain forms need it."""
        if self._client is None:
            self._client = boto3.client(
                "ssm", config=Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})
            )
        return self._client

    def read(self, source: str, connection: str) -> dict[str, Any]:
        """The stored JSON object, at most five minutes old; empty where there is none. Raises Unavailable."""
        return self.cache.get(f"/{self.stack}/{source}/{connection}") or {}

    def connections(self, source: str) -> list[str]:
        """The source's connections that have settings, be they empty. Raises Unavailable."""
        path = f"/{self.stack}/{source}"
        try:
            pages = self.client.get_paginator("get_parameters_by_path").paginate(Path=path)
            names = [parameter["Name"] for page in pages for parameter in page["Parameters"]]
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("settings cannot be listed") from error
        return sorted(name.removeprefix(f"{path}/") for name in names)

    def write(self, source: str, connection: str, settings: dict[str, Any]) -> None:
        """Store settings that were checked before; over 4 kB they become a paid, advanced parameter, of at most 8 kB.

        Raises Unavailable.
        """
        name = f"/{self.stack}/{source}/{connection}"
        try:
            self.client.put_parameter(
                Name=name,
                Value=json.dumps(settings, ensure_ascii=False, separators=(",", ":")),
                Type="String",
                Overwrite=True,
                Tier="Intelligent-Tiering",
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("settings cannot be stored") from error

    def load(self, name: str) -> dict[str, Any] | None:
        try:
            stored = json.loads(self.client.get_parameter(Name=name)["Parameter"]["Value"])
        except self.client.exceptions.ParameterNotFound:
            return None
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("settings cannot be read") from error
        except ValueError as error:
            raise Unavailable("settings are not JSON") from error
        if not isinstance(stored, dict):
            raise Unavailable("settings are not a JSON object")
        return stored
