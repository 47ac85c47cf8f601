"""Print what a command found: for people, or as one JSON document.

Whatever a command writes is written here, and passes `printable` on its way: the only place that knows a terminal.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from bridge.storage.ledger import FINAL
from cli.connect import Connection, Standing
from cli.parked import ADVICE, Call, Report
from cli.printable import printable
from cli.receipt import advice_of_boxes
from cli.receipt import document as receipt_document
from cli.rotation import Rotation, verdict
from cli.send import Sent

if TYPE_CHECKING:
    from bridge.storage.erasures import Erasure
    from cli.person import Held
    from cli.preview import Preview

# of an erasure   what becomes of it
STATUSES = {
    "announced": "starts at {due}, unless you cancel it",
    "undecided": "waits for your decision, by {decide_by} at the latest",
    "begun": "in progress",
    "done": "done",
    "cancelled": "cancelled",
}
# status      how it looks
STYLES = {
    "delivered": "green",
    "ignored": "dim",
    "waiting": "yellow",
    "parked": "bold red",
}
WIDTH_OF_A_FILE = 120
"""Where the output is no terminal."""


def document(content: Any) -> None:
    """Write the one JSON document of `--json`: JSON escapes all that a terminal obeys, but for DEL."""
    sys.stdout.write(json.dumps(content, indent=2).replace("\x7f", "\\u007f") + "\n")


def error(reason: str) -> None:
    """Print one line on stderr."""
    sys.stderr.write(f"bridge: {printable(' '.join(reason.split()))}\n")


def line(text: str, style: str = "") -> None:
    """Write one line, or a sentence; never broken, so that an address can be copied."""
    console().print(Text(printable(text), style), soft_wrap=True)


def lines(text: str) -> None:
    """Write a text of several lines, such as JSON."""
    console().print(Text(printable(text, keeps="\n")), soft_wrap=True)


class SafeConsole(Console):
    """A console that shows, and never sends, what a terminal obeys: whatever is printed is rendered here."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render with the texts in it made printable. Ends of lines stay, for texts of several."""
        if isinstance(renderable, str):
            renderable = printable(renderable, keeps="\n")
        elif isinstance(renderable, Text) and (safe := printable(renderable.plain, "\n")) != renderable.plain:
            renderable = Text(safe, renderable.style)
        return super().render(renderable, options)


def console() -> Console:
    found = SafeConsole(highlight=False, markup=False, emoji=False)
    if found.is_terminal:
        return found
    return SafeConsole(highlight=False, markup=False, emoji=False, width=WIDTH_OF_A_FILE)


def cell(text: object, style: str = "") -> Text:
    """Return what is in a row of a table: no end of line in it can feign another row."""
    return Text(printable(str(text)), style)


