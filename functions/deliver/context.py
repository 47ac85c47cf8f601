"""Hold what the work of one invocation needs beside its webhooks, so that it is handed on as one thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.storage.ledger import Ledger
from bridge.storage.queue import WebhookQueue


@dataclass(frozen=True, slots=True)
class Context:
    """The stores, the clock and the time of one invocation.

    `owner` names who holds profiles meanwhile; `clock` returns Unix seconds; `has_time` is asked between two pages of
    a long task.
    """

    ledger: Ledger
    queue: WebhookQueue
    owner: str
    clock: Callable[[], float]
    has_time: Callable[[], bool]

    @property
    def now(self) -> datetime:
        """Return the moment in UTC."""
        return datetime.fromtimestamp(self.clock(), UTC)
