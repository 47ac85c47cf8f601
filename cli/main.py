"""The `bridge` command: send samples, connect tools, see what became of webhooks, retry what failed."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from bridge.errors import BridgeError
from cli import connect as connecting
from cli import gaps, parked, receipt, send, show
from cli import rotation as rotating
from cli.before import send_before
from cli.connect import BATCH, DEFAULT_PROJECT, MAIN, Connection
from cli.errors import CommandFailed, WrongUsage
from cli.sample import Sample
from cli.stack import Stack, open_stack, told
from functions.sources import COMPARED, ROOMS

if TYPE_CHECKING:
    from cli.preview import Preview

app = typer.Typer(
    name="bridge",
    help="Connect tools to Batch, send sample webhooks, see what became of them, and retry what failed.",
    epilog="Every command works on the local stack that `make run` started, unless --stack names a deployed one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

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


@app.command("send")
def send_sample(
    context: typer.Context,
    *,
    file: SampleFile,
    url: Annotated[str | None, typer.Option(help="Post to this address instead of the stack's.")] = None,
    secret: SigningSecret = None,
    source: SampleSource = None,
    topic: Annotated[str | None, typer.Option(help="What happened; else the file or its name says.")] = None,
    connection: Annotated[str, typer.Option(help="The connection to send to.")] = MAIN,
    times: Annotated[int, typer.Option(min=1, max=1000, help="Send the same webhook so many times.")] = 1,
    wait: Annotated[bool, typer.Option(help="Wait up to 3 seconds for what becomes of it.")] = True,
    alone: Annotated[
        bool, typer.Option("--alone", help="Do not send first what the sample says it comes after.")
    ] = False,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Sign a sample webhook as its provider does, post it, and say what became of it.

    A sample that makes sense only after another, as a refund does after its order, is sent after that one.
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


@app.command("connect")
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
            "--api-key", help="Store a key to the API of Shopify or Stripe: to find gaps, for thin events."
        ),
    ] = False,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Store nothing: say whether the older secrets are still in use.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="With --rotate: remove them, once that is safe.")
    ] = False,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Store a tool's signing secret, and print the address to paste into the tool.

    `bridge connect batch` stores the keys of a Batch project; with --secret-stdin: REST API key, project key, then
    any app keys, a line each.
    """
    with failures_told(as_json):
        name = connection or (DEFAULT_PROJECT if source == BATCH else MAIN)
        connecting.check_names(source, name)
        stack = stack_of(context, stack_name)
        if rotate:
            rotate_secrets(stack, source, name, removes=yes, as_json=as_json)
        elif settings is not None:
            connect_settings(stack, source, name, settings, as_json=as_json)
        elif api_key:
            connect_api_key(stack, source, name, from_stdin=secret_stdin, as_json=as_json)
        elif source == BATCH:
            connect_batch(stack, name, from_stdin=secret_stdin, as_json=as_json)
        else:
            connect_source(stack, source, name, from_stdin=secret_stdin, as_json=as_json)


def connect_settings(stack: Stack, source: str, connection: str, path: Path, *, as_json: bool) -> None:
    if source == BATCH:
        raise WrongUsage("settings belong to the connection of a tool, not to Batch")
    stored = connecting.store_settings(stack, source, connection, path)
    if as_json:
        show.document({"source": source, "connection": connection, "settings": stored})
    else:
        show.line(f"Stored the settings of {source}/{connection}; they hold within five minutes.", "green")


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
        show.line(f"Stored the API key of {source}/{connection}; it holds within five minutes.", "green")


def connect_source(stack: Stack, source: str, connection: str, *, from_stdin: bool, as_json: bool) -> None:
    """The address is shown before the question: most tools give their secret only once they have it."""
    steps = connecting.NEXT_STEPS.get(source, connecting.ANY_STEP)
    asks = not from_stdin and not connecting.has_token(source)
    if asks and not as_json:
        show.connecting(stack.address(source, connection), steps)
    stored = secret_added(stack, source, connection, from_stdin=from_stdin)
    if as_json:
        show.document({**asdict(stored), "next_step": steps})
        return
    if not asks:
        show.connecting(stored.address, steps)
    show.stored(stored)


def secret_added(stack: Stack, source: str, connection: str, *, from_stdin: bool) -> Connection:
    if not connecting.has_token(source):
        return connecting.add_secret(
            stack, source, connection, asked("Signing secret", from_stdin=from_stdin)
        )
    if from_stdin:
        raise WrongUsage(f"{source} needs no secret: its address gets a token of its own")
    return connecting.add_token(stack, source, connection)


def connect_batch(stack: Stack, project: str, *, from_stdin: bool, as_json: bool) -> None:
    if not (as_json or from_stdin):
        show.line(connecting.NEXT_STEPS[BATCH])
    typed = [*sys.stdin.read().split(), "", ""] if from_stdin else batch_keys_typed()
    rest_api_key, project_key, *apps = typed
    connecting.store_batch_keys(stack, project, rest_api_key, project_key, apps)
    if as_json:
        show.document({"project": project, "stored": True})
    else:
        show.line(f"Stored the keys of Batch project {project}.", "green")
        show.line("Next: connect a tool, such as `bridge connect shopify`.")


