"""Any other tool at the receiver: each way to prove a webhook, handshakes, and settings that accept nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import InvalidSignature
from bridge.receiving.receiver import Receiver
from bridge.webhook import MAX_BODY_BYTES, Request
from functions.sources.custom.receiver import CUSTOM, verify
from functions.sources.custom.signing import sign

NOW = 1_789_041_600.0
SECRET = "a-secret-of-the-tool"
BODY = b'{"kind": "signed_up", "id": "e-1", "email": "ada@example.com"}'
MAPPING = [{"attributes": {"$email_address": "email"}}]
VECTORS = Path("../shared/samples/signature_vectors")

Ask = Callable[..., dict[str, Any]]

# each way to sign      what the settings say of it
SCHEMES: dict[str, dict[str, Any]] = {
    "hex": {"scheme": "hmac", "header": "X-Signature"},
    "base64": {"scheme": "hmac", "header": "X-Signature", "encoding": "base64"},
    "sha1": {"scheme": "hmac", "header": "X-Hub-Signature", "algorithm": "sha1", "prefix": "sha1="},
    "sha512": {"scheme": "hmac", "header": "X-Signature", "algorithm": "sha512"},
    "parts": {
        "scheme": "hmac",
        "header": "Signature",
        "signature_part": "v1",
        "timestamp_part": "t",
        "signed": "{timestamp}.{body}",
    },
    "milliseconds": {
        "scheme": "hmac",
        "header": "X-Signature",
        "timestamp_header": "X-Timestamp",
        "timestamp_unit": "ms",
        "signed": "{timestamp}:{body}",
    },
    "iso": {
        "scheme": "hmac",
        "header": "X-Signature",
        "encoding": "base64",
        "timestamp_header": "X-Timestamp",
        "timestamp_unit": "iso",
        "signed": "{timestamp}{body}",
    },
    "id": {"scheme": "hmac", "header": "X-Signature", "id_header": "X-Id", "signed": "{id}.{body}"},
    "standard_webhooks": {"scheme": "standard_webhooks"},
    "basic": {"scheme": "basic"},
    "token in a header": {"scheme": "token", "header": "Authorization", "prefix": "Bearer "},
    "token in the address": {"scheme": "token", "query": "token"},
}
TIMED = ("parts", "milliseconds", "iso", "standard_webhooks")
UNSIGNED_BODY = ("basic", "token in a header", "token in the address")
each_scheme = pytest.mark.parametrize("scheme", SCHEMES)


def secret_of(scheme: str) -> str:
    return (
        "whsec_" + base64.b64encode(b"24 bytes of a secret key").decode() if "standard" in scheme else SECRET
    )


@pytest.fixture
def ask(world: Any) -> Ask:
    """A request to custom/main with these settings; `ask(settings, body, headers, query, method)`."""

    def posted(
        settings: dict[str, Any] | None,
        body: bytes = BODY,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        method: str = "POST",
        now: float = NOW,
        secret: str = SECRET,
    ) -> dict[str, Any]:
        world.connect("custom", signing_secrets=[secret, "an-older-one"])
        if settings is not None:
            world.parameters.write("custom", "main", settings)
        world.secrets.cache.entries.clear()
        world.parameters.cache.entries.clear()
        receiver = Receiver(
            CUSTOM,
            secrets=world.secrets,
            queue=world.queue,
            connections=world.connections,
            parameters=world.parameters,
            clock=lambda: now or NOW,
        )
        event = {
            "requestContext": {"http": {"method": method}, "domainName": "door.example.com"},
            "rawPath": "/custom/main",
            "pathParameters": {"connection": "main"},
            "headers": {"content-type": "application/json", **(headers or {})},
            "queryStringParameters": query or {},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        return receiver(event, None)

    return posted


def with_scheme(scheme: str, **more: Any) -> dict[str, Any]:
    return {"verify": SCHEMES[scheme], "person": {"email": "email"}, "mapping": MAPPING, **more}


def queued(world: Any) -> list[dict[str, Any]]:
    answer = world.queue.client.receive_message(QueueUrl=world.queue.url, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


# ── Proof ───────────────────────────────────────────────────────────────────────────────────────────────────


@each_scheme
def test_accepts_what_is_signed_as_the_settings_say(ask: Ask, scheme: str) -> None:
    settings, secret = with_scheme(scheme), secret_of(scheme)
    headers, query = sign("custom", "", BODY, secret, NOW, settings)
    assert ask(settings, headers=headers, query=query, secret=secret)["statusCode"] == 200


@each_scheme
def test_refuses_what_is_unsigned_or_signed_by_a_stranger(ask: Ask, world: Any, scheme: str) -> None:
    settings, secret = with_scheme(scheme), secret_of(scheme)
    stranger = base64.b64encode(b"another secret key here!").decode()
    headers, query = sign("custom", "", BODY, stranger, NOW, settings)
    assert ask(settings, secret=secret)["statusCode"] == 401
    assert ask(settings, headers=headers, query=query, secret=secret)["statusCode"] == 401
    assert queued(world) == []


@each_scheme
def test_refuses_a_changed_body_where_the_body_is_signed(ask: Ask, scheme: str) -> None:
    settings, secret = with_scheme(scheme), secret_of(scheme)
    headers, query = sign("custom", "", BODY, secret, NOW, settings)
    answer = ask(settings, BODY + b" ", headers, query, secret=secret)
    assert answer["statusCode"] == (200 if scheme in UNSIGNED_BODY else 401)


@pytest.mark.parametrize("scheme", TIMED)
@pytest.mark.parametrize(("late", "status"), [(299, 200), (-299, 200), (302, 401), (-302, 401)])
def test_a_signed_time_holds_for_five_minutes_both_ways(
    ask: Ask, scheme: str, late: int, status: int
) -> None:
    settings, secret = with_scheme(scheme), secret_of(scheme)
    headers, query = sign("custom", "", BODY, secret, NOW - late, settings)
    assert ask(settings, headers=headers, query=query, secret=secret)["statusCode"] == status


@pytest.mark.parametrize("value", ["", "t=1", "v1=00", "t=x,v1=zz", "t=1,t=2,v1=00", ",,,", "t=nan,v1=00"])
def test_a_malformed_header_is_refused(ask: Ask, value: str) -> None:
    assert ask(with_scheme("parts"), headers={"signature": value})["statusCode"] == 401


def test_any_of_several_signatures_is_enough(ask: Ask) -> None:
    settings = with_scheme("parts")
    headers, _ = sign("custom", "", BODY, SECRET, NOW, settings)
    twice = headers["signature"].replace(",v1=", f",v1={'0' * 64},v1=")
    assert ask(settings, headers={"signature": twice})["statusCode"] == 200


def test_the_previous_secret_is_accepted(ask: Ask) -> None:
    headers, _ = sign("custom", "", BODY, "an-older-one", NOW, with_scheme("hex"))
    assert ask(with_scheme("hex"), headers=headers)["statusCode"] == 200


@pytest.mark.parametrize(
    "verify",
    [
        None,
        {},
        [],
        "hmac",
        {"scheme": "none"},
        {"scheme": ["hmac"]},
        {"scheme": "hmac"},
        {"scheme": "hmac", "header": 7},
        {"scheme": "hmac", "header": "x-signature", "algorithm": "md5"},
        {"scheme": "hmac", "header": "x-signature", "encoding": "rot13"},
        {"scheme": "hmac", "header": "x-signature", "signed": "{timestamp}"},
        {"scheme": "hmac", "header": "x-signature", "signed": "{timestamp}{body}"},
        {"scheme": "hmac", "header": "x-signature", "signed": 1},
    ],
)
def test_settings_that_do_not_say_how_to_verify_accept_nothing(ask: Ask, world: Any, verify: Any) -> None:
    digest = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    answer = ask({"verify": verify, "mapping": MAPPING}, headers={"x-signature": digest})
    assert (answer["statusCode"], answer["body"]) == (503, '{"error": "unavailable"}')
    assert queued(world) == []


def test_a_connection_without_settings_accepts_nothing(ask: Ask, world: Any) -> None:
    headers, _ = sign("custom", "", BODY, SECRET, NOW)
    assert ask(None, headers=headers)["statusCode"] == 404
    assert queued(world) == []


@pytest.mark.parametrize("name", ["slack", "standard_webhooks", "github"])
def test_published_vectors_prove_or_fail_as_published(ask: Ask, name: str) -> None:
    if not VECTORS.is_dir():
        pytest.skip("samples folder missing: ../shared/samples is not beside the project")
    schemes = {
        "slack": json.loads(Path("presets/slack.json").read_text())["verify"],
        "standard_webhooks": SCHEMES["standard_webhooks"],
        "github": {"scheme": "hmac", "header": "X-Hub-Signature-256", "prefix": "sha256="},
    }
    for vector in json.loads((VECTORS / f"{name}.json").read_text()):
        headers = {key.lower(): value for key, value in vector["headers"].items()}
        answer = ask(
            {"verify": schemes[name], "person": {}, "mapping": MAPPING},
            vector["body"].encode(),
            headers,
            now=vector["now"],
            secret=vector["secret"],
        )
        assert (answer["statusCode"] not in (401, 503)) is vector["valid"], vector["name"]


# ── What it is called ───────────────────────────────────────────────────────────────────────────────────────


def send(ask: Ask, settings: dict[str, Any], body: bytes = BODY, **headers: str) -> dict[str, Any]:
    signed, _ = sign("custom", "", body, SECRET, NOW, settings)
    return ask(settings, body, signed | headers)


@pytest.mark.parametrize(
    ("topic", "expected"), [("kind", "signed_up"), ({"header": "X-Topic"}, "told"), (None, "webhook")]
)
def test_the_topic_is_found_in_the_body_or_in_a_header(
    ask: Ask, world: Any, topic: Any, expected: str
) -> None:
    send(ask, with_scheme("hex", topic=topic), **{"x-topic": "told"})
    assert [one["topic"] for one in queued(world)] == [expected]


def test_a_webhook_without_its_topic_is_malformed(ask: Ask) -> None:
    assert send(ask, with_scheme("hex", topic="type"))["statusCode"] == 400


@pytest.mark.parametrize(
    "more", [{"ignore": ["signed_up"]}, {"mapping": [{"topics": ["left"], **MAPPING[0]}]}]
)
def test_a_topic_that_no_rule_is_about_is_ignored_at_the_door(ask: Ask, world: Any, more: Any) -> None:
    answer = send(ask, with_scheme("hex", topic="kind") | more)
    assert json.loads(answer["body"]) == {"status": "ignored", "reason": "topic not mapped"}
    assert queued(world) == []


def test_the_tools_own_id_tells_repeats_of_one_topic(ask: Ask) -> None:
    settings = with_scheme("hex", topic="kind", id="id")
    first = send(ask, settings)["body"]
    assert send(ask, settings, BODY + b" ")["body"] == first
    assert send(ask, settings, BODY.replace(b"signed_up", b"left"))["body"] != first


def test_one_persons_webhooks_are_of_one_group(ask: Ask, world: Any) -> None:
    settings = with_scheme("hex")
    send(ask, settings)
    send(ask, settings, BODY.replace(b"ada@", b"ADA@"))
    send(ask, settings, BODY.replace(b"ada@", b"eve@"))
    groups = [world.queue.webhook(json.dumps(one)).group for one in queued(world)]
    assert len(set(groups)) == 2


# ── Handshakes ──────────────────────────────────────────────────────────────────────────────────────────────


def test_slack_gets_its_challenge_back_only_if_it_signed_it(ask: Ask, world: Any) -> None:
    settings = json.loads(Path("presets/slack.json").read_text())
    body = b'{"type": "url_verification", "challenge": "3eZbrw1a"}'
    answer = send(ask, settings, body)
    assert (answer["statusCode"], answer["body"]) == (200, "3eZbrw1a")
    assert answer["headers"]["content-type"] == "text/plain"
    assert ask(settings, body)["statusCode"] == 401
    assert queued(world) == []


META = {"get": {"answer": "hub.challenge", "token_in": "hub.verify_token", "token": "chosen-by-us"}}


@pytest.mark.parametrize(
    ("handshake", "query", "status", "body"),
    [
        (META, {"hub.verify_token": "chosen-by-us", "hub.challenge": "158"}, 200, "158"),
        (
            META,
            {"hub.verify_token": "guessed", "hub.challenge": "158"},
            404,
            '{"error": "unknown_connection"}',
        ),
        (META, {}, 404, '{"error": "unknown_connection"}'),
        ({"get": {}}, {}, 200, "ok"),
        (None, {}, 404, '{"error": "unknown_connection"}'),
    ],
)
def test_a_get_is_answered_as_the_handshake_says(
    ask: Ask, handshake: Any, query: dict[str, str], status: int, body: str
) -> None:
    answer = ask(with_scheme("hex", handshake=handshake), b"", query=query, method="GET")
    assert (answer["statusCode"], answer["body"]) == (status, body)


def test_hundreds_of_digests_in_a_header_cost_one_look_at_the_body() -> None:
    """Else a stranger, who can sign nothing, could keep the receiver busy with six megabytes for minutes."""
    body = b"a" * MAX_BODY_BYTES
    signatures = " ".join(["v1,AAAA"] * 1200)
    headers = {"webhook-id": "1", "webhook-timestamp": str(int(NOW)), "webhook-signature": signatures}
    request = Request(
        "custom", "main", headers, {}, body, settings={"verify": {"scheme": "standard_webhooks"}}
    )
    started = time.process_time()
    with pytest.raises(InvalidSignature):
        verify(request, [SECRET], NOW)
    taken, started = time.process_time() - started, time.process_time()
    hmac.new(b"key", body, hashlib.sha256).digest()
    assert taken < 40 * (time.process_time() - started)


@pytest.mark.parametrize(
    "topic",
    ["t" * 101, "card\nredeemed", "card\u202eredeemed", "\x1b[31mcard", "card\u200bredeemed"],
)
def test_a_topic_that_cannot_be_shown_or_is_too_long_is_none(ask: Ask, world: Any, topic: str) -> None:
    settings = {"verify": SCHEMES["hex"], "topic": "kind", "person": {}, "mapping": MAPPING}
    body = json.dumps({"kind": topic}).encode()
    headers, _ = sign("custom", "", body, SECRET, NOW, settings=settings)
    assert ask(settings, body, headers)["statusCode"] == 400
    assert queued(world) == []


@pytest.mark.parametrize("header", ["x-sent-at", "x-topic"])
def test_a_call_without_a_signature_counts_where_it_has_a_header_that_the_settings_name(
    ask: Ask, world: Any, header: str
) -> None:
    verify = {
        "scheme": "hmac",
        "header": "x-signature",
        "timestamp_header": "x-sent-at",
        "signed": "{timestamp}{body}",
    }
    settings = {"verify": verify, "topic": {"header": "X-Topic"}, "person": {}, "mapping": MAPPING}
    assert ask(settings, BODY, {"x-other": "1"})["statusCode"] == 401
    assert world.connections.known("custom", "main").refused == {}
    assert ask(settings, BODY, {header: "1"})["statusCode"] == 401
    assert world.connections.known("custom", "main").refused == {"no_header": 1}
