"""Logs and metrics of every function: constant phrases with keys, never a value that a source sent."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Literal

from aws_lambda_powertools.logging import Logger

NAMESPACE = "BatchBridge"

Cause = Literal[
    "connection_left",
    "connection_never_seen",
    "connection_refusing",
    "connection_silent",
    "erasure_announced",
    "erasure_needs_decision",
    "erasure_reminder",
    "field_changed",
    "field_gone",
    "gap_failed",
    "identity_conflict",
    "receipts_not_written",
    "shared_identity",
    "topic_missing",
    "topic_unconfirmed",
    "wrong_sender",
]
"""What only a person can settle; the table in docs/operating.md has the remedy of each."""

logger = Logger(log_uncaught_exceptions=False)


def alarm(cause: Cause, **keys: str) -> None:
    """Ring `AttentionAlarm` for something that only a person can settle: once when it arises, not while it lasts.

    Logs "needs attention" with `keys` (names and ids of ours, such as source and connection; never a value that a
    source sent), and counts `NeedsAttention` by cause and in all. A new cause is a line in `Cause` and a row in the
    table of docs/operating.md. The alarm ends by itself a quarter of an hour later, so that the next cause rings again:
    what lasts is shown by `bridge connections` or `bridge failures`.
    """
    logger.warning("needs attention", extra={**keys, "cause": cause})
    count("NeedsAttention", in_all=True, cause=cause)


def count(name: str, value: int = 1, *, in_all: bool = False, **dimensions: str) -> None:
    """Publish a count as a CloudWatch metric, through a log line in the embedded metric format.

    `in_all`: also without its dimensions, for an alarm, which cannot add metrics up that it does not know.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
    """
    publish(name, [value], "Count", dimensions, in_all=in_all)


def measure_seconds(name: str, *seconds: float, **dimensions: str) -> None:
    """Publish durations in seconds, at most 100."""
    if seconds:
        publish(name, seconds, "Seconds", dimensions)


def publish(
    name: str, values: Sequence[float], unit: str, dimensions: dict[str, str], *, in_all: bool = False
) -> None:
    """Print the line that Powertools' `single_metric` prints; it would take a fifth of a receive's processor time."""
    labels = {**dimensions, "service": os.environ.get("POWERTOOLS_SERVICE_NAME", NAMESPACE)}
    metric = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(labels), *([["service"]] if in_all else [])],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    described = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [metric]}
    line = json.dumps({"_aws": described, **labels, name: list(values)}, separators=(",", ":"))
    sys.stdout.write(line + "\n")
