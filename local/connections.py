"""The connections that a local stack starts with: `main` of every source, and one Batch project, with local secrets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bridge.receiving.connection_list import store_connection
from bridge.storage.parameters import Parameters
from bridge.storage.secrets import Secrets
from functions.sources.registry import source_module
from local.process import ROOT

CONNECTION = "main"
# source  settings of its connection: a source that has none works without
SETTINGS = {
    "custom": ROOT / "presets" / "calendly.json",
}

# source  how its secrets begin; others begin with their own name
PREFIXES = {
    "shopify": "shpss",
    "stripe": "whsec",
}

BATCH_KEYS = {"rest_api_key": "local_rest_api_key", "project_key": "local_project", "app_keys": ["local_app"]}


@dataclass(frozen=True, slots=True)
class Connection:
    """One account of one source, as a person connects it."""

    source: str
    connection: str
    url: str
    signing_secret: str


def local_secret(source: str) -> str:
    """Return a secret that is the same at every start. It is no secret: it protects nothing but local samples."""
    digest = hashlib.sha256(f"local {source}".encode()).hexdigest()
    return f"{PREFIXES.get(source, source)}_local_{digest[:24]}"


def connection(source: str, endpoint: str) -> Connection:
    """Return the connection `main` of a source at this endpoint; senders that cannot sign carry the secret in the
    address."""
    secret = local_secret(source)
    _, query = source_module(source, "signing").sign(source, "", b"", secret, 0.0)
    address = f"{endpoint}/{source}/{CONNECTION}"
    return Connection(source, CONNECTION, f"{address}?{urlencode(query)}" if query else address, secret)


def settings(source: str) -> dict[str, Any] | None:
    """Return the settings that the source's connection starts with, if any."""
    stored: dict[str, Any] | None = json.loads(SETTINGS[source].read_text()) if source in SETTINGS else None
    return stored


def seed_settings(parameters: Parameters, sources: Iterable[str]) -> None:
    """Store the settings where the functions read them."""
    for source in sources:
        if stored := settings(source):
            parameters.write(source, CONNECTION, stored)


def seed(secrets: Secrets, parameters: Parameters, sources: Iterable[str]) -> None:
    """Store the local secrets where the functions read them."""
    for source in sources:
        store_connection(secrets, parameters, source, CONNECTION, {"signing_secrets": [local_secret(source)]})
    secrets.store("batch/default", BATCH_KEYS)
