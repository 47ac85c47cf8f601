"""Tally: a signature over the body, and choices as ids that are explained beside them.

https://tally.so/help/webhooks
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from bridge.errors import MalformedBody
from bridge.placeholders import object_key
from bridge.profiles.profile_change import Value
from bridge.receiving import signatures
from bridge.receiving.signatures import hmac_sha256
from bridge.webhook import Request, Routing, Source, Webhook, has_header
from functions.sources.forms.reading.words import words
from functions.sources.forms.submission import (
    Field,
    Kind,
    Submission,
    Vendor,
    customer,
    files_in,
    filled,
    first_fields,
    json_body,
    kind_of_type,
    listed,
    moment,
    number_in,
    object_in,
    objects_in,
    text_in,
)

TOPIC = "FORM_RESPONSE"
UNTITLED = "Untitled"
"""How Tally begins the label of a question that has none."""
SHORT_WORDS = 3
"""An option with no more words, such as `Yes, I agree`, says nothing without its question."""

# type of the question   what it is
KINDS: Mapping[str, Kind] = {
    "INPUT_TEXT": "text",
    "TEXTAREA": "text",
    "INPUT_TIME": "text",
    "INPUT_EMAIL": "email",
    "INPUT_PHONE_NUMBER": "phone",
    "INPUT_DATE": "date",
    "INPUT_LINK": "url",
    "INPUT_NUMBER": "number",
    "LINEAR_SCALE": "number",
    "RATING": "number",
    "MULTIPLE_CHOICE": "choice",
    "DROPDOWN": "choice",
    "MULTI_SELECT": "choice",
    "CHECKBOXES": "choice",
    "RANKING": "choice",
    "MATRIX": "choice",
    "FILE_UPLOAD": "file",
    "SIGNATURE": "file",
    "CALCULATED_FIELDS": "computed",
    "PAYMENT": "computed",
    "RESPONDENT_COUNTRY": "computed",
}
MAX_ROWS = MAX_OPTIONS = 100
MAX_OPTION_CHARACTERS = 1000
"""Batch takes 25 texts of 300 characters; an option's text is repeated wherever it was chosen."""
DECIMALS = frozenset({"INPUT_NUMBER", "CALCULATED_FIELDS", "PAYMENT"})
"""Numbers that may have a fraction, so all of them are decimals; ratings and scales are whole."""


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """Verify HMAC-SHA256 of the body in base64; the scheme has no timestamp."""
    del now
    return signatures.verify_base64(request.headers.get("tally-signature"), request.body, secrets)


def routing_of(request: Request) -> Routing:
    """Return topic, person and event id. Raises MalformedBody."""
    body = json_body(request.body)
    topic = text_in(body.get("eventType"))
    if topic is None:
        raise MalformedBody("no event type")
    response = object_in(body.get("data"))
    if topic == TOPIC and not response:
        raise MalformedBody("no response")
    emails = [one.get("value") for one in objects_in(response.get("fields")) if kind_of(one) == "email"]
    event_id = text_in(body.get("eventId"))
    unknown = object_key("response", [text_in(response.get("responseId")), event_id], body)
    return Routing(topic, customer(emails, unknown), event_id)


def read(webhook: Webhook) -> Submission:
    """Return the response; hidden fields stand among the questions."""
    response = object_in(json_body(webhook.body).get("data"))
    questions = objects_in(response.get("fields"))
    form_id = text_in(response.get("formId")) or webhook.connection
    return Submission(
        form_id=form_id,
        form_name=text_in(response.get("formName")) or form_id,
        response_id=text_in(response.get("responseId")) or webhook.id,
        submitted_at=moment(response.get("createdAt")),
        fields=first_fields(answered_fields(questions)),
        hidden={
            label_of(question): filled(question.get("value"))
            for question in questions
            if question.get("type") == "HIDDEN_FIELDS"
        },
    )


def answered_fields(questions: Sequence[dict[str, Any]]) -> Iterator[Field]:
    """Yield every question once: each option of a question comes a second time, as a yes or no of its own."""
    with_options = {key_of(question) for question in questions if question.get("options")}
    for question in questions:
        is_double = not question.get("options") and key_of(question).rpartition("_")[0] in with_options
        if question.get("type") != "HIDDEN_FIELDS" and not is_double:
            yield read_field(question)


def read_field(question: dict[str, Any]) -> Field:
    if is_box(question):
        return box(question)
    kind = kind_of(question)
    return Field(key_of(question), label_of(question), kind, answer(question, kind))


def key_of(question: dict[str, Any]) -> str:
    return text_in(question.get("key")) or ""


def label_of(question: dict[str, Any]) -> str:
    return text_in(question.get("label")) or key_of(question)


def kind_of(question: dict[str, Any]) -> Kind:
    return kind_of_type(KINDS, text_in(question.get("type")) or "")


def is_box(question: dict[str, Any]) -> bool:
    """Return whether there is just one thing to tick: a consent, more often than not."""
    return question.get("type") == "CHECKBOXES" and len(objects_in(question.get("options"))) == 1


def box(question: dict[str, Any]) -> Field:
    """Return a single box, called by the text beside it where that says more than its question."""
    [option] = objects_in(question.get("options"))
    label, beside = text_in(question.get("label")) or "", text_in(option.get("text")) or ""
    says_more = not label or label.startswith(UNTITLED) or len(words(beside)) > SHORT_WORDS
    named = beside if beside and says_more else label or key_of(question)
    return Field(key_of(question), named, "consent", bool(listed(question.get("value"))))


def answer(question: dict[str, Any], kind: Kind) -> Value:
    content, asked = question.get("value"), text_in(question.get("type"))
    if kind == "file":
        return files_in(content)
    if kind == "choice":
        chosen = matrix(question) if asked == "MATRIX" else options(question, "options", content)
        return next(iter(chosen), None) if asked == "DROPDOWN" else chosen
    if asked in DECIMALS:
        return number_in(content) if number_in(content) is not None else text_in(content)
    return content if isinstance(content, bool | int | float) else text_in(content)


def options(question: dict[str, Any], named: str, ids: object) -> list[str]:
    """Return the texts of the options with these ids."""
    return chosen_texts(texts_by_id(question.get(named)), ids)


def texts_by_id(explained: object) -> dict[str | None, str | None]:
    return {
        text_in(one.get("id")): (text_in(one.get("text")) or "")[:MAX_OPTION_CHARACTERS] or None
        for one in objects_in(explained)
    }


def chosen_texts(texts: Mapping[str | None, str | None], ids: object) -> list[str]:
    chosen = listed(ids)[:MAX_OPTIONS]
    return [text for text in (texts.get(text_in(one), text_in(one)) for one in chosen) if text]


def matrix(question: dict[str, Any]) -> list[str]:
    """Return `row: column` for each row that has an answer."""
    rows, columns = texts_by_id(question.get("rows")), texts_by_id(question.get("columns"))
    chosen = islice(object_in(question.get("value")).items(), MAX_ROWS)
    return [f"{rows.get(row) or row}: {', '.join(chosen_texts(columns, ids))}" for row, ids in chosen]


def sign(body: bytes, secret: str) -> tuple[dict[str, str], dict[str, str]]:
    return {"tally-signature": base64.b64encode(hmac_sha256(secret, body)).decode()}, {}


VENDOR = Vendor(
    source=Source(
        name="tally",
        topics=frozenset({TOPIC}),
        verify=verify,
        routing_of=routing_of,
        kept_headers=(),
        is_from_tool=has_header("user-agent: Tally"),
    ),
    read=read,
    sign=sign,
)
