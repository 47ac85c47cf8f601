"""Read what a form posts, whatever its media type: urlencoded, multipart, JSON. Files are left out.

Browsers write a form in the charset of its page, and seldom say which: what is not UTF-8 is read as Windows-1252.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from bridge.errors import MalformedBody
from bridge.profile import Value
from functions.forms.submission import json_body

Pairs: TypeAlias = list[tuple[str, Value]]

MAX_FIELDS = 1000
MAX_JSON_DEPTH = 4

# charset, as a browser names it   codec; browsers read Latin-1 as its superset
CHARSETS = {
    "utf-8": "utf-8",
    "us-ascii": "utf-8",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "windows-1252": "cp1252",
    "iso-8859-2": "iso-8859-2",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "iso-8859-15": "iso-8859-15",
    "shift_jis": "cp932",
    "euc-jp": "euc-jp",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "big5": "big5hkscs",
    "euc-kr": "cp949",
}


def posted(headers: Mapping[str, str], body: bytes) -> dict[str, Value]:
    """The posted fields: what came once is a value, what was repeated or is called `name[]` a list.

    Raises MalformedBody for what is empty or no form.
    """
    pairs = read_pairs(headers.get("content-type", ""), body)
    if not pairs:
        raise MalformedBody("no fields in the body")
    if len(pairs) > MAX_FIELDS:
        raise MalformedBody("more than 1000 fields")
    return gathered(pairs)


def read_pairs(content_type: str, body: bytes) -> Pairs:
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip().lower()
    if media_type == "multipart/form-data":
        return multipart(content_type, body)
    if media_type == "application/x-www-form-urlencoded":
        return urlencoded(body, charset(parameters))
    if media_type in ("text/plain", "application/json", "") or media_type.endswith("+json"):
        return flattened(json_body(body))
    raise MalformedBody("media type is none of a form's")


def charset(parameters: str) -> str | None:
    """The codec of `charset=`, where it is one that browsers write."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return CHARSETS.get(value.strip().strip('"').lower())
    return None


def urlencoded(body: bytes, codec: str | None) -> Pairs:
    try:
        pairs = parse_qsl(
            body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:
        raise MalformedBody("more than 1000 fields") from error
    return decoded([(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs], codec)


def multipart(content_type: str, body: bytes) -> Pairs:
    """The fields of a multipart body, without its files. Raises MalformedBody."""
    pairs: list[tuple[bytes, bytes]] = []
    ended: list[bool] = []
    parser = multipart_parser(content_type, pairs, ended)
    try:
        parser.write(body)
        parser.finalize()
    except ValueError as error:
        raise MalformedBody("body is not multipart") from error
    if not ended:
        raise MalformedBody("multipart body has no end")
    return decoded(pairs, None)


def multipart_parser(content_type: str, pairs: list[tuple[bytes, bytes]], ended: list[bool]) -> Any:
    """A parser that appends to `pairs`. It says nothing to the log, where it would quote what it cannot read."""
    from python_multipart.multipart import FormParser, parse_options_header

    def keep(field: Any) -> None:
        if len(pairs) == MAX_FIELDS:
            raise MalformedBody("more than 1000 fields")
        pairs.append((field.field_name or b"", field.value or b""))

    logging.getLogger("python_multipart").setLevel(logging.CRITICAL + 1)
    try:
        _, options = parse_options_header(content_type)
        return FormParser(
            "multipart/form-data",
            on_field=keep,
            on_file=lambda file: file.close(),
            on_end=lambda: ended.append(True),
            boundary=options.get(b"boundary"),
            config={"MAX_MEMORY_FILE_SIZE": 8 * 1024 * 1024},
        )
    except ValueError as error:
        raise MalformedBody("multipart without a boundary") from error


def decoded(pairs: Iterable[tuple[bytes, bytes]], codec: str | None) -> Pairs:
    """Bytes as text, in the charset given, else in the one that a hidden field `_charset_` names."""
    listed = list(pairs)
    named = dict(listed).get(b"_charset_", b"").decode("latin-1").strip().lower()
    chosen = codec or CHARSETS.get(named)
    return [(as_text(name, chosen), as_text(value, chosen)) for name, value in listed]


def as_text(raw: bytes, codec: str | None) -> str:
    """The bytes in the codec, else in UTF-8, else in Windows-1252 with Latin-1 for its gaps."""
    for candidate in filter(None, (codec, "utf-8", "cp1252")):
        try:
            return raw.decode(candidate)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def flattened(content: dict[str, Any]) -> Pairs:
    """A JSON object's fields; those of an object within are called `outer.inner`."""
    pairs: Pairs = []
    waiting: list[tuple[str, Any, int]] = [(str(name), value, 1) for name, value in content.items()][::-1]
    while waiting:
        name, value, depth = waiting.pop()
        if isinstance(value, dict):
            inner = value.items() if depth < MAX_JSON_DEPTH else ()
            waiting += [(f"{name}.{key}", item, depth + 1) for key, item in inner][::-1]
        elif isinstance(value, list):
            pairs.append((name, [str(item) for item in value if isinstance(item, str | int | float)]))
        else:
            pairs.append((name, value))
    return pairs


def gathered(pairs: Pairs) -> dict[str, Value]:
    """One value per name; a list where a name is repeated, or ends in `[]`."""
    fields: dict[str, Value] = {}
    for name, value in pairs:
        key = name.removesuffix("[]").strip()
        items = list(value) if isinstance(value, list) else [value]
        if key in fields:
            before = fields[key]
            fields[key] = [*(before if isinstance(before, list) else [before]), *items]
        else:
            fields[key] = items if name.endswith("[]") else value
    return fields
