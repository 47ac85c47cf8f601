"""Say what parked webhooks would be sent to Batch as now, by today's mapping and settings. Writes and sends nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.batch import limits
from bridge.errors import BatchUnavailable, MappingFailed, NotStorable
from functions.deliver.delivery import Job, Message, going
from functions.deliver.pipeline import Delivery


def previewed(delivery: Delivery, envelopes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each envelope `{id, call, warnings, outcome, reason}`; `call` is the operation, or None.

    Each is looked at alone, on what the ledger knows now.
    """
    return [previewed_one(delivery, envelope) for envelope in envelopes]


def previewed_one(delivery: Delivery, envelope: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": envelope.get("id"),
        "call": None,
        "warnings": [],
        "outcome": "",
        "reason": "",
    }
    try:
        job = Job(message_for(envelope), delivery.queue.webhook(json.dumps(envelope)))
        fit(delivery, job)
    except (MappingFailed, NotStorable, BatchUnavailable) as error:
        return found | {"outcome": error.failure_class, "reason": error.reason}
    if job.outcome is not None:
        return found | {"outcome": job.outcome.value, "reason": job.reason}
    if job.change.privacy is not None:
        return found | {"outcome": job.change.privacy}
    call = job.operation()
    return found | {
        "call": call,
        "warnings": list(limits.names(job.warnings.found)),
        "outcome": "delivered",
        "reason": "" if call else "Batch has nothing newer to be told",
    }


def fit(delivery: Delivery, job: Job) -> None:
    """Map the job, find its profile and fit it to what that has; ends the job where it would go no further.

    Raises BatchUnavailable where the ledger is out of reach.
    """
    delivery.read_settings([job])
    delivery.check_topics(going([job]))
    delivery.map(going([job]))
    if job.change.privacy is not None or not going([job]):
        return
    delivery.persons.identify([job])
    job.wait_for_facts()
    if not going([job]):
        return
    delivery.fit([job], {job.profile: delivery.ledger.state(*job.profile)})


def message_for(envelope: Mapping[str, Any]) -> Message:
    """A message that no queue holds."""
    group = str(envelope.get("group", ""))
    return Message("", "", "", group, sender="", receive_count=1, sent_at=datetime.now(UTC))
