"""`bridge connect --rotate`: whether an old secret is still in use, and that it goes only when it is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.storage.connections import Connections
from bridge.storage.secrets import Secrets
from cli.stack import Stack
from tests.cli.conftest import Bridge

NOW = datetime.now(UTC)


def noted(stack: Stack, hours_ago: float) -> Connections:
    """The rows of the stack, as they are written so many hours ago."""
    moment = (NOW - timedelta(hours=hours_ago)).timestamp()
    return Connections(stack.table, stack.clients("dynamodb"), lambda: moment)


def rotate(bridge: Bridge, stack: Stack, *more: str) -> Any:
    return bridge("connect", "stripe", "--rotate", "--stack", stack.name, "--json", *more)


def secrets_of(stack: Stack) -> list[str]:
    stored = Secrets(stack.name).load(f"{stack.name}/stripe/main") or {}
    return list(stored["signing_secrets"])


@pytest.fixture
def rolled(bridge: Bridge, stack: Stack) -> Stack:
    """A stack whose Stripe connection got a second secret 30 hours ago."""
    stack.secrets.store("stripe/main", {"signing_secrets": ["new", "old"]})
    noted(stack, 30).rotated("stripe", "main")
    return stack


def test_a_new_secret_beside_an_old_one_begins_a_rotation(bridge: Bridge, stack: Stack) -> None:
    for secret in ("old", "new"):
        bridge("connect", "stripe", "--secret-stdin", "--stack", stack.name, typed=secret)
    found = json.loads(rotate(bridge, stack).stdout)
    assert found["rotated_at"] >= NOW.isoformat()[:19]
    assert (found["secrets"], found["is_safe"]) == (2, False)
    assert "enter it in the tool" in found["verdict"]


def test_an_old_secret_that_was_used_today_stays(bridge: Bridge, rolled: Stack) -> None:
    noted(rolled, 20).proved("stripe", "main", newest=True)
    noted(rolled, 3).proved("stripe", "main", newest=False)
    result = rotate(bridge, rolled, "--yes")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["verdict"].startswith("Keep the older secrets until")
    assert secrets_of(rolled) == ["new", "old"]


def test_an_old_secret_stays_until_the_newest_has_proved_something(bridge: Bridge, rolled: Stack) -> None:
    assert rotate(bridge, rolled, "--yes").exit_code == 1
    assert secrets_of(rolled) == ["new", "old"]


def test_an_old_secret_that_was_not_used_for_a_day_may_go(bridge: Bridge, rolled: Stack) -> None:
    noted(rolled, 29).proved("stripe", "main", newest=False)
    noted(rolled, 1).proved("stripe", "main", newest=True)
    assert json.loads(rotate(bridge, rolled).stdout)["is_safe"]
    assert secrets_of(rolled) == ["new", "old"]
    assert json.loads(rotate(bridge, rolled, "--yes").stdout)["removed"] == 1
    assert secrets_of(rolled) == ["new"]


def test_people_are_told_in_a_sentence(bridge: Bridge, rolled: Stack) -> None:
    result = bridge("connect", "stripe", "--rotate", "--stack", rolled.name)
    assert result.exit_code == 0
    assert "older last used" in result.stdout
    assert "enter it in the tool" in result.stdout


def test_batch_has_no_secrets_to_rotate(bridge: Bridge, stack: Stack) -> None:
    assert bridge("connect", "batch", "--rotate", "--stack", stack.name).exit_code == 2
