"""Show receipts, look up and erase a person, and decide erasures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import erasures, person, receipt, show
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
    from bridge.storage.erasures import Erasure
    from cli.stack import Stack


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
    """Show what happened to a webhook, or to all webhooks of a person, newest first."""
    with failures_told(as_json):
        found = [receipt.document(one) for one in receipt.receipts(stack_of(context, stack_name), what)]
        if not found:
            raise CommandFailed(
                "no receipt found: no webhook, order or person of the last 35 days matches this"
            )
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
    """Show what is stored about a person: names of attributes and counts, no values. Changes nothing."""
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show who would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Erase a person in Batch and in this stack, as Shopify's customers/redact does. Cannot be undone."""
    with failures_told(as_json):
        stack = stack_of(context, stack_name)
        found = person.targets(stack, who, project)
        if not as_json:
            show.held(found)
        if not (dry_run or yes):
            typer.confirm("Erase? This cannot be undone", abort=True, err=True)
        asked = [] if dry_run else person.forget(stack, found, who)
        if as_json:
            show.document({"dry_run": dry_run, "held": [one.as_json() for one in found], "webhooks": asked})
        else:
            show.forgetting(asked)


def decide_erasures(
    context: typer.Context,
    action: Annotated[
        str, typer.Argument(metavar="[list|confirm|cancel]", help="What to do; the default is list.")
    ] = erasures.LIST,
    erasure_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The erasure to confirm or cancel.")
    ] = None,
    *,
    ended: Annotated[
        bool, typer.Option("--ended", help="Also list those that ended in the last 35 days.")
    ] = False,
    is_all: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Confirm every erasure of a person that waits for your decision; never that of a shop.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """List pending erasures, confirm or cancel one. A person's waits for your decision, a shop's for its date."""
    with failures_told(as_json):
        erasures.check(action, erasure_id, is_all=is_all)
        stack, webhook = stack_of(context, stack_name), ""
        if is_all:
            confirm_all(stack, yes=yes, as_json=as_json)
            return
        if erasure_id is None:
            show_erasures(erasures.listed(stack, with_ended=ended), as_json=as_json)
            return
        erasure = erasures.found(stack, erasure_id)
        if action == erasures.CONFIRM:
            if not yes:
                typer.confirm(show.question(erasure), abort=True, err=True)
            webhook = erasures.confirm(stack, erasure)
        else:
            erasures.cancel(stack, erasure)
        if as_json:
            show.document(
                {"erasure": erasures.document(erasures.found(stack, erasure_id)), "webhook": webhook}
            )
        else:
            show.decided(erasure, webhook)


def confirm_all(stack: Stack, *, yes: bool, as_json: bool) -> None:
    """Show whom an owner's word erases, ask whether that is meant, and begin each."""
    chosen = erasures.undecided(stack)
    if chosen and not yes:
        typer.confirm(show.question_of_all(chosen), abort=True, err=True)
    begun, ended = erasures.confirm_each(stack, chosen)
    if as_json:
        show.document(
            {
                "begun": [{"erasure": erasures.document(one), "webhook": webhook} for one, webhook in begun],
                "ended": [erasures.document(one) for one in ended],
            }
        )
    else:
        show.all_decided(len(begun), len(ended))


def show_erasures(found: list[Erasure], *, as_json: bool) -> None:
    if as_json:
        show.document({"erasures": [erasures.document(one) for one in found]})
    else:
        show.erasures(found)
