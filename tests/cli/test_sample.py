"""Every sample can be read and signed, and what is no sample is refused in a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from bridge.webhook import Request
from cli.sample import NotASample, Sample, SignedRequest, signed
from functions.sources.registry import source_module

SECRET = "a-secret"
NOW = 1_789_041_600.0
EVENTS = sorted(path for path in Path("events").glob("*/*.json") if not path.name.endswith(".batch.json"))


def proving_secret(source: str, request: SignedRequest, settings: Mapping[str, Any] | None = None) -> int:
    """The position of the secret that proves the request, as the source's handler finds it."""
    known = {one.name: one for one in source_module(source, "receiver").SOURCES}
    query = dict(parse_qsl(urlsplit(request.url).query))
    verify: Callable[..., int] = known[source].verify
    return verify(
        Request(source, "main", request.headers, query, request.body, request.url, settings or {}),
        ["older", SECRET],
        NOW,
    )


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


@pytest.mark.parametrize("path", EVENTS, ids=str)
def test_every_event_file_is_signed_as_its_source_verifies(path: Path) -> None:
    sample = Sample.load(path)

    assert (sample.source, sample.topic) == (path.parent.name, json.loads(path.read_text())["topic"])
    request = signed(sample, "https://example.com/", SECRET, NOW)
    assert proving_secret(sample.source, request, sample.settings or {}) == 1


@pytest.mark.parametrize(
    "source", ["shopify", "stripe", "typeform", "tally", "webflow", "hubspot", "netlify"]
)
def test_every_sample_of_others_is_signed_as_its_source_verifies(samples: Path, source: str) -> None:
    paths = sorted((samples / source).glob("*.json"))
    assert paths

    for path in paths:
        sample = Sample.load(path)
        request = signed(sample, "https://example.com/", SECRET, NOW)

        assert sample.topic == json.loads(path.read_text())["topic"], path
        assert proving_secret(source, request) == 1, path
        assert not any("<" in text for text in request.headers.values()), path
        assert "content-length" not in request.headers, path


def test_a_signature_that_was_captured_is_replaced(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "any.json",
        {
            "source": "shopify",
            "topic": "orders/paid",
            "headers": {
                "X-Shopify-Hmac-SHA256": "c3RhbGU=",
                "Content-Type": "application/json",
                "Content-Length": "7",
                "X-Shopify-API-Version": "2026-04",
                "X-Shopify-Webhook-Id": "<a new id>",
            },
            "body": {"id": 1, "name": "Zoë"},
        },
    )

    request = signed(Sample.load(path), "https://example.com/", SECRET, NOW)

    assert request.body == '{"id":1,"name":"Zoë"}'.encode()
    assert set(request.headers) == {
        "content-type",
        "x-shopify-api-version",
        "x-shopify-hmac-sha256",
        "x-shopify-topic",
    }
    assert proving_secret("shopify", request) == 1


def test_a_bare_body_is_sent_byte_for_byte(tmp_path: Path) -> None:
    exact = b'{ "id" : 1.10 }\n'
    sample = Sample.load(write(tmp_path, "shopify/orders.paid__guest.json", exact))

    assert sample == Sample("shopify", "orders/paid", {}, "application/json", exact)


def test_a_body_with_a_field_named_body_is_no_envelope(tmp_path: Path) -> None:
    content = {"topic": "a question", "body": "Hello"}
    sample = Sample.load(write(tmp_path, "form/submission.json", content))

    assert json.loads(sample.body) == content


def test_what_is_typed_outranks_what_the_file_says(tmp_path: Path) -> None:
    envelope = {"source": "shopify", "topic": "orders/paid", "headers": {}, "body_raw": "text"}
    sample = Sample.load(write(tmp_path, "sample.json", envelope), source="stripe", topic="invoice.paid")

    assert (sample.source, sample.topic, sample.body) == ("stripe", "invoice.paid", b"text")


def test_a_token_joins_the_other_parameters_of_the_address(tmp_path: Path) -> None:
    sample = Sample.load(write(tmp_path, "form/submission.json", {"email": "ada@example.com"}))

    request = signed(sample, "https://example.com/form/main?utm_source=mail&token=old", SECRET, NOW)

    assert dict(parse_qsl(urlsplit(request.url).query)) == {"utm_source": "mail", "token": SECRET}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("shopify/orders.paid.json", b"not json", "is not JSON"),
        ("shopify/orders.paid.json", b"\xff\xfe\x00", "is not JSON"),
        ("shopify/orders.paid.json", b"[" * 200_000, "is not JSON"),
        ("shopify/orders.paid.batch.json", [], "is what Batch gets"),
        ("orders.paid.json", {"id": 1}, "name one with --source"),
        ("slack/message.json", {"source": "slack", "headers": {}, "body": {}}, "name one with --source"),
        ("shopify/a.json", {"headers": {"x-name": "a\nb"}, "body": {}}, "contains invalid characters"),
        ("shopify/a.json", {"headers": {}, "body": "\ud800"}, "half a character"),
    ],
)
def test_nonsense_is_refused_with_its_reason(tmp_path: Path, name: str, content: Any, reason: str) -> None:
    with pytest.raises(NotASample, match=reason):
        Sample.load(write(tmp_path, name, content))


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotASample, match="cannot be read"):
        Sample.load(tmp_path / name)
