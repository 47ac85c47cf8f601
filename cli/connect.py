"""Connect a tool: keep its secret, its settings and the keys of Batch. Shows none of them."""

from __future__ import annotations

import json
import secrets as randomness
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.receiving.receiver import CONNECTION_NAME
from bridge.settings import InvalidSettings, checked
from bridge.storage.connections import Known
from cli.errors import CommandFailed, WrongUsage
from cli.sample import with_query
from cli.stack import Stack
from functions.sources.manifest import manifest
from functions.sources.registry import SOURCE_PACKAGES, VISITED, settings_model, source_module

BATCH = "batch"
MAIN, DEFAULT_PROJECT = "main", "default"
SECRETS_KEPT = 3
"""The newest and two older ones: providers sign with the old one for up to a day after a change."""
TOKEN_BYTES = 24
IDENTITY_SECRET_BYTES = 32


BATCH_STEPS = "The Batch dashboard shows the REST API key and the project key in the settings of the project."


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection as it stands; `secrets` is how many it has."""

    source: str
    connection: str
    secrets: int
    address: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A connection with what is known of it: when it last spoke (RFC 3339), how often it was refused, and why
    last; since when its tool has left, which warnings it had, and what a 429 costs where that is a webhook."""

    source: str
    connection: str
    secrets: int
    address: str
    last_seen: str = ""
    refused: int = 0
    refused_at: str = ""
    last_refusal: str = ""
    amiss: tuple[str, ...] = ()
    inactive_since: str = ""
    warned: dict[str, int] = field(default_factory=dict)
    after_429: str = ""
    unnamed_boxes: tuple[str, ...] = ()


def after_429(source: str) -> str:
    """Say what a 429 costs where the tool never repeats a webhook; empty for tools that may."""
    reason = "" if source == BATCH else manifest(source).never_repeated
    return (
        f"A webhook that gets a 429 is lost: {reason}. See RequestsPerSecond in docs/deploy.md."
        if reason
        else ""
    )


def check_names(source: str, connection: str) -> None:
    """Raises WrongUsage for a source that does not exist, and for a name that no address can have."""
    if source not in (*SOURCE_PACKAGES, BATCH):
        raise WrongUsage(f"no source {source!r}; there are: {', '.join((*SOURCE_PACKAGES, BATCH))}")
    check_connection(connection)


def check_connection(name: str) -> None:
    """Raises WrongUsage for a name that no address can have."""
    if not CONNECTION_NAME.fullmatch(name):
        raise WrongUsage("a name has up to 63 characters: a-z, 0-9, - and _")


def has_token(source: str) -> bool:
    """Return whether the source cannot sign, and carries its secret in the address."""
    return bool(token_query(source, "token"))


def token_query(source: str, secret: str) -> Mapping[str, str]:
    query: dict[str, str] = source_module(source, "signing").sign(source, "", b"", secret, 0.0)[1]
    return query


def add_secret(stack: Stack, source: str, connection: str, secret: str) -> Connection:
    """Put a secret first, before the two newest others. Raises CommandFailed, Refused."""
    secret = secret.strip()
    if not secret:
        raise WrongUsage("the secret is empty")
    if len(secret.splitlines()) > 1:
        raise WrongUsage("the secret has more than one line")
    for beginning, what in manifest(source).mistaken.items():
        if secret.startswith(beginning):
            raise CommandFailed(f"nothing stored: this is {what}")
    others = [text for text in stack.signing_secrets(source, connection) if text != secret]
    kept = [secret, *others][:SECRETS_KEPT]
    stored = stack.secrets.load(f"{stack.name}/{source}/{connection}") or {}
    stack.store_connection(source, connection, {**stored, "signing_secrets": kept})
    if others:
        stack.connections.rotated(source, connection)
    else:
        stack.connections.connected(source, connection)
    return Connection(source, connection, len(kept), stack.address(source, connection))


def store_api_key(stack: Stack, source: str, connection: str, api_key: str) -> None:
    """Store what opens the tool's own API, in a secret of its own. Raises CommandFailed, Refused.

    The connection gets settings, empty ones if it has none: by these the gaps function knows which ones there are.
    """
    expected = manifest(source).api_key
    if expected is None:
        raise WrongUsage(f"{source} needs no API key")
    if not expected.pattern.fullmatch(api_key.strip()):
        raise CommandFailed(f"nothing stored: {expected.described}")
    if not stack.parameters.read(source, connection):
        stack.parameters.write(source, connection, {})
    if stack.secrets.load(f"{stack.name}/{source}/{connection}") is None:
        stack.store_connection(source, connection, {"signing_secrets": []})
    stack.secrets.store_api_key(source, connection, api_key.strip())


