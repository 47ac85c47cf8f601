"""Connect tools, and show the state of their connections."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import connect as connecting
from cli import consent_boxes, erasures, show, visitors
from cli import rotation as rotating
from cli.connect import BATCH, DEFAULT_PROJECT, MAIN, Connection
from cli.errors import WrongUsage
from cli.options import (
    AsJson,
    ConnectionName,
    SettingsFile,
    StackName,
    Tool,
    failures_told,
    stack_of,
    tell_place,
)
from cli.stack import Stack
from functions.sources.manifest import manifest

if TYPE_CHECKING:
    pass


def connect_tool(
    context: typer.Context,
    source: Tool,
    connection: ConnectionName = None,
    *,
    settings: SettingsFile = None,
    secret_stdin: Annotated[bool, typer.Option("--secret-stdin", help="Read the secret from stdin.")] = False,
    api_key: Annotated[
        bool,
        typer.Option(
            "--api-key",
            help="Store an API key of Shopify or Stripe: to find missing webhooks, and for thin events.",
        ),
    ] = False,
    identity_secret: Annotated[
        bool,
        typer.Option(
            "--identity-secret",
            help="Create the secret with which your server signs user ids, and show it once.",
        ),
    ] = False,
    consent_box: Annotated[
        list[str] | None,
        typer.Option(
            "--consent-box",
            metavar="NAME[=sms]",
            help="For a plain form: the name of a consent box, for e-mail or SMS; repeatable.",
        ),
    ] = None,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Store nothing: show whether the older secrets are still in use.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="With --rotate: remove the older secrets if that is safe.")
    ] = False,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Store a tool's signing secret, and print the address to paste into the tool.

    `bridge connect batch` stores the keys of a Batch project; with --secret-stdin: the REST API key, the project
    key, then any app keys, one per line.
    """
    with failures_told(as_json):
        name = connection or (DEFAULT_PROJECT if source == BATCH else MAIN)
        connecting.check_names(source, name)
        boxes = consent_boxes.boxes_in(consent_box or ())
        if boxes and source != consent_boxes.SOURCE:
            raise WrongUsage("--consent-box is for plain forms: `bridge connect form`")
        stack = stack_of(context, stack_name)
        tell_place(stack)
        if rotate:
            rotate_secrets(stack, source, name, removes=yes, as_json=as_json)
        elif settings is not None:
            connect_settings(stack, source, name, settings, as_json=as_json)
        elif api_key:
            connect_api_key(stack, source, name, from_stdin=secret_stdin, as_json=as_json)
        elif identity_secret:
            connect_identity(stack, source, name, as_json=as_json)
        elif source == BATCH:
            connect_batch(stack, name, from_stdin=secret_stdin, as_json=as_json)
        else:
            connect_source(stack, source, name, from_stdin=secret_stdin, as_json=as_json)
            if source == consent_boxes.SOURCE:
                connect_boxes(stack, name, boxes, as_json=as_json)


def connect_settings(stack: Stack, source: str, connection: str, path: Path, *, as_json: bool) -> None:
    if source == BATCH:
        raise WrongUsage("only a tool's connection has settings, Batch has none")
    stored = connecting.store_settings(stack, source, connection, path)
    if as_json:
        show.document({"source": source, "connection": connection, "settings": stored})
    else:
        show.line(f"Stored the settings of {source}/{connection}; they apply within five minutes.", "green")


def rotate_secrets(stack: Stack, source: str, connection: str, *, removes: bool, as_json: bool) -> None:
    if source == BATCH:
        raise WrongUsage("Batch has one key at a time: store the new one with `bridge connect batch`")
    found = rotating.rotation(stack, source, connection, datetime.now(UTC))
    if removes and found.is_safe:
        found = replace(found, secrets=1, removed=rotating.remove_older(stack, source, connection))
    if as_json:
        show.document({**asdict(found), "verdict": rotating.verdict(found)})
    else:
        show.rotation(found)
    if removes and not found.removed and found.secrets > 1:
        show.error("nothing removed: " + rotating.verdict(found))
        raise typer.Exit(1)


def connect_api_key(stack: Stack, source: str, connection: str, *, from_stdin: bool, as_json: bool) -> None:
    connecting.store_api_key(stack, source, connection, asked("API key", from_stdin=from_stdin))
    if as_json:
        show.document({"source": source, "connection": connection, "stored": True})
    else:
        show.line(f"Stored the API key of {source}/{connection}; it applies within five minutes.", "green")


def connect_identity(stack: Stack, source: str, connection: str, *, as_json: bool) -> None:
    secret = connecting.add_identity_secret(stack, source, connection)
    if as_json:
        show.document({"source": source, "connection": connection, "identity_secret": secret})
        return
    show.line(f"Identity secret of {source}/{connection}, shown only once: {secret}")
    show.line(
        f"Your server signs {source}/{connection}:USER_ID with it: see docs/user-ids.md. Never put it in a page."
    )


