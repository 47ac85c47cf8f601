"""What is special about WPForms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.errors import InvalidSignature, MalformedBody
from bridge.receiving import signatures
from bridge.webhook import Request
from functions.sources.forms.submission import Field
from functions.sources.forms.vendors import wpforms
from tests.sources.test_forms import webhook

NOW = 1_788_000_000.0
BODY = b'{"email": "ada@example.com"}'


def request(**headers: str) -> Request:
    return Request("wpforms", "main", {name.replace("_", "-"): v for name, v in headers.items()}, {}, BODY)


def field(value: Any) -> Field:
    [found] = wpforms.read(webhook("wpforms", json.dumps({"Question": value}).encode())).fields
    return found


def test_the_previous_secret_counts() -> None:
    headers, query = wpforms.sign(BODY, "old", NOW, "")
    assert query == {}
    assert wpforms.verify(Request("wpforms", "main", headers, {}, BODY), ["new", "old"], NOW) == 1


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", signatures.NO_HEADER),
        ("nonsense", signatures.MALFORMED_HEADER),
        ("t=1,v=abc", signatures.MALFORMED_HEADER),
        (f"t=x,v={'0' * 64}", signatures.MALFORMED_HEADER),
        (f"t={int(NOW)},v={'0' * 64}", signatures.MISMATCH),
    ],
)
def test_what_is_not_signed_is_refused(header: str, reason: str) -> None:
    with pytest.raises(InvalidSignature) as refused:
        wpforms.verify(request(x_wpforms_webhook_signature=header), ["secret"], NOW)
    assert refused.value.reason == reason


def test_an_old_signature_is_refused() -> None:
    headers, _ = wpforms.sign(BODY, "secret", NOW, "")
    with pytest.raises(InvalidSignature) as refused:
        wpforms.verify(Request("wpforms", "main", headers, {}, BODY), ["secret"], NOW + 301)
    assert refused.value.reason == signatures.STALE


@pytest.mark.parametrize(
    ("value", "kind", "answer"),
    [
        ("x", "", "x"),
        ("A||B", "", "A, B"),
        (["https://e.com/uploads/a", "https://e.com/uploads/b"], "file", 2),
        (["https://e.com/uploads/a"], "file", "https://e.com/uploads/a"),
        ({"value": "10/24/2026", "unix": 1792800000}, "date", "2026-10-24"),
        ({"value": "10/24/2026 9:00 AM", "unix": "1792832400"}, "date", "2026-10-24T09:00:00Z"),
        ({"value": "9:00 AM", "unix": 1792832400}, "", "9:00 AM"),
        ({"value": "", "unix": ""}, "date", None),
        (None, "", None),
        (True, "", True),
    ],
)
def test_an_answer_is_read_by_what_it_is(value: Any, kind: str, answer: Any) -> None:
    found = field(value)
    assert found.type == kind
    assert found.value == (value if answer == 2 else answer)


def test_nothing_is_malformed() -> None:
    with pytest.raises(MalformedBody):
        wpforms.routing_of(Request("wpforms", "main", {}, {}, b"{}"))
