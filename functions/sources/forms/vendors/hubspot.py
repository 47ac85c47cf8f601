"""HubSpot: the contact that a workflow's webhook hands over after a form was filled in.

HubSpot's forms have no webhook of their own. What comes is the whole contact, with what HubSpot keeps for itself, or
the properties that the workflow names. It is signed with the secret of an app, over the address too.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.errors import Ignored, InvalidSignature, MalformedBody
from bridge.placeholders import object_key
from bridge.profiles.profile_change import Value
from bridge.receiving import signatures
from bridge.receiving.signatures import hmac_sha256
from bridge.webhook import Request, Routing, Source, Webhook, has_header
from functions.sources.forms.reading.flat_fields import is_hidden
from functions.sources.forms.submission import (
    Field,
    Kind,
    Submission,
    Vendor,
    customer,
    filled,
    is_link,
    json_body,
    moment,
    moment_in_milliseconds,
    object_in,
    objects_in,
    text_in,
)

TOPIC = "contact"
METHOD = b"POST"
VERSION_3 = "x-hubspot-signature-v3"
LONG_AGO = datetime.min.replace(tzinfo=UTC)

# property   what it is
KINDS: Mapping[str, Kind] = {
    "email": "email",
    "phone": "phone",
    "mobilephone": "phone",
    "website": "url",
}
# property   what it is called where HubSpot's own name does not say it
LABELS = {
    "firstname": "First name",
    "lastname": "Last name",
    "mobilephone": "Mobile phone",
    "jobtitle": "Job title",
    "hs_language": "Language",
}
OWN = re.compile(
    r"(?!hs_language$)(hs_|hubspot|num_|notes_|recent_|first_conversion|engagements_|ip_|total_revenue|webinar|survey)\w*"
    r"|createdate|closedate|lastmodifieddate|currentlyinworkflow|lifecyclestage|associatedcompany\w*|days_to_close"
)
"""Properties that HubSpot fills in for itself."""
ABOUT_THE_CONTACT = frozenset(
    {"vid", "objectId", "objectType", "objectTypeId", "portalId", "portal-id", "version", "isDeleted"}
)


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """Verify version 3: HMAC-SHA256 in base64 over method, address, body and timestamp in milliseconds; else version
    2."""
    signature = request.headers.get(VERSION_3)
    if signature is None:
        return verify_version_2(request, secrets)
    return signatures.verify_timed(
        request.headers.get("x-hubspot-request-timestamp", ""),
        [signatures.base64_digest(signature)],
        lambda timestamp: signed(request.url, request.body) + timestamp,
        secrets,
        now,
        signatures.MILLISECONDS,
    )


def is_version_2(request: Request) -> bool:
    """Return whether it is signed without a time, as HubSpot did before."""
    return VERSION_3 not in request.headers


def verify_version_2(request: Request, secrets: Sequence[str]) -> int:
    """Verify SHA-256 in hex of secret, method, address and body. Raises InvalidSignature."""
    signature = request.headers.get("x-hubspot-signature")
    if not signature:
        raise InvalidSignature(signatures.NO_HEADER)
    [digest] = signatures.hex_digests([signature])
    content = signed(request.url, request.body)
    found = [
        position
        for position, secret in enumerate(secrets)
        if hmac.compare_digest(hashlib.sha256(secret.encode() + content).digest(), digest)
    ]
    if not found:
        raise InvalidSignature(signatures.MISMATCH)
    return found[0]


def signed(url: str, body: bytes) -> bytes:
    return METHOD + url.encode(errors="surrogatepass") + body


def routing_of(request: Request) -> Routing:
    """Return topic and person. Raises MalformedBody, and Ignored for a contact that was deleted."""
    body = json_body(request.body)
    if body.get("isDeleted") is True:
        raise Ignored("contact was deleted")
    kind = (text_in(body.get("objectType")) or TOPIC).lower()
    properties = properties_in(body)
    if kind == TOPIC and not properties:
        raise MalformedBody("no properties")
    contact = contact_id(body, properties)
    return Routing(kind, customer(emails(properties), object_key("contact", [contact], body)))


def emails(properties: Mapping[str, Any]) -> list[Value]:
    """Return the contact's e-mail, whatever the capitals of its name in a body that somebody wrote."""
    return [text_in(value) for name, value in properties.items() if name.lower() == "email"]


