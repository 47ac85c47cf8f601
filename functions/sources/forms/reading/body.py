"""Read what a form posts, whatever its media type: urlencoded, multipart, JSON. Files are left out.

The work is linear in the bytes: whoever sees the page may post what they like.

Browsers write a form in the charset of its page, and seldom say which: what is not UTF-8 is read as Windows-1252.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

from bridge.errors import BodyTooLarge, MalformedBody
from bridge.profiles.profile_change import Value
from bridge.receiving import urlencoded
from functions.sources.forms.reading import multipart
from functions.sources.forms.submission import MAX_FIELDS, json_body

Pairs: TypeAlias = list[tuple[str, Value]]

MAX_TEXT_BYTES = 512 * 1024
"""Of all fields together, where anybody may post: nobody fills in more, and each costs many times its length."""
MAX_JSON_DEPTH = 4
MAX_OUTER_CHARACTERS = 300
"""Of the name of an object, which stands before the name of everything within it."""
MULTIPART, URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"

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


class Posted(dict[str, Value]):
    """The posted fields. `is_cut`: there were more of them than are read."""

    is_cut = False


def posted(headers: Mapping[str, str], body: bytes) -> Posted:
    """Return the fields that a vendor posts, the first `MAX_FIELDS` of them.

    What came once is a value, what was repeated or is called `name[]` a list. Raises MalformedBody for what is empty
    or no form.
    """
    pairs = list(islice(read_pairs(headers.get("content-type", ""), body), MAX_FIELDS + 1))
    if not pairs:
        raise MalformedBody("no fields in the body")
    fields = gathered(decoded(pairs[:MAX_FIELDS], headers.get("content-type", "")))
    fields.is_cut = len(pairs) > MAX_FIELDS
    return fields


def posted_by_visitor(headers: Mapping[str, str], body: bytes) -> Posted:
    """Return the fields of a page that anybody may post to. Raises MalformedBody, and BodyTooLarge for too much
    text."""
    is_multipart = media_type_of(headers.get("content-type", "")) == MULTIPART
    if len(body) > MAX_TEXT_BYTES and not is_multipart:
        raise BodyTooLarge("a form's text is over 512 kB")
    if is_multipart:
        check_text(multipart.text_parts(headers["content-type"], body))
    fields = posted(headers, body)
    if fields.is_cut:
        raise MalformedBody("more than 1000 fields")
    return fields


def check_text(parts: Iterable[tuple[bytes, bytes]]) -> None:
    """Raises BodyTooLarge where the texts are too long together, MalformedBody where they are too many."""
    left = MAX_TEXT_BYTES
    for number, (name, content) in enumerate(parts):
        left -= len(name) + len(content)
        if left < 0:
            raise BodyTooLarge("a form's text is over 512 kB")
        if number == MAX_FIELDS:
            raise MalformedBody("more than 1000 fields")


def media_type_of(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def read_pairs(content_type: str, body: bytes) -> Iterator[tuple[bytes | str, Any]]:
    """Return names and values, as bytes where they are still to be decoded. Raises MalformedBody."""
    media_type = media_type_of(content_type)
    if media_type == MULTIPART:
        return multipart.text_parts(content_type, body)
    if media_type == URLENCODED:
        return urlencoded.fields_in(body)
    if media_type in ("text/plain", "application/json", "") or media_type.endswith("+json"):
        return flattened(json_body(body))
    raise MalformedBody("media type is none of a form's")


def charset(parameters: str) -> str | None:
    """Return the codec of `charset=`, where it is one that browsers write."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return CHARSETS.get(value.strip().strip('"').lower())
    return None


def decoded(pairs: Sequence[tuple[bytes | str, Any]], content_type: str) -> Pairs:
    """Return bytes as text, in the charset given, else in the one that a hidden field `_charset_` names."""
    named = dict(pairs).get(b"_charset_", b"").decode("latin-1").strip().lower()
    stated = charset(content_type) if media_type_of(content_type) == URLENCODED else None
    chosen = stated or CHARSETS.get(named)
    return [
        (as_text(name, chosen), as_text(value, chosen)) if isinstance(name, bytes) else (name, value)
        for name, value in pairs
    ]


def as_text(raw: bytes, codec: str | None) -> str:
    """Return the bytes in the codec, else in UTF-8, else in Windows-1252 with Latin-1 for its gaps."""
    for candidate in filter(None, (codec, "utf-8", "cp1252")):
        try:
            return raw.decode(candidate)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def flattened(content: dict[str, Any]) -> Iterator[tuple[str, Value]]:
    """Yield a JSON object's fields; those of an object within are called `outer.inner`."""
    waiting: list[tuple[str, Any, int]] = [(str(name), value, 1) for name, value in content.items()][::-1]
    while waiting:
        name, value, depth = waiting.pop()
        if isinstance(value, dict):
            inner = value.items() if depth < MAX_JSON_DEPTH else ()
            outer = name[:MAX_OUTER_CHARACTERS]
            waiting += [(f"{outer}.{key}", item, depth + 1) for key, item in inner][::-1]
        elif isinstance(value, list):
            yield name, [str(item) for item in value if isinstance(item, str | int | float)]
        else:
            yield name, value


def gathered(pairs: Pairs) -> Posted:
    """Return one value per name; a list where a name is repeated, or ends in `[]`."""
    fields = Posted()
    for name, value in pairs:
        key = name.removesuffix("[]").strip()
        if key not in fields:
            fields[key] = [value] if name.endswith("[]") and not isinstance(value, list) else value
            continue
        known = fields[key]
        if not isinstance(known, list):
            known = fields[key] = [known]
        known += value if isinstance(value, list) else [value]
    return fields
