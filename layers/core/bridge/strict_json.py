"""Read JSON that may come from anyone who holds a secret: UTF-8, no deeper than anybody needs, no NaN. No I/O.

https://www.rfc-editor.org/rfc/rfc8259
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from bridge.errors import MalformedBody

MAX_DEPTH = 64
"""Objects and lists within one another; the deepest webhook that we know, an invoice of Stripe's, has ten."""
MARKS = b'[]{}"'
NO_MARKS = bytes(byte for byte in range(256) if byte not in MARKS)
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def refused(constant: str) -> NoReturn:
    """Refuse NaN and Infinity: they are JavaScript, and no JSON."""
    raise ValueError(f"{constant} is no JSON")


DECODER = json.JSONDecoder(parse_constant=refused)


def json_value(body: bytes, max_depth: int = MAX_DEPTH) -> Any:
    """Return what the JSON says; of a name that stands twice in an object, the last. Raises MalformedBody."""
    try:
        parsed = DECODER.decode(body.decode("utf-8", "surrogatepass").removeprefix(BYTE_ORDER_MARK))
    except RecursionError as error:
        raise MalformedBody("JSON is nested too deep") from error
    except ValueError as error:  # also of an integer with more digits than Python reads
        raise MalformedBody("body is not JSON") from error
    if not (is_shallow(body, max_depth) or depth_is_within(parsed, max_depth)):
        raise MalformedBody("JSON is nested too deep")
    return parsed


def is_shallow(body: bytes, max_depth: int = MAX_DEPTH) -> bool:
    """Return whether its brackets alone show that valid JSON is no deeper than allowed: a fifth of what a walk costs.

    Texts without brackets vanish as pairs of quotes. A bracket in a text leaves a quote behind, and proves nothing.
    """
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in body else body
    marks = plain.translate(None, NO_MARKS).replace(b'""', b"")
    if b'"' in marks:
        return False
    for levels in range(max_depth + 1):
        if levels + len(marks) // 2 <= max_depth:
            return True
        marks = marks.replace(b"[]", b"").replace(b"{}", b"")
    return False


def depth_is_within(parsed: Any, levels: int) -> bool:
    """Return whether objects and lists are nested at most so deep; walks level by level, so that no depth can break
    it."""
    level = [parsed] if isinstance(parsed, dict | list) else []
    for _ in range(levels):
        if not level:
            return True
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, dict | list)
        ]
    return not level
