"""Which stack a command works on, and how it says that there is none."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.main import get_command

from cli.main import app
from cli.stack import Stack
from tests.cli.conftest import DOOR, STACK, Bridge

COMMANDS = ("send", "connect", "connections", "failures", "retry", "gaps", "receipt")


def test_a_deployed_stack_says_where_everything_is(stack: Stack) -> None:
    assert (stack.name, stack.endpoint) == (STACK, DOOR)
    assert stack.ledger.receipt("nothing") is None


def test_a_stack_that_does_not_exist_is_told(bridge: Bridge, stack: Stack) -> None:
    result = bridge("connections", "--stack", "nope")

    assert (result.exit_code, result.stderr) == (
        1,
        "bridge: no stack nope in eu-west-1 of this AWS account\n",
    )


def test_a_stack_of_something_else_is_told(bridge: Bridge) -> None:
    with mock_aws():
        boto3.client("cloudformation").create_stack(
            StackName="other", TemplateBody='{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}'
        )
        result = bridge("connections", "--stack", "other")

    assert result.exit_code == 1
    assert "is it batch-bridge, and up to date?" in result.stderr


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"AWS_DEFAULT_REGION": None}, "no region: pass --region, set AWS_REGION"),
        ({"AWS_PROFILE": "nobody"}, "AWS: The config profile (nobody) could not be found"),
    ],
)
def test_an_account_that_is_not_set_up_is_told(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch, variables: dict[str, Any], reason: str
) -> None:
    for name, value in variables.items():
        monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    with mock_aws():
        result = bridge("failures", "--stack", STACK)

    assert result.exit_code == 1
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_ledger_that_is_gone_is_told_with_what_aws_says(bridge: Bridge, stack: Stack) -> None:
    boto3.client("dynamodb").delete_table(TableName=stack.table)
    result = bridge("receipt", "webhook-1", "--stack", STACK)

    assert result.exit_code == 1
    assert "the ledger is out of reach (AWS answered ResourceNotFoundException" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_a_stack_and_json_and_explains_itself(bridge: Bridge, command: str) -> None:
    result = bridge(command, "--help")

    assert result.exit_code == 0
    for option in ("--stack", "--json"):
        assert option in result.stdout


def test_these_are_all_commands() -> None:
    found = get_command(app)

    assert set(found.commands) >= set(COMMANDS)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "arguments", [["nope"], ["send"], ["receipt"], ["connect"], ["send", "a", "--times", "0"]]
)
def test_wrong_usage_ends_with_2(bridge: Bridge, arguments: list[str]) -> None:
    assert bridge(*arguments).exit_code == 2