def connect_source(stack: Stack, source: str, connection: str, *, from_stdin: bool, as_json: bool) -> None:
    """Show the address before the question: most tools show their secret only after they have the address."""
    steps = manifest(source).where_to_paste
    asks = not from_stdin and not connecting.has_token(source)
    if asks and not as_json:
        show.connecting(stack.address(source, connection), steps)
    stored = secret_added(stack, source, connection, from_stdin=from_stdin)
    if as_json:
        show.document({**asdict(stored), "next_step": steps, "after_429": connecting.after_429(source)})
        return
    if not asks:
        show.connecting(stored.address, steps)
    show.stored(stored)
    if costs := connecting.after_429(source):
        show.line(costs, "yellow")
    if not from_stdin and sys.stdin.isatty():
        ask_about_visitors(stack, source, connection)


def ask_about_visitors(stack: Stack, source: str, connection: str) -> None:
    """Ask what visitors may state, and store the answers; Enter takes the safe one."""
    answers = {
        one.setting: str(
            typer.prompt(
                f"{one.text} ({', '.join(one.choices)})",
                default=one.choices[0],
                value_proc=partial(choice, one.choices),
                err=True,
            )
        )
        for one in visitors.questions(stack, source, connection)
    }
    if answers:
        visitors.store_answers(stack, source, connection, answers)
        show.line(f"Stored: {', '.join(f'{name} {value}' for name, value in answers.items())}.", "green")


def choice(choices: Sequence[str], typed: str) -> str:
    """Return what was typed. Raises BadParameter where it is none of the choices: then it is asked again."""
    if typed.strip() not in choices:
        raise typer.BadParameter(f"choose from {', '.join(choices)}")
    return typed.strip()


def connect_boxes(stack: Stack, connection: str, boxes: dict[str, str], *, as_json: bool) -> None:
    """Name the consent boxes of a plain form: as the options say, else as whoever sits at a terminal does."""
    known = consent_boxes.named(stack, connection)
    if not (boxes or known or as_json) and sys.stdin.isatty():
        typed = typer.prompt(consent_boxes.QUESTION, default="", show_default=False, err=True)
        boxes = consent_boxes.boxes_in(str(typed).split(","))
    if boxes:
        known = consent_boxes.name_boxes(stack, connection, boxes)
    if not as_json:
        listed = ", ".join(f"{name} ({channel})" for name, channel in known.items())
        show.line(
            f"Consent boxes: {listed}; they apply within five minutes." if known else consent_boxes.UNNAMED
        )


def secret_added(stack: Stack, source: str, connection: str, *, from_stdin: bool) -> Connection:
    if not connecting.has_token(source):
        return connecting.add_secret(
            stack, source, connection, asked("Signing secret", from_stdin=from_stdin)
        )
    if from_stdin:
        raise WrongUsage(f"{source} needs no secret: its address contains a token")
    return connecting.add_token(stack, source, connection)


def connect_batch(stack: Stack, project: str, *, from_stdin: bool, as_json: bool) -> None:
    if not (as_json or from_stdin):
        show.line(connecting.BATCH_STEPS)
    typed = [*sys.stdin.read().split(), "", ""] if from_stdin else batch_keys_typed()
    rest_api_key, project_key, *apps = typed
    connecting.store_batch_keys(stack, project, rest_api_key, project_key, apps)
    if as_json:
        show.document({"project": project, "stored": True})
    else:
        show.line(f"Stored the keys of Batch project {project}.", "green")
        show.line("Next: connect a tool, such as `bridge connect shopify`.")


def batch_keys_typed() -> list[str]:
    """Return the REST API key, the project key, and any app keys."""
    keys = [asked(what, from_stdin=False) for what in ("REST API key", "Project key")]
    apps = asked("App keys, with spaces between (Enter for none)", from_stdin=False, default="")
    return [*keys, *apps.split()]


def asked(what: str, *, from_stdin: bool, default: str | None = None) -> str:
    """Return a secret, typed unseen or read from stdin. The question goes to stderr, so that stdout stays one
    document."""
    if from_stdin:
        return sys.stdin.read()
    return str(typer.prompt(what, default=default, hide_input=True, show_default=False, err=True))


def list_connections(context: typer.Context, stack_name: StackName = None, as_json: AsJson = False) -> None:
    """List the connections, their secrets, last webhook, problems and addresses."""
    with failures_told(as_json):
        stack = stack_of(context, stack_name)
        found, projects = connecting.connections(stack), connecting.projects(stack)
        waiting = erasures.listed(stack)
        if as_json:
            content = {"connections": [asdict(one) for one in found], "projects": projects}
            show.document(content | {"erasures": [erasures.document(one) for one in waiting]})
        else:
            show.connections(found, projects)
            show.waiting_erasures(waiting)
