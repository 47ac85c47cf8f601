"""What became of a webhook, and what is held of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import person, receipt, show
from cli.errors import CommandFailed
from cli.options import (
    AsJson,
    Project,
    StackName,
    Who,
    failures_told,
    stack_of,
)

if TYPE_CHECKING:
    pass


def show_receipt(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="ID|ORDER|EMAIL",
            help="A webhook's id; an order's id or name (quote it: '#1001'); an e-mail; a customer's or custom id.",
        ),
    ],
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Say what became of a webhook, or of all webhooks of one person, newest first."""
    with failures_told(as_json):
        found = [receipt.document(one) for one in receipt.receipts(stack_of(context, stack_name), what)]
        if not found:
            raise CommandFailed("nothing is known of this: no webhook, order or person of the last 35 days")
        if as_json:
            show.document({"receipts": found})
        else:
            show.receipts(found)


def show_held(
    context: typer.Context,
    who: Who,
    project: Project = None,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Say what is held of a person: names of attributes and counts, no values. Changes nothing."""
    with failures_told(as_json):
        found = person.held(stack_of(context, stack_name), who, project)
        if as_json:
            show.document({"held": [one.as_json() for one in found]})
        else:
            show.held(found)


def forget_person(
    context: typer.Context,
    who: Who,
    project: Project = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say who would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether this is meant.")] = False,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Erase a person in Batch and here, as Shopify's customers/redact does. Cannot be taken back."""
    with failures_told(as_json):
        stack = stack_of(context, stack_name)
        found = person.targets(stack, who, project)
        if not as_json:
            show.held(found)
        if not (dry_run or yes):
            typer.confirm("Erase? This cannot be taken back", abort=True, err=True)
        asked = [] if dry_run else person.forget(stack, found, who)
        if as_json:
            show.document({"dry_run": dry_run, "held": [one.as_json() for one in found], "webhooks": asked})
        else:
            show.forgetting(asked)
