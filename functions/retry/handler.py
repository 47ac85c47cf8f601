"""Send webhooks through the queue again: parked ones by a filter, waiting ones when their time has come.

Reads no body: an envelope goes back as it came.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from bridge.errors import Unavailable
from bridge.observability import count, logger
from bridge.queue import WebhookQueue, envelope_in
from functions.retry.rounds import Filter, retry_parked

queue = WebhookQueue(os.environ["QUEUE_URL"], dead_letter_url=os.environ["DEAD_LETTER_QUEUE_URL"])

SPARE_SECONDS = 10
"""Before Lambda's timeout, a round ends and says that more may be left."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Forward the records of the waiting room, or retry what `filter` names (see `Filter`).

    A filter is answered with `{"retried", "left", "more", "webhooks"}`. Raises ValueError for an unknown filter.
    """
    logger.append_keys(request_id=context.aws_request_id)
    if "Records" in event:
        return {"batchItemFailures": forward(event["Records"])}
    wanted = Filter.of(event.get("filter") or {})
    report = retry_parked(queue, wanted, dry_run=bool(event.get("dry_run")), has_time=has_time(context))
    logger.info("retry round ended", retried=report.retried, left=report.left, more=report.more)
    count("WebhooksRetried", report.retried)
    return report.as_json()


def has_time(context: Any) -> Any:
    """Whether the invocation may go on."""
    return lambda: context.get_remaining_time_in_millis() > SPARE_SECONDS * 1000


def forward(records: list[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Move waiting webhooks back to the queue; returns those that could not be moved. What is no webhook is parked."""
    failures = []
    for record in records:
        envelope = envelope_in(record["body"])
        try:
            if envelope:
                queue.forward(envelope)
            else:
                queue.park_message(record["body"], record["messageId"])
        except Unavailable:
            failures.append({"itemIdentifier": record["messageId"]})
    return failures
