"""Handlers that behave as a test asks: run in processes of their own by the local runtime."""

from __future__ import annotations

import os
import time
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    """Do what `event["do"]` says."""
    match event.get("do"):
        case "raise":
            raise ValueError("as asked")
        case "exit":
            os._exit(1)
        case "sleep":
            time.sleep(event["seconds"])
        case "large":
            return "x" * 7_000_000
        case "context":
            return {
                "id": context.aws_request_id,
                "function": context.function_name,
                "left": context.get_remaining_time_in_millis(),
                "arn": context.invoked_function_arn,
            }
        case "burn":
            started = time.process_time()
            while time.process_time() - started < event["seconds"]:
                pass
    return {"echo": event, "pid": os.getpid(), "variable": os.environ.get("VARIABLE")}
