"""Run everything on this machine: `python -m local`, or `make run`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from local.application import Application, Options
from local.serving import PortTaken

MAX_PORT = 65_535
WELCOME = """\
batch-bridge runs on this machine.

  Page           {url}/
  Endpoints      {url}/{{source}}/{{connection}}
  Batch sandbox  {batch_url}/sandbox/profiles
  Logs           {logs}

Next: open the page and press "Order paid", or in another terminal

  .venv/bin/bridge send events/shopify/orders.paid.json

Press Ctrl-C to stop everything."""


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; PORT and BATCH_PORT are the defaults of the ports."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--port", type=port, default=os.environ.get("PORT", "8080"))
    parser.add_argument("--batch-port", type=port, default=os.environ.get("BATCH_PORT", "8081"))
    parser.add_argument("--directory", type=Path, default=Options.directory, help="for logs and stack.json")
    parser.add_argument("--template", type=Path, default=Options.template)
    parser.add_argument(
        "--processes", action="append", default=[], metavar="FUNCTION=COUNT", help="e.g. DeliverFunction=4"
    )
    parser.add_argument("--no-rate-limit", action="store_true", help="the sandbox has no rate limit")
    parser.add_argument("--no-reload", action="store_true", help="do not restart functions when code changes")
    parser.add_argument("--quiet", action="store_true", help="print only errors")
    parser.add_argument(
        "--until-input-ends",
        action="store_true",
        help="stop at the end of the standard input, as a child process",
    )
    found = parser.parse_args(arguments)
    if found.port and found.port == found.batch_port:
        another = found.port % MAX_PORT + 1
        parser.error(
            f"PORT and BATCH_PORT are both {found.port}. Choose another: make run BATCH_PORT={another}"
        )
    return found


def port(text: str) -> int:
    """Read the number of a port; 0 stands for a free one. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_PORT):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no port. Choose a number from 1 to {MAX_PORT}: make run PORT=9090"
        )
    return int(text)


def options_of(arguments: argparse.Namespace) -> Options:
    """Return the options that the command line means."""
    pairs = (choice.partition("=") for choice in arguments.processes)
    return Options(
        port=arguments.port,
        batch_port=arguments.batch_port,
        directory=arguments.directory,
        template=arguments.template,
        processes={function: int(count) for function, _, count in pairs},
        rate_limited=not arguments.no_rate_limit,
        reload=not arguments.no_reload,
        told=None if arguments.quiet else print,
    )


async def run(arguments: argparse.Namespace) -> None:
    """Run until Ctrl-C, a signal to end, or the end of the input where that was asked for."""
    application = Application(options_of(arguments))
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, ended.set)
    if arguments.until_input_ends:
        threading.Thread(target=watch_input, args=(loop, ended), daemon=True).start()
    serving = asyncio.create_task(serve(application, arguments))
    ending = asyncio.create_task(ended.wait())
    await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def serve(application: Application, arguments: argparse.Namespace) -> None:
    """Run until cancelled."""
    async with application.running():
        if not arguments.quiet:
            print(welcome(application), flush=True)
        await asyncio.Event().wait()


def welcome(application: Application) -> str:
    """Return what a person reads once everything runs."""
    logs = os.path.relpath(application.options.directory / "logs")
    return WELCOME.format(url=application.url, batch_url=application.batch_url, logs=logs)


def watch_input(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """Tell, in a thread, when the standard input ends, as it does when a parent process dies."""
    while sys.stdin.buffer.read(1024):
        continue
    with contextlib.suppress(RuntimeError):  # the loop is closed: the stack ended before
        loop.call_soon_threadsafe(ended.set)


def main() -> None:
    """Run, or say what prevents it."""
    arguments = read_arguments()
    try:
        asyncio.run(run(arguments))
    except PortTaken as taken:
        variable = "PORT" if taken.port == arguments.port else "BATCH_PORT"
        sys.exit(f"Port {taken.port} is taken by another program. Choose another: make run {variable}=9090")


if __name__ == "__main__":
    main()
