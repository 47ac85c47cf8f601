"""Webflow: a form's submission in the shape of API v2 or v1.

A webhook made by an app is signed. One made in the site's settings is not, so there a secret is in the address;
where a signature comes, it must be right, whatever the address says.

https://developers.webflow.com/data/reference/webhooks/events/form-submission
https://developers.webflow.com/data/docs/working-with-webhooks
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridge.errors import MalformedBody
from bridge.placeholders import object_key
from bridge.profiles.profile_change import Value
from bridge.receiving import signatures
from bridge.webhook import Request, Routing, Source, Webhook, has_header
from functions.sources.forms.reading.flat_fields import MACHINERY, is_hidden
from functions.sources.forms.recognition.attributes import recognise
from functions.sources.forms.submission import (
    Field,
    Kind,
    Submission,
    Vendor,
    customer,
    files_in,
    filled,
    is_link,
    json_body,
    kind_of_type,
    moment,
    object_in,
    objects_in,
    text_in,
    texts_in,
)
from functions.sources.forms.unsigned import sign

TOPIC = "form_submission"
TRUTHS = {"true": True, "false": False}
"""How a checkbox says it, as a text."""

# type of the element   what it is
KINDS: Mapping[str, Kind] = {
    "FormTextInput": "text",
    "FormTextarea": "text",
    "FormSelect": "choice",
    "FormRadioInput": "choice",
    "FormCheckboxInput": "boolean",
    "FormFileUploadInput": "file",
    "FormFileUpload": "file",
}
PASSWORD = "FormPasswordInput"


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """Verify HMAC-SHA256 in hex over `{timestamp}:{body}`, timestamp in milliseconds; unsigned, the secret in the
    address."""
    signature = request.headers.get("x-webflow-signature")
    if signature is None:
        return signatures.verify_token(request.query.get("token"), secrets)
    return signatures.verify_timed(
        request.headers.get("x-webflow-timestamp", ""),
        signatures.hex_digests([signature]),
        lambda timestamp: timestamp + b":" + request.body,
        secrets,
        now,
        signatures.MILLISECONDS,
    )


def routing_of(request: Request) -> Routing:
    """Return topic, person and the submission's id. Raises MalformedBody."""
    body = json_body(request.body)
    submission = submission_in(body)
    topic = text_in(body.get("triggerType")) or (TOPIC if "data" in submission else None)
    if topic is None or (topic == TOPIC and not object_in(submission.get("data"))):
        raise MalformedBody("no form's fields")
    submission_id = id_of(submission)
    answers = object_in(submission.get("data")).values()
    return Routing(topic, customer(answers, object_key("submission", [submission_id], body)), submission_id)


def submission_in(body: dict[str, Any]) -> dict[str, Any]:
    """Return the submission: within `payload` in v2, the whole body in v1."""
    return object_in(body.get("payload")) if "payload" in body else body


def id_of(submission: dict[str, Any]) -> str | None:
    return text_in(submission.get("id")) or text_in(submission.get("_id"))


def read(webhook: Webhook) -> Submission:
    """Return the fields by the names that the site's owner gave them; hidden ones are told by theirs."""
    submission = submission_in(json_body(webhook.body))
    form_name = text_in(submission.get("name"))
    form_id = text_in(submission.get("formId")) or form_name or webhook.connection
    page = text_in(submission.get("pageUrl"))
    answers = object_in(submission.get("data"))
    return Submission(
        form_id=form_id,
        form_name=form_name or form_id,
        response_id=id_of(submission) or webhook.id,
        submitted_at=moment(submission.get("submittedAt") or submission.get("d")),
        page=page if page and is_link(page) else None,
        fields=tuple(answered_fields(answers, types_in(submission))),
        hidden={name: filled(value) for name, value in answers.items() if is_hidden(name)},
    )


def types_in(submission: dict[str, Any]) -> dict[str, str]:
    """Return the type of each field, which v1 does not tell."""
    return {
        text_in(one.get("fieldName")) or "": text_in(one.get("fieldType")) or ""
        for one in objects_in(submission.get("schema"))
    }


def answered_fields(answers: dict[str, Any], types: Mapping[str, str]) -> Iterator[Field]:
    for name, content in answers.items():
        if not is_hidden(name) and name not in MACHINERY and types.get(name) != PASSWORD:
            kind = kind_of_type(KINDS, types.get(name, ""))
            yield Field(name, name, kind, files_in(content) if kind == "file" else answer(name, content))


def answer(name: str, content: object) -> Value:
    """Return the answer; a phone number that came as a number is a text again."""
    if isinstance(content, list):
        return texts_in(content)
    if isinstance(content, str):
        return TRUTHS.get(content, content.strip() or None)
    is_phone = recognise(Field(name, name, "")) == "$phone_number"
    if isinstance(content, bool) or (isinstance(content, int | float) and not is_phone):
        return content
    return text_in(content)


VENDOR = Vendor(
    source=Source(
        name="webflow",
        topics=frozenset({TOPIC}),
        verify=verify,
        routing_of=routing_of,
        kept_headers=(),
        is_from_tool=has_header("x-webflow-timestamp", "user-agent: Webflow"),
    ),
    read=read,
    sign=sign,  # as a webhook made in the site's settings, which people without an app have
)