def properties_in(body: dict[str, Any]) -> dict[str, Any]:
    """Return the properties with their values, from a contact, a form's submission or a body of the workflow's own."""
    found = object_in(body.get("properties") or body.get("values")) or {
        name: content for name, content in body.items() if not isinstance(content, dict | list)
    }
    return {
        name: content.get("value") if isinstance(content, dict) else content
        for name, content in found.items()
        if name not in ABOUT_THE_CONTACT
    }


def contact_id(body: dict[str, Any], properties: Mapping[str, Any]) -> str | None:
    named = (body.get("objectId"), body.get("vid"), properties.get("hs_object_id"), body.get("conversionId"))
    return next(filter(None, map(text_in, named)), None)


def read(webhook: Webhook) -> Submission:
    """Return the contact as a form: the one it filled in last, where that is told."""
    body = json_body(webhook.body)
    properties = properties_in(body)
    last = last_submission(body)
    form_name = text_in(last.get("title")) or text_in(properties.get("recent_conversion_event_name"))
    form_id = text_in(last.get("form-id")) or form_name or webhook.connection
    page = text_in(last.get("page-url")) or text_in(body.get("pageUrl"))
    return Submission(
        form_id=form_id,
        form_name=form_name or form_id,
        response_id=contact_id(body, properties) or webhook.id,
        submitted_at=changed_at(body, properties),
        page=page if page and is_link(page) else None,
        fields=tuple(answered_fields(properties)),
        hidden={name: filled(value) for name, value in properties.items() if is_hidden(name)},
    )


def last_submission(body: dict[str, Any]) -> dict[str, Any]:
    """Return the newest of the forms that the contact filled in."""
    return max(
        objects_in(body.get("form-submissions")),
        key=lambda one: moment_in_milliseconds(one.get("timestamp")) or LONG_AGO,
        default={},
    )


def changed_at(body: dict[str, Any], properties: Mapping[str, Any]) -> datetime | None:
    """Return when the contact was last changed, which the form did."""
    stated = properties.get("lastmodifieddate") or body.get("submittedAt")
    return moment_in_milliseconds(stated) or moment(stated)


def answered_fields(properties: Mapping[str, Any]) -> Iterator[Field]:
    """Yield the contact's own e-mail first: it outranks another, such as `work_email`."""
    for name in sorted(properties, key=lambda name: name.lower() != "email"):
        if not is_hidden(name) and not OWN.fullmatch(name):
            yield Field(name, LABELS.get(name, name), KINDS.get(name.lower(), ""), answer(properties[name]))


def answer(content: object) -> Value:
    """Return the answer; several ticked boxes come as one text, parted by semicolons."""
    if isinstance(content, bool):
        return content
    text = text_in(content)
    if text in ("true", "false"):
        return text == "true"
    return text


def sign(body: bytes, secret: str, now: float, url: str) -> tuple[dict[str, str], dict[str, str]]:
    """Sign as HubSpot does, which calls the public address, which is always HTTPS."""
    timestamp = str(int(now * signatures.MILLISECONDS))
    address = re.sub("^http://", "https://", url)
    digest = hmac_sha256(secret, signed(address, body) + timestamp.encode())
    return {
        "x-hubspot-signature-v3": base64.b64encode(digest).decode(),
        "x-hubspot-request-timestamp": timestamp,
    }, {}


VENDOR = Vendor(
    source=Source(
        name="hubspot",
        topics=frozenset({TOPIC}),
        verify=verify,
        routing_of=routing_of,
        kept_headers=(),
        is_older_scheme=is_version_2,
        is_from_tool=has_header("x-hubspot-signature-version", "x-hubspot-timeout-millis"),
    ),
    read=read,
    sign=sign,
    signs_request=True,
)
