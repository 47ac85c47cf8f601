"""Find what became of a webhook by whatever a person knows of it: its id, an order, a customer, an e-mail."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from bridge.profiles.identity import email_sha256
from bridge.storage.ledger import IGNORED, RETRYING, WAITING, Receipt
from cli.connect import DEFAULT_PROJECT, MAIN
from cli.parked import ADVICE, IGNORED_ADVICE, RETRYING_ADVICE, WAITING_ADVICE
from cli.stack import Stack
from functions.sources.forms.recognition.consent import NOT_NAMED
from functions.sources.registry import SOURCE_PACKAGES

EMAIL = re.compile(r"[^\s@:]+@[^\s@:]+")

# What the mappings link to a profile, with a person's text in its place.
REFERENCES = (
    "{text}",
    "shopify:order:{text}",
    "shopify:customer:{text}",
    "stripe:customer:{text}",
    "stripe:subscription:{text}",
    "stripe:invoice:{text}",
    "stripe:checkout:{text}",
    "stripe:charge:{text}",
    "stripe:payment_intent:{text}",
)
ORDER_NAMES = ("shopify:{connection}:order_name:{text}", "shopify:{connection}:order_name:#{text}")


def receipts(stack: Stack, text: str) -> list[Receipt]:
    """Return the receipt of the webhook with this id, else all of the profiles that the text names, newest first.

    Raises BatchUnavailable, CommandFailed, Refused.
    """
    text = text.strip()
    one = stack.ledger.receipt(text)
    if one is not None:
        return [one]
    found = [
        receipt
        for project, connections in places(stack).items()
        for custom_id in custom_ids(stack, project, connections, text)
        for receipt in stack.ledger.receipts_of(project, custom_id)
    ]
    return sorted(found, key=lambda receipt: receipt.received_at, reverse=True)


def places(stack: Stack) -> dict[str, set[str]]:
    """Return the Batch projects that profiles go to, each with the names of its connections. Raises CommandFailed,
    Refused."""
    found = {DEFAULT_PROJECT: {MAIN}}
    for source, connection in stack.secret_names():
        if source in SOURCE_PACKAGES:
            project = stack.parameters.read(source, connection).get("project", DEFAULT_PROJECT)
            found.setdefault(project, set()).add(connection)
    return found


def custom_ids(stack: Stack, project: str, connections: set[str], text: str) -> list[str]:
    """Return the profiles that a text may mean: by a link that the ledger knows, by its e-mail, by its own id."""
    references = list(references_of(text, connections))
    linked = stack.ledger.links(project, references).values()
    email = email_sha256(text)
    own = [text, *(f"{source}:{text}" for source in SOURCE_PACKAGES)]
    return list(dict.fromkeys([*linked, *([email] if email else []), *own]))


def references_of(text: str, connections: set[str]) -> Iterator[str]:
    for reference in REFERENCES:
        yield reference.format(text=text)
    for connection in sorted(connections):
        for reference in ORDER_NAMES:
            yield reference.format(connection=connection, text=text)


def document(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt for people, with what to do, and without any e-mail that an id may hold."""
    shown = {name: without_emails(value) for name, value in asdict(receipt).items()}
    return {**shown, "what_to_do": what_to_do(receipt)}


def what_to_do(receipt: Receipt) -> str:
    """Say what a person can do: about how it ended, else about its warnings."""
    return advice_of_status(receipt) or advice_of_warnings(receipt)


def advice_of_status(receipt: Receipt) -> str:
    """Say what a person can do about how it ended."""
    if receipt.status == WAITING:
        return WAITING_ADVICE
    if receipt.status == RETRYING:
        return RETRYING_ADVICE.get(receipt.failure_class, "")
    if receipt.status == IGNORED:
        return IGNORED_ADVICE.get(receipt.reason, "")
    return ADVICE.get(receipt.failure_class, "")


def advice_of_warnings(receipt: Receipt) -> str:
    """Show the setting that makes a consent of the boxes that no setting names."""
    prefix = f"{NOT_NAMED}:"
    unnamed = [text.removeprefix(prefix) for text in receipt.warnings if text.startswith(prefix)]
    return advice_of_boxes(receipt.source, receipt.connection, unnamed)


def advice_of_boxes(source: str, connection: str, unnamed: Iterable[str]) -> str:
    """Show the line to paste for boxes that no setting names, each given as `NAME=CHANNEL`."""
    pairs = [text.rpartition("=") for text in unnamed]
    boxes = {name: channel for name, _, channel in pairs if name.isprintable() and not EMAIL.search(name)}
    boxes.pop("", None)
    if not boxes:
        return ""
    line = json.dumps({"consent_fields": boxes}, ensure_ascii=False)
    return f"if these boxes are consent, add to the settings of {source}/{connection}: {line}"


def without_emails(value: Any) -> Any:
    """Return a text, or each of several, with e-mails hidden."""
    if isinstance(value, str):
        return EMAIL.sub("(e-mail)", value)
    return [without_emails(one) for one in value]
