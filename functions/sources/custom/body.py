"""Read the body of any tool: JSON, or a form whose names have brackets, `data[merges][EMAIL]`. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any

from bridge.errors import MalformedBody
from bridge.receiving.urlencoded import fields_in
from bridge.strict_json import json_value

MAX_FIELDS = 1000
MAX_DEPTH = 8
LONE_SURROGATE = b"\\ud"


def document(headers: Mapping[str, str], body: bytes) -> Any:
    """Return an object or a list, as the expressions of the settings see it. Raises MalformedBody."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        return posted(body)
    parsed = json_value(body)
    if LONE_SURROGATE in body.lower():
        parsed = json.loads(json.dumps(parsed, ensure_ascii=False).encode("utf-8", "replace"))
    if not isinstance(parsed, dict | list):
        raise MalformedBody("body is neither an object nor a list")
    return parsed


def posted(body: bytes) -> dict[str, Any]:
    """Return a posted form as nested objects; `name[]` is a list. Raises MalformedBody."""
    try:
        body.decode()
        pairs = [
            (name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
            for name, value in islice(fields_in(body), MAX_FIELDS + 1)
        ]
    except UnicodeDecodeError as error:
        raise MalformedBody("body is not a form") from error
    if not 0 < len(pairs) <= MAX_FIELDS:
        raise MalformedBody("no fields in the body, or more than 1000")
    content: dict[str, Any] = {}
    for name, value in pairs:
        place(content, [part.removesuffix("]") for part in name.split("[", MAX_DEPTH)], value)
    return content


def place(content: dict[str, Any], parts: list[str], value: str) -> None:
    """Put a value where the parts of its name lead; what stands there already and is no object stays."""
    *outer, last = parts
    if outer and not last:
        *outer, last = outer
        value_or_list: Any = [value]
    else:
        value_or_list = value
    for part in outer:
        inner = content.setdefault(part, {})
        if not isinstance(inner, dict):
            return
        content = inner
    known = content.get(last)
    if isinstance(known, list) and isinstance(value_or_list, list):
        known.append(value)
    else:
        content.setdefault(last, value_or_list)
