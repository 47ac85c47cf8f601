"""Say whether a connection's older secrets are still in use, and take them out once they are not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cli.errors import CommandFailed
from cli.stack import Stack

QUIET = timedelta(hours=25)
"""Stripe signs with a rolled secret for up to 24 hours more, Shopify for one.
https://docs.stripe.com/webhooks#roll-endpoint-secrets"""


@dataclass(frozen=True, slots=True)
class Rotation:
    """Hold how far a change of secrets has come; times are RFC 3339, empty where nothing is known."""

    source: str
    connection: str
    secrets: int
    rotated_at: str
    newest_secret_at: str
    older_secret_at: str
    safe_at: str
    is_safe: bool
    removed: int = 0


def rotation(stack: Stack, source: str, connection: str, now: datetime) -> Rotation:
    """Return how far it has come. Raises CommandFailed, Refused."""
    secrets = stack.signing_secrets(source, connection)
    if not secrets:
        raise CommandFailed(f"no secret is stored for {source}/{connection}")
    known = stack.connections.known(source, connection)
    quiet_since = max(known.rotated_at, known.older_secret_at)
    safe_at = datetime.fromisoformat(quiet_since) + QUIET if quiet_since else None
    has_moved = known.newest_secret_at > known.rotated_at
    return Rotation(
        source,
        connection,
        len(secrets),
        known.rotated_at,
        known.newest_secret_at,
        known.older_secret_at,
        safe_at.isoformat().replace("+00:00", "Z") if safe_at else "",
        is_safe=len(secrets) > 1 and has_moved and safe_at is not None and now >= safe_at,
    )


def verdict(found: Rotation) -> str:
    """Return what a person should do now, in a sentence."""
    if found.removed:
        return f"{found.removed} older secrets were removed; webhooks signed with them are now refused."
    if found.secrets == 1:
        return "There is one secret: nothing to remove."
    if found.is_safe:
        return "The older secrets are safe to remove: run this again with --yes."
    if not found.newest_secret_at > found.rotated_at:
        return (
            "No webhook was signed with the newest secret yet: enter it in the tool, and keep the older ones."
        )
    return f"Keep the older secrets until {found.safe_at}, if no webhook is signed with them until then."


def remove_older(stack: Stack, source: str, connection: str) -> int:
    """Keep the newest secret alone; returns how many were removed. Raises Refused."""
    stored = stack.secrets.load(f"{stack.name}/{source}/{connection}") or {}
    newest, *older = stack.signing_secrets(source, connection)
    stack.store_connection(source, connection, {**stored, "signing_secrets": [newest]})
    return len(older)
