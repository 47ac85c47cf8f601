"""Remember the last calls that came in, within a bound of memory. Headers, and so keys, are never kept."""

from collections import deque
from dataclasses import dataclass
from typing import Final

import orjson

from local.sandbox.times import rfc_3339

MAX_CALLS: Final = 10_000
MAX_BODIES_BYTES: Final = 64_000_000  # of request bodies in all; beyond it the oldest calls are forgotten


@dataclass(slots=True)
class Call:
    """One call as it came in, filled in on its way to the answer."""

    time: float
    method: str
    route: str
    body: bytes
    project: str | None = None
    operations: int = 0
    fault: str | None = None
    answer_status: int | None = None
    answer_body: object = None

    def as_json(self) -> dict[str, object]:
        """Give the look-in's view. A call that got no answer has null for status and body."""
        return {
            "time": rfc_3339(self.time),
            "method": self.method,
            "route": self.route,
            "project": self.project,
            "operations": self.operations,
            "body": _readable(self.body),
            "answer": {"status": self.answer_status, "body": self.answer_body},
            "fault": self.fault,
        }


class CallLog:
    """The last calls, the newest last."""

    def __init__(self, max_calls: int = MAX_CALLS, max_bytes: int = MAX_BODIES_BYTES) -> None:
        self._max_calls = max_calls
        self._max_bytes = max_bytes
        self._calls: deque[Call] = deque()
        self._bytes = 0

    def add(self, call: Call) -> None:
        """Keep a call, and forget the oldest ones that no longer fit."""
        self._calls.append(call)
        self._bytes += len(call.body)
        while len(self._calls) > self._max_calls or (self._bytes > self._max_bytes and len(self._calls) > 1):
            self._bytes -= len(self._calls.popleft().body)

    def last(self, limit: int | None = None) -> list[Call]:
        """Give the last `limit` calls, or all."""
        return list(self._calls)[-limit:] if limit else list(self._calls)

    def clear(self) -> None:
        """Forget every call."""
        self._calls.clear()
        self._bytes = 0


def _readable(body: bytes) -> object:
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")
