"""Ask a body by JMESPath, https://jmespath.org. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bridge.expressions import search

MILLISECONDS_FROM = 100_000_000_000
"""A Unix time above this is in milliseconds: in seconds it would lie after the year 5000."""


def found(expression: str | None, content: Any) -> Any:
    """Return what the expression finds; None where there is no expression. Raises jmespath.exceptions.JMESPathError."""
    return None if expression is None else search(expression, content)


def found_text(expression: str | None, content: Any) -> str | None:
    """Return the text that the expression finds, if any and if it can be asked."""
    try:
        return text_in(found(expression, content))
    except (ValueError, TypeError, AttributeError):  # a fault of the body, or an expression that is no text
        return None


def text_in(content: Any) -> str | None:
    """Return a text, or a number as one; None where there is nothing to read."""
    if isinstance(content, bool) or not isinstance(content, str | int | float):
        return None
    return str(content).strip() or None


def moment_in(content: Any) -> datetime | None:
    """Return a time in ISO 8601 (UTC where it names no zone) or in Unix seconds or milliseconds."""
    text = text_in(content)
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return unix_moment(text)


def unix_moment(text: str) -> datetime | None:
    try:
        number = float(text)
        return datetime.fromtimestamp(number / 1000 if abs(number) >= MILLISECONDS_FROM else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def is_true(content: Any) -> bool:
    """Return what counts as true in JMESPath: all but null, false, and what is empty."""
    return not (content is None or content is False or content in ("", [], {}))
