"""Queue the faults that a tester asked for, and hand them out call by call. It is told the time."""

from collections import deque
from dataclasses import dataclass
from typing import Final

EFFECTS: Final = ("status", "drop_connection", "apply_then_drop", "partial_errors", "reset_mid_body")
BOUNDS: Final = ("count", "seconds")
ALLOWED: Final = (
    'one of {"status": 400..599, "retry_after"?: seconds}, {"drop_connection": true}, '
    '{"apply_then_drop": true}, {"partial_errors": true}, {"reset_mid_body": true}; '
    'with or instead of it "delay_seconds"; '
    'bounded by "count" (calls), "seconds" or both'
)
MAX_SECONDS: Final = 86_400


class InvalidFault(Exception):
    """Raised where what was asked for is not a fault; the text says what is."""

    def __init__(self, flaw: str) -> None:
        super().__init__(f"{flaw}; allowed is {ALLOWED}")


@dataclass(slots=True)
class Fault:
    """One fault: what it does, and how long it does it."""

    effect: str | None
    status: int = 0
    retry_after: float | None = None
    delay_seconds: float = 0
    count: int | None = None
    seconds: float | None = None
    started_at: float = 0

    @property
    def applies(self) -> bool:
        """Say whether the call is carried out although the caller may not learn it."""
        return self.effect not in ("status", "drop_connection")

    def name(self) -> str:
        """Name it as the call log does."""
        return self.effect or "delay_seconds"

    def ends_at(self) -> float:
        """Give the second at which it is over, whatever its count."""
        return float("inf") if self.seconds is None else self.started_at + self.seconds

    def as_json(self) -> dict[str, object]:
        """Show it as it was asked for, with the calls that are left in `count`."""
        shown: dict[str, object] = {}
        if self.effect:
            shown[self.effect] = self.status if self.effect == "status" else True
        members = ("retry_after", "delay_seconds", "count", "seconds")
        return shown | {name: value for name in members if (value := getattr(self, name))}


class FaultQueue:
    """Faults wait in line: the first one works, and the next starts when it is used up or over."""

    def __init__(self) -> None:
        self._waiting: deque[Fault] = deque()

    def add(self, fault: Fault, now: float) -> None:
        """Put a fault at the end of the line."""
        self.active(now)
        if not self._waiting:
            fault.started_at = now
        self._waiting.append(fault)

    def take(self, now: float) -> Fault | None:
        """Give the fault that befalls the call that has just come in."""
        active = self.active(now)
        if not active:
            return None
        fault = active[0]
        if fault.count is not None:
            fault.count -= 1
            if fault.count == 0:
                self._next(now)
        return fault

    def active(self, now: float) -> list[Fault]:
        """Give the faults that are not over; the first one is working."""
        while self._waiting and self._waiting[0].ends_at() <= now:
            self._next(self._waiting[0].ends_at())
        return list(self._waiting)

    def clear(self) -> None:
        """Drop every fault."""
        self._waiting.clear()

    def _next(self, now: float) -> None:
        self._waiting.popleft()
        if self._waiting:
            self._waiting[0].started_at = now


def read_fault(asked: object) -> Fault:
    """Turn what a tester asked for into a fault; raises `InvalidFault`."""
    if not isinstance(asked, dict):
        raise InvalidFault("the body is not an object")
    unknown = asked.keys() - {*EFFECTS, *BOUNDS, "delay_seconds", "retry_after"}
    if unknown:
        raise InvalidFault("there is an unknown member")
    if not any(bound in asked for bound in BOUNDS):
        raise InvalidFault("neither count nor seconds is there")
    effect = _read_effect(asked)
    count = _number(asked, "count")
    if count is not None and not isinstance(count, int):
        raise InvalidFault("count is not a whole number")
    return Fault(
        effect,
        status=_read_status(asked) if effect == "status" else 0,
        retry_after=_number(asked, "retry_after"),
        delay_seconds=_number(asked, "delay_seconds") or 0,
        count=count,
        seconds=_number(asked, "seconds"),
    )


def _read_effect(asked: dict[str, object]) -> str | None:
    effects = [effect for effect in EFFECTS if effect in asked]
    if len(effects) > 1:
        raise InvalidFault("there is more than one effect")
    if not effects and "delay_seconds" not in asked:
        raise InvalidFault("there is no effect")
    effect = effects[0] if effects else None
    if effect not in (None, "status") and asked[str(effect)] is not True:
        raise InvalidFault(f"{effect} is not true")
    if "retry_after" in asked and effect != "status":
        raise InvalidFault("retry_after goes with status only")
    return effect


def _read_status(asked: dict[str, object]) -> int:
    status = asked["status"]
    if not isinstance(status, int) or isinstance(status, bool) or not 400 <= status <= 599:
        raise InvalidFault("status is not a number from 400 to 599")
    return status


def _number(asked: dict[str, object], name: str) -> int | float | None:
    if name not in asked:
        return None
    value = asked[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise InvalidFault(f"{name} is not a number above 0")
    if name != "count" and value > MAX_SECONDS:
        raise InvalidFault(f"{name} is more than {MAX_SECONDS}")
    return value
