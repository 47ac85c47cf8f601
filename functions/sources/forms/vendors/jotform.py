"""Jotform: a multipart body whose part `rawRequest` holds the answers as JSON, under the names of the form's fields.

It does not sign, so a secret is in the address. Labels do not come, but for `pretty`, which cannot be told apart
from its answers; a field's name is its first label without spaces (`q5_phoneNumber`).

https://www.jotform.com/help/245-how-to-setup-a-webhook-with-jotform/
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from bridge.errors import MalformedBody
from bridge.profiles.profile_change import Value
from bridge.webhook import Request, Routing, Source, Webhook, has_header
from functions.sources.forms.reading.body import posted
from functions.sources.forms.reading.flat_fields import CLAIM, UTM
from functions.sources.forms.reading.words import sentence, words
from functions.sources.forms.recognition.attributes import FULL_NAME, NAME, recognise
from functions.sources.forms.submission import (
    Field,
    Submission,
    Vendor,
    customer,
    files_in,
    filled,
    is_link,
    json_body,
    moment_in_milliseconds,
    text_in,
    texts_in,
)
from functions.sources.forms.unsigned import sign, verify

TOPIC = "submission"
QUESTION = re.compile(r"q(\d+)_(.*)", re.DOTALL)
NO_LABEL = re.compile(r"(type|input|typeA|clickTo|\W*)\d*")
"""What Jotform calls a field whose label has no Latin letters, or that never had one."""

# part of a name   what guessing calls it; other parts are left out
NAME_PARTS = {"first": "First name", "last": "Last name"}
# part of an address   what guessing calls it
ADDRESS_PARTS = {
    "addr_line1": "Street",
    "addr_line2": "Street line 2",
    "city": "City",
    "state": "State",
    "postal": "Zip code",
    "country": "Country",
}
OWN_ADDRESS = frozenset({"address", "adresse", "anschrift", "direccion", "indirizzo", "adres", "endereco"})
"""Names of fields whose address is the person's own; the parts of others are named after their field."""
DATE_PARTS = ("year", "month", "day")
PHONE_PARTS = ("area", "phone")


def routing_of(request: Request) -> Routing:
    """Return person and submission. Raises MalformedBody."""
    parts = posted(request.headers, request.body)
    submission_id = text_in(parts.get("submissionID"))
    if submission_id is None:
        raise MalformedBody("no submission")
    return Routing(TOPIC, customer(answers_in(parts).values(), f"submission:{submission_id}"), submission_id)


def answers_in(parts: Mapping[str, Value]) -> dict[str, Any]:
    """Return what was filled in. Raises MalformedBody."""
    return json_body((text_in(parts.get("rawRequest")) or "").encode())


def read(webhook: Webhook) -> Submission:
    parts = posted(webhook.headers, webhook.body)
    answers = answers_in(parts)
    form_id = text_in(parts.get("formID")) or webhook.connection
    fields = tuple(answered_fields(answers))
    return Submission(
        form_id=form_id,
        form_name=readable(parts.get("formTitle")) or form_id,
        response_id=text_in(parts.get("submissionID")) or webhook.id,
        submitted_at=submitted_at(answers, webhook.received_at),
        fields=tuple(field for field in fields if hidden_name(field) is None),
        hidden={name: filled(field.value) for field in fields if (name := hidden_name(field))},
        is_cut=parts.is_cut,
    )


def submitted_at(answers: Mapping[str, Any], received_at: datetime) -> datetime:
    """Return the visitor's clock where it is not ahead, else the time of receipt."""
    stated = moment_in_milliseconds(answers.get("submitDate"))
    return min(stated, received_at) if stated else received_at


def hidden_name(field: Field) -> str | None:
    """Return the name of a field that the form's link fills in: `q9_utmSource` is `utm_source`."""
    name = "_".join(words(field.label))
    return name if name in CLAIM or name in UTM else None


