"""Limit a rate with a token bucket. It is told the time, and asks no clock."""


class TokenBucket:
    """Holds up to `burst` tokens and gains `per_second`; it starts full."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = burst
        self._filled_at: float | None = None

    def take(self, tokens: int, now: float) -> bool:
        """Take all the tokens, or none and say False."""
        elapsed = 0.0 if self._filled_at is None else max(0.0, now - self._filled_at)
        self._tokens = min(self._burst, self._tokens + elapsed * self._per_second)
        self._filled_at = now
        if tokens > self._tokens:
            return False
        self._tokens -= tokens
        return True
