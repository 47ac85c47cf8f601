"""Logs and metrics of every function: constant phrases with keys, never a value that a source sent."""

from __future__ import annotations

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

NAMESPACE = "BatchBridge"

logger = Logger(log_uncaught_exceptions=False)


def count(name: str, value: int = 1, **dimensions: str) -> None:
    """Publish a count as a CloudWatch metric, through a log line in the embedded metric format.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
    """
    publish(name, value, MetricUnit.Count, dimensions)


def measure_seconds(name: str, seconds: float, **dimensions: str) -> None:
    """Publish a duration in seconds."""
    publish(name, seconds, MetricUnit.Seconds, dimensions)


def publish(name: str, value: float, unit: MetricUnit, dimensions: dict[str, str]) -> None:
    with single_metric(
        name=name, unit=unit, value=value, namespace=NAMESPACE, default_dimensions={}
    ) as metric:
        for dimension, label in dimensions.items():
            metric.add_dimension(name=dimension, value=label)
