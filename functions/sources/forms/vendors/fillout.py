"""Fillout: questions with their types, calculations and the parameters of the form's link.

It does not sign, so a secret is in the address.

https://www.fillout.com/help/webhook
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bridge.errors import MalformedBody
from bridge.profiles.profile_change import Value
from bridge.webhook import Request, Routing, Source, Webhook, has_header
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
    texts_in,
)
from functions.sources.forms.unsigned import sign, verify

TOPIC = "submission"

# type of the question   what it is
KINDS: Mapping[str, Kind] = {
    "ShortAnswer": "text",
    "LongAnswer": "text",
    "TimePicker": "text",
    "DateTimePicker": "text",
    "EmailInput": "email",
    "PhoneNumber": "phone",
    "DatePicker": "date",
    "URLInput": "url",
    "NumberInput": "number",
    "CurrencyInput": "number",
    "Slider": "number",
    "OpinionScale": "number",
    "StarRating": "number",
    "MultipleChoice": "choice",
    "Dropdown": "choice",
    "Checkboxes": "choice",
    "MultiSelect": "choice",
    "ImagePicker": "choice",
    "Ranking": "choice",
    "Checkbox": "boolean",
    "Switch": "boolean",
    "FileUpload": "file",
    "AudioRecording": "file",
    "Signature": "file",
    "Payment": "computed",
}
DECIMALS = frozenset({"NumberInput", "CurrencyInput", "Slider"})
"""Numbers that may have a fraction, so all of them are decimals; scales and stars are whole."""
NOT_ANSWERS = frozenset({"Password", "Captcha"})

# part of an address   what guessing calls it
ADDRESS = {
    "address": "Street",
    "city": "City",
    "state": "State",
    "zipCode": "Zip code",
    "country": "Country",
}
ADDRESS_ALONE = frozenset({"", "address", "your address", "home address", "adresse", "anschrift"})
"""Questions whose address is the person's own; the parts of others are named after their question."""


def routing_of(request: Request) -> Routing:
    """Return person and submission; one that was edited afterwards is another webhook. Raises MalformedBody."""
    submission = submission_in(json_body(request.body))
    submission_id = text_in(submission.get("submissionId"))
    if submission_id is None:
        raise MalformedBody("no submission")
    edited = text_in(submission.get("lastUpdatedAt"))
    questions = objects_in(submission.get("questions"))
    emails = [text_in(one.get("value")) for one in questions if one.get("type") == "EmailInput"]
    login = object_in(submission.get("login")).get("email")
    return Routing(
        TOPIC,
        customer([*emails, login], f"submission:{submission_id}"),
        f"{submission_id}/{edited}" if edited else submission_id,
    )


def submission_in(body: dict[str, Any]) -> dict[str, Any]:
    """Return the submission: beside the form's name, or the whole body."""
    return object_in(body.get("submission")) if "submission" in body else body


def read(webhook: Webhook) -> Submission:
    """Return the answers, then what the form worked out; the link's parameters are hidden fields."""
    body = json_body(webhook.body)
    submission = submission_in(body)
    form_id = text_in(body.get("formId")) or webhook.connection
    parameters = objects_in(submission.get("urlParameters"))
    return Submission(
        form_id=form_id,
        form_name=text_in(body.get("formName")) or form_id,
        response_id=text_in(submission.get("submissionId")) or webhook.id,
        submitted_at=moment(submission.get("submissionTime")),
        fields=first_fields(answered_fields(submission), computed_fields(submission)),
        hidden={name_of(one): filled(one.get("value")) for one in parameters if name_of(one)},
    )


def name_of(content: dict[str, Any]) -> str:
    return text_in(content.get("name")) or text_in(content.get("id")) or ""


def answered_fields(submission: dict[str, Any]) -> Iterator[Field]:
    """Yield the questions in their order; then the e-mail that a person proved to get in."""
    for question in objects_in(submission.get("questions")):
        if text_in(question.get("type")) not in NOT_ANSWERS:
            yield from read_question(question)
    login = text_in(object_in(submission.get("login")).get("email"))
    if login:
        yield Field("login", "Login", "email", login)


def read_question(question: dict[str, Any]) -> Iterator[Field]:
    key, label = text_in(question.get("id")) or "", name_of(question)
    asked, content = text_in(question.get("type")) or "", question.get("value")
    if asked == "Address":
        yield from address(key, label, object_in(content))
    else:
        kind = kind_of_type(KINDS, asked)
        yield Field(key, label, kind, files_in(content) if kind == "file" else answer(asked, content))


def address(key: str, label: str, parts: dict[str, Any]) -> Iterator[Field]:
    """Yield a field for each part, answered or not."""
    is_own = label.strip().casefold() in ADDRESS_ALONE
    for part, named in ADDRESS.items():
        yield Field(
            f"{key}.{part}", named if is_own else f"{label} {named.lower()}", "", text_in(parts.get(part))
        )


def answer(asked: str, content: object) -> Value:
    if isinstance(content, list):
        return texts_in(content) or [", ".join(texts_of(one)) for one in objects_in(content)]
    if isinstance(content, dict):
        return ", ".join(texts_of(content)) or None
    if asked in DECIMALS and number_in(content) is not None:
        return number_in(content)
    return content if isinstance(content, bool | int | float) else text_in(content)


def texts_of(content: dict[str, Any]) -> list[str]:
    """Return `name: text` for everything in an object that can be read: a row of a table, a range of dates."""
    found = ((name, texts_in(listed(value))) for name, value in content.items())
    return [f"{name}: {', '.join(texts)}" for name, texts in found if texts]


def computed_fields(submission: dict[str, Any]) -> Iterator[Field]:
    """Yield calculations, and the score of a quiz."""
    for one in objects_in(submission.get("calculations")):
        value = one.get("value")
        is_number = number_in(value) is not None
        yield Field(
            text_in(one.get("id")) or "",
            name_of(one),
            "computed",
            number_in(value) if is_number else text_in(value),
        )
    quiz = object_in(submission.get("quiz"))
    if number_in(quiz.get("score")) is not None:
        yield Field("quiz_score", "Quiz score", "computed", number_in(quiz.get("score")))


VENDOR = Vendor(
    source=Source(
        name="fillout",
        topics=frozenset({TOPIC}),
        verify=verify,
        routing_of=routing_of,
        kept_headers=(),
        is_from_tool=has_header("user-agent: Fillout"),
    ),
    read=read,
    sign=sign,
)
