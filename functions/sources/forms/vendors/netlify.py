"""Netlify Forms: the fields of a form on a site that Netlify serves, with a JSON Web Signature of the body.

A notification without a secret is not signed: then the secret must are in the address. Where a signature comes, it
must be right, whatever the address says.

https://docs.netlify.com/forms/notifications/
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from typing import Any

from bridge.errors import InvalidSignature, MalformedBody
from bridge.placeholders import object_key
from bridge.profiles.profile_change import Value
from bridge.receiving import signatures
from bridge.receiving.signatures import hmac_sha256
from bridge.webhook import Request, Routing, Source, Webhook, has_header
from functions.sources.forms.reading.flat_fields import MACHINERY, is_hidden
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
    listed,
    moment,
    object_in,
    objects_in,
    text_in,
    texts_in,
)

TOPIC = "submission_created"
ISSUER = "netlify"
ALGORITHM = "HS256"
ADDED = frozenset({"ip", "user_agent", "referrer", "form-name", "bot-field"})
"""What Netlify puts beside the answers, or has forms post for itself."""


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """Return a JSON Web Signature with a digest of the body; unsigned, the secret in the address."""
    del now
    signature = request.headers.get("x-webhook-signature")
    if signature is None:
        return signatures.verify_token(request.query.get("token"), secrets)
    head, claims, digest = parts(signature)
    if decoded(head).get("alg") != ALGORITHM:
        raise InvalidSignature(signatures.MALFORMED_HEADER)
    position = signatures.match([decode(digest)], f"{head}.{claims}".encode(), secrets)
    stated = decoded(claims)
    is_ours = stated.get("iss") == ISSUER
    digest_of_body = hashlib.sha256(request.body).hexdigest()
    if not is_ours or not hmac.compare_digest(
        str(stated.get("sha256")).encode(errors="replace"), digest_of_body.encode()
    ):
        raise InvalidSignature(signatures.MISMATCH)
    return position


def parts(signature: str) -> tuple[str, str, str]:
    """Return head, claims and digest. Raises InvalidSignature."""
    found = signature.strip().split(".")
    if len(found) != 3 or not signature.isascii():
        raise InvalidSignature(signatures.MALFORMED_HEADER)
    return found[0], found[1], found[2]


def decoded(part: str) -> dict[str, Any]:
    """Return the JSON object in a part. Raises InvalidSignature."""
    try:
        return object_in(json.loads(decode(part)))
    except (ValueError, RecursionError) as error:
        raise InvalidSignature(signatures.MALFORMED_HEADER) from error


def decode(part: str) -> bytes:
    """Return the bytes of a part, which is written without padding. Raises InvalidSignature."""
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSignature(signatures.MALFORMED_HEADER) from error


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def routing_of(request: Request) -> Routing:
    """Return person and the submission's id. Raises MalformedBody."""
    body = json_body(request.body)
    answers = object_in(body.get("data"))
    if not answers:
        raise MalformedBody("no form's fields")
    submission_id = text_in(body.get("id"))
    emails = [*answers.values(), body.get("email")]
    return Routing(TOPIC, customer(emails, object_key("submission", [submission_id], body)), submission_id)


def read(webhook: Webhook) -> Submission:
    """Return the fields as the page names them, under the titles that Netlify makes of these names."""
    body = json_body(webhook.body)
    form_name = text_in(body.get("form_name"))
    form_id = text_in(body.get("form_id")) or form_name or webhook.connection
    answers = object_in(body.get("data"))
    pages = (answers.get("referrer"), body.get("referrer"), body.get("site_url"))
    return Submission(
        form_id=form_id,
        form_name=form_name or form_id,
        response_id=text_in(body.get("id")) or webhook.id,
        submitted_at=moment(body.get("created_at")),
        page=next((page for page in map(text_in, pages) if page and is_link(page)), None),
        fields=tuple(answered_fields(answers, titles_in(body), text_in(body.get("email")))),
        hidden={name: filled(value) for name, value in answers.items() if is_hidden(name)},
    )


def titles_in(body: dict[str, Any]) -> dict[str, str]:
    """Return a title for each field's name."""
    return {
        text_in(one.get("name")) or "": text_in(one.get("title")) or ""
        for one in objects_in(body.get("ordered_human_fields"))
    }


def answered_fields(answers: dict[str, Any], titles: dict[str, str], email: str | None) -> Iterator[Field]:
    """Yield the answers; which of them is the person's e-mail, Netlify may know better than the field's name tells."""
    for name, content in answers.items():
        if not is_hidden(name) and name not in MACHINERY | ADDED:
            kind = kind_of(content, email)
            value = files_in(content) if kind == "file" else answer(content)
            yield Field(name, titles.get(name) or name, kind, value)


def kind_of(content: object, email: str | None) -> Kind:
    if any(isinstance(one, dict) for one in listed(content)):
        return "file"
    return "email" if email and content == email else ""


def answer(content: object) -> Value:
    """Return the answer; a ticked box without a value of its own comes as `on`."""
    if content == "on" or isinstance(content, bool):
        return bool(content)
    return texts_in(content) if isinstance(content, list) else text_in(content)


def sign(body: bytes, secret: str) -> tuple[dict[str, str], dict[str, str]]:
    head = encode(json.dumps({"alg": ALGORITHM, "typ": "JWT"}).encode())
    claims = encode(json.dumps({"iss": ISSUER, "sha256": hashlib.sha256(body).hexdigest()}).encode())
    signed = f"{head}.{claims}"
    return {"x-webhook-signature": f"{signed}.{encode(hmac_sha256(secret, signed.encode()))}"}, {}


VENDOR = Vendor(
    source=Source(
        name="netlify",
        topics=frozenset({TOPIC}),
        verify=verify,
        routing_of=routing_of,
        kept_headers=(),
        is_from_tool=has_header("x-netlify-event", "user-agent: Netlify"),
    ),
    read=read,
    sign=sign,
)
