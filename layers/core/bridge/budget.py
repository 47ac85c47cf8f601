"""Allow something a number of times in so many seconds. No I/O."""

from __future__ import annotations

import time
from collections.abc import Callable

MAX_KEYS = 1000


class Budget:
    """`times` in `seconds` for each key, beginning with its first; `clock` returns seconds."""

    def __init__(self, times: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.times = times
        self.seconds = seconds
        self.clock = clock
        self.spent: dict[str, tuple[float, int]] = {}

    def takes(self, key: str = "") -> bool:
        """Return whether one more is allowed; takes it."""
        now = self.clock()
        until, taken = self.spent.get(key, (now, 0))
        if now >= until:
            if len(self.spent) >= MAX_KEYS:
                self.spent.clear()
            until, taken = now + self.seconds, 0
        self.spent[key] = until, taken + 1
        return taken < self.times
