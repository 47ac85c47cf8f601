"""What is read from Parameter Store."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import Unavailable
from bridge.storage.cache import ABSENT_SECONDS, FRESH_SECONDS
from bridge.storage.parameters import Parameters
from tests.core.stand_ins import Calls, Clock, Store, out_of_reach, refused

NAME = "/bridge-test/form/main"


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def parameters(store: Store, clock: Clock) -> Parameters:
    made = Parameters("bridge-test", store)
    made.cache.clock = clock
    return made


def test_a_connection_without_settings_has_none_to_read(
    parameters: Parameters, store: Store, clock: Clock
) -> None:
    assert parameters.read("form", "main") == {}
    store.put(NAME, {"project": "club"})
    assert parameters.read("form", "main") == {}
    clock.now += ABSENT_SECONDS
    assert parameters.read("form", "main") == {"project": "club"}


def test_settings_are_at_most_five_minutes_old(parameters: Parameters, store: Store, clock: Clock) -> None:
    store.put(NAME, {"project": "club"})
    parameters.read("form", "main")
    store.put(NAME, {"project": "shop"})
    clock.now += FRESH_SECONDS - 1
    assert parameters.read("form", "main") == {"project": "club"}
    clock.now += 1
    assert parameters.read("form", "main") == {"project": "shop"}


@pytest.mark.parametrize("broken", [out_of_reach(), refused("GetParameter")], ids=["network", "refused"])
def test_settings_out_of_reach_are_unavailable_until_they_were_read_once(
    parameters: Parameters, store: Store, clock: Clock, broken: Exception
) -> None:
    store.broken = broken
    with pytest.raises(Unavailable):
        parameters.read("form", "main")
    store.broken = None
    store.put(NAME, {"project": "club"})
    parameters.read("form", "main")
    store.broken = broken
    clock.now += FRESH_SECONDS
    assert parameters.read("form", "main") == {"project": "club"}


@pytest.mark.parametrize("stored", ["", "{", "[]", "null", '"text"'])
def test_what_is_no_json_object_is_unavailable(parameters: Parameters, store: Store, stored: str) -> None:
    store.put(NAME, stored)
    with pytest.raises(Unavailable):
        parameters.read("form", "main")


def test_what_is_written_is_read_back_new_or_not(world: Any) -> None:
    for project in ("club", "shop"):
        world.parameters.write("form", "eu", {"project": project})
        assert Parameters("bridge-test", world.parameters.client).read("form", "eu") == {"project": project}
    assert world.parameters.read("form", "us") == {}


def test_connections_with_settings_are_listed_be_they_empty(world: Any) -> None:
    for source, connection in (
        ("shopify", "paris"),
        ("shopify", "main"),
        ("shopify-plus", "main"),
        ("stripe", "eu"),
    ):
        world.parameters.write(source, connection, {})
    assert world.parameters.connections("shopify") == ["main", "paris"]
    assert world.parameters.connections("tally") == []


def test_a_list_out_of_reach_is_unavailable() -> None:
    class Pages:
        def get_paginator(self, _: str) -> Pages:
            return self

        def paginate(self, **_: Any) -> Any:
            raise refused("GetParametersByPath")

    with pytest.raises(Unavailable):
        Parameters("bridge-test", Pages()).connections("shopify")


def test_writing_out_of_reach_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        Parameters("bridge-test", Calls({"put_parameter": refused("PutParameter")})).write("form", "main", {})
