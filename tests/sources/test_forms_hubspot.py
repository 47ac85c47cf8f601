"""What is special about HubSpot."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.errors import Ignored, InvalidSignature, MalformedBody
from bridge.receiving.receiver import Receiver
from bridge.receiving.signatures import CLOCK_SKEW, MALFORMED_HEADER, MISMATCH, NO_HEADER, OLDER_SCHEME, STALE
from bridge.settings import ConnectionSettings
from bridge.storage.connections import Connections
from bridge.webhook import Request
from functions.sources.forms import mapping
from functions.sources.forms.submission import Submission
from functions.sources.forms.vendors import hubspot
from functions.sources.registry import signed
from tests.sources.test_forms import answers, attributes, webhook

NOW = 1_788_000_000.0
TIMESTAMP = "1788000000000"
URL = "https://abc123.execute-api.eu-west-1.amazonaws.com/hubspot/main"
SECRETS = ("newest-secret", "older-secret")
BODY = '{"email": "zoë@example.com"}'.encode()


def version_3(
    timestamp: str = TIMESTAMP, url: str = URL, secret: str = SECRETS[1], method: str = "POST"
) -> dict[str, str]:
    """As HubSpot's documentation tells, and not by the code under test."""
    content = f"{method}{url}".encode() + BODY + timestamp.encode()
    digest = base64.b64encode(hmac.new(secret.encode(), content, hashlib.sha256).digest()).decode()
    return {"x-hubspot-signature-v3": digest, "x-hubspot-request-timestamp": timestamp}


def version_2(url: str = URL, secret: str = SECRETS[1]) -> dict[str, str]:
    digest = hashlib.sha256(f"{secret}POST{url}".encode() + BODY).hexdigest()
    return {"x-hubspot-signature": digest, "x-hubspot-signature-version": "v2"}


def verify(headers: dict[str, str], now: float = NOW) -> int:
    return hubspot.verify(Request("hubspot", "main", headers, {"token": SECRETS[0]}, BODY, URL), SECRETS, now)


@pytest.mark.parametrize(
    "headers", [version_3(), version_2(), version_3() | version_2(secret="of another app")]
)
def test_a_signature_of_either_version_proves_and_the_third_outranks(headers: dict[str, str]) -> None:
    assert verify(headers) == 1


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, NO_HEADER),
        ({"x-hubspot-signature": ""}, NO_HEADER),
        ({"x-hubspot-signature": "abc"}, MALFORMED_HEADER),
        (version_2(secret="stranger"), MISMATCH),
        (version_2(URL + "/"), MISMATCH),
        ({"x-hubspot-signature": hashlib.sha256(SECRETS[0].encode() + BODY).hexdigest()}, MISMATCH),
        (version_3(secret="stranger"), MISMATCH),
        (version_3(url="https://other.example.com/hubspot/main"), MISMATCH),
        (version_3(method="GET"), MISMATCH),
        (version_3("1787999699999"), STALE),
        (version_3("1788000300001"), CLOCK_SKEW),
        (version_3("now"), MALFORMED_HEADER),
        ({**version_3(), "x-hubspot-request-timestamp": ""}, MALFORMED_HEADER),
        ({"x-hubspot-signature-v3": "", **version_2()}, NO_HEADER),
        ({"x-hubspot-signature-v3": "?", **version_2()}, MALFORMED_HEADER),
        (version_3(secret="stranger") | version_2(), MISMATCH),
    ],
)
def test_anything_else_is_refused(headers: dict[str, str], reason: str) -> None:
    with pytest.raises(InvalidSignature) as caught:
        verify(headers)
    assert caught.value.reason == reason


def test_a_sample_is_signed_for_the_public_address_also_where_the_stack_is_local() -> None:
    headers, query = signed("hubspot", "contact", BODY, SECRETS[1], NOW, URL.replace("https", "http"))
    assert (verify(headers), query) == (1, {})


def contact(properties: dict[str, Any], **more: Any) -> bytes:
    return json.dumps(
        {"vid": 9, "properties": {name: {"value": value} for name, value in properties.items()}, **more}
    ).encode()


def read(properties: dict[str, Any], **more: Any) -> Submission:
    return hubspot.read(webhook("hubspot", contact(properties, **more)))


def test_what_hubspot_fills_in_for_itself_is_no_answer() -> None:
    own = [
        "hs_object_id",
        "hs_analytics_source",
        "hubspot_owner_id",
        "num_notes",
        "notes_last_updated",
        "createdate",
    ]
    own += ["lifecyclestage", "lastmodifieddate", "recent_conversion_date", "associatedcompanyid", "ip_city"]
    assert read(dict.fromkeys(own, "1")).fields == ()
    kept = ["email", "city", "hs_language", "numbers", "my_hs_field", "note"]
    assert [field.key for field in read(dict.fromkeys(kept, "1")).fields] == kept


