"""Tell an id from what tools send in place of one. Light and pure: receivers import it too."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

WORDS = frozenset(
    [
        "none",
        "null",
        "nil",
        "(null)",
        "undefined",
        "anonymous",
        "guest",
        "n/a",
        "unknown",
        "test",
        "[object object]",
        "true",
        "false",
        "nan",
        "infinity",
        "-infinity",
    ]
)
"""What stands for nobody in tills, plugins, test data and broken integrations; Batch's SDKs refuse some of them."""
NUMBER = re.compile(r"[-+]?0+(?:\.0*)?|-1(?:\.0*)?")
NIL_UUID = re.compile(r"(?:urn:uuid:)?\{?0{8}-0{4}-0{4}-0{4}-0{12}\}?")

OF_ACCOUNT = re.compile(r"^acct_\w+/")
"""Before the ids of an account that is connected to another at Stripe."""


def is_placeholder(value: object) -> bool:
    """Whether a value names nobody although it is there: `0` in any type, `guest`, the nil UUID, in any case."""
    if isinstance(value, bool):
        return True
    if isinstance(value, int | float | Decimal):
        return value in (0, -1) or value != value  # noqa: PLR0124 - NaN alone differs from itself
    text = str(value).strip().lower()
    return text in WORDS or bool(NUMBER.fullmatch(text) or NIL_UUID.fullmatch(text))


def name_in(value: object) -> str | None:
    """Return an id as a text; None where there is none, and where a placeholder stands."""
    if value is None or not isinstance(value, str | int | float | Decimal) or is_placeholder(value):
        return None
    return str(value).strip() or None


def object_key(kind: str, ids: Iterable[object], content: Mapping[str, Any]) -> str:
    """Return the key of an object, such as `object:7`: by the first id that names it, else by all that it says.

    So what has no id shares its key with nothing but its own repeats.
    """
    name = next(filter(None, map(name_in, ids)), None)
    if name:
        return f"{kind}:{name}"
    said = json.dumps(content, sort_keys=True, default=str)
    return f"{kind} without id:{hashlib.sha256(said.encode()).hexdigest()}"


def is_placeholder_of(reference: str) -> bool:
    """Whether what a reference names, the last part of `shopify:customer:0`, is a placeholder."""
    return is_placeholder(OF_ACCOUNT.sub("", reference.rpartition(":")[2]))