def grid(rows: Iterable[tuple[str, str]], style: str = "") -> None:
    """Print names and texts side by side; empty texts are left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold", style=style)
    for name, text in rows:
        if text:
            table.add_row(f"  {name}", cell(text))
    console().print(table)


# ── What became of webhooks ─────────────────────────────────────────────────────────────────────────────────


def sent(found: Sent) -> None:
    """Show what was sent first, the answer to each request, and the receipt of the webhook."""
    for file in found.first:
        line(f"first sent: {file}", "dim")
    for answer in found.answers:
        body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        line(f"{answer.status} {body}".rstrip(), "green" if answer.is_success else "bold red")
    if found.is_repeat:
        is_done = found.receipt is not None and found.receipt.status in FINAL
        line(
            "A repeat: it is not sent to Batch again." if is_done else "There is no newer receipt than this:"
        )
    if found.receipt:
        receipt_block(receipt_document(found.receipt))
    elif found.waited:
        line("Not delivered yet: it is in the queue. See `bridge receipt` with this id later.", "yellow")


def receipts(found: Sequence[Mapping[str, Any]]) -> None:
    """Print receipts, newest first, each as a block."""
    for number, receipt in enumerate(found):
        if number:
            line("")
        receipt_block(receipt)


def receipt_block(receipt: Mapping[str, Any]) -> None:
    heading = f"{receipt['status']}  {receipt['source']}/{receipt['connection']} {receipt['topic']}"
    line(heading, STYLES.get(receipt["status"], ""))
    whose = f"{receipt['custom_id']} in project {receipt['project']}" if receipt["custom_id"] else ""
    failed = ": ".join(filter(None, (receipt["failure_class"], receipt["reason"])))
    grid(
        [
            ("webhook", receipt["id"]),
            ("received", receipt["received_at"]),
            ("finished", receipt["finished_at"]),
            ("profile", whose),
            ("events", ", ".join(receipt["events"])),
            ("attributes", ", ".join(receipt["attributes"])),
            ("warnings", ", ".join(receipt["warnings"])),
            ("reason", failed),
            ("what to do", receipt["what_to_do"]),
        ]
    )


def preview(found: Preview) -> None:
    """Print what a webhook would become."""
    line(f"topic {found.topic}")
    if found.refused:
        line(f"The receiver would refuse it with {found.refused}", "bold red")
    if found.ignored:
        line(f"Nothing is sent to Batch: {found.ignored}", "yellow")
    for note in found.notes:
        line(note, "yellow")
    if found.call:
        line("Otherwise Batch would get:" if found.ignored else "Batch would get:")
        lines(json.dumps(found.call, indent=2, ensure_ascii=False))
    for warning in found.warnings:
        line(f"warning {warning}", "yellow")
    fields_of_body(found)


def fields_of_body(found: Preview) -> None:
    """Show the unused fields; a part of the body without a used field is one line."""
    if not found.used and not found.unused:
        return
    count = len(found.used) + len(found.unused)
    line(f"{len(found.used)} of the {count} fields with a value are used.", "dim")
    if found.unused:
        line("These fields of the body are not used:", "dim")
    for place, fields in gathered(found.used, found.unused).items():
        line(f"  {place}" + (f" ({fields} fields)" if fields > 1 else ""), "dim")


def gathered(used: Iterable[str], unused: Iterable[str]) -> dict[str, int]:
    """Return the unused places, or what they stand in where it has no used one, each with the number of its fields."""
    taken = {outer for place in used for outer in outers(place)}
    found: dict[str, int] = {}
    for place in unused:
        shown = next((outer for outer in outers(place) if outer not in taken), place)
        found[shown] = found.get(shown, 0) + 1
    return found


def outers(place: str) -> list[str]:
    """Return `a.b[].c` → `a`, `a.b[]`, `a.b[].c`"""
    parts = place.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


# ── Connections ─────────────────────────────────────────────────────────────────────────────────────────────


def connecting(address: str, steps: str) -> None:
    """Print what to paste where."""
    line("Address to paste:")
    line(f"  {address}", "bold")
    line(steps)


def stored(one: Connection) -> None:
    """Print that a secret was stored."""
    count = "one secret" if one.secrets == 1 else f"its newest {one.secrets} secrets"
    line(f"Stored. {one.source}/{one.connection} now accepts {count}.", "green")
    line("Next: trigger a real event in the tool, then run `bridge receipt` with the person's e-mail.")


def rotation(found: Rotation) -> None:
    """Print how far a change of secrets has come, and what to do."""
    grid(
        [
            ("secrets stored", str(found.secrets)),
            ("newest stored", found.rotated_at),
            ("newest last used", found.newest_secret_at or "not since a second one was stored"),
            ("older last used", found.older_secret_at or "not since a second one was stored"),
        ]
    )
    line(verdict(found), "green" if found.is_safe or found.removed else "")


# warning              the setting that answers it
SETTINGS_OF_WARNINGS = {
    "user_id_not_trusted": "visitor_user_id",
    "shared_identity": "shared_identities",
    "consent_not_named": "consent_fields",
}


def connections(found: Sequence[Standing], projects: Mapping[str, bool]) -> None:
    """Print connections with their addresses, and the Batch projects."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in ("Connection", "Secrets", "Last webhook", "Refused", "Problems", "Address"):
        table.add_column(name, overflow="fold")
    for one in found:
        refused = f"{one.refused}, last {one.last_refusal} at {one.refused_at}" if one.refused else ""
        table.add_row(
            cell(f"{one.source}/{one.connection}"),
            cell(one.secrets or "none yet"),
            cell(one.last_seen),
            cell(refused, "bold red" if one.refused_at > one.last_seen else ""),
            cell(", ".join(one.amiss), "bold red"),
            cell(one.address),
        )
    console().print(table)
    line("")
    for one in found:
        remarks(one)
    for project, has_keys in projects.items():
        line(
            f"Batch project {project}: {'keys stored' if has_keys else 'no keys yet: `bridge connect batch`'}"
        )


