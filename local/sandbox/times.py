"""Write times for people and programs. No clock is read here."""

from datetime import UTC, datetime


def rfc_3339(seconds: float) -> str:
    """Write seconds since 1970 as RFC 3339 in UTC, to the millisecond: `2026-01-05T09:12:00.000Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
