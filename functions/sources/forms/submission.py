"""Say what any form vendor's webhook says, in one shape, and what a vendor's module must tell. Values only.

A vendor is one small module with a `VENDOR`: how to prove a webhook, how to name it for the queue, how to read it
into fields, how to sign a sample. What the fields mean is decided once for all vendors, in the mapping.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import Any, Literal, TypeAlias

from bridge.placeholders import is_unfilled
from bridge.profiles.profile_change import Value
from bridge.webhook import Source, Webhook, json_object

Kind: TypeAlias = Literal[
    "text",
    "email",
    "phone",
    "date",
    "url",
    "file",
    "number",
    "choice",
    "boolean",
    "consent",
    "hidden",
    "computed",
    "",
]
"""What a question asks for. `consent`: a box beside a legal text; `hidden`: handed to the form by a link, not asked;
`computed`: worked out by the form; empty: the vendor does not tell."""

MAX_FIELDS = 1000
"""Of a submission; those beyond are left out, with a warning where a vendor sends them."""
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
LONE_SURROGATE = b"\\ud"


@dataclass(frozen=True, slots=True)
class Field:
    """One question and its answer.

    `key` is what the vendor calls it (ref, name of the input), `label` what people read. A `value` is a text, a
    number, a boolean, a list of texts, or None for a question that was shown or skipped without an answer.
    """

    key: str
    label: str
    type: Kind
    value: Value = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One filled-in form. `hidden` is what the form knew beforehand: `user_id`, `utm_source`, and the like.

    `is_cut`: there were more fields than are read.
    """

    form_id: str
    form_name: str
    response_id: str
    submitted_at: datetime | None = None
    page: str | None = None
    fields: tuple[Field, ...] = ()
    hidden: Mapping[str, Value] = field(default_factory=dict)
    is_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A form vendor. `sign(body, secret)` returns the headers and the query that the vendor would send.

    Where it `signs_request`, more than the body is signed: it is `sign(body, secret, now, url)`.
    `is_public`: whoever can see the form can post anything in its name, fields that it does not have included.
    """

    source: Source
    read: Callable[[Webhook], Submission]
    sign: Callable[..., tuple[dict[str, str], dict[str, str]]]
    signs_request: bool = False
    is_public: bool = False


def kind_of_type(kinds: Mapping[str, Kind], asked: str) -> Kind:
    """Return the kind of a question of this type.

    A type that a vendor names and no table has is a text: taken for a box, a list to choose from would give consent.
    """
    return kinds.get(asked, "text" if asked else "")


def json_body(body: bytes) -> dict[str, Any]:
    """Return the body as a JSON object whose texts are all writable as UTF-8. Raises MalformedBody."""
    parsed = json_object(body)
    if LONE_SURROGATE not in body.lower():
        return parsed
    return json_object(json.dumps(parsed, ensure_ascii=False).encode("utf-8", "replace"))


def first_fields(*fields: Iterable[Field]) -> tuple[Field, ...]:
    """Return the fields that are read, and one more where there are others."""
    return tuple(islice(chain(*fields), MAX_FIELDS + 1))


def object_in(content: object) -> dict[str, Any]:
    """Return the content where it is a JSON object, else an empty one."""
    return content if isinstance(content, dict) else {}


def objects_in(content: object) -> list[dict[str, Any]]:
    """Return the objects of a JSON list."""
    return [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []


def text_in(content: object) -> str | None:
    """Return a text, or a number as one; None where there is nothing to read."""
    if isinstance(content, bool) or not isinstance(content, str | int):
        return None
    return str(content).strip() or None


def filled(content: object) -> str | None:
    """Return the text of a hidden field, unless it is a link's placeholder that nobody filled in."""
    text = text_in(content)
    return None if text is None or is_unfilled(text) else text


def claim(submission: Submission) -> tuple[str | None, str | None]:
    """Return the user id that the form was handed, and its signature, if it has one."""
    hidden = submission.hidden
    return text_in(hidden.get("user_id")), text_in(hidden.get("user_id_signature"))


def moment(content: object) -> datetime | None:
    """Return a time in ISO 8601, in UTC where it names no zone; None where it cannot be read."""
    try:
        read = datetime.fromisoformat(str(content).strip())
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def moment_in_milliseconds(content: object) -> datetime | None:
    """Return a time in milliseconds since 1970, as a number or a text; None where it cannot be read."""
    try:
        return datetime.fromtimestamp(int(str(content)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def number_in(content: object) -> Decimal | None:
    """Return a number in JSON as a decimal, also where it has no fraction: an attribute has one type for ever."""
    if isinstance(content, bool) or not isinstance(content, int | float):
        return None
    return Decimal(str(content))


def texts_in(content: object) -> list[str]:
    """Return the texts of a JSON list."""
    return [text for text in map(text_in, content) if text] if isinstance(content, list) else []


def files_in(content: object) -> Value:
    """Return the addresses of uploaded files: a text for one, a list for several."""
    links = [text_in(one.get("url")) if isinstance(one, dict) else text_in(one) for one in listed(content)]
    found = [link for link in links if link and is_link(link)]
    return found if len(found) > 1 else next(iter(found), None)


def listed(content: object) -> list[Any]:
    """Return the content as a list, which it may be already."""
    if isinstance(content, list):
        return content
    return [] if content is None else [content]


def is_link(text: str) -> bool:
    return text.startswith(("https://", "http://"))


def customer(values: Iterable[Value], otherwise: str) -> str:
    """Return whose webhook this is, to keep one person's in order: the first e-mail among the values."""
    for value in values:
        if isinstance(value, str) and EMAIL.fullmatch(value.strip()):
            return f"email:{value.strip().lower()}"
    return otherwise
