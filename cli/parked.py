"""List the dead-letter queue with what to do, and retry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bridge.errors import FAILURE_CLASSES
from cli.errors import WrongUsage
from cli.stack import Stack
from functions.sources.registry import SOURCE_PACKAGES

# failure class        what to do about it
ADVICE = {
    "mapping_failed": (
        "The mapping cannot read the webhook, or the connection's settings are wrong. "
        "Fix the mapping or the settings, then `bridge retry --class mapping_failed`."
    ),
    "rejected_by_batch": (
        "Batch rejects the values that the mapping sends. Fix the mapping, or the attribute's type in Batch, "
        "then `bridge retry --class rejected_by_batch`."
    ),
    "bad_credentials": (
        "Batch rejects the keys, or none are stored. Store the right ones with `bridge connect batch`; "
        "these webhooks are then retried automatically."
    ),
    "batch_unavailable": (
        "Batch, or AWS on the way to it, was unavailable for days. These webhooks are retried automatically; "
        "`bridge retry --class batch_unavailable` retries them now."
    ),
    "identity_unknown": (
        "No webhook identified the customer. Make the tool send the customer again, "
        "then `bridge retry --class identity_unknown`."
    ),
    "topic_unconfirmed": (
        "The signature covers only the body, and the body does not fit the topic in the header: somebody may have "
        "sent a captured webhook again under another topic. It changed nothing. If you or the tool sent it, open an "
        "issue with what it contains; only `bridge retry --class topic_unconfirmed` or its `--id` retries it."
    ),
    "wrong_sender": (
        "A function of the stack queued it for another function's source: its code may be compromised. "
        "The reason names the function. It changed nothing, and nothing retries it. See docs/security.md."
    ),
}
WAITING_ADVICE = "Nothing: it waits for a webhook that identifies the customer, and is retried automatically."
RETRYING_ADVICE = {
    "batch_unavailable": "Nothing: Batch is unavailable at the moment, and it is retried automatically.",
    "bad_credentials": "Store the right keys with `bridge connect batch`; it is then retried automatically.",
}

# reason of an ignored webhook   what to do about it
IGNORED_ADVICE = {
    "test event": (
        'Nothing; or, to see test events in Batch, store the setting {"test_events": true} '
        "with `bridge connect SOURCE CONNECTION --settings FILE`."
    ),
}


CALLS_SHOWN = 10
"""Of a dry run, with what Batch would be sent: each may carry a body of 240 kB through Lambda's 6 MB."""

Filter: TypeAlias = Mapping[str, Any]


@dataclass(slots=True)
class Report:
    """Hold what one or more rounds of the retry function did; `left` counts what still lies where it looked.

    `exhausted` were retried so often that only their id takes them. `calls` are what Batch would be sent, of a dry run.
    """

    retried: int = 0
    left: int = 0
    more: bool = False
    exhausted: int = 0
    webhooks: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Report:
        """Return the report in an answer of the retry function; a webhook never retried has no count of its own
        there."""
        webhooks = [{**webhook, "retries": webhook.get("retries") or 0} for webhook in answer["webhooks"]]
        return cls(answer["retried"], answer["left"], answer["more"], answer.get("exhausted", 0), webhooks)


@dataclass(frozen=True, slots=True)
class Call:
    """Hold what Batch was sent for a webhook when it was parked, if it came so far, and what it would be sent now."""

    id: str
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    outcome: str
    reason: str
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Manner:
    """Hold how webhooks are retried: from the archive, how many at the most (0: all), how many in a second, by whom."""

    archived: bool = False
    limit: int = 0
    per_second: float = 10
    by: str = ""


Texts: TypeAlias = Sequence[str] | None


def wanted(
    classes: Texts = None,
    sources: Texts = None,
    connections: Texts = None,
    topics: Texts = None,
    ids: Texts = None,
    since: str | None = None,
    until: str | None = None,
) -> Filter:
    """Return the filter of the retry function. Raises WrongUsage for a class, a source or a time that does not
    exist."""
    for given, known, what in (
        (classes, FAILURE_CLASSES, "class"),
        (sources, tuple(SOURCE_PACKAGES), "source"),
    ):
        unknown = [name for name in given or () if name not in known]
        if unknown:
            raise WrongUsage(f"no {what} {unknown[0]!r}; there are: {', '.join(known)}")
    named = {
        "classes": list(classes or ()),
        "sources": list(sources or ()),
        "connections": list(connections or ()),
        "topics": list(topics or ()),
        "ids": list(ids or ()),
        "since": with_zone(since or ""),
        "until": with_zone(until or ""),
    }
    return {name: values for name, values in named.items() if values}


def with_zone(text: str) -> str:
    """Return the time in ISO 8601 with its zone, which is UTC where it names none. Raises WrongUsage."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise WrongUsage(f"{text!r} is not a time such as 2026-11-20 or 2026-11-20T08:00") from None
    return found.replace(tzinfo=found.tzinfo or UTC).isoformat() if found else ""


def advised(webhook: Mapping[str, Any]) -> dict[str, Any]:
    """Return a parked webhook with what to do about it."""
    return {**webhook, "what_to_do": ADVICE.get(webhook["class"], "")}


def look(stack: Stack, filter_: Filter, *, archived: bool = False, shows_calls: bool = False) -> Report:
    """Return what the filter takes of the dead-letter queue, or of the archive. Changes nothing. Raises CommandFailed.

    Without `shows_calls`, all classes are listed, those too that are retried only by name.
    """
    every = {} if shows_calls else {"classes": list(FAILURE_CLASSES)}
    event = {"filter": {**every, **filter_}, "dry_run": True, "archived": archived}
    report = Report.of(stack.invoke("Retry", event))
    if shows_calls and report.webhooks:
        report.calls = calls(stack, event)
    return report


def calls(stack: Stack, event: Mapping[str, Any]) -> list[Call]:
    """Return what Batch would be sent for the first of what a dry run takes."""
    shown = stack.invoke("Retry", {**event, "with_envelopes": True, "limit": CALLS_SHOWN})["webhooks"]
    envelopes = [webhook["envelope"] for webhook in shown]
    told = stack.invoke("Deliver", {"preview": envelopes})["webhooks"]
    return [call_of(old, new) for old, new in zip(envelopes, told, strict=True)]


def call_of(envelope: Mapping[str, Any], told: Mapping[str, Any]) -> Call:
    return Call(
        envelope["id"],
        (envelope.get("failure") or {}).get("call"),
        told["call"],
        told["outcome"],
        told["reason"],
        told["warnings"],
    )


def retry(
    stack: Stack, filter_: Filter, manner: Manner, told: Callable[[int], None] = lambda _: None
) -> Report:
    """Retry until nothing is left that the filter takes, telling after each round. Raises CommandFailed.

    A webhook that comes back while this runs has failed again: it does not keep this running. Ctrl-C ends it after
    the round that runs.
    """
    whole = Report()
    while True:
        limit = manner.limit - whole.retried if manner.limit else 0
        event = {"filter": filter_, **asdict(manner), "limit": limit}
        one = Report.of(stack.invoke("Retry", event))
        seen = {webhook["id"] for webhook in whole.webhooks}
        fresh = [webhook for webhook in one.webhooks if webhook["id"] not in seen]
        whole = Report(
            whole.retried + len(fresh), one.left, one.more, one.exhausted, [*whole.webhooks, *fresh]
        )
        told(whole.retried)
        if not (one.more and fresh) or (manner.limit and whole.retried >= manner.limit):
            return whole
