"""What is special about Netlify Forms."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidSignature, MalformedBody
from bridge.receiving.signatures import MALFORMED_HEADER, MISMATCH, NO_HEADER
from bridge.settings import ConnectionSettings
from bridge.webhook import Request
from functions.sources.forms import mapping
from functions.sources.forms.submission import Submission
from functions.sources.forms.vendors import netlify
from tests.sources.test_forms import attributes, webhook

SECRETS = ("newest-secret", "older-secret")
BODY = b'{"id": "1"}'
DIGEST = hashlib.sha256(BODY).hexdigest()


def part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def signature(
    head: Any = None, claims: Any = None, secret: str = SECRETS[1], algorithm: str = "sha256"
) -> str:
    """A JSON Web Signature by the book, and not by the code under test."""
    stated = {"iss": "netlify", "sha256": DIGEST} if claims is None else claims
    signed = f"{part(head or {'alg': 'HS256', 'typ': 'JWT'})}.{part(stated)}"
    digest = hmac.new(secret.encode(), signed.encode(), algorithm).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def verify(header: str | None, query: dict[str, str] | None = None) -> int:
    headers = {} if header is None else {"x-webhook-signature": header}
    return netlify.verify(Request("netlify", "main", headers, query or {}, BODY), SECRETS, 0)


def test_a_signature_of_the_body_proves_and_so_does_a_token_where_there_is_none() -> None:
    assert verify(signature()) == 1
    assert verify(None, {"token": SECRETS[0]}) == 0


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, NO_HEADER),
        ("", MALFORMED_HEADER),
        ("a.b", MALFORMED_HEADER),
        ("a.b.c", MALFORMED_HEADER),
        ("é.é.é", MALFORMED_HEADER),
        (signature({"alg": "none"}), MALFORMED_HEADER),
        (signature({"alg": "none"}).rpartition(".")[0] + ".", MALFORMED_HEADER),
        (signature({"alg": "HS512"}, algorithm="sha512"), MALFORMED_HEADER),
        (signature({"typ": "JWT"}), MALFORMED_HEADER),
        (signature().rpartition(".")[0] + ".", MISMATCH),
        (signature(secret="stranger"), MISMATCH),
        (signature(claims={"iss": "someone", "sha256": DIGEST}), MISMATCH),
        (signature(claims={"iss": "netlify", "sha256": "0" * 64}), MISMATCH),
        (signature(claims={"iss": "netlify"}), MISMATCH),
        (signature(claims=[]), MISMATCH),
    ],
)
def test_anything_else_is_refused(header: str | None, reason: str) -> None:
    with pytest.raises(InvalidSignature) as caught:
        verify(header)
    assert caught.value.reason == reason


@pytest.mark.parametrize("header", ["", "a.b.c", signature(secret="stranger")])
def test_a_token_does_not_help_a_wrong_signature(header: str) -> None:
    with pytest.raises(InvalidSignature):
        verify(header, {"token": SECRETS[0]})


@given(st.text() | st.lists(st.text(), min_size=3, max_size=3).map(".".join))
def test_any_text_is_refused_politely(header: str) -> None:
    with pytest.raises(InvalidSignature):
        verify(header)


def content(data: Any, **more: Any) -> bytes:
    whole = {"id": "9", "form_name": "contact", "created_at": "2026-09-01T10:00:00Z", "data": data, **more}
    return json.dumps(whole).encode()


def read(data: dict[str, Any], **more: Any) -> Submission:
    return netlify.read(webhook("netlify", content(data, **more)))


def test_a_field_is_called_by_its_title_and_known_by_its_name() -> None:
    [field] = read({"fname": "Ada"}, ordered_human_fields=[{"name": "fname", "title": "First Name"}]).fields
    assert (field.key, field.label) == ("fname", "First Name")


def test_boxes_lists_and_files_are_what_they_are() -> None:
    file = {"filename": "a.jpg", "url": "https://example.com/a.jpg"}
    fields = read({"a": "on", "b": ["x", "y"], "c": file, "d": [file, file], "e": " "}).fields
    assert [field.value for field in fields] == [True, ["x", "y"], file["url"], [file["url"]] * 2, None]
    assert [field.type for field in fields] == ["", "", "file", "file", ""]


def test_what_netlify_adds_is_no_answer() -> None:
    added = {
        "ip": "203.0.113.7",
        "user_agent": "x",
        "referrer": "https://example.com/page",
        "form-name": "contact",
    }
    found = read(added | {"utm_source": "mail", "user_id": "7"})
    assert (found.fields, found.page) == ((), "https://example.com/page")
    assert found.hidden == {"utm_source": "mail", "user_id": "7"}


def test_the_persons_email_is_the_one_that_netlify_found() -> None:
    body = content({"почта": "ada@example.com", "друг": "bob@example.com"}, email="ada@example.com")
    change = mapping.to_change(webhook("netlify", body), ConnectionSettings())
    assert attributes(change) == {"$email_address": "ada@example.com"}


@pytest.mark.parametrize("body", [b"{}", content([]), content({}), b'{"deploy_id": "1", "state": "ready"}'])
def test_what_has_no_fields_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        netlify.routing_of(Request("netlify", "main", {}, {}, body))


def test_a_proven_digest_with_half_a_character_proves_nothing() -> None:
    with pytest.raises(InvalidSignature):
        verify(signature(claims={"iss": "netlify", "sha256": "\ud800"}))
