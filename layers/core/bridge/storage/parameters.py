"""Read the settings of a connection from SSM Parameter Store, unchecked, and which connections there are.

The only module that calls SSM.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bridge.errors import Unavailable
from bridge.storage.cache import Cache
from bridge.storage.deadline import Deadline, Timed

LIST_ATTEMPTS = 10
"""Of writing a list, while others write it too."""


class Parameters:
    """The settings of the stack's connections, stored under `/{stack}/{source}/{connection}`.

    Which connections a source has stands as a JSON list under `/{stack}/connections/{source}`. `attempts` says how
    often a call is tried in all.
    """

    def __init__(self, stack: str, client: Any = None, attempts: int = 2) -> None:
        self.stack = stack
        self.attempts = attempts
        self._client = client
        self.cache: Cache[dict[str, Any]] = Cache(self.load)

    @property
    def client(self) -> Any:
        """Return the client, made at first use: a tenth of a cold start, and most of what is received needs none of
        it."""
        if self._client is None:
            config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": self.attempts})
            self._client = boto3.client("ssm", config=config)
        return self._client

    # ── Settings ────────────────────────────────────────────────────────────────────────────────────────

    def within(self, deadline: Deadline) -> Parameters:
        """Let no call begin that may outlast an invocation."""
        self._client = Timed(self.client, deadline)
        return self

    def read(self, source: str, connection: str) -> dict[str, Any]:
        """Return the stored JSON object, at most five minutes old; empty where there is none. Raises Unavailable."""
        return self.cache.get(f"/{self.stack}/{source}/{connection}") or {}

    def connections(self, source: str) -> list[str]:
        """Return the source's connections that have settings, be they empty. Raises Unavailable."""
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
        self.put(f"/{self.stack}/{source}/{connection}", settings, "settings cannot be stored")

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

    # ── Which connections there are ─────────────────────────────────────────────────────────────────────

    def listed(self, source: str) -> frozenset[str]:
        """Return the names on the source's list, read now; none where nobody wrote one yet. Raises Unavailable."""
        return self.load_list(source)[0]

    def enlist(self, source: str, connection: str) -> None:
        """Put a connection on its source's list, which the receivers go by. Raises Unavailable.

        Parameter Store has no conditional writes, but numbers them: whoever overwrote what somebody else wrote
        meanwhile sees it by the number, reads that too, and writes again.
        """
        names, version = self.load_list(source)
        wanted = names | {connection}
        for _ in range(LIST_ATTEMPTS):
            if wanted == names:
                return
            written = self.write_list(source, wanted)
            overwritten = range(version + 1, written)
            names, version = wanted, written
            for number in overwritten:
                wanted |= self.load_list(source, number)[0]
        raise Unavailable("others write the list of connections again and again")

    def delist(self, source: str, connection: str) -> None:
        """Take a connection off its source's list. Raises Unavailable."""
        names, _ = self.load_list(source)
        if connection in names:
            self.write_list(source, names - {connection})

    def load_list(self, source: str, version: int | None = None) -> tuple[frozenset[str], int]:
        """Return the names on a list, and the number of this version of it, 0 where there is none yet."""
        selector = "" if version is None else f":{version}"
        try:
            stored = self.client.get_parameter(Name=f"{self.list_name(source)}{selector}")["Parameter"]
            names = json.loads(stored["Value"])
        except self.client.exceptions.ParameterNotFound:
            return frozenset(), 0
        except (ClientError, BotoCoreError, KeyError, ValueError) as error:
            raise Unavailable("the list of connections cannot be read") from error
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Unavailable("the list of connections is no list of names")
        return frozenset(names), int(stored.get("Version", 0))

    def write_list(self, source: str, names: Iterable[str]) -> int:
        """Write a list; returns the number of its new version."""
        return self.put(
            self.list_name(source),
            sorted(names),
            "the list of connections cannot be stored: see docs/deploy.md",
        )

    def list_name(self, source: str) -> str:
        return f"/{self.stack}/connections/{source}"

    def put(self, name: str, content: Any, failure: str) -> int:
        """Write a parameter as JSON; returns the number of its new version. Raises Unavailable."""
        try:
            answer = self.client.put_parameter(
                Name=name,
                Value=json.dumps(content, ensure_ascii=False, separators=(",", ":")),
                Type="String",
                Overwrite=True,
                Tier="Intelligent-Tiering",
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(failure) from error
        return int(answer["Version"])
