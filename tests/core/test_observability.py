"""What a line of the log and a metric look like to CloudWatch."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.observability import NAMESPACE, alarm, count, logger, measure_seconds


def metric(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The one metric printed, and its description in the embedded format."""
    [line] = text.splitlines()
    content = json.loads(line)
    [described] = content["_aws"]["CloudWatchMetrics"]
    return content, described


def test_a_count_is_a_metric_with_its_dimensions(capsys: pytest.CaptureFixture[str]) -> None:
    count("WebhooksAccepted", source="shopify")
    content, described = metric(capsys.readouterr().out)
    assert described["Namespace"] == NAMESPACE
    assert described["Metrics"] == [{"Name": "WebhooksAccepted", "Unit": "Count"}]
    assert sorted(described["Dimensions"][0]) == ["service", "source"]
    assert (content["source"], content["service"], content["WebhooksAccepted"]) == (
        "shopify",
        "batch-bridge",
        [1.0],
    )


def test_a_count_may_be_of_several(capsys: pytest.CaptureFixture[str]) -> None:
    count("WebhooksRetried", 7)
    assert metric(capsys.readouterr().out)[0]["WebhooksRetried"] == [7.0]


def test_a_duration_is_in_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    measure_seconds("BatchLatency", 0.25, project="default")
    content, described = metric(capsys.readouterr().out)
    assert described["Metrics"] == [{"Name": "BatchLatency", "Unit": "Seconds"}]
    assert (content["BatchLatency"], content["project"]) == ([0.25], "default")


def test_metrics_of_one_name_do_not_leak_into_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    count("WebhooksAccepted", source="shopify")
    count("WebhooksRetried")
    content = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "source" not in content
    assert "WebhooksAccepted" not in content


def test_a_failure_nobody_caught_is_not_told_with_its_values() -> None:
    assert logger.log_uncaught_exceptions is False


def test_an_alarm_counts_its_cause_and_all_causes_and_says_which_in_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    alarm("connection_silent", source="shopify", connection="main")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [counted] = [line for line in lines if "_aws" in line]
    [described] = counted["_aws"]["CloudWatchMetrics"]
    assert described["Metrics"] == [{"Name": "NeedsAttention", "Unit": "Count"}]
    assert described["Dimensions"] == [["cause", "service"], ["service"]]
    assert counted["cause"] == "connection_silent"
