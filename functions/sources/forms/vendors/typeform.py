"""Typeform: a signature over the body, and answers beside the questions they belong to.

https://www.typeform.com/developers/webhooks/example-payload/
https://www.typeform.com/developers/webhooks/secure-your-webhooks/
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from bridge.errors import InvalidSignature, MalformedBody
from bridge.placeholders import object_key
from bridge.profiles.profile_change import Value
from bridge.receiving import signatures
from bridge.receiving.signatures import hmac_sha256
from bridge.webhook import Request, Routing, Source, Webhook, has_header
from functions.sources.forms.submission import (
    Field,
    Kind,
    Submission,
    Vendor,
    customer,
    filled,
    first_fields,
    json_body,
    moment,
    object_in,
    objects_in,
    text_in,
)

SCHEME = "sha256="
TOPIC = "form_response"
"""The other, `form_response_partial`, mentions a form that is not finished."""

# type of the answer   what it is, and its type in JSON
ANSWERS: Mapping[str, tuple[Kind, type | tuple[type, ...]]] = {
    "text": ("text", str),
    "email": ("email", str),
    "phone_number": ("phone", str),
    "url": ("url", str),
    "file_url": ("file", str),
    "date": ("date", str),
    "number": ("number", (int, float)),
    "boolean": ("boolean", bool),
    "choice": ("choice", dict),
    "choices": ("choice", dict),
    "payment": ("text", dict),
}
SCALES = frozenset({"rating", "opinion_scale", "nps"})
"""Questions answered in whole numbers; any other number may have a fraction, so all of its answers are decimals."""


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """Verify HMAC-SHA256 of the body in base64, after `sha256=`; the scheme has no timestamp."""
    del now
    signature = request.headers.get("typeform-signature", "")
    if signature and not signature.startswith(SCHEME):
        raise InvalidSignature(signatures.MALFORMED_HEADER)
    return signatures.verify_base64(signature.removeprefix(SCHEME), request.body, secrets)


def routing_of(request: Request) -> Routing:
    """Return topic, person and event id. Raises MalformedBody."""
    body = json_body(request.body)
    topic = text_in(body.get("event_type"))
    if topic is None:
        raise MalformedBody("no event type")
    response = object_in(body.get("form_response"))
    if topic == TOPIC and not response:
        raise MalformedBody("no form response")
    emails = [answer.get("email") for answer in objects_in(response.get("answers"))]
    event_id = text_in(body.get("event_id"))
    unknown = object_key("response", [text_in(response.get("token")), event_id], body)
    return Routing(topic, customer(emails, unknown), event_id)


def read(webhook: Webhook) -> Submission:
    """Return the response with every question of its form, answered or not."""
    response = object_in(json_body(webhook.body).get("form_response"))
    definition = object_in(response.get("definition"))
    form_id = text_in(response.get("form_id")) or text_in(definition.get("id")) or webhook.connection
    return Submission(
        form_id=form_id,
        form_name=text_in(definition.get("title")) or form_id,
        response_id=text_in(response.get("token")) or webhook.id,
        submitted_at=moment(response.get("submitted_at")),
        fields=first_fields(answered_fields(definition, response), computed_fields(response)),
        hidden={name: filled(value) for name, value in object_in(response.get("hidden")).items()},
    )


def answered_fields(definition: dict[str, Any], response: dict[str, Any]) -> Iterator[Field]:
    """Yield the form's questions in order, then answers to questions that its definition does not list."""
    listed = objects_in(response.get("answers"))
    answers = {answer_id(answer) or str(position): answer for position, answer in enumerate(listed)}
    for question in questions(definition.get("fields")):
        yield read_field(question, answers.pop(text_in(question.get("id")) or "", {}))
    for answer in answers.values():
        yield read_field(object_in(answer.get("field")), answer)


def answer_id(answer: dict[str, Any]) -> str | None:
    return text_in(object_in(answer.get("field")).get("id"))


def questions(listed: object) -> Iterator[dict[str, Any]]:
    """Yield all questions, those within a group (contact details, an address) right after it."""
    waiting = objects_in(listed)[::-1]
    while waiting:
        question = waiting.pop()
        yield question
        waiting += objects_in(object_in(question.get("properties")).get("fields"))[::-1]


def read_field(question: dict[str, Any], answer: dict[str, Any]) -> Field:
    key = text_in(question.get("ref")) or text_in(question.get("id")) or ""
    asked = text_in(question.get("type")) or ""
    kind, python_type = ANSWERS.get(text_in(answer.get("type")) or "", ("", ()))
    content = answer.get(text_in(answer.get("type")) or "")
    matches = isinstance(content, python_type) and isinstance(content, bool) == (kind == "boolean")
    return Field(
        key=key,
        label=text_in(question.get("title")) or key,
        type="consent" if asked == "legal" else kind,
        value=answer_value(content, asked) if matches else None,
    )


def answer_value(content: Any, asked: str) -> Value:
    if isinstance(content, dict):
        return chosen(content)
    if isinstance(content, int | float) and not isinstance(content, bool) and asked not in SCALES:
        return Decimal(str(content))
    value: Value = content
    return value


def chosen(content: dict[str, Any]) -> Value:
    """Return what was chosen, the visitor's own words for `other` included; of a payment, the amount."""
    other = text_in(content.get("other"))
    if "labels" in content or "ids" in content:
        labels = content.get("labels")
        texts = [text_in(label) for label in labels] if isinstance(labels, list) else []
        return [text for text in (*texts, other) if text]
    return text_in(content.get("label")) or other or text_in(content.get("amount"))


def computed_fields(response: dict[str, Any]) -> Iterator[Field]:
    """Return the score, and the form's other variables."""
    score = object_in(response.get("calculated")).get("score")
    variables = {"score": score} if is_number(score) else {}
    for variable in objects_in(response.get("variables")):
        name = text_in(variable.get("key"))
        content = variable.get(text_in(variable.get("type")) or "")
        if name and name not in variables:
            variables[name] = Decimal(str(content)) if is_number(content) else text_in(content)
    return (Field(name, name, "computed", value) for name, value in variables.items())


def is_number(content: object) -> bool:
    return isinstance(content, int | float) and not isinstance(content, bool)


def sign(body: bytes, secret: str) -> tuple[dict[str, str], dict[str, str]]:
    digest = base64.b64encode(hmac_sha256(secret, body)).decode()
    return {"typeform-signature": SCHEME + digest}, {}


VENDOR = Vendor(
    source=Source(
        name="typeform",
        topics=frozenset({TOPIC}),
        verify=verify,
        routing_of=routing_of,
        kept_headers=(),
        is_from_tool=has_header("user-agent: Typeform"),
    ),
    read=read,
    sign=sign,
)
