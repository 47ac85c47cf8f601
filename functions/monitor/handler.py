"""Look on a schedule after connections (who is silent, who is refused, what never came) and erasures that wait."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.observability import logger
from bridge.storage.connections import Connections
from bridge.storage.ledger import Ledger
from bridge.storage.parameters import Parameters
from bridge.storage.queue import WebhookQueue
from functions.monitor.erasures import look_after
from functions.monitor.rounds import watch

connections = Connections(os.environ["TABLE_NAME"])
parameters = Parameters(os.environ["STACK_NAME"])
ledger = Ledger(os.environ["TABLE_NAME"])
queue = WebhookQueue(os.environ["QUEUE_URL"])

SPARE_SECONDS = 10
"""Before Lambda's timeout, the round leaves the rest of the erasures to the next one."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return `{"amiss": {"shopify/main": ["silent"]}}`. Raises Unavailable where nothing can be read."""
    del event
    logger.append_keys(request_id=context.aws_request_id)
    now = datetime.now(UTC)
    problems = watch(connections, parameters, now)

    def has_time() -> bool:
        return bool(context.get_remaining_time_in_millis() > SPARE_SECONDS * 1000)

    waiting = look_after(ledger, queue, connections, now, has_time)
    logger.info("watch round ended", problems=len(problems), erasures=waiting)
    return {"amiss": problems}