def add_token(stack: Stack, source: str, connection: str) -> Connection:
    """Make a new token; the address of what is returned holds it. Raises Refused."""
    token = randomness.token_urlsafe(TOKEN_BYTES)
    added = add_secret(stack, source, connection, token)
    return Connection(
        source, connection, added.secrets, with_query(added.address, token_query(source, token))
    )


def add_identity_secret(stack: Stack, source: str, connection: str) -> str:
    """Make the secret by which the owner's server signs user ids, and return it. Raises WrongUsage, Refused.

    Only this time: a new one takes the place of an older one.
    """
    if source not in VISITED:
        raise WrongUsage(f"webhooks of {source} contain no user id of a visitor")
    stored = stack.secrets.load(f"{stack.name}/{source}/{connection}") or {}
    secret = randomness.token_urlsafe(IDENTITY_SECRET_BYTES)
    stack.store_connection(source, connection, {"signing_secrets": [], **stored, "identity_secret": secret})
    return secret


def store_batch_keys(
    stack: Stack, project: str, rest_api_key: str, project_key: str, apps: list[str]
) -> None:
    """Store what opens a Batch project; app keys stay as they are where none are given. Raises Refused."""
    rest_api_key, project_key = rest_api_key.strip(), project_key.strip()
    if not rest_api_key or not project_key:
        raise WrongUsage("the REST API key and the project key are required")
    stored = stack.secrets.load(f"{stack.name}/{BATCH}/{project}") or {}
    keys = {
        "rest_api_key": rest_api_key,
        "project_key": project_key,
        "app_keys": [key.strip() for key in apps if key.strip()] or stored.get("app_keys") or [],
    }
    stack.secrets.store(f"{BATCH}/{project}", keys)


def store_settings(stack: Stack, source: str, connection: str, path: Path) -> dict[str, Any]:
    """Check the settings in a file and store them; returns them. Raises CommandFailed, Unavailable."""
    try:
        settings = json.loads(path.read_bytes())
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise CommandFailed(f"nothing stored: {path} is not JSON") from None
    if not isinstance(settings, dict):
        raise CommandFailed(f"nothing stored: {path} is not a JSON object")
    try:
        checked(settings, settings_model(source))
    except InvalidSettings as error:
        raise CommandFailed(f"nothing stored: {error.reason}") from None
    stack.parameters.write(source, connection, settings)
    return settings


def connections(stack: Stack) -> list[Standing]:
    """Return the connections that there are. Raises CommandFailed, Refused."""
    known = {(one.source, one.name): one for one in stack.connections.all()}
    return [
        standing(stack, known.get((source, name), Known(source, name)))
        for source, name in stack.secret_names()
        if source in SOURCE_PACKAGES
    ]


def standing(stack: Stack, known: Known) -> Standing:
    """Return a connection as it stands, with what is known of it."""
    last_refusal = max(known.refused_at, key=lambda reason: known.refused_at[reason], default="")
    return Standing(
        known.source,
        known.name,
        len(stack.signing_secrets(known.source, known.name)),
        stack.address(known.source, known.name),
        known.last_seen,
        sum(known.refused.values()),
        known.refused_at.get(last_refusal, ""),
        last_refusal,
        known.findings,
        known.inactive_since,
        dict(known.warned),
        after_429(known.source),
        still_unnamed(stack, known),
    )


def still_unnamed(stack: Stack, known: Known) -> tuple[str, ...]:
    """Return the boxes that may be consent and that the settings of today do not name. Raises Unavailable."""
    if not known.unnamed:
        return ()
    stored = stack.parameters.load(f"/{stack.name}/{known.source}/{known.name}") or {}
    named = stored.get("consent_fields") or {}
    return tuple(box for box in known.unnamed if box.rpartition("=")[0] not in named)


def projects(stack: Stack) -> dict[str, bool]:
    """Return the Batch projects, and whether their keys are stored. Raises CommandFailed, Refused."""
    found = {}
    for source, name in stack.secret_names():
        if source == BATCH:
            keys = stack.secrets.load(f"{stack.name}/{BATCH}/{name}") or {}
            found[name] = bool(keys.get("rest_api_key") and keys.get("project_key"))
    return found
