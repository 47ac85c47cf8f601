"""Keep what was read from AWS for a while, also that something is not there. No I/O of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from bridge.errors import BridgeError

T = TypeVar("T")

FRESH_SECONDS = 300
ABSENT_SECONDS = 30
REFRESH_AT_MOST_EVERY_SECONDS = 30
MAX_ENTRIES = 1000
"""Anyone may ask for connections that do not exist: what is absent is forgotten before it fills the memory."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    value: T | None
    read_at: float
    fresh_until: float


class Cache(Generic[T]):
    """Values by key; None means that there is none, and one of empty values that there will soon be one.

    `load` may raise a BridgeError when AWS is out of reach: a value read earlier is then used for 30 seconds more.
    """

    def __init__(self, load: Callable[[str], T | None], clock: Callable[[], float] = time.monotonic) -> None:
        self.load = load
        self.clock = clock
        self.entries: dict[str, Entry[T]] = {}

    def get(self, key: str) -> T | None:
        """Return the value, read anew when it is older than five minutes, or absent or empty for 30 seconds."""
        entry = self.entries.get(key)
        if entry is not None and self.clock() < entry.fresh_until:
            return entry.value
        try:
            return self.read(key)
        except BridgeError:
            if entry is None or entry.value is None:
                raise
            self.entries[key] = replace(entry, fresh_until=self.clock() + ABSENT_SECONDS)
            return entry.value

    def peek(self, key: str) -> T | None:
        """Return the value as it was last read, however long ago; reads nothing."""
        entry = self.entries.get(key)
        return None if entry is None else entry.value

    def refresh(self, key: str) -> bool:
        """Read the value anew, unless it was read less than 30 seconds ago; says whether it did."""
        entry = self.entries.get(key)
        if entry is not None and self.clock() - entry.read_at < REFRESH_AT_MOST_EVERY_SECONDS:
            return False
        self.read(key)
        return True

    def read(self, key: str) -> T | None:
        value = self.load(key)
        if len(self.entries) >= MAX_ENTRIES:
            self.entries = {name: entry for name, entry in self.entries.items() if entry.value is not None}
        is_empty = value is None or (isinstance(value, Mapping) and not any(value.values()))
        now = self.clock()
        self.entries[key] = Entry(value, now, now + (ABSENT_SECONDS if is_empty else FRESH_SECONDS))
        return value
