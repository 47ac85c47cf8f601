"""The dead-letter queue: what lies there, what to do about it, and back with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import FAILURE_CLASSES
from cli.errors import WrongUsage
from cli.stack import Filter, Stack
from functions.sources import ROOMS

# failure class        what to do about it
ADVICE = {
    "mapping_failed": (
        "The webhook is not as the mapping expects it, or the connection's settings are wrong. "
        "Mend the one or the other, then `bridge retry --class mapping_failed`."
    ),
    "rejected_by_batch": (
        "Batch refuses what the mapping makes of it. Mend the mapping, or the attribute's type in Batch, "
        "then `bridge retry --class rejected_by_batch`."
    ),
    "bad_credentials": (
        "Batch refuses the keys, or none are stored. Put them right with `bridge connect batch`; "
        "these webhooks are then tried again by themselves."
    ),
    "batch_unavailable": (
        "Batch, or AWS on the way to it, was away for days. These webhooks are tried again by themselves; "
        "`bridge retry --class batch_unavailable` does it now."
    ),
    "identity_unknown": (
        "No webhook told whose this is. Have the tool send the customer again, "
        "then `bridge retry --class identity_unknown`."
    ),
}
WAITING_ADVICE = "Nothing: it waits for a webhook that tells whose it is, and is tried again by itself."
RETRYING_ADVICE = {
    "batch_unavailable": "Nothing: Batch does not answer at the moment, and it is tried again by itself.",
    "bad_credentials": "Put the keys right with `bridge connect batch`; it is then tried again by itself.",
}

# reason of an ignored webhook   what to do about it
IGNORED_ADVICE = {
    "test event": (
        'Nothing; or, to see test events in Batch, store the setting {"test_events": true} '
        "with `bridge connect SOURCE CONNECTION --settings FILE`."
    ),
}


@dataclass(slots=True)
class Report:
    """What one or more rounds of the retry function did; `left` counts what still lies in the dead-letter queue."""

    retried: int = 0
    left: int = 0
    more: bool = False
    webhooks: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Report:
        """The report in an answer of the retry function; a webhook never retried has no count of its own there."""
        webhooks = [{**webhook, "retries": webhook.get("retries") or 0} for webhook in answer["webhooks"]]
        return cls(answer["retried"], answer["left"], answer["more"], webhooks)


def wanted(classes: Sequence[str], sources: Sequence[str], ids: Sequence[str]) -> Filter:
    """The filter of the retry function. Raises WrongUsage for a class or a source that does not exist."""
    for given, known, what in ((classes, FAILURE_CLASSES, "class"), (sources, tuple(ROOMS), "source")):
        unknown = [name for name in given if name not in known]
        if unknown:
            raise WrongUsage(f"no {what} {unknown[0]!r}; there are: {', '.join(known)}")
    named = {"classes": list(classes), "sources": list(sources), "ids": list(ids)}
    return {name: values for name, values in named.items() if values}


def advised(webhook: Mapping[str, Any]) -> dict[str, Any]:
    """A parked webhook with what to do about it."""
    return {**webhook, "what_to_do": ADVICE.get(webhook["class"], "")}


def look(stack: Stack, filter_: Filter) -> Report:
    """What lies in the dead-letter queue and the filter takes; nothing changes. Raises CommandFailed."""
    return Report.of(stack.retry(filter_, True))


def retry(stack: Stack, filter_: Filter) -> Report:
    """Retry until nothing is left that the filter takes. Raises CommandFailed.

    A webhook that comes back while this runs has failed again: it does not keep this running.
    """
    whole = Report()
    while True:
        one = Report.of(stack.retry(filter_, False))
        seen = {webhook["id"] for webhook in whole.webhooks}
        fresh = [webhook for webhook in one.webhooks if webhook["id"] not in seen]
        whole = Report(whole.retried + len(fresh), one.left, one.more, [*whole.webhooks, *fresh])
        if not (one.more and fresh):
            return whole
