"""How long what was read from AWS is used."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bridge.errors import Unavailable
from bridge.storage.cache import (
    ABSENT_SECONDS,
    FRESH_SECONDS,
    MAX_ENTRIES,
    REFRESH_AT_MOST_EVERY_SECONDS,
    Cache,
)
from tests.core.stand_ins import Clock


@dataclass
class Shelf:
    """What the cache reads from; counts the readings."""

    clock: Clock = field(default_factory=Clock)
    values: dict[str, str] = field(default_factory=dict)
    readings: int = 0
    is_broken: bool = False
    cache: Cache[str] = field(init=False)

    def __post_init__(self) -> None:
        self.cache = Cache(self.load, self.clock)

    def load(self, key: str) -> str | None:
        self.readings += 1
        if self.is_broken:
            raise Unavailable("out of reach")
        return self.values.get(key)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(values={"key": "first"})


def test_a_value_is_read_once_in_five_minutes(shelf: Shelf) -> None:
    assert shelf.cache.get("key") == "first"
    shelf.values["key"] = "second"
    shelf.clock.now += FRESH_SECONDS - 1
    assert (shelf.cache.get("key"), shelf.readings) == ("first", 1)
    shelf.clock.now += 1
    assert (shelf.cache.get("key"), shelf.readings) == ("second", 2)


def test_that_something_is_absent_is_believed_for_30_seconds(shelf: Shelf) -> None:
    assert shelf.cache.get("new") is None
    shelf.values["new"] = "made since"
    shelf.clock.now += ABSENT_SECONDS - 1
    assert (shelf.cache.get("new"), shelf.readings) == (None, 1)
    shelf.clock.now += 1
    assert shelf.cache.get("new") == "made since"


def test_a_refresh_reads_anew_at_most_every_30_seconds(shelf: Shelf) -> None:
    shelf.cache.get("key")
    shelf.values["key"] = "rotated"
    assert not shelf.cache.refresh("key")
    shelf.clock.now += REFRESH_AT_MOST_EVERY_SECONDS - 1
    assert not shelf.cache.refresh("key")
    assert shelf.cache.get("key") == "first"
    shelf.clock.now += 1
    assert shelf.cache.refresh("key")
    assert not shelf.cache.refresh("key")
    assert (shelf.cache.get("key"), shelf.readings) == ("rotated", 2)


def test_keys_are_refreshed_each_by_itself(shelf: Shelf) -> None:
    shelf.cache.get("key")
    assert shelf.cache.refresh("another")
    assert not shelf.cache.refresh("key")


def test_while_aws_is_out_of_reach_the_last_value_is_used_and_asked_for_every_30_seconds(
    shelf: Shelf,
) -> None:
    shelf.cache.get("key")
    shelf.is_broken = True
    shelf.clock.now += FRESH_SECONDS
    assert [shelf.cache.get("key") for _ in range(5)] == ["first"] * 5
    assert shelf.readings == 2
    shelf.clock.now += ABSENT_SECONDS
    assert (shelf.cache.get("key"), shelf.readings) == ("first", 3)
    shelf.is_broken, shelf.values["key"] = False, "second"
    shelf.clock.now += ABSENT_SECONDS
    assert shelf.cache.get("key") == "second"


def test_while_aws_is_out_of_reach_a_refresh_may_still_be_asked_for(shelf: Shelf) -> None:
    shelf.cache.get("key")
    shelf.is_broken = True
    shelf.clock.now += FRESH_SECONDS
    shelf.cache.get("key")
    shelf.is_broken, shelf.values["key"] = False, "rotated"
    assert shelf.cache.refresh("key")
    assert shelf.cache.get("key") == "rotated"


def test_without_a_value_to_fall_back_on_the_error_is_told(shelf: Shelf) -> None:
    assert shelf.cache.get("new") is None
    shelf.is_broken = True
    shelf.clock.now += ABSENT_SECONDS
    for key in ("new", "key"):
        with pytest.raises(Unavailable):
            shelf.cache.get(key)
    shelf.is_broken = False
    assert shelf.cache.get("key") == "first"


def test_a_value_that_was_deleted_is_absent_after_five_minutes(shelf: Shelf) -> None:
    shelf.cache.get("key")
    del shelf.values["key"]
    shelf.clock.now += FRESH_SECONDS
    assert shelf.cache.get("key") is None


def test_asking_for_what_does_not_exist_does_not_fill_the_memory(shelf: Shelf) -> None:
    shelf.cache.get("key")
    for number in range(3 * MAX_ENTRIES):
        shelf.cache.get(f"guess-{number}")
    assert len(shelf.cache.entries) <= MAX_ENTRIES
    readings = shelf.readings
    assert (shelf.cache.get("key"), shelf.readings) == ("first", readings)
