"""Say what parked webhooks would be sent to Batch as now, by today's mapping and settings. Writes and sends nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.batch import limits
from bridge.errors import BatchUnavailable, MappingFailed, NotStorable
from functions.deliver.delivery import Delivery, Message, going
from functions.deliver.pipeline import DeliveryPipeline


def previewed(pipeline: DeliveryPipeline, envelopes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return for each envelope `{id, call, warnings, outcome, reason}`; `call` is the operation, or None.

    Each is looked at alone, on what the ledger knows now.
    """
    return [previewed_one(pipeline, envelope) for envelope in envelopes]


def previewed_one(pipeline: DeliveryPipeline, envelope: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": envelope.get("id"),
        "call": None,
        "warnings": [],
        "outcome": "",
        "reason": "",
    }
    try:
        delivery = Delivery(message_for(envelope), pipeline.queue.webhook(json.dumps(envelope)))
        fit(pipeline, delivery)
    except (MappingFailed, NotStorable, BatchUnavailable) as error:
        return found | {"outcome": error.failure_class, "reason": error.reason}
    if delivery.outcome is not None:
        return found | {"outcome": delivery.outcome.value, "reason": delivery.reason}
    if delivery.change.privacy is not None:
        return found | {"outcome": delivery.change.privacy}
    call = delivery.operation()
    return found | {
        "call": call,
        "warnings": list(limits.names(delivery.warnings.found)),
        "outcome": "delivered",
        "reason": "" if call else "Batch has nothing newer to be told",
    }


def fit(pipeline: DeliveryPipeline, delivery: Delivery) -> None:
    """Map the delivery, find its profile and fit it to what that has; ends the delivery where it would go no further.

    Raises BatchUnavailable where the ledger is out of reach.
    """
    pipeline.read_settings([delivery])
    pipeline.check_topics(going([delivery]))
    pipeline.map(going([delivery]))
    if delivery.change.privacy is not None or not going([delivery]):
        return
    pipeline.persons.identify([delivery])
    delivery.wait_for_facts()
    if not going([delivery]):
        return
    pipeline.fit([delivery], {delivery.profile: pipeline.ledger.state(*delivery.profile)})


def message_for(envelope: Mapping[str, Any]) -> Message:
    """Return a message that no queue holds."""
    group = str(envelope.get("group", ""))
    return Message("", "", "", group, sender="", receive_count=1, sent_at=datetime.now(UTC))