def remarks(one: Standing) -> None:
    """Say what a person should know of a connection, below the table."""
    name = f"{one.source}/{one.connection}"
    if one.inactive_since:
        line(f"{name}: uninstalled at {one.inactive_since}; the next webhook clears this.", "yellow")
    if one.after_429:
        line(f"{name}: {one.after_429}")
    for kind, number in one.warned.items():
        setting = SETTINGS_OF_WARNINGS.get(kind, "")
        line(f"{name}: {kind} {number} times; see the setting {setting}.", "yellow")
    if advice := advice_of_boxes(one.source, one.connection, one.unnamed_boxes):
        line(f"{name}: {advice}", "yellow")


# ── One person ──────────────────────────────────────────────────────────────────────────────────────────────


def held(found: Sequence[Held]) -> None:
    """Print profiles, each with the names of its attributes and how much the ledger has of it."""
    if not found:
        line("Nothing is stored about this person.", "green")
    for one in found:
        line(f"{one.custom_id} in project {one.project}", "bold")
        if one.erased:
            line("  Erased. The record that recognises late webhooks is deleted within 35 days.", "dim")
            continue
        grid(
            [
                ("attributes in Batch", ", ".join(one.attributes) or "none"),
                ("in this stack", here(one)),
            ]
        )


def here(one: Held) -> str:
    """Say how much the ledger has of a profile."""
    told = f"{one.receipts} receipts, {one.links} links, {one.facts} facts"
    return f"{told}, {one.withdrawals} withdrawals" if one.withdrawals else told


def forgetting(asked: Sequence[str]) -> None:
    """Print what was requested, and where to see that it is done."""
    for webhook_id in asked:
        line(f"Requested. `bridge receipt {webhook_id}` shows the result.", "green")
    if not asked:
        line("Nothing was erased: this is what would be erased.")


def erasures(found: Sequence[Erasure]) -> None:
    """Print erasures that wait, each with what is to decide and until when."""
    if not found:
        line("No erasure is pending.", "green")
    for one in found:
        subject = f"all people of {one.connection}" if one.scope == "shop" else one.custom_id or "a person"
        line(f"{one.id}  {subject} in project {one.project}", "bold")
        grid(
            [
                ("requested", f"by {one.connection} at {one.since}"),
                ("status", STATUSES[one.status].format(due=one.due, decide_by=one.decide_by)),
                *([("reason", one.why)] if one.why else []),
            ]
        )
    if any(one.status in ("announced", "undecided") for one in found):
        line("`bridge erasures confirm ID` erases now, `bridge erasures cancel ID` keeps the data.")


def waiting_erasures(found: Sequence[Erasure]) -> None:
    """Say how many erasures wait, by the connection that asked for them."""
    for connection, number in sorted(Counter(one.connection for one in found).items()):
        line(f"{connection}: {number} erasures are pending, see `bridge erasures`.", "yellow")


def question(erasure: Erasure) -> str:
    """Ask whether an erasure is meant."""
    if erasure.scope == "shop":
        return f"Erase all people known from {erasure.connection}? This cannot be undone"
    return "Erase the whole profile, including what other sources wrote? This cannot be undone"


def question_of_all(found: Sequence[Erasure]) -> str:
    """List whom an erasure of all reaches, and ask whether that is meant."""
    listing = [
        printable(f"{one.id}  {one.custom_id or 'a person'} in project {one.project}: {one.why}")
        for one in found
    ]
    question = (
        f"Erase these {len(found)} whole profiles, including what other sources wrote? This cannot be undone"
    )
    return "\n".join([*listing, question])


def all_decided(begun: int, ended: int) -> None:
    """Say how many erasures were begun, and where to see that they are done."""
    line(f"{begun} started. `bridge erasures` lists those in progress.", "green" if begun else "")
    if ended:
        line(f"{ended} had already ended, and are unchanged.")


