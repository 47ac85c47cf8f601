"""Send a sample, or preview what Batch would get."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import connect as connecting
from cli import send, show
from cli.before import send_before
from cli.connect import MAIN
from cli.options import (
    AsJson,
    SampleFile,
    SampleSource,
    SigningSecret,
    StackName,
    failures_told,
    stack_of,
)
from cli.sample import Sample
from functions.sources.registry import SOURCE_PACKAGES

if TYPE_CHECKING:
    from cli.preview import Preview


def send_sample(
    context: typer.Context,
    *,
    file: SampleFile,
    url: Annotated[str | None, typer.Option(help="Post to this address instead of the stack's.")] = None,
    secret: SigningSecret = None,
    source: SampleSource = None,
    topic: Annotated[
        str | None, typer.Option(help="The topic, if the file or its name does not give it.")
    ] = None,
    connection: Annotated[str, typer.Option(help="The connection to send to.")] = MAIN,
    times: Annotated[int, typer.Option(min=1, max=1000, help="Send the same webhook this many times.")] = 1,
    wait: Annotated[bool, typer.Option(help="Wait up to 3 seconds for the receipt.")] = True,
    alone: Annotated[
        bool, typer.Option("--alone", help="Do not send the samples that come before this one.")
    ] = False,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Sign a sample webhook as its provider does, post it, and show the receipt.

    If a sample needs another one before it, as a refund needs its order, that one is sent first.
    """
    with failures_told(as_json):
        sample = Sample.load(file, source, topic)
        stack = None if url and secret else stack_of(context, stack_name)
        target = send.Target(connection=connection, stack=stack, url=url, secret=secret)
        first = () if alone else send_before(target, file, sample.source, waits=wait)
        sent = replace(target.send(sample, times, waits=wait), first=first)
        if as_json:
            show.document(sent.as_json())
        else:
            show.sent(sent)
    if not sent.is_success:
        show.error(sent.refusal)
        raise typer.Exit(1)


def preview_webhook(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=", ".join(SOURCE_PACKAGES))],
    connection: Annotated[str, typer.Argument(metavar="CONNECTION", help="The name of the connection.")],
    file: SampleFile,
    settings: Annotated[
        Path | None, typer.Option(help="The settings in this JSON file; else those that the sample names.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a webhook in a file would become, and which of its fields nothing uses. Sends and stores nothing."""
    with failures_told(as_json):
        connecting.check_names(source, connection)
        found = previewing(Sample.load(file, source), connection, settings)
        if as_json:
            show.document(found.as_json())
        else:
            show.preview(found)


def previewing(sample: Sample, connection: str, settings: Path | None) -> Preview:
    """Prepare a preview: a receiver makes clients of AWS when it is imported, and none of them is used here."""
    for name in ("STACK_NAME", "QUEUE_URL", "BODIES_BUCKET", "TABLE_NAME"):
        os.environ.setdefault(name, "none")
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "batch-bridge")
    from cli.preview import preview

    return preview(sample, connection, settings)
