"""Google Forms: a script of ours beside the form, which signs. It is in docs/connect-google.md.

https://developers.google.com/apps-script/reference/forms/form-response
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridge.errors import InvalidSignature, MalformedBody
from bridge.profiles.profile_change import Value
from bridge.receiving import signatures
from bridge.receiving.signatures import hmac_sha256
from bridge.webhook import Request, Routing, Source, Webhook, has_header
from functions.sources.forms.reading.flat_fields import is_hidden, lone_box, number
from functions.sources.forms.submission import (
    MAX_FIELDS,
    Field,
    Kind,
    Submission,
    Vendor,
    customer,
    filled,
    is_link,
    json_body,
    kind_of_type,
    moment,
    objects_in,
    text_in,
    texts_in,
)

TOPIC = "form_response"
SIGNATURE, TIMESTAMP = "x-bridge-signature", "x-bridge-timestamp"

# type of the question, as Apps Script calls it   what it is
KINDS: Mapping[str, Kind] = {
    "TEXT": "text",
    "PARAGRAPH_TEXT": "text",
    "MULTIPLE_CHOICE": "choice",
    "LIST": "choice",
    "CHECKBOX": "choice",
    "GRID": "choice",
    "CHECKBOX_GRID": "choice",
    "SCALE": "number",
    "RATING": "number",
    "DATE": "date",
    "DATETIME": "text",
    "TIME": "text",
    "DURATION": "text",
    "FILE_UPLOAD": "file",
}
DRIVE = "https://drive.google.com/open?id="


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """Verify HMAC-SHA256 in hex over `{timestamp}.{body}`, each in a header of its own."""
    signature = request.headers.get(SIGNATURE)
    if not signature:
        raise InvalidSignature(signatures.NO_HEADER)
    timestamp = request.headers.get(TIMESTAMP, "")
    return signatures.verify_timestamped_hex(timestamp, [signature], request.body, secrets, now)


def routing_of(request: Request) -> Routing:
    """Return person and response. Raises MalformedBody."""
    body = json_body(request.body)
    response = text_in(body.get("responseId"))
    if response is None or not isinstance(body.get("answers"), list):
        raise MalformedBody("no response")
    said: list[Value] = [text_in(answer.get("value")) for answer in objects_in(body["answers"])]
    return Routing(
        TOPIC, customer([text_in(body.get("respondentEmail")), *said], f"response:{response}"), response
    )


def read(webhook: Webhook) -> Submission:
    """Return the response with every question of the form, answered or not, and the e-mail that Google collected."""
    body = json_body(webhook.body)
    asked = objects_in(body.get("answers"))[: MAX_FIELDS + 1]
    form_id = text_in(body.get("formId")) or webhook.connection
    stated = moment(body.get("submittedAt"))
    return Submission(
        form_id=form_id,
        form_name=text_in(body.get("formName")) or form_id,
        response_id=text_in(body.get("responseId")) or webhook.id,
        submitted_at=min(stated, webhook.received_at) if stated else None,
        fields=(*collected_email(body), *(read_answer(one) for one in asked if not is_hidden(title(one)))),
        hidden={title(one): filled(one.get("value")) for one in asked if is_hidden(title(one))},
    )


def collected_email(body: Mapping[str, Any]) -> Iterator[Field]:
    email = text_in(body.get("respondentEmail"))
    if email:
        yield Field("respondentEmail", "Email", "email", email)


def title(answer: Mapping[str, Any]) -> str:
    return text_in(answer.get("title")) or text_in(answer.get("id")) or ""


def read_answer(answer: Mapping[str, Any]) -> Field:
    key, asked = f"question_{text_in(answer.get('id')) or ''}", text_in(answer.get("type")) or ""
    kind, content = kind_of_type(KINDS, asked), answer.get("value")
    options = texts_in(answer.get("options"))
    if asked == "CHECKBOX" and len(options) == 1:
        return lone_box(title(answer), options[0], bool(texts_in(content)))
    if kind == "file":
        return Field(key, title(answer), kind, files(texts_in(content)))
    if isinstance(content, list):
        return Field(key, title(answer), kind, texts_in(content))
    field = Field(key, title(answer), kind, text_in(content))
    return number(field) if kind == "number" else field


def files(ids: Sequence[str]) -> Value:
    """Return where the files lie in the owner's Drive: a text for one, a list for several."""
    links = [one if is_link(one) else DRIVE + one for one in ids]
    return links if len(links) > 1 else next(iter(links), None)


def sign(body: bytes, secret: str, now: float, url: str) -> tuple[dict[str, str], dict[str, str]]:
    del url
    timestamp = str(int(now))
    digest = hmac_sha256(secret, timestamp.encode() + b"." + body).hex()
    return {SIGNATURE: digest, TIMESTAMP: timestamp}, {}


VENDOR = Vendor(
    source=Source(
        name="google",
        topics=frozenset({TOPIC}),
        verify=verify,
        routing_of=routing_of,
        kept_headers=(),
        is_from_tool=has_header(TIMESTAMP),
    ),
    read=read,
    sign=sign,
    signs_request=True,
)
