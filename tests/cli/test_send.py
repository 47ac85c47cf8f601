"""`bridge send`: posts what the provider would post, and says what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.storage.ledger import Receipt
from bridge.webhook import Request
from cli.errors import CommandFailed
from cli.sample import Sample
from cli.send import Target, receipt_of
from cli.stack import Stack
from functions.sources.registry import source_module
from tests.cli.conftest import Bridge, LoopbackServer

SECRET = "a-very-private-secret"
NOW = 1_789_041_600.0


@pytest.fixture
def order(tmp_path: Path) -> Path:
    path = tmp_path / "shopify/orders.paid.json"
    path.parent.mkdir()
    path.write_text('{"id": 1001}')
    return path


@pytest.fixture
def form(tmp_path: Path) -> Path:
    path = tmp_path / "form/submission.json"
    path.parent.mkdir()
    path.write_text('{"email": "ada@example.com"}')
    return path


def test_posts_a_request_that_the_source_takes_for_its_own(
    bridge: Bridge, server: LoopbackServer, order: Path
) -> None:
    result = bridge("send", str(order), "--url", server.url, "--secret", SECRET)

    assert result.exit_code == 0
    assert "accepted" in result.stdout
    path, headers, body = server.requests[0]
    assert (path, body) == ("/shopify/main", b'{"id": 1001}')
    request = Request("shopify", "main", headers, {}, body)
    assert source_module("shopify", "receiver").SHOPIFY.verify(request, [SECRET], NOW) == 0


def test_a_whole_address_is_used_as_it_is(bridge: Bridge, server: LoopbackServer, order: Path) -> None:
    bridge("send", str(order), "--url", f"{server.url}/elsewhere?a=b", "--secret", SECRET)

    assert server.requests[0][0] == "/elsewhere?a=b"


def test_without_an_address_the_stack_gives_it_and_the_secret(stack: Stack, order: Path) -> None:
    stack.secrets.store("shopify/eu", {"signing_secrets": [f"{SECRET}\n", "an older one"]})
    posted: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        posted.append(request)
        return httpx.Response(200, json={"status": "ignored", "reason": "topic not mapped"})

    target = Target(connection="eu", stack=stack, transport=httpx.MockTransport(answer))
    sent = target.send(Sample.load(order))

    assert sent.is_success
    assert str(posted[0].url) == "https://door.example.com/shopify/eu"
    request = Request("shopify", "eu", dict(posted[0].headers), {}, posted[0].content)
    assert source_module("shopify", "receiver").SHOPIFY.verify(request, [SECRET], NOW) == 0


def test_a_connection_without_a_secret_is_told_how_to_get_one(
    bridge: Bridge, stack: Stack, order: Path
) -> None:
    result = bridge("send", str(order), "--stack", stack.name)

    assert result.exit_code == 1
    assert "shopify/main has no secret yet: `bridge connect shopify main` stores one" in result.stderr


@pytest.mark.parametrize(("status", "exit_code"), [(200, 0), (303, 0), (400, 1), (401, 1), (503, 1)])
def test_succeeds_only_where_the_door_accepts(
    bridge: Bridge, server: LoopbackServer, order: Path, status: int, exit_code: int
) -> None:
    server.answers = [(status, "{}")]
    result = bridge("send", str(order), "--url", server.url, "--secret", SECRET)

    assert result.exit_code == exit_code
    assert str(status) in result.stdout
    assert len(result.stderr.splitlines()) == exit_code


def test_one_refusal_among_many_fails(bridge: Bridge, server: LoopbackServer, order: Path) -> None:
    server.answers = [(200, "{}"), (429, "busy"), (200, "{}")]
    result = bridge("send", str(order), "--url", server.url, "--secret", SECRET, "--times", "3", "--json")

    assert result.exit_code == 1
    assert [answer["status"] for answer in json.loads(result.stdout)["answers"]] == [200, 429, 200]
    assert "no more requests per second" in result.stderr


def test_nobody_there_is_told_without_the_address(bridge: Bridge, server: LoopbackServer, form: Path) -> None:
    result = bridge("send", str(form), "--url", "http://127.0.0.1:1/form/main", "--secret", SECRET)

    assert result.exit_code == 1
    assert result.stderr == "bridge: no answer from 127.0.0.1: ConnectError\n"


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://example.com", "http://", "http://a:b:c", "http://[", "/x"]
)
def test_an_address_that_is_none_is_wrong_usage(bridge: Bridge, order: Path, url: str) -> None:
    result = bridge("send", str(order), "--url", url, "--secret", SECRET)

    assert result.exit_code == 2
    assert "--url needs a full address" in result.stderr


def test_never_prints_the_secret_even_where_it_travels_in_the_address(
    bridge: Bridge, server: LoopbackServer, form: Path
) -> None:
    for more in ([], ["--json"]):
        result = bridge("send", str(form), "--url", server.url, "--secret", SECRET, *more)
        assert SECRET not in result.output
    assert SECRET in server.requests[0][0]


def test_a_body_over_many_hops_is_posted_directly_on_loopback(
    server: LoopbackServer, order: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    sent = Target(connection="main", stack=None, url=server.url, secret=SECRET).send(Sample.load(order))

    assert sent.is_success


# ── What became of it ───────────────────────────────────────────────────────────────────────────────────────


def answering(webhook_id: str) -> httpx.MockTransport:
    return httpx.MockTransport(
        lambda request: httpx.Response(200, json={"status": "accepted", "id": webhook_id})
    )


def sent(stack: Stack, order: Path, *, waits: bool = True) -> dict[str, Any]:
    stack.secrets.store("shopify/main", {"signing_secrets": [SECRET]})
    target = Target(connection="main", stack=stack, transport=answering("webhook-1"))
    return target.send(Sample.load(order), waits=waits).as_json()


def test_tells_what_became_of_the_webhook(
    stack: Stack, order: Path, remember: Callable[..., Receipt]
) -> None:
    remember("webhook-1", finished_at="2126-01-01T00:00:00Z", events=("order_paid",))
    found = sent(stack, order)

    assert found["receipt"]["custom_id"] == "ada"
    assert found["receipt"]["events"] == ("order_paid",) or found["receipt"]["events"] == ["order_paid"]
    assert not found["repeat"]


def test_a_repeat_is_told_as_one(stack: Stack, order: Path, remember: Callable[..., Receipt]) -> None:
    remember("webhook-1")

    assert sent(stack, order)["repeat"]


def test_does_not_look_when_told_not_to(stack: Stack, order: Path, remember: Callable[..., Receipt]) -> None:
    remember("webhook-1")

    assert sent(stack, order, waits=False)["receipt"] is None


def test_waits_three_seconds_for_a_newer_receipt_than_an_unfinished_one(
    stack: Stack, remember: Callable[..., Receipt]
) -> None:
    old = remember("webhook-1", status="parked")
    slept: list[float] = []

    found = receipt_of(stack.ledger, "webhook-1", NOW * 2, clock=lambda: sum(slept), sleep=slept.append)

    assert found == old
    assert sum(slept) == pytest.approx(3, abs=0.2)


def test_an_answer_that_is_no_http_is_told() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("the answer repeats a value")

    target = Target(
        connection="main",
        stack=None,
        url="https://example.com",
        secret="s",
        transport=httpx.MockTransport(fail),
    )
    with pytest.raises(CommandFailed, match=r"^no answer from example.com: RemoteProtocolError$"):
        target.send(Sample("shopify", "orders/paid", {}, "application/json", b"{}"))


def test_text_that_is_no_json_is_kept_as_text() -> None:
    target = httpx.MockTransport(lambda request: httpx.Response(502, text="<html>"))
    sample = Sample("shopify", "orders/paid", {}, "application/json", b"{}")
    found = Target(
        connection="main", stack=None, url="https://example.com", secret="s", transport=target
    ).send(sample)

    assert found.answers[0].body == "<html>"
    assert found.refusal == "not accepted: the answer was 502"
