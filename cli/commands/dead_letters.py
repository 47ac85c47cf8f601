"""List parked webhooks, and retry them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli import parked, show
from cli.options import (
    AsJson,
    Classes,
    Connections,
    Ids,
    InArchive,
    Since,
    Sources,
    StackName,
    Topics,
    Until,
    failures_told,
    stack_of,
)

if TYPE_CHECKING:
    pass


def list_failures(
    context: typer.Context,
    *,
    classes: Classes = None,
    sources: Sources = None,
    connections: Connections = None,
    topics: Topics = None,
    ids: Ids = None,
    since: Since = None,
    until: Until = None,
    archived: InArchive = False,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """List the webhooks that could not be delivered, why, and what to do about it."""
    with failures_told(as_json):
        wanted = parked.wanted(classes, sources, connections, topics, ids, since, until)
        report = parked.look(stack_of(context, stack_name), wanted, archived=archived)
        unreadable = 0 if wanted else report.left - len(report.webhooks)
        if as_json:
            failures = [parked.advised(webhook) for webhook in report.webhooks]
            show.document({"failures": failures, "unreadable": unreadable, "more": report.more})
        else:
            show.failures(report, unreadable)


def retry_failures(
    context: typer.Context,
    *,
    classes: Classes = None,
    sources: Sources = None,
    connections: Connections = None,
    topics: Topics = None,
    ids: Ids = None,
    since: Since = None,
    until: Until = None,
    archived: InArchive = False,
    limit: Annotated[int, typer.Option(min=0, help="Retry at most this many; 0 means all.")] = 0,
    rate: Annotated[float, typer.Option(min=0.1, max=1000, help="Retry at most this many per second.")] = 10,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only show what would be retried, and the call to Batch then and now.",
        ),
    ] = False,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Retry parked webhooks: all of them, or those that the options select.

    Press Ctrl-C to stop. A webhook whose retry failed three times is only retried by its --id.
    """
    with failures_told(as_json):
        wanted = parked.wanted(classes, sources, connections, topics, ids, since, until)
        stack = stack_of(context, stack_name)
        if dry_run:
            report = parked.look(stack, wanted, archived=archived, shows_calls=True)
        else:
            manner = parked.Manner(archived, limit, rate, stack.caller)
            report = parked.retry(stack, wanted, manner, told_rounds(as_json=as_json))
        if as_json:
            show.document({"dry_run": dry_run, **asdict(report)})
        else:
            show.retried(report, dry_run=dry_run)


def told_rounds(*, as_json: bool) -> Callable[[int], None]:
    """Return what shows people the progress of a retry."""
    return (lambda _: None) if as_json else (lambda retried: show.progress(f"{retried} retried so far"))
