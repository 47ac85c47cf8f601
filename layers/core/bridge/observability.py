"""Logs and metrics of every function: constant phrases with keys, never a value that a source sent."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence

from aws_lambda_powertools.logging import Logger

NAMESPACE = "BatchBridge"

logger = Logger(log_uncaught_exceptions=False)


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
    """The line that Powertools' `single_metric` prints; making it there takes a fifth of a receive's processor time."""
    labels = {**dimensions, "service": os.environ.get("POWERTOOLS_SERVICE_NAME", NAMESPACE)}
    metric = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(labels), *([["service"]] if in_all else [])],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    described = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [metric]}
    line = json.dumps({"_aws": described, **labels, name: list(values)}, separators=(",", ":"))
    sys.stdout.write(line + "\n")
