"""Hold everything one sandbox remembers, so that it can be looked at and forgotten as a whole."""

import time
from collections.abc import Awaitable, Callable, Mapping

from local.sandbox import limits
from local.sandbox.bucket import TokenBucket
from local.sandbox.calls import CallLog
from local.sandbox.errors import TooManyRequests
from local.sandbox.faults import FaultQueue
from local.sandbox.gdpr import GdprRequests
from local.sandbox.keys import ProjectKeys
from local.sandbox.store import Store

Clock = Callable[[], float]

# endpoint → operations per second, burst
RATES: dict[str, tuple[int, int]] = {
    "update": (limits.UPDATE_OPERATIONS_PER_SECOND, limits.UPDATE_BURST_OPERATIONS),
    "mass-update": (limits.MASS_UPDATE_OPERATIONS_PER_SECOND, limits.MASS_UPDATE_BURST_OPERATIONS),
}


class Sandbox:
    """One sandbox: its projects and clock, and all that calls leave behind."""

    def __init__(
        self,
        projects: Mapping[str, ProjectKeys],
        clock: Clock = time.time,
        on_forget: Callable[[], Awaitable[None]] | None = None,
        rate_limited: bool = True,
    ) -> None:
        self.projects = projects
        self.clock = clock
        self.store = Store()
        self.calls = CallLog()
        self.faults = FaultQueue()
        self.gdpr = GdprRequests(self.store)
        self._on_forget = on_forget
        self._rate_limited = rate_limited
        self._buckets: dict[tuple[str, str], TokenBucket] = {}

    @property
    def revision(self) -> int:
        """Return a number that grows whenever a profile changes."""
        return self.store.revision

    def spend(self, endpoint: str, project: str, operations: int, now: float) -> None:
        """Take the operations out of the project's bucket; raises `TooManyRequests`."""
        if not self._rate_limited:
            return
        bucket = self._buckets.get((endpoint, project))
        if bucket is None:
            bucket = self._buckets[endpoint, project] = TokenBucket(*RATES[endpoint])
        if not bucket.take(operations, now):
            raise TooManyRequests("more operations than the rate allows")

    async def forget(self) -> None:
        """Forget all of it, then tell whoever embeds the sandbox."""
        for remembered in (self.calls, self.faults, self.gdpr):
            remembered.clear()
        self.store.forget()
        self._buckets.clear()
        if self._on_forget:
            await self._on_forget()
