"""Look after the connections on a schedule: who has fallen silent, who is only refused, what never came."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.connections import Connections
from bridge.observability import logger
from bridge.parameters import Parameters
from functions.watch.rounds import watch

connections = Connections(os.environ["TABLE_NAME"])
parameters = Parameters(os.environ["STACK_NAME"])


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answers `{"amiss": {"shopify/main": ["silent"]}}`. Raises Unavailable where nothing can be read."""
    del event
    logger.append_keys(request_id=context.aws_request_id)
    amiss = watch(connections, parameters, datetime.now(UTC))
    logger.info("watch round ended", amiss=len(amiss))
    return {"amiss": amiss}
