"""Wufoo: urlencoded `Field1`, `Field2`, ..., with the questions beside them as JSON in `FieldStructure`.

It does not sign. Its "Handshake Key" is in the body; without one, a secret is in the address. Neither proves
the body.

https://help.surveymonkey.com/en/wufoo/integrations/webhooks/
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_plus

from bridge.errors import MalformedBody
from bridge.profiles.profile_change import Value
from bridge.receiving import signatures
from bridge.strict_json import json_value
from bridge.webhook import Request, Routing, Source, Webhook, has_header
from functions.sources.forms.reading.body import posted
from functions.sources.forms.reading.flat_fields import is_hidden, lone_box, number
from functions.sources.forms.reading.words import sentence
from functions.sources.forms.recognition.attributes import FULL_NAME, NAME, recognise
from functions.sources.forms.submission import (
    EMAIL,
    Field,
    Kind,
    Submission,
    Vendor,
    customer,
    filled,
    kind_of_type,
    object_in,
    objects_in,
    text_in,
)
from functions.sources.forms.unsigned import TOPIC, sign

HANDSHAKE_KEY = re.compile(rb"(?:\A|&)HandshakeKey=([^&]{0,1000})(?:&|\Z)")
ANSWER = re.compile(r"Field\d+")
LINK = re.compile(r"https?://[^\s()]+")
DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")

# type of the field   what it is
KINDS: Mapping[str, Kind] = {
    "text": "text",
    "textarea": "text",
    "email": "email",
    "phone": "phone",
    "url": "url",
    "date": "date",
    "eurodate": "date",
    "number": "number",
    "money": "number",
    "rating": "number",
    "file": "file",
    "radio": "choice",
    "select": "choice",
    "checkbox": "choice",
}
# type of the field   positions of first and last name among its parts
NAMES = {"shortname": (0, 1), "name": (1, 2)}
ADDRESS_PARTS = ("Street", "Street line 2", "City", "State", "Zip code", "Country")
OWN_ADDRESS = frozenset({"address", "adresse", "anschrift", "direccion", "indirizzo", "adres", "endereco"})
"""Titles of the person's own address; the parts of another are named after it."""


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """Return the handshake key in the body where there is one, else the secret in the address."""
    del now
    return signatures.verify_token(handshake_key(request) or request.query.get("token"), secrets)


def handshake_key(request: Request) -> str | None:
    """Return the key in the body, which is searched and not read: nothing has proven it yet."""
    found = HANDSHAKE_KEY.search(request.body)
    return unquote_plus(found.group(1).decode("latin-1")).strip() if found else None


def routing_of(request: Request) -> Routing:
    """Return the person and the entry. Raises MalformedBody."""
    fields = posted(request.headers, request.body)
    answers = [value for name, value in fields.items() if ANSWER.fullmatch(name)]
    if not answers:
        raise MalformedBody("no entry")
    form, entry = text_in(structure(fields, "FormStructure").get("Hash")), text_in(fields.get("EntryId"))
    unknown = f"submission:{hashlib.sha256(request.body).hexdigest()}"
    return Routing(TOPIC, customer(answers, unknown), f"{form}/{entry}" if form and entry else None)


def structure(fields: Mapping[str, Value], name: str) -> dict[str, Any]:
    """Return what comes as JSON in a field, where the webhook was made with it."""
    try:
        return object_in(json_value((text_in(fields.get(name)) or "{}").encode(errors="surrogatepass")))
    except MalformedBody:
        return {}


def read(webhook: Webhook) -> Submission:
    """Return the entry. Its time is that of receipt: Wufoo tells one without a zone."""
    fields = posted(webhook.headers, webhook.body)
    form = structure(fields, "FormStructure")
    form_id = text_in(form.get("Hash")) or text_in(form.get("Url")) or webhook.connection
    asked = objects_in(structure(fields, "FieldStructure").get("Fields"))
    known = {title(one): text_in(fields.get(text_in(one.get("ID")) or "")) for one in asked}
    return Submission(
        form_id=form_id,
        form_name=text_in(form.get("Name")) or form_id,
        response_id=webhook.id,
        fields=tuple(answered_fields([one for one in asked if not is_hidden(title(one))], fields, asked)),
        hidden={name: filled(value) for name, value in known.items() if is_hidden(name)},
        is_cut=fields.is_cut,
    )