def decided(erasure: Erasure, webhook: str) -> None:
    """Print what was decided, and where to see that it is done."""
    if webhook:
        line(f"Started. `bridge receipt {webhook}` shows the result.", "green")
    else:
        line(f"Erasure {erasure.id} is cancelled.", "green")


# ── The dead-letter queue ───────────────────────────────────────────────────────────────────────────────────


def failures(report: Report, unreadable: int) -> None:
    """Print what is parked, by class, and what to do about each."""
    if not report.webhooks and not unreadable:
        line("Nothing is parked.", "green")
    for failure_class in dict.fromkeys(webhook["class"] for webhook in report.webhooks):
        of_class = [webhook for webhook in report.webhooks if webhook["class"] == failure_class]
        line(f"{failure_class}  {len(of_class)}", "bold red")
        line(f"  {ADVICE.get(failure_class, '')}")
        parked(of_class)
        line("")
    if unreadable:
        line(f"{unreadable} more in the dead-letter queue have no id: see the SQS console.")
    if report.more:
        line("There are more: not all could be read in time.", "yellow")


def parked(webhooks: Iterable[Mapping[str, Any]]) -> None:
    """Print parked webhooks, a row each."""
    table = Table(box=None, padding=(0, 2))
    table.add_column("Id", no_wrap=True)
    for name in ("Webhook", "Failed", "Retries", "Reason"):
        table.add_column(name, overflow="fold")
    for webhook in webhooks:
        table.add_row(
            cell(webhook["id"]),
            cell(f"{webhook['source']}/{webhook['connection']} {webhook['topic']}"),
            cell(str(webhook["failed_at"])[:19].replace("T", " ")),
            cell(webhook["retries"]),
            cell(webhook["reason"]),
        )
    console().print(table)


def retried(report: Report, *, dry_run: bool) -> None:
    """Print what a retry did, or would do."""
    count = len(report.webhooks)
    done = "Would retry" if dry_run else "Retried"
    line(f"{done} {count} {'webhook' if count == 1 else 'webhooks'}.")
    if report.webhooks:
        parked(report.webhooks)
    for call in report.calls:
        calls_side_by_side(call)
    if report.exhausted:
        line(f"{report.exhausted} were retried three times and failed: retry them by --id.", "yellow")
    if len(report.calls) < count and dry_run:
        line(
            f"Only the first {len(report.calls)} calls are shown: select fewer webhooks with the options.",
            "yellow",
        )
    if report.more:
        line("There are more: not all could be read in time. Run it again.", "yellow")
    elif count and not dry_run:
        line("Those that fail again are in `bridge failures`.")


def calls_side_by_side(call: Call) -> None:
    """Print what Batch was sent, and what it would be sent now."""
    line("")
    line(f"{call.id}: {call.outcome}{f' ({call.reason})' if call.reason else ''}", "bold")
    table = Table(box=None, padding=(0, 2), expand=True)
    for name in ("When it was parked", "Now"):
        table.add_column(name, overflow="fold", ratio=1)
    table.add_row(*(pretty(one) for one in (call.old, call.new)))
    console().print(table)
    if call.warnings:
        line(f"  warnings: {', '.join(call.warnings)}", "yellow")


def pretty(call: Mapping[str, Any] | None) -> Text:
    return Text(json.dumps(call, indent=2, ensure_ascii=False) if call else "no call", "" if call else "dim")


def progress(text: str) -> None:
    """Write a line on stderr that shows progress."""
    sys.stderr.write(f"{printable(text)}\n")


# ── A proof ─────────────────────────────────────────────────────────────────────────────────────────────────


def proof(report: Mapping[str, Any]) -> None:
    """Print the figures of a proof, and whether the promises were kept."""
    rows = {name: value for name, value in report.items() if name not in ("kept", "broken_promises")}
    grid((name.replace("_", " "), figure(value)) for name, value in rows.items())
    line("")
    if report["kept"]:
        line("Nothing lost, nothing duplicated outside the named windows, no forgery accepted.", "green")
        return
    broken = ", ".join(name.replace("_", " ") for name in report["broken_promises"])
    line(f"Broken promises: {broken or 'nothing was delivered'}.", "bold red")


def figure(value: Any) -> str:
    """Return a number with its thousands apart, or counts by name."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {count:,}" for name, count in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(value)
    return "unknown" if value is None else f"{value:,}"
