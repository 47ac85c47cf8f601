"""`bridge gaps`: what it asks of the function, and what it makes of the answers."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from cli.gaps import MAX_ROUNDS
from cli.stack import Stack, deployed_stack, invoke_deployed
from functions.gaps.comparison import Report
from tests.cli.conftest import STACK, Bridge


class Function:
    """The gaps function, with answers that the test gives, the last again and again."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.events: list[Mapping[str, Any]] = []

    def __call__(self, _: str, event: Mapping[str, Any]) -> dict[str, Any]:
        self.events.append(event)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def answer(*reports: Report) -> dict[str, Any]:
    return {
        "connections": [one.as_json() for one in reports],
        "more": any(one.more for one in reports),
    }


def test_prints_each_connection_with_its_gap_rate(bridge: Bridge, stack: Stack) -> None:
    stack.invoke = Function(
        answer(
            Report("shopify", "main", checked=200, missing=3, fed=3),
            Report("stripe", "eu", checked=0, unknown=4),
        )
    )
    result = bridge("gaps", "--stack", STACK)
    assert result.exit_code == 0
    assert "shopify/main   200       3         3      1.50%" in result.stdout
    assert "stripe/eu: 4 not compared: no webhook of their topics has arrived yet" in result.stdout


def test_asks_until_it_is_done_and_adds_up(bridge: Bridge, stack: Stack) -> None:
    stack.invoke = function = Function(
        answer(Report("shopify", "main", checked=100, missing=10, fed=10, more=True)),
        answer(Report("shopify", "main", checked=100)),
    )
    options = ("--since", "2026-11-20", "--stack", STACK, "--json")
    found = json.loads(bridge("gaps", "shopify", *options).stdout)
    assert found["connections"][0]["gap_rate"] == 0.05
    assert (found["connections"][0]["checked"], found["more"], found["dry_run"]) == (200, False, False)
    first = {"source": "shopify", "connection": "main", "since": "2026-11-20T00:00:00", "dry_run": False}
    assert function.events == [first, {name: first[name] for name in first if name != "since"}]


def test_a_look_is_one_round(bridge: Bridge, stack: Stack) -> None:
    stack.invoke = function = Function(answer(Report("stripe", "main", 5, 2, more=True)))
    result = bridge("gaps", "stripe", "main", "--dry-run", "--stack", STACK)
    assert function.events == [{"source": "stripe", "connection": "main", "dry_run": True}]
    assert "Would send" in result.stdout
    assert "not all could be compared" in result.stdout


def test_it_does_not_ask_for_ever(bridge: Bridge, stack: Stack) -> None:
    stack.invoke = function = Function(answer(Report("stripe", "main", more=True)))
    bridge("gaps", "--stack", STACK)
    assert len(function.events) == MAX_ROUNDS


def test_what_could_not_be_compared_is_told_and_ends_with_1(bridge: Bridge, stack: Stack) -> None:
    reason = "the provider answered 401 to the connection's API key"
    stack.invoke = Function(answer(Report("stripe", "main", more=True, error=reason)))
    result = bridge("gaps", "--stack", STACK)
    assert result.exit_code == 1
    assert f"stripe/main: {reason}" in result.stdout


def test_without_any_key_it_says_where_to_read(bridge: Bridge, stack: Stack) -> None:
    stack.invoke = Function(answer())
    assert "No connection has an API key" in bridge("gaps", "--stack", STACK).stdout


@pytest.mark.parametrize(
    "arguments",
    [["typeform"], ["stripe", "No Name"], ["stripe", "--since", "yesterday"], ["--since", "2026-11-20"]],
)
def test_nonsense_asks_nobody(bridge: Bridge, stack: Stack, arguments: list[str]) -> None:
    stack.invoke = function = Function(answer())
    assert bridge("gaps", *arguments, "--stack", STACK).exit_code == 2
    assert function.events == []


def test_a_stack_of_an_older_version_is_told(bridge: Bridge, stack: Stack) -> None:
    result = bridge("gaps", "--stack", STACK)
    assert (result.exit_code, "deploy a newer batch-bridge" in result.stderr) == (1, True)


class Lambda:
    """A client of Lambda whose function answers so."""

    def __init__(self, payload: Any, **answer: Any) -> None:
        self.answer = {"Payload": io.BytesIO(json.dumps(payload).encode()), **answer}
        self.asked: dict[str, Any] = {}

    def invoke(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return self.answer


def test_a_deployed_function_is_invoked_by_the_name_in_the_outputs() -> None:
    client = Lambda({"connections": [], "more": False})

    class CloudFormation:
        def describe_stacks(self, **_: Any) -> dict[str, Any]:
            outputs = {
                "Door": "https://door",
                "Ledger": "table",
                "WebhooksQueueUrl": "queue",
                "Gaps": "gaps-function",
            }
            named = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]
            return {"Stacks": [{"Outputs": named}]}

    class Session:
        region_name = "eu-west-1"

        def client(self, service: str, **_: Any) -> Any:
            return client if service == "lambda" else CloudFormation()

    found = deployed_stack("batch-bridge", Session).invoke("Gaps", {"dry_run": True})
    assert found == {"connections": [], "more": False}
    assert client.asked == {"FunctionName": "gaps-function", "Payload": b'{"dry_run": true}'}


def test_a_function_that_fails_is_told() -> None:
    client = Lambda({"errorType": "Sandbox.Timedout"}, FunctionError="Unhandled")
    with pytest.raises(Exception, match=r"the gaps function failed: Sandbox\.Timedout"):
        invoke_deployed(client, "gaps-function", "Gaps", {})
