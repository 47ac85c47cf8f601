"""The `bridge` command: send samples, connect tools, show receipts, retry what failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import typer

from cli.commands import checks, dead_letters, people, samples, tools
from cli.options import with_place

app = typer.Typer(
    name="bridge",
    help="Connect tools to Batch, send sample webhooks, show what happened to them, and retry what failed.",
    epilog="Every command uses the local stack that `make run` started, or with --stack a deployed one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

# command       what runs it, in the order of the help
COMMANDS: Mapping[str, Callable[..., None]] = {
    "send": samples.send_sample,
    "connect": tools.connect_tool,
    "preview": samples.preview_webhook,
    "connections": tools.list_connections,
    "failures": dead_letters.list_failures,
    "retry": dead_letters.retry_failures,
    "gaps": checks.find_gaps,
    "receipt": people.show_receipt,
    "lookup": people.show_held,
    "erase": people.forget_person,
    "erasures": people.decide_erasures,
    "prove": checks.prove_promises,
}
# former name   the command; help does not list it
FORMER = {"held": "lookup", "forget": "erase"}

for name, command in COMMANDS.items():
    app.command(name)(with_place(command))
for name, current in FORMER.items():
    app.command(name, hidden=True)(with_place(COMMANDS[current]))


if __name__ == "__main__":
    app()
