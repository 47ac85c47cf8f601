"""Say what never arrived: ask the gaps function until it is done, and say what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from rich.table import Table

from cli import show
from cli.connect import MAIN, check_connection
from cli.errors import WrongUsage
from cli.stack import Stack
from functions.sources.registry import COMPARED

MAX_ROUNDS = 50
"""Each of up to two minutes."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """Hold what was found for one connection, over one or more rounds of the gaps function."""

    source: str
    connection: str
    checked: int = 0
    missing: int = 0
    fed: int = 0
    unknown: int = 0
    unreadable: int = 0
    more: bool = False
    error: str = ""
    gap_rate: float = 0.0

    def and_then(self, later: Gaps) -> Gaps:
        """Return both rounds as one."""
        summed = {
            name: getattr(self, name) + getattr(later, name)
            for name in ("checked", "missing", "fed", "unknown", "unreadable")
        }
        rate = summed["missing"] / summed["checked"] if summed["checked"] else 0.0
        return replace(later, **summed, gap_rate=round(rate, 6))


@dataclass(frozen=True, slots=True)
class Report:
    """Hold what was found. `more`: not all could be compared."""

    connections: list[Gaps] = field(default_factory=list)
    more: bool = False

    @property
    def failed(self) -> bool:
        return any(one.error for one in self.connections)


def asked(source: str | None, connection: str | None, since: str | None, *, dry_run: bool) -> dict[str, Any]:
    """Return the event for the function. Raises WrongUsage."""
    if source is not None and source not in COMPARED:
        raise WrongUsage(f"missing webhooks of {source!r} cannot be found; possible: {', '.join(COMPARED)}")
    if since and source is None:
        raise WrongUsage("--since needs a source")
    if connection is not None:
        check_connection(connection)
    try:
        moment = datetime.fromisoformat(since).isoformat() if since else None
    except ValueError:
        raise WrongUsage("--since is a day such as 2026-11-20") from None
    event = {"source": source, "connection": connection or (MAIN if since else None), "since": moment}
    return {name: value for name, value in event.items() if value is not None} | {"dry_run": dry_run}


def compare(stack: Stack, event: Mapping[str, Any]) -> Report:
    """Compare until it is done; a mere look is one round. Raises CommandFailed."""
    found: dict[tuple[str, str], Gaps] = {}
    more = True
    for _ in range(MAX_ROUNDS):
        answer = stack.invoke("Gaps", event)
        for one in (Gaps(**told) for told in answer["connections"]):
            name = (one.source, one.connection)
            found[name] = found[name].and_then(one) if name in found else one
        more = answer["more"]
        if not more or event["dry_run"] or any(one.error for one in found.values()):
            break
        event = {name: value for name, value in event.items() if name != "since"}
    return Report(list(found.values()), more)


def tell(report: Report, *, dry_run: bool) -> None:
    """Print a row for each connection."""
    if not report.connections:
        show.line("No connection has an API key: see docs/gaps.md.", "yellow")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in ("Connection", "Checked", "Missing", "Would send" if dry_run else "Sent", "Gap rate"):
        table.add_column(name, overflow="fold")
    for one in report.connections:
        fed = one.missing if dry_run else one.fed
        numbers = (str(one.checked), str(one.missing), str(fed), f"{one.gap_rate:.2%}")
        table.add_row(show.cell(f"{one.source}/{one.connection}"), *numbers)
    show.console().print(table)
    for one in report.connections:
        tell_rest(one)
    if report.more:
        show.line("There are more: not all could be compared in time.", "yellow")


def tell_rest(one: Gaps) -> None:
    """Print what was not compared of a connection, and why."""
    name = f"{one.source}/{one.connection}"
    if one.error:
        show.line(f"{name}: {one.error}", "bold red")
    if one.unknown:
        show.line(f"{name}: {one.unknown} not compared: no webhook of their topics has arrived yet.", "dim")
    if one.unreadable:
        show.line(f"{name}: {one.unreadable} not compared: their format is unknown.", "yellow")
