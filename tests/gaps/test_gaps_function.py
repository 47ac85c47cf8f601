"""Which connections the function compares, what it answers, counts and logs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from bridge.providers.client import ProviderClient
from functions.gaps import handler as gaps
from local.provider_stub import Provider, Reply
from tests.gaps.conftest import KEYS, SHOP, Town

Run = Callable[..., dict[str, Any]]


@dataclass
class Context:
    aws_request_id: str = "request-1"
    milliseconds: int = 120_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@pytest.fixture
def town(town: Town) -> Town:
    """The function tells the time by the clock on the wall."""
    town.world.now = time.time()
    town.provider = Provider(time.time)
    return town


@pytest.fixture
def run(town: Town) -> Iterator[Run]:
    names = ("secrets", "parameters", "ledger", "queue", "provider")
    kept = {name: getattr(gaps, name) for name in names}
    world = town.world
    mine = (
        world.secrets,
        world.parameters,
        world.ledger,
        world.queue,
        ProviderClient(httpx.MockTransport(town.answer)),
    )
    for name, client in zip(names, mine, strict=True):
        setattr(gaps, name, client)
    yield lambda context=None, **event: gaps.handler(event, context or Context())
    for name, client in kept.items():
        setattr(gaps, name, client)


def connect(town: Town, source: str, connection: str = "main", **settings: Any) -> None:
    town.world.connect(source, connection, signing_secrets=["whsec_testing"], api_key=KEYS[source])
    town.world.parameters.write(source, connection, settings)


def names(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["source"], one["connection"], one["error"]) for one in answer["connections"]]


def test_without_a_key_nothing_is_compared_and_nobody_is_asked(town: Town, run: Run) -> None:
    town.world.secrets.store("stripe/main", {"signing_secrets": ["whsec_testing"]})
    town.world.parameters.write("stripe", "main", {})
    assert run() == {"connections": [], "more": False}
    assert town.provider.calls == []


def test_all_connections_with_a_key_are_compared(town: Town, run: Run) -> None:
    connect(town, "stripe")
    connect(town, "stripe", "eu")
    connect(town, "shopify", "paris", **SHOP)
    assert names(run()) == [("shopify", "paris", ""), ("stripe", "main", ""), ("stripe", "eu", "")]


def test_one_connection_may_be_named(town: Town, run: Run) -> None:
    connect(town, "stripe")
    connect(town, "stripe", "eu")
    assert names(run(source="stripe", connection="eu")) == [("stripe", "eu", "")]


def test_one_that_cannot_be_compared_does_not_keep_the_others_from_it(town: Town, run: Run) -> None:
    connect(town, "shopify")
    connect(town, "stripe")
    connect(town, "stripe", "eu", nonsense=True)
    assert names(run()) == [
        ("shopify", "main", "the setting shop_domain is missing"),
        ("stripe", "main", ""),
        ("stripe", "eu", "nonsense: Extra inputs are not permitted"),
    ]


def test_what_it_found_is_answered_counted_and_logged(
    town: Town, run: Run, capsys: pytest.CaptureFixture[str], log: Any
) -> None:
    connect(town, "stripe", compare_topics=["customer.created"])
    town.event(1, created=int(town.world.now) - 7200)
    capsys.readouterr()
    answer = run(source="stripe", connection="main", since="2026-01-01")
    [found] = answer["connections"]
    assert (found["checked"], found["missing"], found["fed"], found["gap_rate"]) == (1, 1, 1, 1.0)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics = {name: line[name] for line in lines for name in line if name.startswith("Gap")}
    assert metrics == {"GapChecked": [1], "GapMissing": [1]}
    assert {line["source"] for line in lines} == {"stripe"}
    [told] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (told["message"], told["missing"], told["gap_rate"]) == ("connection compared", 1, 1.0)
    assert "@" not in log.getvalue()
    assert "rk_" not in log.getvalue()


def test_a_refused_key_is_counted_and_a_look_is_not(
    town: Town, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(town, "stripe")
    town.provider.refusals = [Reply(401, {})]
    capsys.readouterr()
    run(dry_run=True)
    assert '"GapFailed":[1]' in (out := capsys.readouterr().out)
    assert "GapChecked" not in out


def test_without_time_left_a_connection_waits_for_the_next_run(town: Town, run: Run) -> None:
    connect(town, "stripe")
    answer = run(Context(milliseconds=1000))
    assert (answer["more"], town.provider.calls) == (True, [])


@pytest.mark.parametrize(
    "event",
    [
        {"source": "typeform"},
        {"connection": "main"},
        {"source": "stripe", "connection": "../x"},
        {"since": "yesterday"},
        {"since": 5},
    ],
)
def test_nonsense_is_refused(run: Run, event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        run(**event)


def test_a_stand_in_is_asked_in_place_of_the_provider() -> None:
    url = "https://api.stripe.com/v1/events?limit=1"
    assert gaps.place(url, "") == gaps.place(url) == url
    assert gaps.place(url, "http://127.0.0.1:9") == "http://127.0.0.1:9/api.stripe.com/v1/events?limit=1"
