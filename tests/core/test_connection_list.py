"""Which names are looked up, and that made-up ones use up nothing that a true connection needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.errors import Unavailable
from bridge.receiving.connection_list import FREE_LOOKUPS, FRESH_SECONDS, ConnectionList, store_connection
from bridge.storage.parameters import Parameters
from bridge.storage.secrets import Secrets
from tests.core.stand_ins import Calls, Clock, Store, refused

LIST = "/bridge-test/connections/shopify"


@dataclass
class Reader:
    """A list of connections, as one process of a receiver reads it."""

    store: Store = field(default_factory=Store)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.store.put(LIST, ["main", "paris"])
        self.listed = ConnectionList(Parameters("bridge-test", self.store), self.clock)

    def admits(self, name: str) -> bool:
        return self.listed.admits("shopify", name)

    def spend_free_lookups(self) -> None:
        for number in range(FREE_LOOKUPS):
            assert self.admits(f"free-{number}")


@pytest.fixture
def reader() -> Reader:
    return Reader()


def test_the_first_names_of_a_cold_start_need_no_list(reader: Reader) -> None:
    reader.spend_free_lookups()
    assert reader.store.reads == {}


def test_a_name_on_the_list_is_always_looked_up_and_a_made_up_one_is_not(reader: Reader) -> None:
    reader.spend_free_lookups()
    assert [reader.admits(name) for name in ("paris", "made-up", "main")] == [True, False, True]


def test_made_up_names_have_the_list_read_once_in_30_seconds(reader: Reader) -> None:
    reader.spend_free_lookups()
    for number in range(1000):
        assert not reader.admits(f"made-up-{number}")
        reader.clock.now += (FRESH_SECONDS - 1) / 1000
    assert reader.store.reads == {LIST: 1}


def test_a_new_connection_is_admitted_within_30_seconds_under_any_flood(reader: Reader) -> None:
    reader.spend_free_lookups()
    assert not reader.admits("new")
    reader.store.put(LIST, ["main", "new"])
    reader.clock.now += FRESH_SECONDS
    for number in range(100):
        reader.admits(f"made-up-{number}")
    assert reader.admits("new")


def test_a_list_that_cannot_be_read_never_says_that_a_connection_is_unknown(reader: Reader) -> None:
    reader.spend_free_lookups()
    reader.store.broken_names.add(LIST)
    for name in ("main", "made-up", "main"):
        with pytest.raises(Unavailable):
            reader.admits(name)
    assert reader.store.reads == {LIST: 1}


def test_a_list_that_can_be_read_again_counts_soon(reader: Reader) -> None:
    reader.spend_free_lookups()
    reader.store.broken_names.add(LIST)
    with pytest.raises(Unavailable):
        reader.admits("main")
    reader.store.broken_names.clear()
    reader.clock.now += 3
    assert reader.admits("main")


def test_names_read_before_are_admitted_while_the_list_is_out_of_reach(reader: Reader) -> None:
    reader.spend_free_lookups()
    assert reader.admits("main")
    reader.store.broken_names.add(LIST)
    reader.clock.now += 10 * FRESH_SECONDS
    for _ in range(FREE_LOOKUPS + 2):
        assert reader.admits("paris")
    for number in range(FREE_LOOKUPS):
        assert reader.admits(f"free-{number}")
    with pytest.raises(Unavailable):
        reader.admits("made-up")


@pytest.mark.parametrize("content", ["", "no JSON", '"main"', '{"main": 1}', "[1]", "null"])
def test_a_list_that_is_none_is_out_of_reach(reader: Reader, content: str) -> None:
    reader.store.put(LIST, content)
    with pytest.raises(Unavailable):
        reader.listed.parameters.listed("shopify")


def test_without_a_list_there_are_no_connections(reader: Reader) -> None:
    assert reader.listed.parameters.listed("stripe") == frozenset()


# ── Writing it ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_connection_that_is_made_stands_on_the_list_and_one_that_is_gone_does_not(world: Any) -> None:
    for name in ("main", "eu", "main"):
        store_connection(world.secrets, world.parameters, "stripe", name, {"signing_secrets": [name]})
    assert world.parameters.listed("stripe") == {"main", "eu"}
    assert Secrets("bridge-test", world.secrets.client).signing_secrets("stripe", "eu") == ("eu",)
    world.parameters.delist("stripe", "eu")
    world.parameters.delist("stripe", "eu")
    assert world.parameters.listed("stripe") == {"main"}


def test_lists_are_no_settings_of_anybody(world: Any) -> None:
    world.parameters.enlist("stripe", "main")
    assert world.parameters.connections("stripe") == []
    assert world.parameters.read("stripe", "main") == {}


class Interrupted:
    """A client of Parameter Store; something else happens between its reading and its writing."""

    def __init__(self, client: Any, meanwhile: Callable[[], None]) -> None:
        self.client = client
        self.waiting = [meanwhile]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def put_parameter(self, **arguments: Any) -> Any:
        if self.waiting:
            self.waiting.pop()()
        return self.client.put_parameter(**arguments)


def test_of_two_who_connect_at_once_both_stand_on_the_list(world: Any) -> None:
    def others() -> None:
        for name in ("second", "third"):
            world.parameters.enlist("stripe", name)

    world.parameters.enlist("stripe", "main")
    Parameters("bridge-test", Interrupted(world.parameters.client, others)).enlist("stripe", "first")
    assert world.parameters.listed("stripe") == {"main", "first", "second", "third"}


def test_two_who_write_the_first_list_at_once_are_both_on_it(world: Any) -> None:
    client = Interrupted(world.parameters.client, lambda: world.parameters.enlist("stripe", "second"))
    Parameters("bridge-test", client).enlist("stripe", "first")
    assert world.parameters.listed("stripe") == {"first", "second"}


def test_a_list_that_is_too_long_to_store_is_told_before_a_secret_is_stored(world: Any) -> None:
    full = Calls({"get_parameter": {"Parameter": {"Value": "[]"}}, "put_parameter": refused("PutParameter")})
    full.exceptions = Store.exceptions
    with pytest.raises(Unavailable):
        store_connection(world.secrets, Parameters("bridge-test", full), "stripe", "eu", {})
    assert world.secrets.load("bridge-test/stripe/eu") is None
