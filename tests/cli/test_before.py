"""`bridge send` sends first what a sample comes after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.before import files_before
from cli.sample import NotASample
from tests.cli.conftest import Bridge, LoopbackServer

REFUND = "events/shopify/refunds.create.json"
ORDER = "events/shopify/orders.create__shipped.json"
SECRET = "a-very-private-secret"


def write(folder: Path, name: str, after: str | None = None, **body: Any) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    named = {"after": after} if after else {}
    path.write_text(json.dumps({"headers": {}, "body": body, **named}))
    return path


def test_sends_what_comes_before_and_says_so(bridge: Bridge, server: LoopbackServer) -> None:
    result = bridge("send", REFUND, "--url", server.url, "--secret", SECRET)

    assert result.exit_code == 0
    assert [headers["x-shopify-topic"] for _, headers, _ in server.requests] == [
        "orders/create",
        "refunds/create",
    ]
    assert result.stdout.splitlines()[0] == f"first sent: {ORDER}"


def test_json_lists_what_was_sent_first(bridge: Bridge, server: LoopbackServer) -> None:
    found = bridge("send", REFUND, "--url", server.url, "--secret", SECRET, "--times", "2", "--json").stdout

    assert json.loads(found)["first"] == [ORDER]
    assert len(server.requests) == 3, "what comes first is sent once"


def test_alone_means_alone(bridge: Bridge, server: LoopbackServer) -> None:
    result = bridge("send", REFUND, "--url", server.url, "--secret", SECRET, "--alone", "--json")

    assert json.loads(result.stdout)["first"] == []
    assert len(server.requests) == 1


def test_where_the_first_is_refused_the_second_is_not_sent(bridge: Bridge, server: LoopbackServer) -> None:
    server.answers = [(401, "{}")]
    result = bridge("send", REFUND, "--url", server.url, "--secret", SECRET)

    assert result.exit_code == 1
    assert len(server.requests) == 1
    assert f"{ORDER} must be sent first: not accepted" in result.stderr


def test_one_of_another_source_needs_a_secret_of_its_own(
    bridge: Bridge, server: LoopbackServer, tmp_path: Path
) -> None:
    write(tmp_path, "stripe/customer.created.json", id="evt_1")
    path = write(tmp_path, "shopify/orders.paid.json", after="../stripe/customer.created.json", id=1)
    result = bridge("send", str(path), "--url", server.url, "--secret", SECRET)

    assert result.exit_code == 2
    assert server.requests == [], "never signed with the secret of another"


def test_several_come_in_their_order(tmp_path: Path) -> None:
    first = write(tmp_path, "shopify/customers.create.json")
    second = write(tmp_path, "shopify/orders.create.json", after="customers.create.json")
    third = write(tmp_path, "shopify/refunds.create.json", after="orders.create.json")

    assert files_before(third) == [first, second]
    assert files_before(first) == []


def test_a_circle_is_told(tmp_path: Path) -> None:
    write(tmp_path, "shopify/a.json", after="b.json")
    circle = write(tmp_path, "shopify/b.json", after="a.json")
    with pytest.raises(NotASample, match="is circular"):
        files_before(circle)


def test_a_bare_body_comes_after_nothing(tmp_path: Path) -> None:
    """A field `after` of the tool's own is no file."""
    path = tmp_path / "orders.paid.json"
    path.write_text('{"after": "events/shopify/orders.create.json"}')
    assert files_before(path) == []
