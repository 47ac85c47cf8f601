"""Say which names may be looked up, so that made-up ones cost nothing. Reads the lists of connections, and little else.

The first names that are new to a process are looked up as they are: a cold start need not read a list. Whoever makes up
more than these is held against the list, which is read at most every 30 seconds. A name on it is always looked up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any

from bridge.budget import Budget
from bridge.errors import Unavailable
from bridge.storage.parameters import Parameters
from bridge.storage.secrets import Secrets

FRESH_SECONDS = 30
FAILED_SECONDS = 2
"""That long a list that could not be read is not tried again: each try may take seconds."""
FREE_LOOKUPS = 5
"""New names that are looked up without the list, in `FRESH_SECONDS`."""

CONFIRM_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Reading:
    """A list as it was last read, and until when that counts. `failed`: the last attempt did not succeed."""

    names: frozenset[str] = frozenset()
    counts_until: float = 0.0
    failed: bool = False


class ConnectionList:
    """The names of each source's connections; `clock` returns seconds."""

    def __init__(self, parameters: Parameters, clock: Callable[[], float] = time.monotonic) -> None:
        self.parameters = parameters
        self.clock = clock
        self.readings: dict[str, Reading] = {}
        self.free_lookups = Budget(FREE_LOOKUPS, FRESH_SECONDS, clock)

    def admits(self, source: str, connection: str) -> bool:
        """Return whether a name that is new here may be looked up. Raises Unavailable where the list cannot be read."""
        reading = self.readings.get(source, Reading())
        if connection in reading.names:
            return True
        if self.clock() >= reading.counts_until:
            if self.free_lookups.takes():
                return True
            reading = self.read(source, reading)
        if connection not in reading.names and reading.failed:
            raise Unavailable("the list of connections cannot be read")
        return connection in reading.names

    def read(self, source: str, before: Reading) -> Reading:
        """Read the list anew; where that fails, the names as they were before."""
        try:
            reading = Reading(self.parameters.listed(source), self.clock() + FRESH_SECONDS)
        except Unavailable:
            reading = Reading(before.names, self.clock() + FAILED_SECONDS, failed=True)
        self.readings[source] = reading
        return reading


def store_connection(
    secrets: Secrets, parameters: Parameters, source: str, connection: str, stored: Mapping[str, Any]
) -> None:
    """Store what proves the webhooks of a connection, new or not, and let the receivers know of it.

    Every connection is made here, with a secret for the links by which people confirm a consent, which stays as it is.
    Raises Unavailable.
    """
    parameters.enlist(source, connection)
    secrets.store(f"{source}/{connection}", {"confirm_secret": token_urlsafe(CONFIRM_SECRET_BYTES), **stored})
