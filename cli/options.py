"""What the commands share: their options, the stack that is meant, and how they fail."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from bridge.errors import BridgeError
from cli import show
from cli.errors import CommandFailed
from cli.stack import Stack, open_stack, told
from functions.sources import ROOMS

if TYPE_CHECKING:
    pass


StackName: TypeAlias = Annotated[
    str | None,
    typer.Option("--stack", metavar="NAME", help="A deployed stack; the local one when left out."),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
Classes: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--class", metavar="CLASS", help="Only this failure class, such as mapping_failed; repeatable."
    ),
]
Sources: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="SOURCE", help="Only webhooks of this source; repeatable."),
]
Connections: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--connection", metavar="NAME", help="Only of this connection; repeatable."),
]
Topics: TypeAlias = Annotated[
    list[str] | None, typer.Option("--topic", metavar="TOPIC", help="Only of this topic; repeatable.")
]
Since: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only received from then on, such as 2026-11-20.")
]
Until: TypeAlias = Annotated[str | None, typer.Option(metavar="TIME", help="Only received before then.")]
InArchive: TypeAlias = Annotated[
    bool, typer.Option("--archived", help="Those that were archived after 10 days, instead.")
]
Ids: TypeAlias = Annotated[
    list[str] | None, typer.Option("--id", metavar="ID", help="Only this webhook; repeatable.")
]


SampleFile: TypeAlias = Annotated[
    Path, typer.Argument(metavar="FILE", help="A sample, such as events/shopify/orders.paid.json.")
]
SigningSecret: TypeAlias = Annotated[
    str | None, typer.Option(help="Sign with this secret instead of the stored one.")
]
SampleSource: TypeAlias = Annotated[
    str | None, typer.Option(help="The tool it comes from; else the file or its folder says.")
]
Tool: TypeAlias = Annotated[str, typer.Argument(metavar="SOURCE", help=f"{', '.join(ROOMS)}; or batch.")]
ConnectionName: TypeAlias = Annotated[
    str | None,
    typer.Argument(metavar="CONNECTION", help="A name for this account of it; `main` when left out."),
]
SettingsFile: TypeAlias = Annotated[
    Path | None, typer.Option(help="Store the settings in this JSON file, and no secret.")
]


Who: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="EMAIL|CUSTOM_ID", help="An e-mail, a custom id, or a customer's id in a tool."),
]
Project: TypeAlias = Annotated[
    str | None, typer.Option(metavar="PROJECT", help="Only this Batch project; all when left out.")
]


def stack_of(context: typer.Context, name: str | None) -> Stack:
    """The stack that is meant; a test may hand in its own way to open one."""
    stack: Stack = (context.obj or open_stack)(name)
    return stack


@contextlib.contextmanager
def failures_told(as_json: bool) -> Iterator[None]:
    """End with one line on stderr, and the exit code, where something did not work."""
    try:
        yield
    except CommandFailed as error:
        reason, code = str(error), error.exit_code
    except BridgeError as error:
        reason, code = error.reason, 1
        if error.__cause__ is not None:
            reason = f"{reason} ({told(error.__cause__)})"
    else:
        return
    if as_json:
        show.document({"error": reason})
    show.error(reason)
    raise typer.Exit(code)
