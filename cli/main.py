"""The `bridge` command: send samples, connect tools, see what became of webhooks, retry what failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import typer

from cli.commands import checks, dead_letters, people, samples, tools
from cli.options import with_place

app = typer.Typer(
    name="bridge",
    help="Connect tools to Batch, send sample webhooks, see what became of them, and retry what failed.",
    epilog="Every command works on the local stack that `make run` started, unless --stack names a deployed one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

# command       what runs it, in the order in which help lists them
COMMANDS: Mapping[str, Callable[..., None]] = {
    "send": samples.send_sample,
    "connect": tools.connect_tool,
    "preview": samples.preview_webhook,
    "connections": tools.list_connections,
    "failures": dead_letters.list_failures,
    "retry": dead_letters.retry_failures,
    "gaps": checks.find_gaps,
    "receipt": people.show_receipt,
    "held": people.show_held,
    "forget": people.forget_person,
    "erasures": people.decide_erasures,
    "prove": checks.prove_promises,
}
for name, command in COMMANDS.items():
    app.command(name)(with_place(command))


if __name__ == "__main__":
    app()