def answered_fields(answers: Mapping[str, Any]) -> Iterator[Field]:
    """Yield the questions, and uploaded files, which stand under a name without a number."""
    for key, content in answers.items():
        question = QUESTION.fullmatch(key)
        if question:
            yield from read_question(key, label_of(*question.groups()), content)
        elif isinstance(content, list) and content and all(is_link(str(one)) for one in content):
            yield Field(key, key, "file", files_in(content))


def label_of(number: str, name: str) -> str:
    """Return the name without the number that Jotform adds to tell two alike apart: `email5` of question 5 is `email`.

    Where the name says nothing, the number stays: it is all that tells the questions apart.
    """
    label = name.removesuffix(number)
    return name if NO_LABEL.fullmatch(label) else label


def read_question(key: str, label: str, content: Any) -> Iterator[Field]:
    if not isinstance(content, dict):
        yield Field(key, label, "", plain(content))
    elif NAME_PARTS.keys() & content.keys():
        yield from name_fields(key, label, content)
    elif "addr_line1" in content or "postal" in content:
        yield from address_fields(key, label, content)
    elif "full" in content or "phone" in content:
        yield Field(key, label, "phone", phone(content))
    elif set(DATE_PARTS) <= content.keys():
        yield Field(key, label, "date", date(content))
    else:
        yield Field(key, label, "choice", chosen(content))


def plain(content: Any) -> Value:
    if isinstance(content, list):
        return [html.unescape(text) for text in texts_in(content)]
    text = readable(content)
    return None if text and text.startswith("data:") else text


def readable(content: Any) -> str | None:
    """Return a text without the entities that Jotform writes for quotes."""
    text = text_in(content)
    return html.unescape(text) if text else None


def name_fields(key: str, label: str, content: Mapping[str, Any]) -> Iterator[Field]:
    """Yield first and last name apart where they are the person's; else what was filled in, as one answer."""
    asked = recognise(Field(key, label, ""))
    if asked in (NAME, FULL_NAME) or NO_LABEL.fullmatch(label):
        for part, named in NAME_PARTS.items():
            yield Field(f"{key}.{part}", named, "", readable(content.get(part)))
    else:
        yield Field(key, label, "text", " ".join(filled_in(content.values())) or None)


def address_fields(key: str, label: str, content: Mapping[str, Any]) -> Iterator[Field]:
    """Yield a field for each part, answered or not."""
    is_own = sentence(label) in OWN_ADDRESS or NO_LABEL.fullmatch(label)
    for part, named in ADDRESS_PARTS.items():
        said = named if is_own else f"{' '.join(words(label))} {named.lower()}"
        yield Field(f"{key}.{part}", said, "", readable(content.get(part)))


def phone(content: Mapping[str, Any]) -> str | None:
    country = text_in(content.get("country"))
    parts = [
        f"+{country.lstrip('+')}" if country else None,
        *(text_in(content.get(part)) for part in PHONE_PARTS),
    ]
    return text_in(content.get("full")) or " ".join(filter(None, parts)) or None


def date(content: Mapping[str, Any]) -> str | None:
    year, month, day = (text_in(content.get(part)) for part in DATE_PARTS)
    return f"{year}-{month:0>2}-{day:0>2}" if year and month and day else None


def chosen(content: Mapping[str, Any]) -> Value:
    """Return the choices. Those with words of the visitor's own come as an object with numbers; a table's rows have
    names."""
    if all(name.isdigit() or name == "other" for name in content):
        return filled_in(content.values())
    return [f"{name}: {text}" for name, value in content.items() for text in filled_in([value])]


def filled_in(values: Any) -> list[str]:
    return [text for text in map(readable, values) if text]


VENDOR = Vendor(
    source=Source(
        name="jotform",
        topics=frozenset({TOPIC}),
        verify=verify,
        routing_of=routing_of,
        is_from_tool=has_header("user-agent: Jotform"),
    ),
    read=read,
    sign=sign,
)
