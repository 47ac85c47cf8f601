"""Look up what is stored about a person, and request their erasure. Shows names and counts, no value."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from bridge.profiles import normalise
from bridge.profiles.identity import email_sha256
from bridge.profiles.ownership import attribute_names
from bridge.storage.ledger import profile_key
from cli.connect import DEFAULT_PROJECT
from cli.errors import CommandFailed, WrongUsage
from cli.receipt import custom_ids, places
from cli.stack import Stack
from functions.deliver.erasure import request


@dataclass(frozen=True, slots=True)
class Held:
    """Hold what is held of one profile; `erased` is one of which only a trace of 35 days is left."""

    project: str
    custom_id: str
    attributes: tuple[str, ...] = ()
    receipts: int = 0
    links: int = 0
    facts: int = 0
    withdrawals: int = 0
    erased: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def held(stack: Stack, text: str, project: str | None = None) -> list[Held]:
    """Return the profiles that an e-mail, an id of a tool or a custom id means, as far as anything is known of them.

    Raises BatchUnavailable, CommandFailed, Refused.
    """
    text, projects = text.strip(), places(stack)
    if project is not None and project not in projects:
        raise WrongUsage(f"no connection writes to project {project!r}; there are: {', '.join(projects)}")
    return [
        found
        for name, connections in projects.items()
        if project in (None, name)
        for custom_id in custom_ids(stack, name, connections, text)
        if (found := held_of(stack, name, custom_id))
    ]


def held_of(stack: Stack, project: str, custom_id: str) -> Held | None:
    """Return what is held of a profile; None where that is nothing."""
    kinds = Counter(key.partition("#")[0] for key in stack.ledger.keys_of(project, custom_id))
    rows = stack.ledger.read([profile_key(project, custom_id)])
    if not kinds and not rows:
        return None
    return Held(
        project,
        custom_id,
        tuple(sorted(attribute_names(stack.ledger.state(project, custom_id)))),
        kinds["webhook"],
        kinds["link"],
        kinds["fact"],
        kinds["consent"],
        any("gone_until" in row for row in rows.values()),
    )


def targets(stack: Stack, text: str, project: str | None = None) -> list[Held]:
    """Return the profiles to erase: those of which something is held, and for an e-mail its own in any case.

    What is parked may name an e-mail of which nothing else is known. Raises CommandFailed where there is nobody.
    """
    found = [one for one in held(stack, text, project) if not one.erased]
    own = email_sha256(text)
    if not found and own:
        found = [Held(project or DEFAULT_PROJECT, own)]
    if not found:
        raise CommandFailed("nothing is stored about this person: no profile has this id")
    return found


def forget(stack: Stack, profiles: Sequence[Held], text: str) -> list[str]:
    """Put a request on the queue for each profile; returns the ids of these webhooks. Raises Unavailable."""
    asked_by, now = f"command {uuid.uuid4()}", datetime.fromtimestamp(time.time(), UTC)
    email = normalise.email(text) or ""
    wishes = [request.forget(one.project, one.custom_id, asked_by, now, email) for one in profiles]
    for wish in wishes:
        stack.queue.send(wish)
    return [wish.id for wish in wishes]
