"""Gravity Forms: JSON or urlencoded; fields with names that the owner chose, or a whole entry by the fields' numbers.

It does not sign, so a secret is in the address. Of a whole entry nobody says what a number asks; only what is
plain from the numbers and values themselves is read: a name's parts, a ticked consent with its text, the only e-mail.

https://docs.gravityforms.com/webhooks-add-on/
https://docs.gravityforms.com/entry-object/
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from bridge.profiles.profile_change import Value
from bridge.webhook import Request, Routing, Source, Webhook, has_header
from functions.sources.forms.reading.body import posted
from functions.sources.forms.reading.flat_fields import (
    FORM_ID,
    FORM_NAME,
    first_of,
    hidden_in,
    is_uploaded,
    named_answers,
    page_in,
    utm_of,
)
from functions.sources.forms.submission import (
    EMAIL,
    Field,
    Submission,
    Vendor,
    customer,
    files_in,
    moment,
    text_in,
    texts_in,
)
from functions.sources.forms.unsigned import TOPIC, sign, verify

ENTRY = frozenset({"id", "form_id", "date_created", "status"})
"""Whoever has all of these is a whole entry."""
NUMBERED = re.compile(r"(\d+)(?:\.(\d+))?")
NAME_PARTS = frozenset({"2", "3", "4", "6", "8"})
"""Prefix, first, middle, last, suffix."""
FIRST, LAST = "3", "6"
CONSENT_PARTS = frozenset({"1", "2", "3"})
"""Whether it is ticked, its text, and the number of the text's revision."""


def routing_of(request: Request) -> Routing:
    """Return the person, and the entry where it tells its number. Raises MalformedBody."""
    fields = posted(request.headers, request.body)
    unknown = f"submission:{hashlib.sha256(request.body).hexdigest()}"
    return Routing(TOPIC, customer(fields.values(), unknown), entry_key(fields))


def entry_key(fields: Mapping[str, Value]) -> str | None:
    """Return the entry, and when it was made: two sites may count alike."""
    number = fields.get("id") if is_entry(fields) else fields.get("entry_id")
    parts = [text_in(content) for content in (fields.get("form_id"), number, fields.get("date_created"))]
    return "/".join(part or "" for part in parts) if all(parts) else None


def is_entry(fields: Mapping[str, Value]) -> bool:
    return fields.keys() >= ENTRY


def read(webhook: Webhook) -> Submission:
    posted_fields = posted(webhook.headers, webhook.body)
    fields = {name: unpacked(value) for name, value in posted_fields.items()}
    page = page_in(fields)
    form_id = first_of(fields, FORM_ID) or webhook.connection
    answers = tuple(numbered_answers(fields)) if is_entry(fields) else named_answers(fields)
    return Submission(
        form_id=form_id,
        form_name=first_of(fields, FORM_NAME) or form_id,
        response_id=webhook.id,
        submitted_at=submitted_at(fields, webhook.received_at),
        page=page,
        fields=answers,
        hidden={**utm_of(page), **hidden_in(fields)},
        is_cut=posted_fields.is_cut,
    )


def submitted_at(fields: Mapping[str, Value], received_at: datetime) -> datetime:
    """Return when the entry was made, in UTC; a time ahead, as a site with a wrong clock has it, does not count."""
    stated = moment(fields.get("date_created"))
    return min(stated, received_at) if stated else received_at


def unpacked(value: Value) -> Value:
    """Return several choices or files, which come as a list written as JSON."""
    if not isinstance(value, str) or not value.startswith('["'):
        return value
    try:
        return texts_in(json.loads(value)) or value
    except (ValueError, RecursionError):
        return value


def numbered_answers(entry: Mapping[str, Value]) -> Iterator[Field]:
    """Yield the fields of an entry. Only the first name is the person's own, and an e-mail only if there is no
    other."""
    emails = {text for value in entry.values() if (text := text_in(value)) and EMAIL.fullmatch(text)}
    has_name = False
    for number, parts in sorted(by_number(entry).items(), key=lambda item: int(item[0])):
        if is_name(parts) and not has_name:
            has_name = True
            yield Field(f"{number}.{FIRST}", "First name", "text", parts.get(FIRST))
            yield Field(f"{number}.{LAST}", "Last name", "text", parts.get(LAST))
        else:
            yield numbered_field(number, parts, emails)


def by_number(entry: Mapping[str, Value]) -> dict[str, dict[str, Value]]:
    """Return the parts of each field: `1.3` is part 3 of field 1; a field without parts has one without a number."""
    fields: dict[str, dict[str, Value]] = {}
    for name, value in entry.items():
        found = NUMBERED.fullmatch(name)
        if found and len(name) < 12:
            fields.setdefault(found[1], {})[found[2] or ""] = value
    return fields


def is_name(parts: Mapping[str, Value]) -> bool:
    return {FIRST, LAST} <= parts.keys() <= NAME_PARTS


def is_consent(parts: Mapping[str, Value]) -> bool:
    revision = text_in(parts.get("3")) or ""
    return (
        parts.keys() == CONSENT_PARTS
        and parts["1"] in ("1", 1)
        and bool(text_in(parts["2"]))
        and revision.isdigit()
    )


def numbered_field(number: str, parts: Mapping[str, Value], emails: set[str]) -> Field:
    label = f"Field {number}"
    if is_consent(parts):
        return Field(f"{number}.1", text_in(parts["2"]) or label, "consent", True)
    if "" not in parts:
        return Field(number, label, "choice", [text for text in map(text_in, parts.values()) if text])
    value = parts[""]
    if len(emails) == 1 and text_in(value) in emails:
        return Field(number, label, "email", value)
    if is_uploaded(value):
        return Field(number, label, "file", files_in(value))
    return Field(number, label, "text", value)


VENDOR = Vendor(
    source=Source(
        name="gravity",
        topics=frozenset({TOPIC}),
        verify=verify,
        routing_of=routing_of,
        is_from_tool=has_header("user-agent: WordPress/"),
    ),
    read=read,
    sign=sign,
)