def title(question: Mapping[str, Any]) -> str:
    return text_in(question.get("Title")) or text_in(question.get("ID")) or ""


def answered_fields(
    questions: Sequence[dict[str, Any]], fields: Mapping[str, Value], asked: Sequence[dict[str, Any]]
) -> Iterator[Field]:
    """Yield the questions in order; then answers whose questions are not told, of which the only e-mail is the
    person's."""
    for question in questions:
        yield from read_question(question, fields)
    told = {text_in(one.get("ID")) for question in asked for one in (question, *parts_of(question))}
    untold = {name: value for name, value in fields.items() if ANSWER.fullmatch(name) and name not in told}
    emails = {text for value in untold.values() if (text := text_in(value)) and EMAIL.fullmatch(text)}
    for name, value in untold.items():
        is_only_email = len(emails) == 1 and text_in(value) in emails
        yield Field(name, name, "email" if is_only_email else "", value)


def parts_of(question: Mapping[str, Any]) -> list[dict[str, Any]]:
    return objects_in(question.get("SubFields"))


def read_question(question: dict[str, Any], fields: Mapping[str, Value]) -> Iterator[Field]:
    key, asked = text_in(question.get("ID")) or "", text_in(question.get("Type")) or ""
    parts = [
        (
            text_in(part.get("ID")) or "",
            text_in(part.get("Label")) or "",
            text_in(fields.get(text_in(part.get("ID")) or "")),
        )
        for part in parts_of(question)
    ]
    if not parts:
        yield single(key, title(question), kind_of_type(KINDS, asked), fields.get(key))
    elif asked in NAMES and len(parts) > max(NAMES[asked]):
        yield from name_fields(key, title(question), [parts[position] for position in NAMES[asked]])
    elif asked == "address" and len(parts) == len(ADDRESS_PARTS):
        yield from address_fields(title(question), parts)
    elif asked == "checkbox" and len(parts) == 1:
        yield lone_box(title(question), parts[0][1], parts[0][2] is not None)
    elif asked == "checkbox":
        yield Field(key, title(question), "choice", [text for _, _, text in parts if text])
    else:
        said = [f"{label}: {text}" for _, label, text in parts if text]
        yield Field(key, title(question), "choice", said)


def single(key: str, label: str, kind: Kind, content: Value) -> Field:
    """Return a question with one answer: a day as Batch wants it, a file as its address, a number as such."""
    text = text_in(content)
    if kind == "date" and text:
        return Field(key, label, kind, DAY.sub(r"\1-\2-\3", text))
    if kind == "file" and text:
        link = LINK.search(text)
        return Field(key, label, kind, link[0]) if link else Field(key, label, "text", text)
    field = Field(key, label, kind, text)
    return number(field) if kind == "number" else field


def name_fields(key: str, label: str, parts: Sequence[tuple[str, str, str | None]]) -> Iterator[Field]:
    """Yield first and last name apart where they are the person's own, else as one answer."""
    if recognise(Field(key, label, "")) in (NAME, FULL_NAME):
        for named, (part, _, text) in zip(("First name", "Last name"), parts, strict=True):
            yield Field(part, named, "text", text)
    else:
        yield Field(key, label, "choice", " ".join(text for _, _, text in parts if text) or None)


def address_fields(label: str, parts: Sequence[tuple[str, str, str | None]]) -> Iterator[Field]:
    is_own = sentence(label) in OWN_ADDRESS
    for named, (part, _, text) in zip(ADDRESS_PARTS, parts, strict=True):
        yield Field(part, named if is_own else f"{label} {named.lower()}", "text", text)


VENDOR = Vendor(
    source=Source(
        name="wufoo",
        topics=frozenset({TOPIC}),
        verify=verify,
        routing_of=routing_of,
        is_from_tool=has_header("user-agent: Wufoo"),
    ),
    read=read,
    sign=sign,
)
