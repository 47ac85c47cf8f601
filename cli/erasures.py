"""The erasures that wait for their time or for a person: list them, confirm one or many, cancel one."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from bridge.storage import erasures
from bridge.storage.erasures import Erasure
from cli.errors import CommandFailed, WrongUsage
from cli.stack import Stack
from functions.deliver.erasure import request

LIST, CONFIRM, CANCEL = "list", "confirm", "cancel"
ACTIONS = (LIST, CONFIRM, CANCEL)
PERSON = "person"


def check(action: str, erasure_id: str | None, *, is_all: bool = False) -> None:
    """Raises WrongUsage for an action that there is not, and for one without an id where it needs one."""
    if is_all and (action != CONFIRM or erasure_id is not None):
        raise WrongUsage("`--all` only works with `bridge erasures confirm`, without an id")
    if action not in ACTIONS:
        raise WrongUsage(f"no action {action!r}; there are: {', '.join(ACTIONS)}")
    if not is_all and (erasure_id is None) != (action == LIST):
        raise WrongUsage(f"`bridge erasures {action}` needs {'no id' if action == LIST else 'an id'}")


def listed(stack: Stack, *, with_ended: bool = False) -> list[Erasure]:
    """Return the erasures that are open, the oldest first; with those that ended in the last 35 days too."""
    return [one for one in erasures.every(stack.ledger) if one.is_open or with_ended]


def found(stack: Stack, erasure_id: str) -> Erasure:
    """Return the erasure that is meant. Raises CommandFailed where there is none."""
    erasure = erasures.one(stack.ledger, erasure_id)
    if erasure is None:
        raise CommandFailed(f"there is no erasure {erasure_id}: `bridge erasures` lists them")
    return erasure


def confirm(stack: Stack, erasure: Erasure) -> str:
    """Begin an erasure now; returns the id of the webhook that does it. Raises CommandFailed where it has ended.

    One that was begun may be confirmed again: the same request is done once.
    """
    if not erasures.begin(stack.ledger, erasure) and not found(stack, erasure.id).status == erasures.BEGUN:
        raise CommandFailed(f"erasure {erasure.id} has ended: {found(stack, erasure.id).status}")
    wish = request.carrying_out(erasure, now())
    stack.queue.send(wish)
    return wish.id


def undecided(stack: Stack) -> list[Erasure]:
    """Return the erasures of persons that wait for a decision, the oldest first.

    A whole shop is none of them: whoever erases all its people names it.
    """
    return [one for one in listed(stack) if one.scope == PERSON and one.status == erasures.UNDECIDED]


def confirm_each(stack: Stack, chosen: Iterable[Erasure]) -> tuple[list[tuple[Erasure, str]], list[Erasure]]:
    """Begin each erasure; returns them with the ids of their webhooks, and those that ended meanwhile."""
    begun: list[tuple[Erasure, str]] = []
    ended: list[Erasure] = []
    for erasure in chosen:
        try:
            begun.append((erasure, confirm(stack, erasure)))
        except CommandFailed:
            ended.append(erasure)
    return begun, ended


def cancel(stack: Stack, erasure: Erasure) -> None:
    """End an erasure without doing it. Raises CommandFailed where it was begun or has ended."""
    if not erasures.cancel(stack.ledger, erasure, now()):
        status = found(stack, erasure.id).status
        raise CommandFailed(f"erasure {erasure.id} is {status}: it can no longer be cancelled")


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def document(erasure: Erasure) -> dict[str, Any]:
    """Return what `--json` shows of one."""
    return {
        "id": erasure.id,
        "scope": erasure.scope,
        "status": erasure.status,
        "project": erasure.project,
        "connection": erasure.connection,
        "custom_id": erasure.custom_id,
        "why": erasure.why,
        "since": erasure.since,
        "due": erasure.due,
        "decide_by": erasure.decide_by,
        "asked_by": erasure.asked_by,
    }
