"""Say what the commands share: their options, the stack that is meant, and how they fail."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from bridge.errors import BridgeError
from cli import show
from cli.errors import CommandFailed
from cli.stack import HERE, Place, Stack, open_stack, told
from functions.sources.registry import SOURCE_PACKAGES

StackName: TypeAlias = Annotated[
    str | None,
    typer.Option("--stack", metavar="NAME", help="A deployed stack; the default is the local one."),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
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
    typer.Option("--connection", metavar="NAME", help="Only webhooks of this connection; repeatable."),
]
Topics: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--topic", metavar="TOPIC", help="Only webhooks of this topic; repeatable."),
]
Since: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only webhooks received since then, such as 2026-11-20.")
]
Until: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only webhooks received before then.")
]
InArchive: TypeAlias = Annotated[
    bool, typer.Option("--archived", help="Those in the archive, where parked webhooks go after 10 days.")
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
    str | None, typer.Option(help="The source, if the file or its folder does not give it.")
]
Tool: TypeAlias = Annotated[
    str, typer.Argument(metavar="SOURCE", help=f"{', '.join(SOURCE_PACKAGES)}; or batch.")
]
ConnectionName: TypeAlias = Annotated[
    str | None,
    typer.Argument(metavar="CONNECTION", help="A name for this account; the default is `main`."),
]
SettingsFile: TypeAlias = Annotated[
    Path | None, typer.Option(help="Store the settings in this JSON file, no secret.")
]


Who: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="EMAIL|CUSTOM_ID", help="An e-mail, a custom id, or a customer's id in a tool."),
]
Project: TypeAlias = Annotated[
    str | None, typer.Option(metavar="PROJECT", help="Only this Batch project; the default is all.")
]


Region: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar="REGION",
        help="With --stack: its AWS region; the default is AWS_REGION, AWS_DEFAULT_REGION or the profile's.",
    ),
]
Profile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="With --stack: the AWS profile; the default is AWS_PROFILE.",
    ),
]
PLACE = "cli.options.place"

Command: TypeAlias = Callable[..., None]


def with_place(command: Command) -> Command:
    """Give a command that takes --stack the options that say where it is deployed; `stack_of` reads them."""
    signature = inspect.signature(command, eval_str=True)
    if "stack_name" not in signature.parameters:
        return command

    @functools.wraps(command)
    def placed(*, region: str | None, profile: str | None, **options: Any) -> None:
        options["context"].meta[PLACE] = Place(region, profile)
        command(**options)

    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in (("region", Region), ("profile", Profile))
    ]
    parameters = [*signature.parameters.values(), *added]
    placed.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    placed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return placed


def stack_of(context: typer.Context, name: str | None) -> Stack:
    """Open the stack that is meant; a test may hand in its own way to open one."""
    place = context.meta.get(PLACE, HERE)
    if context.obj is not None and place == HERE:
        stack: Stack = context.obj(name)
        return stack
    return open_stack(name, place)


def tell_place(stack: Stack) -> None:
    """Say on stderr where something is about to be created, so that a person can stop it; a local stack is nowhere."""
    if stack.region:
        show.progress(f"Stack {stack.name} in region {stack.region} of AWS account {stack.account}")


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
