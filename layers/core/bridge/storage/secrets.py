"""Read and store signing secrets and Batch keys. The only module that calls Secrets Manager.

Never logs, returns in an error, or keeps anywhere else what it reads.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bridge.errors import BadCredentials, Unavailable, UnknownConnection
from bridge.storage.cache import Cache
from bridge.storage.deadline import Deadline, Timed

WITHIN_THE_DOORS_TIME = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
"""A sender waits 5 seconds for its answer, and repeats; a value read before serves as well."""

PREVIOUS = "@previous"
"""Behind the name of a secret: as it was before its last change. No name of a connection has such a sign."""
MAX_SIBLINGS = 20
API = "api"
"""Before the names of secrets that open a tool's own API. No source has this name."""
MAIN = "main"


@dataclass(frozen=True, slots=True)
class BatchKeys:
    """Hold what opens one Batch project. https://doc.batch.com/api/project-prerequisites/"""

    rest_api_key: str = field(repr=False)
    project_key: str
    app_keys: tuple[str, ...] = ()


class Secrets:
    """The secrets of one stack: `{stack}/{source}/{connection}`, `{stack}/api/{source}/{connection}` for the key to a
    tool's own API, which other functions read, and `{stack}/batch/{project}`."""

    def __init__(self, stack: str, client: Any = None) -> None:
        self.stack = stack
        self.client = client or boto3.client("secretsmanager", config=WITHIN_THE_DOORS_TIME)
        self.cache: Cache[dict[str, Any]] = Cache(self.load)

    def knows(self, source: str, connection: str) -> bool:
        """Return whether something of this connection was read before."""
        return self.cache.peek(f"{self.stack}/{source}/{connection}") is not None

    def within(self, deadline: Deadline) -> Secrets:
        """Let no call begin that may outlast an invocation."""
        self.client = Timed(self.client, deadline)
        return self

    def signing_secrets(self, source: str, connection: str) -> tuple[str, ...]:
        """Return all secrets that may sign for a connection, newest first. Raises UnknownConnection, Unavailable."""
        stored = self.cache.get(f"{self.stack}/{source}/{connection}")
        if stored is None:
            raise UnknownConnection("no secret of this connection")
        return usable(stored.get("signing_secrets"))

    def refreshed_signing_secrets(self, source: str, connection: str) -> tuple[str, ...] | None:
        """Return the secrets read anew, or None where they were read less than 30 seconds ago."""
        if not self.cache.refresh(f"{self.stack}/{source}/{connection}"):
            return None
        return self.signing_secrets(source, connection)

    def previous_signing_secrets(self, source: str, connection: str) -> tuple[str, ...]:
        """Return the secrets as they were before the last change of what is stored; none where that cannot be told.

        https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
        """
        try:
            stored = self.cache.get(f"{self.stack}/{source}/{connection}{PREVIOUS}") or {}
            return usable(stored.get("signing_secrets"))
        except (Unavailable, UnknownConnection):
            return ()

    def sibling_secrets(self, source: str, connection: str) -> dict[str, tuple[str, ...]]:
        """Return the secrets of the source's other connections, as far as they are known here; `main` is looked up.

        One look-up at most: strangers bring this about. To list all would take a permission on every secret.
        """
        prefix = f"{self.stack}/{source}/"
        if connection != MAIN:
            with contextlib.suppress(Unavailable, UnknownConnection):
                self.signing_secrets(source, MAIN)
        known = [name for name in self.cache.entries if name.startswith(prefix) and PREVIOUS not in name]
        siblings = {}
        for name in known:
            if name != f"{prefix}{connection}" and (stored := self.cache.peek(name)):
                with contextlib.suppress(Unavailable, UnknownConnection):
                    siblings[name.removeprefix(prefix)] = usable(stored.get("signing_secrets"))
        return dict(list(siblings.items())[:MAX_SIBLINGS])

    def identity_secret(self, source: str, connection: str) -> str | None:
        """Return the secret by which the owner's server signs user ids, where the connection has one. Raises
        Unavailable."""
        stored = self.cache.get(f"{self.stack}/{source}/{connection}") or {}
        secret = stored.get("identity_secret")
        return secret.strip() or None if isinstance(secret, str) else None

    def api_key(self, source: str, connection: str) -> str | None:
        """Return the key to the source's own API, where the connection has one. Raises Unavailable."""
        stored = self.cache.get(f"{self.stack}/{API}/{source}/{connection}") or {}
        return header_text(stored.get("api_key")) or None

    def store_api_key(self, source: str, connection: str, api_key: str) -> None:
        """Store the key to the source's own API, apart from what the receiver reads. Raises Unavailable."""
        self.store(f"{API}/{source}/{connection}", {"api_key": api_key})

    def confirm_secret(self, source: str, connection: str) -> str:
        """Return what signs the links by which people confirm a consent; empty where there is none. Raises
        Unavailable."""
        stored = self.cache.get(f"{self.stack}/{source}/{connection}") or {}
        return header_text(stored.get("confirm_secret"))

    def batch_keys(self, project: str) -> BatchKeys:
        """Return the keys of a Batch project. Raises BadCredentials where none are stored, Unavailable."""
        stored = self.cache.get(f"{self.stack}/batch/{project}") or {}
        rest_api_key, project_key = (
            header_text(stored.get("rest_api_key")),
            header_text(stored.get("project_key")),
        )
        if not rest_api_key or not project_key:
            raise BadCredentials("no Batch keys are stored for this project")
        return BatchKeys(rest_api_key, project_key, tuple(stored.get("app_keys") or ()))

    def refresh_batch_keys(self, project: str) -> bool:
        """Read the keys anew, unless that was done less than 30 seconds ago; says whether it did."""
        return self.cache.refresh(f"{self.stack}/batch/{project}")

    def store(self, name: str, value: dict[str, Any]) -> None:
        """Store the secret `{stack}/{name}`, new or not. Raises Unavailable."""
        text = json.dumps(value)
        try:
            try:
                self.client.put_secret_value(SecretId=f"{self.stack}/{name}", SecretString=text)
            except self.client.exceptions.ResourceNotFoundException:
                self.client.create_secret(Name=f"{self.stack}/{name}", SecretString=text)
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("the secret cannot be stored") from error

    def load(self, name: str) -> dict[str, Any] | None:
        try:
            stored = json.loads(self.client.get_secret_value(**version_of(name))["SecretString"])
        except self.client.exceptions.ResourceNotFoundException:
            return None
        except (ClientError, BotoCoreError, KeyError) as error:
            raise Unavailable("secret cannot be read") from error
        except ValueError:
            raise Unavailable("secret is not JSON") from None
        if not isinstance(stored, dict):
            raise Unavailable("secret is not a JSON object")
        return stored


def version_of(name: str) -> dict[str, str]:
    """Return what asks for a secret, or for the one before it."""
    secret = name.removesuffix(PREVIOUS)
    return {"SecretId": secret} if secret == name else {"SecretId": secret, "VersionStage": "AWSPREVIOUS"}


def header_text(stored: object) -> str:
    """Return a key as it can stand in an HTTP header; empty where it cannot."""
    text = stored.strip() if isinstance(stored, str) else ""
    return text if text.isascii() and text.isprintable() else ""


def usable(stored: object) -> tuple[str, ...]:
    """Return the secrets without the spaces and newlines that copying brings along.

    Raises UnknownConnection where none is left, as where a connection is only half made; Unavailable for no list.
    """
    if not isinstance(stored, list | None):
        raise Unavailable("the signing secrets are no list")
    secrets = tuple(text.strip() for text in stored or () if isinstance(text, str) and text.strip())
    if not secrets:
        raise UnknownConnection("no signing secret is stored for this connection")
    return secrets
