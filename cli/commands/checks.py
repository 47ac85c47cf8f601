"""Find missing webhooks, and prove the promises."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli import gaps, show
from cli.options import (
    AsJson,
    StackName,
    failures_told,
    stack_of,
)
from functions.sources.registry import COMPARED

if TYPE_CHECKING:
    pass


def find_gaps(
    context: typer.Context,
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help=f"Only {' or '.join(COMPARED)}.")
    ] = None,
    connection: Annotated[
        str | None, typer.Argument(metavar="CONNECTION", help="Only this connection of it.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Go back to this day, such as 2026-11-20; 30 days at most."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what is missing; send nothing.")
    ] = False,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Find missing webhooks: compare what arrived with the tool's own list, and put what is missing on the queue."""
    with failures_told(as_json):
        event = gaps.asked(source, connection, since, dry_run=dry_run)
        report = gaps.compare(stack_of(context, stack_name), event)
        if as_json:
            show.document({"dry_run": dry_run, **asdict(report)})
        else:
            gaps.tell(report, dry_run=dry_run)
    if report.failed:
        raise typer.Exit(1)


def prove_promises(
    context: typer.Context,
    *,
    webhooks: Annotated[
        int, typer.Option(min=1, max=200_000, help="Send at least this many webhooks.")
    ] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed sends the same webhooks.")] = 1,
    outages: Annotated[
        bool, typer.Option("--outages", help="Make the Batch sandbox fail from time to time.")
    ] = False,
    kills: Annotated[
        bool, typer.Option("--kills", help="Kill functions from time to time; local stack only.")
    ] = False,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="How many requests to send at once.")] = 32,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Send many webhooks to a stack with a Batch sandbox; check that nothing is lost, duplicated or forged."""
    with failures_told(as_json):
        from proof import run, target

        options = run.Options(
            webhooks=webhooks, seed=seed, outages=outages, kills=kills, concurrency=concurrency
        )
        report = run.Proof(target.ground(stack_of(context, stack_name)), options).run()
        if as_json:
            show.document(report.as_json())
        else:
            show.proof(report.as_json())
    if not report.is_kept:
        raise typer.Exit(1)
