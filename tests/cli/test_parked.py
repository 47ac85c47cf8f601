"""`bridge failures`, `bridge retry`: what lies in the dead-letter queue, and back with it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from bridge.errors import FAILURE_CLASSES
from bridge.storage.queue import Failure, WebhookQueue
from bridge.webhook import Webhook
from cli.errors import CommandFailed
from cli.parked import ADVICE, Manner, retry
from cli.stack import Stack, invoke_deployed, invoke_locally
from tests.cli.conftest import Bridge, LoopbackServer

AT = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def parked(queue: WebhookQueue) -> WebhookQueue:
    """Three parked webhooks, and a message that is none."""
    for webhook_id, source, failure_class in (
        ("webhook-1", "shopify", "mapping_failed"),
        ("webhook-2", "stripe", "mapping_failed"),
        ("webhook-3", "shopify", "rejected_by_batch"),
    ):
        webhook = Webhook(
            id=webhook_id,
            source=source,
            connection="main",
            topic="a/topic",
            headers={},
            body=b"ada@example.com",
            received_at=AT,
            group=webhook_id,
        )
        queue.park(webhook, Failure(failure_class, "created_at: missing", AT))
    queue.park_message("no webhook of ours", "nobody")
    return queue


def ids(document: str, name: str) -> list[str]:
    return sorted(webhook["id"] for webhook in json.loads(document)[name])


def test_every_failure_class_has_an_advice() -> None:
    assert set(ADVICE) == set(FAILURE_CLASSES), "add what to do about it to cli.parked.ADVICE"


def test_lists_each_class_with_what_to_do(bridge: Bridge, stack: Stack, parked: WebhookQueue) -> None:
    result = bridge("failures", "--stack", stack.name)

    assert result.exit_code == 0
    for text in (
        "mapping_failed  2",
        "rejected_by_batch  1",
        *(ADVICE[name] for name in FAILURE_CLASSES[:2]),
    ):
        assert text in result.stdout
    assert "1 more in the dead-letter queue have no id" in result.stdout
    assert "ada@example.com" not in result.stdout


def test_looking_takes_nothing_out(bridge: Bridge, stack: Stack, parked: WebhookQueue) -> None:
    bridge("failures", "--stack", stack.name)
    result = bridge("failures", "--json", "--stack", stack.name)

    assert ids(result.stdout, "failures") == ["webhook-1", "webhook-2", "webhook-3"]
    assert json.loads(result.stdout)["unreadable"] == 1
    first = json.loads(result.stdout)["failures"][0]
    assert (first["retries"], first["what_to_do"]) == (0, ADVICE[first["class"]])


def test_an_empty_queue_is_good_news(bridge: Bridge, stack: Stack, queue: WebhookQueue) -> None:
    assert bridge("failures", "--stack", stack.name).stdout == "Nothing is parked.\n"
    assert json.loads(bridge("failures", "--json", "--stack", stack.name).stdout)["failures"] == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--class", "mapping_failed"], ["webhook-1", "webhook-2"]),
        (["--source", "shopify"], ["webhook-1", "webhook-3"]),
        (["--source", "shopify", "--class", "mapping_failed"], ["webhook-1"]),
        (["--id", "webhook-3", "--id", "webhook-2"], ["webhook-2", "webhook-3"]),
    ],
)
def test_retries_what_the_options_name(
    bridge: Bridge, stack: Stack, parked: WebhookQueue, options: list[str], expected: list[str]
) -> None:
    dry = bridge("retry", "--dry-run", "--json", *options, "--stack", stack.name)
    assert ids(dry.stdout, "webhooks") == expected
    assert json.loads(dry.stdout)["retried"] == 0

    done = bridge("retry", "--json", *options, "--stack", stack.name)
    assert ids(done.stdout, "webhooks") == expected
    assert json.loads(done.stdout)["retried"] == len(expected)


def test_says_in_words_what_it_would_do(bridge: Bridge, stack: Stack, parked: WebhookQueue) -> None:
    assert (
        "Would retry 1 webhook.\n"
        in bridge("retry", "--dry-run", "--source", "stripe", "--stack", stack.name).stdout
    )
    done = bridge("retry", "--source", "stripe", "--stack", stack.name).stdout
    assert "Retried 1 webhook.\n" in done
    assert "webhook-2" in done
    assert bridge("retry", "--source", "stripe", "--stack", stack.name).stdout == "Retried 0 webhooks.\n"


@pytest.mark.parametrize("option", ["--class", "--source"])
@pytest.mark.parametrize("command", ["failures", "retry"])
def test_a_filter_that_does_not_exist_is_wrong_usage(bridge: Bridge, command: str, option: str) -> None:
    result = bridge(command, option, "nope")

    assert result.exit_code == 2
    assert f"no {option[2:]} 'nope'; there are: " in result.stderr


# ── Rounds ──────────────────────────────────────────────────────────────────────────────────────────────────


class Rounds(Stack):
    """A stack whose retry function answers with these webhooks, round after round; `more` until the last."""

    def __init__(self, *rounds: list[str], endless: bool = False) -> None:
        super().__init__("rounds", "", "", lambda service: None, self.round)
        self.rounds, self.endless, self.asked = list(rounds), endless, 0

    def round(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        self.asked += 1
        webhooks = self.rounds.pop(0)
        return {
            "retried": len(webhooks),
            "left": 5,
            "more": bool(self.rounds) or self.endless,
            "webhooks": [{"id": webhook_id} for webhook_id in webhooks],
        }


def test_goes_on_while_there_is_more() -> None:
    report = retry(Rounds(["a", "b"], ["c"]), {}, Manner())

    assert (report.retried, report.more) == (3, False)


def test_what_fails_again_does_not_keep_it_running() -> None:
    stack = Rounds(["a", "b"], ["a"], ["b"], endless=True)
    report = retry(stack, {}, Manner())

    assert (report.retried, report.more, stack.asked) == (2, True, 2)


def test_ends_where_a_round_finds_nothing_to_retry() -> None:
    assert retry(Rounds([], endless=True), {}, Manner()).more


# ── The retry function ──────────────────────────────────────────────────────────────────────────────────────


EVENT = {"filter": {"ids": ["webhook-1"]}, "dry_run": True}


def answered(payload: dict[str, Any], **more: str) -> Any:
    client = boto3.client("lambda")
    stubber = Stubber(client)
    asked = {
        "FunctionName": "retry-function",
        "Payload": json.dumps(EVENT).encode(),
    }
    stubber.add_response("invoke", {"Payload": io.BytesIO(json.dumps(payload).encode()), **more}, asked)
    stubber.activate()
    return client


def test_invokes_the_deployed_function_with_the_filter() -> None:
    report = {"retried": 0, "left": 1, "more": False, "webhooks": []}

    assert invoke_deployed(answered(report), "retry-function", "Retry", EVENT) == report


def test_a_function_that_fails_is_told_without_its_message() -> None:
    client = answered({"errorType": "ValueError", "errorMessage": "a value"}, FunctionError="Unhandled")

    with pytest.raises(CommandFailed, match=r"^the retry function failed: ValueError$"):
        invoke_deployed(client, "retry-function", "Retry", EVENT)


def test_aws_refusing_is_told() -> None:
    client = boto3.client("lambda")
    stubber = Stubber(client)
    stubber.add_client_error("invoke", "AccessDeniedException")
    stubber.activate()

    with pytest.raises(CommandFailed, match=r"^AWS answered AccessDeniedException to Invoke$"):
        invoke_deployed(client, "retry-function", "Retry", {})


def test_a_local_function_is_invoked_by_its_name(server: LoopbackServer) -> None:
    server.answers = [(200, '{"retried": 1}')]

    assert invoke_locally(server.url, "Retry", EVENT) == {"retried": 1}
    [(path, _, body)] = server.requests
    assert (path, json.loads(body)) == ("/_local/functions/RetryFunction/invoke", EVENT)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((502, '{"error": "Timeout"}'), "the retry function failed: Timeout"),
        ((200, "<html>"), "does not answer"),
    ],
)
def test_a_local_function_that_fails_is_told(
    server: LoopbackServer, answer: tuple[int, str], reason: str
) -> None:
    server.answers = [answer]

    with pytest.raises(CommandFailed, match=reason):
        invoke_locally(server.url, "Retry", {})


def test_no_stack_running_is_told(bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cli import stack as module

    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".local").mkdir()
    for content in (None, "{", '{"url": "http://127.0.0.1:1"}', "[]"):
        if content:
            (tmp_path / ".local/stack.json").write_text(content)
        result = bridge("failures")
        assert result.exit_code == 1
        assert result.stderr.startswith("bridge: no local stack is running: start one with `make run`")


def test_what_may_be_an_attack_is_listed_and_left_out_of_a_retry(
    bridge: Bridge, stack: Stack, queue: WebhookQueue
) -> None:
    webhook = Webhook("webhook-9", "shopify", "main", "shop/redact", {}, b"{}", AT, "group")
    queue.park(webhook, Failure("topic_unconfirmed", "a reason", AT))
    listed = bridge("failures", "--stack", stack.name, "--json").stdout
    assert ids(listed, "failures") == ["webhook-9"]
    for arguments in (["--dry-run"], []):
        assert ids(bridge("retry", "--stack", stack.name, "--json", *arguments).stdout, "webhooks") == []
    named = bridge("retry", "--stack", stack.name, "--json", "--class", "topic_unconfirmed").stdout
    assert ids(named, "webhooks") == ["webhook-9"]