def test_the_contacts_own_email_outranks_another_that_comes_before() -> None:
    body = contact({"work_email": "work@example.com", "email": "ada@example.com"})
    change = mapping.to_change(webhook("hubspot", body), ConnectionSettings())
    assert attributes(change) == {"$email_address": "ada@example.com"}


def test_the_form_is_the_one_filled_in_last() -> None:
    forms = [
        {"form-id": "new", "title": "Demo", "timestamp": 20, "page-url": "https://example.com/demo"},
        {"form-id": "old", "title": "Guide", "timestamp": 10},
        {"form-id": "none"},
    ]
    found = read({"email": "ada@example.com"}, **{"form-submissions": forms})
    assert (found.form_id, found.form_name, found.page) == ("new", "Demo", "https://example.com/demo")


@pytest.mark.parametrize(
    ("stated", "at"),
    [
        ("1788000000000", datetime.fromtimestamp(NOW, UTC)),
        (1788000000000, datetime.fromtimestamp(NOW, UTC)),
        ("2026-08-29T10:40:00Z", datetime.fromtimestamp(NOW, UTC)),
        ("", None),
        (None, None),
    ],
)
def test_the_time_is_that_of_the_contacts_last_change(stated: Any, at: datetime | None) -> None:
    assert read({"lastmodifieddate": stated, "email": "ada@example.com"}).submitted_at == at


@pytest.mark.parametrize(
    "body",
    [
        {"email": "ada@example.com", "seats": 3, "optin": True, "tags": ["x"]},
        {
            "objectType": "CONTACT",
            "objectId": 9,
            "properties": {"email": "ada@example.com", "seats": 3, "optin": True},
        },
        {
            "objectType": "CONTACT",
            "properties": {
                "email": {"value": "ada@example.com"},
                "seats": {"value": "3"},
                "optin": {"value": "true"},
            },
        },
    ],
)
def test_a_body_of_the_workflows_own_is_read_too(body: dict[str, Any]) -> None:
    change = mapping.to_change(webhook("hubspot", json.dumps(body).encode()), ConnectionSettings())
    assert answers(change) == {"seats": "3", "optin": True, "email": "ada@example.com"}


def test_a_contact_without_an_email_is_still_one_person() -> None:
    change = mapping.to_change(webhook("hubspot", contact({"city": "Bath"})), ConnectionSettings())
    assert (change.person.email, change.person.source_id) == (None, "hubspot:9")


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"vid": 9}', b'[{"subscriptionType": "contact.creation"}]'])
def test_what_is_no_contact_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        hubspot.routing_of(Request("hubspot", "main", {}, {}, body))


def test_a_deleted_contact_is_ignored_and_a_company_has_another_topic() -> None:
    with pytest.raises(Ignored):
        hubspot.routing_of(
            Request("hubspot", "main", {}, {}, contact({"email": "a@example.com"}, isDeleted=True))
        )
    body = contact({"name": "Analytical Engines"}, objectType="COMPANY")
    assert (
        hubspot.routing_of(Request("hubspot", "main", {}, {}, body)).topic not in hubspot.VENDOR.source.topics
    )


def post(world: Any, headers: dict[str, str]) -> int:
    """Post the body to a new process of the receiver; returns the status."""
    receive = Receiver(
        hubspot.VENDOR.source,
        secrets=world.secrets,
        queue=world.queue,
        connections=Connections(world.ledger.table, world.ledger.client, lambda: NOW),
        parameters=world.parameters,
        clock=lambda: NOW,
    )
    event = {
        "rawPath": "/hubspot/main",
        "requestContext": {"domainName": URL.split("/")[2]},
        "pathParameters": {"source": "hubspot", "connection": "main"},
        "headers": headers,
        "body": BODY.decode(),
    }
    return int(receive(event, None)["statusCode"])


def test_version_2_is_refused_once_the_connection_was_signed_by_version_3(world: Any) -> None:
    world.connect("hubspot", signing_secrets=list(SECRETS))
    assert [post(world, version_2()) for _ in range(2)] == [200, 200]
    assert post(world, version_3()) == 200
    assert [post(world, version_2()) for _ in range(2)] == [401, 401]
    assert post(world, version_3() | version_2()) == 200
    assert world.connections.known("hubspot", "main").refused == {OLDER_SCHEME: 2}


def test_where_it_cannot_be_read_how_hubspot_signs_version_2_is_asked_for_again(world: Any) -> None:
    world.connect("hubspot", signing_secrets=list(SECRETS))
    world.ledger.table = "nowhere"
    assert post(world, version_2()) == 503
    assert post(world, version_3()) == 200