def batch_keys_typed() -> list[str]:
    """The REST API key, the project key, and any app keys."""
    keys = [asked(what, from_stdin=False) for what in ("REST API key", "Project key")]
    apps = asked("App keys, with spaces between (Enter for none)", from_stdin=False, default="")
    return [*keys, *apps.split()]


def asked(what: str, *, from_stdin: bool, default: str | None = None) -> str:
    """A secret, typed unseen or read from stdin. The question goes to stderr, so that stdout stays one document."""
    if from_stdin:
        return sys.stdin.read()
    return str(typer.prompt(what, default=default, hide_input=True, show_default=False, err=True))


@app.command("preview")
def preview_webhook(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=", ".join(ROOMS))],
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
    """A room's handler makes clients of AWS when it is imported; none of them is used here."""
    for name in ("STACK_NAME", "QUEUE_URL", "BODIES_BUCKET", "TABLE_NAME"):
        os.environ.setdefault(name, "none")
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "batch-bridge")
    from cli.preview import preview

    return preview(sample, connection, settings)


@app.command("connections")
def list_connections(context: typer.Context, stack_name: StackName = None, as_json: AsJson = False) -> None:
    """List the connections: how many secrets each has, and its address."""
    with failures_told(as_json):
        stack = stack_of(context, stack_name)
        found, projects = connecting.connections(stack), connecting.projects(stack)
        if as_json:
            show.document({"connections": [asdict(one) for one in found], "projects": projects})
        else:
            show.connections(found, projects)


@app.command("failures")
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
    """List the webhooks that could not be delivered: why, and what to do about it."""
    with failures_told(as_json):
        wanted = parked.wanted(
            classes=classes or (),
            sources=sources or (),
            connections=connections or (),
            topics=topics or (),
            ids=ids or (),
            since=since or "",
            until=until or "",
        )
        report = parked.look(stack_of(context, stack_name), wanted, archived=archived)
        unreadable = 0 if wanted else report.left - len(report.webhooks)
        if as_json:
            failures = [parked.advised(webhook) for webhook in report.webhooks]
            show.document({"failures": failures, "unreadable": unreadable, "more": report.more})
        else:
            show.failures(report, unreadable)


@app.command("retry")
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
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 is all.")] = 0,
    rate: Annotated[float, typer.Option(min=0.1, max=1000, help="At most so many in a second.")] = 10,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only say what would be retried, and what Batch would be sent, beside what it was.",
        ),
    ] = False,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Send parked webhooks through the mapping and to Batch again: all, or what the options name.

    Ctrl-C stops it. A webhook that has failed three times more is only retried by its --id.
    """
    with failures_told(as_json):
        wanted = parked.wanted(
            classes=classes or (),
            sources=sources or (),
            connections=connections or (),
            topics=topics or (),
            ids=ids or (),
            since=since or "",
            until=until or "",
        )
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
    """What tells people how far a retry of many has come."""
    return (lambda _: None) if as_json else (lambda retried: show.progress(f"{retried} retried so far"))


@app.command("gaps")
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
        bool, typer.Option("--dry-run", help="Only say what is missing; feed nothing.")
    ] = False,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Compare what arrived with what the tool says happened, and feed what never arrived through the queue."""
    with failures_told(as_json):
        event = gaps.asked(source, connection, since, dry_run=dry_run)
        report = gaps.compare(stack_of(context, stack_name), event)
        if as_json:
            show.document({"dry_run": dry_run, **asdict(report)})
        else:
            gaps.tell(report, dry_run=dry_run)
    if report.failed:
        raise typer.Exit(1)


@app.command("receipt")
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


@app.command("held")
def show_held(
    context: typer.Context,
    who: Who,
    project: Project = None,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Say what is held of a person: names of attributes and counts, no values. Changes nothing."""
    from cli import person

    with failures_told(as_json):
        found = person.held(stack_of(context, stack_name), who, project)
        if as_json:
            show.document({"held": [one.as_json() for one in found]})
        else:
            show.held(found)


@app.command("forget")
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
    from cli import person

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


@app.command("prove")
def prove_promises(
    context: typer.Context,
    *,
    webhooks: Annotated[int, typer.Option(min=1, max=200_000, help="How many, at least.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same plan.")] = 1,
    outages: Annotated[bool, typer.Option("--outages", help="Let the sandbox fail meanwhile.")] = False,
    kills: Annotated[bool, typer.Option("--kills", help="Kill functions meanwhile; local only.")] = False,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="How many to send at once.")] = 32,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Check that nothing is lost, doubled or let in, on a stack whose Batch is a sandbox."""
    with failures_told(as_json):
        from cli.prove import ground, run

        options = run.Options(
            webhooks=webhooks, seed=seed, outages=outages, kills=kills, concurrency=concurrency
        )
        report = run.Proof(ground.ground(stack_of(context, stack_name)), options).run()
        if as_json:
            show.document(report.as_json())
        else:
            show.proof(report.as_json())
    if not report.is_kept:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
