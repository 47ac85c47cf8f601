"""Decide when this process may call Batch for a project: not while Batch is unavailable, and at a steady pace.

Kept from one invocation to the next. No I/O: clock and sleep are handed in.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bridge.batch.client import CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS
from bridge.errors import BadCredentials, BatchUnavailable, NoTimeLeft

PROFILES_PER_SECOND = 300
"""What Batch takes for one project, from all processes together. https://doc.batch.com/developer/api/cep/profiles"""
FIRST_OPEN_SECONDS = 5
"""Batch asks to wait at least 5 seconds after a 429. https://doc.batch.com/developer/api/cep/campaigns/delete"""
LONGEST_OPEN_SECONDS = 60
REFUSED_KEYS_OPEN_SECONDS = 30
"""As often as refused keys may be read anew: each probe is made with what is stored by then."""
LONGEST_ASKED_SECONDS = 600
SETTLING_SECONDS = 7.5
"""The slowest answer of the ledger, and what puts aside what it does not take."""
CALL_SECONDS = CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS + SETTLING_SECONDS
"""What must be left of an invocation to begin a call: the slowest answer, and then to write down what became of all."""
MAX_UNDECIDED = 1000


@dataclass(frozen=True, slots=True)
class Tripped:
    """Hold why and until when a project is not called, after how many failures in a row."""

    failure: BadCredentials | BatchUnavailable
    until: float
    failures: int


class CircuitBreaker:
    """Keep calls back after failures, for each project, and pace those that go on; one for each process.

    `clock` returns Unix seconds. A process delivers one batch at a time: when the time of a tripped project is up, its
    next call is the only one, and shows whether more may follow.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        profiles_per_second: float = PROFILES_PER_SECOND,
    ) -> None:
        self.clock = clock
        self.sleep = sleep
        self.profiles_per_second = profiles_per_second
        self.tripped: dict[str, Tripped] = {}
        self.free_at: dict[str, float] = {}
        self.undecided: dict[str, None] = {}

    def enter(self, project: str, profiles: int, seconds_left: float) -> None:
        """Wait for the project's turn to be sent so many profiles. Raises what tripped it, NoTimeLeft."""
        if failure := self.failure(project):
            raise failure
        pause = max(0.0, self.free_at.get(project, 0.0) - self.clock())
        if pause + CALL_SECONDS > seconds_left:
            raise NoTimeLeft("no time left for a call")
        if pause:
            self.sleep(pause)
        self.free_at[project] = self.clock() + profiles / self.profiles_per_second

    def failure(self, project: str) -> BadCredentials | BatchUnavailable | None:
        """Return what keeps the project from being called now, with the seconds that are left, or None."""
        tripped = self.tripped.get(project)
        left = tripped.until - self.clock() if tripped else 0.0
        return type(tripped.failure)(tripped.failure.reason, left) if tripped and left > 0 else None

    def trip(self, project: str, failure: BadCredentials | BatchUnavailable) -> None:
        """Let no call through for a while: longer with each failure in a row, or as long as Batch asks."""
        failures = self.tripped[project].failures + 1 if project in self.tripped else 1
        seconds = open_seconds(failure, failures)
        self.tripped[project] = Tripped(failure, self.clock() + seconds, failures)

    def reset(self, project: str) -> None:
        """Let calls through again: Batch has answered."""
        self.tripped.pop(project, None)

    def note_undecided(self, webhook_ids: Iterable[str]) -> None:
        """Remember webhooks of a refused call for which there was no time to find out which was meant."""
        self.undecided |= dict.fromkeys(webhook_ids)
        for oldest in list(self.undecided)[:-MAX_UNDECIDED]:
            del self.undecided[oldest]


def open_seconds(failure: BadCredentials | BatchUnavailable, failures: int) -> float:
    """Return how long no call is made after so many failures in a row, jittered: processes do not move in step."""
    if isinstance(failure, BadCredentials):
        return REFUSED_KEYS_OPEN_SECONDS + random.uniform(0.0, 2.0)  # noqa: S311 - not for security
    grown: float = min(LONGEST_OPEN_SECONDS, FIRST_OPEN_SECONDS * 2 ** min(failures - 1, 10))
    asked = min(failure.retry_after_seconds or 0.0, LONGEST_ASKED_SECONDS)
    return max(grown, asked) * random.uniform(1.0, 1.25)  # noqa: S311 - not for security
