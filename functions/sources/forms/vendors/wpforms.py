"""WPForms: a timed signature over the body, and answers under the names that the site's owner chose.

Its webhook must send JSON: of a form it signs another text than the one that it sends. It sends once. The same answers
within five minutes count as one submission; later they are another one.

https://wpforms.com/docs/how-to-install-and-use-the-webhooks-addon-with-wpforms/
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.errors import InvalidSignature, MalformedBody
from bridge.profiles.profile_change import Value
from bridge.receiving import signatures
from bridge.receiving.signatures import hmac_sha256
from bridge.webhook import Request, Routing, Source, Webhook, has_header
from functions.sources.forms.reading.flat_fields import (
    FORM_ID,
    FORM_NAME,
    first_of,
    hidden_in,
    named_answers,
    page_in,
    utm_of,
)
from functions.sources.forms.submission import (
    Field,
    Submission,
    Vendor,
    customer,
    json_body,
    text_in,
    texts_in,
)
from functions.sources.forms.unsigned import DOUBLE_CLICK_SECONDS, TOPIC

SIGNATURE = "x-wpforms-webhook-signature"
SEVERAL = "||"
"""What the add-on writes between several choices, and between the lines of an address."""
TIME_ALONE = re.compile(r"\d{1,2}:\d{2}(:\d{2})?\s*([ap]\.?m\.?)?", re.IGNORECASE)


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """Verify `t={timestamp},v={HMAC-SHA256 in hex over "{timestamp}.{body}"}`."""
    header = request.headers.get(SIGNATURE)
    if not header:
        raise InvalidSignature(signatures.NO_HEADER)
    parts = dict(part.strip().partition("=")[::2] for part in header.split(","))
    return signatures.verify_timestamped_hex(
        parts.get("t", ""), [parts.get("v", "")], request.body, secrets, now
    )


def routing_of(request: Request) -> Routing:
    """Return the person, where an e-mail is in the fields. Raises MalformedBody."""
    fields = fields_in(request.body)
    if not fields:
        raise MalformedBody("no fields in the body")
    unknown = f"submission:{hashlib.sha256(request.body).hexdigest()}"
    return Routing(TOPIC, customer(fields.values(), unknown))


def fields_in(body: bytes) -> dict[str, Value]:
    """Return the fields, a date as a text in ISO 8601. Raises MalformedBody."""
    return {name: value_of(content) for name, content in json_body(body).items()}


def value_of(content: Any) -> Value:
    """Return the answer. Several choices are one text, as one choice is: the add-on does not tell them apart."""
    if isinstance(content, dict):
        return date_of(content)
    if isinstance(content, list):
        return texts_in(content)
    if isinstance(content, str):
        return ", ".join(part.strip() for part in content.split(SEVERAL))
    return content if isinstance(content, bool | int) else text_in(content)


def date_of(content: dict[str, Any]) -> str | None:
    """Return the day, or the time in UTC, of a question for them, which comes as `{value, unix}`."""
    shown = text_in(content.get("value"))
    try:
        read = datetime.fromtimestamp(int(str(content.get("unix"))), UTC)
    except (ValueError, OverflowError, OSError):
        return shown
    if shown is None or TIME_ALONE.fullmatch(shown):
        return shown
    has_time = read.hour or read.minute or read.second
    return read.isoformat().replace("+00:00", "Z") if has_time else read.date().isoformat()


def read(webhook: Webhook) -> Submission:
    body = json_body(webhook.body)
    fields = fields_in(webhook.body)
    page = page_in(fields)
    form_id = first_of(fields, FORM_ID) or webhook.connection
    dates = {name for name, content in body.items() if isinstance(content, dict)}
    return Submission(
        form_id=form_id,
        form_name=first_of(fields, FORM_NAME) or form_id,
        response_id=webhook.id,
        page=page,
        fields=tuple(as_date(field) if field.key in dates else field for field in named_answers(fields)),
        hidden={**utm_of(page), **hidden_in(fields)},
    )


def as_date(field: Field) -> Field:
    """Return a question for a day; one for a time of day is a text."""
    is_time = isinstance(field.value, str) and TIME_ALONE.fullmatch(field.value)
    return field if is_time else Field(field.key, field.label, "date", field.value)


def sign(body: bytes, secret: str, now: float, url: str) -> tuple[dict[str, str], dict[str, str]]:
    del url
    timestamp = str(int(now))
    digest = hmac_sha256(secret, timestamp.encode() + b"." + body).hex()
    return {SIGNATURE: f"t={timestamp},v={digest}"}, {}


VENDOR = Vendor(
    source=Source(
        name="wpforms",
        topics=frozenset({TOPIC}),
        verify=verify,
        routing_of=routing_of,
        is_from_tool=has_header("user-agent: WPForms", "user-agent: WordPress/"),
        kept_headers=(),
        repeat_seconds=DOUBLE_CLICK_SECONDS,
    ),
    read=read,
    sign=sign,
    signs_request=True,
)
