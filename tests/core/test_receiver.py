"""The HTTP contract of the receiver: what each sender is told, and what is queued."""

from __future__ import annotations

import base64
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from io import StringIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import Ignored, MalformedBody
from bridge.receiving import signature_diagnosis
from bridge.receiving.receiver import DIAGNOSES, Receiver
from bridge.receiving.signatures import TOLERANCE_SECONDS, hmac_sha256
from bridge.storage.connections import Connections
from bridge.storage.parameters import Parameters
from bridge.storage.queue import WebhookQueue
from bridge.storage.secrets import Secrets
from bridge.webhook import MAX_BODY_BYTES, Request, Routing, Source, Webhook, has_header, json_object
from functions.sources.registry import SOURCE_PACKAGES, signed, source_module
from tests.core.stand_ins import Calls, Clock, Store, out_of_reach, refused

SECRET = "whsec_never-to-be-shown"
DOMAIN = "abc123.execute-api.eu-west-1.amazonaws.com"
NOW = 1_788_000_000.0
SHOPIFY = source_module("shopify", "receiver").SOURCES
STRIPE = source_module("stripe", "receiver").SOURCES
FORMS = source_module("form", "receiver").SOURCES
TOKEN_SOURCES = {"form", "jotform", "webflow", "fillout", "netlify", "gravity", "elementor", "wufoo"}
ORDER = json.dumps(
    {"id": 1001, "email": "ada@example.com", "customer": {"id": 1, "first_name": "Ada"}}
).encode()
INVOICE = {
    "id": "evt_1",
    "object": "event",
    "type": "invoice.paid",
    "data": {"object": {"object": "invoice", "customer": "cus_9"}},
}
POST = b"email=ada%40example.com&first_name=Ada"
URLENCODED = {"content-type": "application/x-www-form-urlencoded"}
MULTIPART = {"content-type": "multipart/form-data; boundary=frontier"}


@dataclass
class Hall:
    """A receiver with the AWS that is in behind it."""

    sources: tuple[Source, ...]
    store: Store = field(default_factory=Store)
    sqs: Calls = field(default_factory=Calls)
    s3: Calls = field(default_factory=Calls)
    dynamodb: Calls = field(default_factory=Calls)
    clock: Clock = field(default_factory=partial(Clock, NOW))
    receiver: Receiver = field(init=False)

    def __post_init__(self) -> None:
        secrets, parameters = Secrets("bridge-test", self.store), Parameters("bridge-test", self.store)
        secrets.cache.clock = parameters.cache.clock = self.clock
        self.queue = WebhookQueue("queue", bucket="bodies", client=self.sqs, s3_client=self.s3)
        self.receiver = Receiver(
            *self.sources,
            secrets=secrets,
            queue=self.queue,
            connections=Connections("ledger", self.dynamodb, self.clock),
            parameters=parameters,
            clock=self.clock,
        )
        for source in self.sources:
            self.store.put(f"bridge-test/{source.name}/main", {"signing_secrets": [SECRET, "previous"]})

    def ask(self, event: Mapping[str, Any]) -> dict[str, Any]:
        return self.receiver(event, None)

    def send(
        self, topic: str = "", content: bytes = ORDER, secret: str = SECRET, **changes: Any
    ) -> dict[str, Any]:
        """Send a body as the provider of the receiver's last source does."""
        return self.ask(event(self.sources[-1].name, content, topic, secret, **changes))

    @property
    def queued(self) -> list[Webhook]:
        return [self.queue.webhook(call["MessageBody"]) for call in self.sqs.of("send_message")]


def event(
    source: str,
    content: bytes,
    topic: str = "",
    secret: str = SECRET,
    *,
    connection: str = "main",
    headers: Mapping[str, str] | None = None,
    now: float = NOW,
    **replaced: Any,
) -> dict[str, Any]:
    """A signed webhook as API Gateway hands it over (payload 2.0)."""
    path = f"/{source}/{connection}"
    headers_of_source, query = signed(source, topic, content, secret, now, f"https://{DOMAIN}{path}")
    return {
        "version": "2.0",
        "rawPath": path,
        "requestContext": {"domainName": DOMAIN},
        "pathParameters": {"source": source, "connection": connection},
        "headers": {"content-type": "application/json", **headers_of_source, **(headers or {})},
        "queryStringParameters": query,
        "body": base64.b64encode(content).decode(),
        "isBase64Encoded": True,
    } | replaced


def told(response: Mapping[str, Any]) -> tuple[int, Any]:
    """The status and the body of an answer."""
    return response["statusCode"], json.loads(response["body"])


@pytest.fixture
def shopify() -> Hall:
    return Hall(SHOPIFY)


@pytest.fixture
def stripe() -> Hall:
    return Hall(STRIPE)


@pytest.fixture
def forms() -> Hall:
    """A receiver of every form vendor; what it sends is of a plain form."""
    return Hall(tuple(sorted(FORMS, key=lambda source: source.name == "form")))


# ── Accepted ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_authentic_webhook_is_queued_and_named(shopify: Hall) -> None:
    status, body = told(shopify.send("orders/paid"))
    [webhook] = shopify.queued
    assert (status, body) == (200, {"status": "accepted", "id": webhook.id})
    assert (webhook.source, webhook.connection, webhook.topic) == ("shopify", "main", "orders/paid")
    assert webhook.received_at.timestamp() == NOW


def test_every_answer_is_json_and_says_so(shopify: Hall) -> None:
    answers = [
        shopify.send("orders/paid"),
        shopify.send("orders/paid", secret="wrong"),
        shopify.send("app/new"),
    ]
    assert [one["headers"] for one in answers] == [{"content-type": "application/json"}] * 3


def test_a_repeat_is_accepted_under_the_same_id(shopify: Hall) -> None:
    assert told(shopify.send("orders/paid")) == told(shopify.send("orders/paid"))
    first, second = shopify.sqs.of("send_message")
    assert first["MessageDeduplicationId"] == second["MessageDeduplicationId"]
    assert first["MessageGroupId"] == second["MessageGroupId"]


def test_a_repeat_signed_at_another_time_is_still_the_same_webhook(stripe: Hall) -> None:
    body = json.dumps(INVOICE).encode()
    first = told(stripe.send(content=body))
    assert told(stripe.send(content=body, now=NOW + 60)) == first


def test_a_form_posted_twice_by_a_double_click_is_one_and_on_another_day_another(forms: Hall) -> None:
    [window] = [source.repeat_seconds for source in forms.sources if source.name == "form"]
    assert window
    forms.clock.now = 1000 * window
    first = told(forms.send(content=POST, headers=URLENCODED))
    forms.clock.now += window - 1
    assert told(forms.send(content=POST, headers=URLENCODED)) == first
    forms.clock.now += 1
    assert told(forms.send(content=POST, headers=URLENCODED)) != first


def test_webhooks_of_one_customer_share_a_group_whatever_their_topic(shopify: Hall) -> None:
    shopify.send("orders/create")
    shopify.send("orders/paid")
    shopify.send("customers/update", b'{"id": 1}')
    shopify.send("orders/paid", b'{"id": 1002, "customer": {"id": 2}}')
    groups = [call["MessageGroupId"] for call in shopify.sqs.of("send_message")]
    assert (groups[0] == groups[1] == groups[2], groups[3] != groups[0]) == (True, True)


BODIES = [
    b'{"id":1}',
    b' {"id" : 1}\r\n\t',
    '{"name":"Zoë 🎉 \u202e"}'.encode(),
    '{"name":"\ufeff\x7f\\u0000"}'.encode(),
    b'{"name":"\\ud800"}',
]


@pytest.mark.parametrize("body", BODIES)
def test_the_exact_bytes_are_kept(shopify: Hall, body: bytes) -> None:
    assert shopify.send("orders/paid", body)["statusCode"] == 200
    assert shopify.send("orders/paid", body, body=body.decode(), isBase64Encoded=False)["statusCode"] == 200
    assert [webhook.body for webhook in shopify.queued] == [body, body]
    assert len({webhook.id for webhook in shopify.queued}) == 1


def test_bytes_that_are_no_text_are_kept(forms: Hall) -> None:
    body = (
        b'--frontier\r\nContent-Disposition: form-data; name="x"\r\n\r\n\xff\xfe\x00\x81\r\n--frontier--\r\n'
    )
    assert forms.send(content=body, headers=MULTIPART)["statusCode"] == 200
    assert forms.queued[0].body == body


def test_only_the_headers_that_the_source_declares_are_kept(shopify: Hall) -> None:
    private = {"cookie": "session=1", "authorization": "Bearer 2", "x-forwarded-for": "192.0.2.1"}
    kept = {"X-Shopify-Api-Version": "2026-04", "X-SHOPIFY-TEST": "true"}
    shopify.send("orders/paid", headers={**private, **kept})
    [webhook] = shopify.queued
    assert webhook.headers == {"x-shopify-api-version": "2026-04", "x-shopify-test": "true"}
    assert "hmac" not in shopify.sqs.of("send_message")[0]["MessageBody"]


def test_a_source_sees_the_address_as_the_sender_called_it(shopify: Hall) -> None:
    seen: list[Request] = []

    def verify(request: Request, *_: object) -> int:
        seen.append(request)
        return 0

    source = Source(
        name="shopify",
        topics=frozenset({"topic"}),
        verify=verify,
        routing_of=lambda request: Routing("topic", "1"),
        is_from_tool=has_header(),
    )
    shopify.receiver.sources = {"shopify": source}
    address: dict[str, Any] = {
        "requestContext": {"domainName": "door.example.com"},
        "rawPath": "/shopify/main",
    }
    shopify.send(rawQueryString="a=1&b=%20", **address)
    shopify.send(rawQueryString="", **address)
    shopify.send(**address)
    plain = "https://door.example.com/shopify/main"
    assert [request.url for request in seen] == [f"{plain}?a=1&b=%20", plain, plain]


def test_the_previous_secret_still_opens(shopify: Hall) -> None:
    assert shopify.send("orders/paid", secret="previous")["statusCode"] == 200


def test_a_large_body_is_taken_whole(shopify: Hall) -> None:
    body = b'{"note": "' + b"a" * (MAX_BODY_BYTES - 12) + b'"}'
    assert len(body) == MAX_BODY_BYTES
    assert shopify.send("orders/paid", body)["statusCode"] == 200
    assert shopify.queued[0].body == body


# ── Ignored ─────────────────────────────────────────────────────────────────────────────────────────────


def test_an_authentic_webhook_of_no_topic_of_ours_is_ignored(shopify: Hall, stripe: Hall) -> None:
    ignored = (200, {"status": "ignored", "reason": "topic not mapped"})
    assert told(shopify.send("themes/publish")) == ignored
    assert told(stripe.send(content=json.dumps(INVOICE | {"type": "charge.succeeded"}).encode())) == ignored
    assert (shopify.queued, stripe.queued) == ([], [])


# ── Refused ─────────────────────────────────────────────────────────────────────────────────────────────

UNSIGNED: dict[str, dict[str, Any]] = {
    "another secret": {"secret": "another"},
    "no headers": {"replaced": {"headers": {}}},
    "headers null": {"replaced": {"headers": None}},
    "no such field": {"replaced": {"headers": {"x-shopify-topic": "orders/paid"}}},
    "empty": {"headers": {"x-shopify-hmac-sha256": ""}},
    "no base64": {"headers": {"x-shopify-hmac-sha256": "*"}},
    "not ASCII": {"headers": {"x-shopify-hmac-sha256": "é"}},
    "other body": {"replaced": {"body": base64.b64encode(ORDER + b" ").decode()}},
    "no body": {"replaced": {"body": None}},
}


@pytest.mark.parametrize("changes", UNSIGNED.values(), ids=UNSIGNED)
def test_what_is_not_proven_is_told_nothing_but_that(shopify: Hall, changes: dict[str, Any]) -> None:
    changes = dict(changes)
    replaced = changes.pop("replaced", {})
    made = event("shopify", ORDER, "orders/paid", **changes) | replaced
    assert told(shopify.ask(made)) == (401, {"error": "invalid_signature"})
    assert shopify.sqs.made == []


@pytest.mark.parametrize("off", [-TOLERANCE_SECONDS - 1, TOLERANCE_SECONDS + 1])
def test_a_stale_or_future_signature_is_refused_and_told_no_more(stripe: Hall, off: int) -> None:
    response = stripe.send(content=json.dumps(INVOICE).encode(), now=NOW + off)
    assert told(response) == (401, {"error": "invalid_signature"})
    assert stripe.queued == []


@pytest.mark.parametrize(
    ("source", "connection"),
    [
        ("shopify", "eu"),
        ("stripe", "main"),
        ("", "main"),
        ("shopify", ""),
        ("shopify", "Main"),
        ("shopify", "../batch/default"),
        ("shopify", "main\n"),
        ("shopify", "a" * 64),
        ("shopify", "maïn"),
        ("batch", "default"),
    ],
)
def test_an_address_of_nothing_is_unknown(shopify: Hall, source: str, connection: str) -> None:
    made = event("shopify", ORDER, "orders/paid")
    made["pathParameters"] = {"source": source, "connection": connection}
    assert told(shopify.ask(made)) == (404, {"error": "unknown_connection"})
    assert shopify.sqs.made == []


@pytest.mark.parametrize("path", [None, {}, {"source": "shopify"}])
def test_an_address_without_a_connection_is_unknown(shopify: Hall, path: dict[str, str] | None) -> None:
    made = event("shopify", ORDER, "orders/paid", pathParameters=path)
    assert told(shopify.ask(made)) == (404, {"error": "unknown_connection"})


def test_a_name_that_cannot_be_a_connection_is_not_even_looked_up(shopify: Hall) -> None:
    shopify.send("orders/paid", connection="../batch/default")
    assert shopify.store.reads == {}


def test_a_door_of_one_source_serves_addresses_without_the_source(shopify: Hall) -> None:
    made = event("shopify", ORDER, "orders/paid", pathParameters={"connection": "main"})
    assert shopify.ask(made)["statusCode"] == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b"a=1"])
def test_what_is_authentic_but_not_what_the_provider_sends_is_malformed(
    shopify: Hall, stripe: Hall, body: bytes
) -> None:
    for hall in (shopify, stripe):
        assert told(hall.send("orders/paid", body)) == (400, {"error": "malformed_body"})
        assert hall.sqs.made == []


@pytest.mark.parametrize("depth", [100, 300, 500, 700, 900, 980])
def test_a_body_nested_deep_within_never_breaks_the_door(shopify: Hall, depth: int) -> None:
    body = b'{"id": 1, "email": ' + b"[" * depth + b"]" * depth + b"}"
    assert told(shopify.send("orders/paid", body)) == (400, {"error": "malformed_body"})


@pytest.mark.parametrize("value", [b"NaN", b"-Infinity", b"1" * 5000, b'"\x00"', b'"\xff"', b"1e"])
def test_a_value_that_is_no_json_is_malformed(shopify: Hall, value: bytes) -> None:
    assert told(shopify.send("orders/paid", b'{"id": ' + value + b"}")) == (400, {"error": "malformed_body"})


def test_hundreds_of_digests_in_a_header_cost_one_look_at_the_body_for_each_secret(stripe: Hall) -> None:
    """Else a stranger, who can sign nothing, could keep the receiver busy with six megabytes for minutes."""
    body = b"a" * MAX_BODY_BYTES
    header = f"t={int(NOW)}," + ",".join(f"v1={number:064x}" for number in range(140))
    made = event("stripe", body, "invoice.paid", headers={"stripe-signature": header})
    started = time.process_time()
    assert told(stripe.ask(made)) == (401, {"error": "invalid_signature"})
    assert time.process_time() - started < 40 * least(lambda: hmac_sha256(SECRET, body))


def least(work: Callable[[], object]) -> float:
    """The processor time of the quickest of three runs, in seconds."""
    times = []
    for _ in range(3):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


@pytest.mark.parametrize("text", ["*", "é", "abc", "\ud800"])
def test_a_body_that_its_encoding_does_not_fit_is_malformed(shopify: Hall, text: str) -> None:
    made = event("shopify", ORDER, "orders/paid", body=text)
    assert told(shopify.ask(made)) == (400, {"error": "malformed_body"})


def test_half_a_character_in_a_plain_body_is_malformed(shopify: Hall) -> None:
    made = event("shopify", ORDER, "orders/paid", body="\ud800", isBase64Encoded=False)
    assert told(shopify.ask(made)) == (400, {"error": "malformed_body"})


@pytest.mark.parametrize("is_base64", [True, False])
def test_a_body_over_6_mb_is_too_large_signed_or_not(shopify: Hall, is_base64: bool) -> None:
    body = b"a" * (MAX_BODY_BYTES + 1)
    sent = base64.b64encode(body).decode() if is_base64 else body.decode()
    for secret in (SECRET, "wrong"):
        made = event("shopify", body, "orders/paid", secret, body=sent, isBase64Encoded=is_base64)
        assert told(shopify.ask(made)) == (413, {"error": "body_too_large"})
    assert shopify.sqs.made == []


def test_the_size_of_a_body_is_counted_in_bytes(shopify: Hall) -> None:
    text = "é" * (MAX_BODY_BYTES // 2 + 1)
    made = event("shopify", b"", "orders/paid", body=text, isBase64Encoded=False)
    assert told(shopify.ask(made))[0] == 413


@pytest.mark.parametrize("broken", [out_of_reach(), refused("SendMessage")], ids=["network", "refused"])
def test_when_the_queue_refuses_the_provider_is_asked_to_repeat(shopify: Hall, broken: Exception) -> None:
    shopify.sqs.answers["send_message"] = [broken]
    assert told(shopify.send("orders/paid")) == (503, {"error": "unavailable"})
    assert told(shopify.send("orders/paid"))[0] == 200


@pytest.mark.parametrize("broken", [out_of_reach(), refused("PutObject")], ids=["network", "refused"])
def test_when_the_bucket_refuses_a_large_body_nothing_is_queued(shopify: Hall, broken: Exception) -> None:
    body = json.dumps({"note": random.Random(1).randbytes(300_000).hex()}).encode()
    shopify.s3.answers["put_object"] = broken
    assert told(shopify.send("orders/paid", body)) == (503, {"error": "unavailable"})
    assert shopify.sqs.made == []


@pytest.mark.parametrize("broken", [out_of_reach(), refused("GetSecretValue")], ids=["network", "refused"])
def test_when_secrets_are_out_of_reach_the_provider_is_asked_to_repeat(
    shopify: Hall, broken: Exception
) -> None:
    shopify.store.broken = broken
    assert told(shopify.send("orders/paid")) == (503, {"error": "unavailable"})
    assert shopify.sqs.made == []
    shopify.store.broken = None
    assert shopify.send("orders/paid")["statusCode"] == 200
    shopify.store.broken = broken
    shopify.clock.now += 3600
    assert shopify.send("orders/paid")["statusCode"] == 200


@pytest.mark.parametrize("secret", [SECRET, ""])
def test_before_a_secret_is_stored_nothing_is_connected(shopify: Hall, secret: str) -> None:
    shopify.store.put("bridge-test/shopify/main", {"signing_secrets": []})
    answer = told(shopify.send("orders/paid", secret=secret))
    assert answer == (404, {"error": "unknown_connection"})


@pytest.mark.parametrize("stored", ["no JSON", "[]", {"signing_secrets": "no list"}])
def test_a_secret_that_is_broken_makes_the_provider_repeat(shopify: Hall, stored: object) -> None:
    shopify.store.put("bridge-test/shopify/main", stored)
    assert told(shopify.send("orders/paid")) == (503, {"error": "unavailable"})


# ── A secret is rotated ─────────────────────────────────────────────────────────────────────────────────


def test_a_rotated_secret_is_picked_up_after_a_failed_signature(shopify: Hall) -> None:
    shopify.send("orders/paid")
    shopify.store.put("bridge-test/shopify/main", {"signing_secrets": ["rotated", SECRET]})
    shopify.clock.now += 30
    assert shopify.send("orders/paid", secret="rotated")["statusCode"] == 200
    assert shopify.send("orders/paid")["statusCode"] == 200


def test_failed_signatures_read_the_secret_anew_at_most_every_30_seconds(shopify: Hall) -> None:
    name = "bridge-test/shopify/main"
    shopify.send("orders/paid")
    for _ in range(100):
        shopify.send("orders/paid", secret="guess")
        shopify.clock.now += 1
    assert shopify.store.reads[name] == 1 + 100 // 30
    shopify.store.put(name, {"signing_secrets": ["rotated"]})
    shopify.clock.now += 30
    assert shopify.send("orders/paid", secret="rotated")["statusCode"] == 200


def test_a_secret_taken_away_no_longer_opens_after_five_minutes(shopify: Hall) -> None:
    assert shopify.send("orders/paid", secret="previous")["statusCode"] == 200
    shopify.store.put("bridge-test/shopify/main", {"signing_secrets": [SECRET]})
    shopify.clock.now += 300
    assert shopify.send("orders/paid", secret="previous")["statusCode"] == 401


# ── Forms that a browser posts ──────────────────────────────────────────────────────────────────────────

MULTIPART_BODY = (
    b'--frontier\r\nContent-Disposition: form-data; name="email"\r\n\r\nada@example.com\r\n--frontier--\r\n'
)
THANKS = "https://example.com/thanks"


@pytest.mark.parametrize(("headers", "body"), [(URLENCODED, POST), (MULTIPART, MULTIPART_BODY)])
def test_a_browser_goes_on_to_the_page_that_the_connection_names(
    forms: Hall, headers: dict[str, str], body: bytes
) -> None:
    forms.store.put("/bridge-test/form/main", {"thank_you_url": THANKS})
    response = forms.send(content=body, headers=headers)
    assert response == {"statusCode": 303, "headers": {"location": THANKS}, "body": ""}
    assert len(forms.queued) == 1


@pytest.mark.parametrize("settings", [None, {}, {"thank_you_url": None}, {"project": "club"}, "not JSON"])
def test_without_such_a_page_a_browser_gets_the_usual_answer(forms: Hall, settings: object) -> None:
    if settings is not None:
        forms.store.put("/bridge-test/form/main", settings)
    assert told(forms.send(content=POST, headers=URLENCODED)) == (
        200,
        {"status": "accepted", "id": forms.queued[0].id},
    )


def test_a_script_that_posts_json_is_not_sent_anywhere(forms: Hall) -> None:
    forms.store.put("/bridge-test/form/main", {"thank_you_url": THANKS})
    assert forms.send(content=b'{"email": "ada@example.com"}')["statusCode"] == 200


def test_a_page_is_of_no_use_to_who_is_refused(forms: Hall) -> None:
    forms.store.put("/bridge-test/form/main", {"thank_you_url": THANKS})
    assert forms.send(content=POST, headers=URLENCODED, secret="wrong")["statusCode"] == 401
    assert forms.queued == []


def test_while_settings_are_out_of_reach_what_was_posted_is_accepted_once(forms: Hall) -> None:
    forms.store.put("bridge-test/form/main", {"signing_secrets": [SECRET]})
    forms.send(content=b"email=grace%40example.com", headers={"content-type": "text/plain"})
    forms.store.broken = out_of_reach()
    assert forms.send(content=POST, headers=URLENCODED)["statusCode"] == 200
    assert len(forms.queued) == 1


# ── Whatever comes ──────────────────────────────────────────────────────────────────────────────────────

TEXTS = st.text(max_size=30)
HEADER_NAMES = st.one_of(
    TEXTS,
    st.sampled_from(
        [
            "content-type",
            "stripe-signature",
            "Typeform-Signature",
            "x-shopify-hmac-sha256",
            "X-Shopify-Topic",
            "shopify-topic",
        ]
    ),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
JSON_BODIES = st.dictionaries(
    TEXTS
    | st.sampled_from(["id", "email", "customer", "type", "object", "data", "event_id", "form_response"]),
    ANYTHING | st.sampled_from(["event", "invoice.paid", "form_response", "v2.core.event"]),
    max_size=5,
)
BODIES_WHATEVER = st.one_of(
    st.binary(max_size=200),
    JSON_BODIES.map(lambda content: json.dumps(content).encode()),
    ANYTHING.map(lambda inner: json.dumps(INVOICE | {"data": inner}).encode()),
    ANYTHING.map(lambda inner: json.dumps(INVOICE | {"data": {"object": inner}, "id": inner}).encode()),
    st.lists(st.tuples(TEXTS, TEXTS), max_size=4).map(
        lambda pairs: "&".join("=".join(pair) for pair in pairs).encode(errors="replace")
    ),
)
CONTENT_TYPES = st.one_of(
    TEXTS,
    st.sampled_from(
        [
            "application/json",
            "text/plain",
            "multipart/form-data",
            *URLENCODED.values(),
            *MULTIPART.values(),
            "application/x-www-form-urlencoded; charset=latin1",
            "multipart/form-data; boundary=",
        ]
    ),
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "pathParameters": st.none()
        | st.fixed_dictionaries(
            {},
            optional={
                "source": st.sampled_from([*SOURCE_PACKAGES, "batch"]) | TEXTS,
                "connection": st.just("main") | TEXTS,
            },
        ),
        "headers": st.none() | st.dictionaries(HEADER_NAMES, TEXTS | CONTENT_TYPES, max_size=6),
        "queryStringParameters": st.none()
        | st.dictionaries(st.just("token") | TEXTS, TEXTS | st.just(SECRET), max_size=3),
        "body": st.none() | TEXTS | BODIES_WHATEVER.map(lambda body: base64.b64encode(body).decode()),
        "isBase64Encoded": st.booleans() | st.none(),
        "requestContext": st.none() | st.dictionaries(st.just("domainName") | TEXTS, ANYTHING, max_size=3),
        "rawPath": TEXTS,
        "rawQueryString": TEXTS,
    },
)
ALL_SOURCES = (*SHOPIFY, *STRIPE, *FORMS)
IN_ONE_HALL = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)


def is_an_answer_of_the_contract(response: Mapping[str, Any]) -> bool:
    """Whether the answer is one of design.md's table, none of a broken stack."""
    status, body = told(response)
    if status == 200:
        return set(body) in ({"status", "id"}, {"status", "reason"})
    return (status, body) in [
        (401, {"error": "invalid_signature"}),
        (404, {"error": "unknown_connection"}),
        (400, {"error": "malformed_body"}),
        (413, {"error": "body_too_large"}),
    ]


@IN_ONE_HALL
@given(made=EVENTS)
def test_whatever_comes_unsigned_is_answered_and_never_queued(made: dict[str, Any]) -> None:
    hall = Hall(ALL_SOURCES)
    assert is_an_answer_of_the_contract(hall.ask(made))
    is_form = (made.get("pathParameters") or {}).get("source") in TOKEN_SOURCES
    knows_the_token = (made.get("queryStringParameters") or {}).get("token", "").strip() == SECRET
    assert hall.queued == [] or (is_form and knows_the_token)


@IN_ONE_HALL
@given(
    body=BODIES_WHATEVER,
    source=st.sampled_from([source.name for source in ALL_SOURCES]),
    topic=st.sampled_from(["orders/paid", "customers/update", ""]) | TEXTS,
    content_type=CONTENT_TYPES,
)
def test_whatever_comes_signed_is_answered_and_kept_to_the_byte(
    body: bytes, source: str, topic: str, content_type: str
) -> None:
    hall = Hall(ALL_SOURCES)
    response = hall.ask(event(source, body, topic, headers={"content-type": content_type}))
    assert is_an_answer_of_the_contract(response)
    assert response["statusCode"] in (200, 400)
    is_accepted = json.loads(response["body"]).get("status") == "accepted"
    assert [webhook.body for webhook in hall.queued] == ([body] if is_accepted else [])


@pytest.mark.parametrize("topics", [frozenset(), frozenset({"known"})])
def test_a_source_may_ignore_or_refuse_on_its_own_and_both_are_told(topics: frozenset[str]) -> None:
    def routing_of(request: Request) -> Routing:
        content = json_object(request.body)
        if content.get("ping"):
            raise Ignored("a ping")
        if "id" not in content:
            raise MalformedBody("no id")
        return Routing("known", "1")

    hall = Hall(SHOPIFY)
    source = Source(
        name="shopify", topics=topics, verify=lambda *_: 0, routing_of=routing_of, is_from_tool=has_header()
    )
    hall.receiver.sources = {"shopify": source}
    assert told(hall.send(content=b'{"ping": 1}')) == (200, {"status": "ignored", "reason": "a ping"})
    assert told(hall.send(content=b"{}")) == (400, {"error": "malformed_body"})
    expected = "accepted" if topics else "ignored"
    assert told(hall.send(content=b'{"id": 1}'))[1]["status"] == expected


# ── What is told to nobody ──────────────────────────────────────────────────────────────────────────────

PRIVATE = ["ada", "1001", "203.0.113.7", "session-cookie", SECRET, "previous", "wrong-secret"]


@pytest.mark.parametrize("source", ["shopify", "stripe", "form", "typeform"])
@pytest.mark.parametrize("spoiled", ["", "secret", "body", "queue", "path"])
def test_neither_the_log_nor_an_answer_repeats_what_was_sent(
    source: str, spoiled: str, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    hall = Hall(ALL_SOURCES)
    body = json.dumps({"id": 1001, "email": "ada@example.com", "type": "ada", "object": "ada"}).encode()
    made = event(
        source,
        b"ada: 1001" if spoiled == "body" else body,
        "orders/paid",
        "wrong-secret" if spoiled == "secret" else SECRET,
        headers={"cookie": "session-cookie", "x-forwarded-for": "203.0.113.7", "user-agent": "ada"},
    )
    if spoiled == "queue":
        hall.sqs.answers["send_message"] = refused("SendMessage")
    if spoiled == "path":
        made["pathParameters"]["connection"] = "ada"
    response = hall.ask(made)
    shown = "".join([*capsys.readouterr(), log.getvalue(), json.dumps(response)])
    assert "webhook" in shown
    signature = [*made["headers"].values(), *(made["queryStringParameters"] or {}).values()]
    for private in [*PRIVATE, *(text for text in signature if len(text) > 20)]:
        identifier = json.loads(response["body"]).get("id", "")
        assert private not in shown.replace(identifier or "\0", "")


def test_why_a_webhook_is_refused_is_in_the_log_and_the_metrics_alone(
    stripe: Hall, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    stripe.send(content=json.dumps(INVOICE).encode(), now=NOW - 3600)
    lines = [json.loads(line) for line in (log.getvalue() + capsys.readouterr().out).splitlines()]
    [line] = [line for line in lines if line.get("message") == "webhook refused"]
    assert (line["error"], line["reason"]) == ("invalid_signature", "stale")
    [metric] = [line for line in lines if "WebhooksRefused" in line]
    assert (metric["error"], metric["reason"]) == ("invalid_signature", "stale")


# ── With SQS as it is ───────────────────────────────────────────────────────────────────────────────────


def test_with_moto_the_answer_is_given_once_the_webhook_lies_in_the_queue(world: Any) -> None:
    world.connect("shopify", signing_secrets=[SECRET])
    receiver = Receiver(
        *SHOPIFY,
        secrets=world.secrets,
        queue=world.queue,
        connections=world.connections,
        parameters=world.parameters,
        clock=lambda: NOW,
    )
    answers = [told(receiver(event("shopify", ORDER, "orders/paid"), None)) for _ in range(2)]
    [message] = world.queue.client.receive_message(QueueUrl=world.queue.url, MaxNumberOfMessages=10)[
        "Messages"
    ]
    webhook = world.queue.webhook(message["Body"])
    assert answers == [(200, {"status": "accepted", "id": webhook.id})] * 2
    assert webhook.body == ORDER
    world.queue.client.delete_queue(QueueUrl=world.queue.url)
    assert told(receiver(event("shopify", ORDER, "orders/paid"), None))[0] == 503


# ── Made-up names ───────────────────────────────────────────────────────────────────────────────────────

TRUE_NAMES = ("main", "paris", "berlin")


@pytest.fixture
def besieged() -> Hall:
    """A fresh receiver of Shopify with three connections, on the list as `bridge connect` puts them."""
    hall = Hall(SHOPIFY)
    for name in TRUE_NAMES:
        hall.store.put(f"bridge-test/shopify/{name}", {"signing_secrets": [SECRET]})
    hall.store.put("/bridge-test/connections/shopify", list(TRUE_NAMES))
    return hall


@pytest.mark.parametrize("minutes", [10])
@pytest.mark.parametrize("first_true_after", [0, 1, 1000], ids=["warm", "nearly cold", "cold"])
def test_a_thousand_made_up_names_a_minute_cost_no_true_webhook(
    besieged: Hall, first_true_after: int, minutes: int
) -> None:
    random_names = random.Random(7)
    for number in range(1000 * minutes):
        besieged.clock.now += 0.06
        name = f"n{random_names.randrange(10**9)}" if number % 5 else f"again-{number % 7}"
        assert told(besieged.send("orders/paid", connection=name)) == (404, {"error": "unknown_connection"})
        if number >= first_true_after and number % 50 == first_true_after % 50:
            body = json.dumps({"id": number}).encode()
            sent = besieged.send("orders/paid", body, connection=TRUE_NAMES[number // 50 % 3])
            assert told(sent)[0] == 200, number
    half_minutes = 2 * minutes + 1
    lists = besieged.store.reads.pop("/bridge-test/connections/shopify")
    true_ones = sum(besieged.store.reads.pop(f"bridge-test/shopify/{name}") for name in TRUE_NAMES)
    assert lists <= half_minutes
    assert true_ones <= 3 * (minutes // 5 + 1)
    assert besieged.store.reads.total() <= 5 * half_minutes


def test_a_connection_made_during_a_flood_answers_within_30_seconds(besieged: Hall) -> None:
    for number in range(100):
        besieged.send("orders/paid", connection=f"made-up-{number}")
    besieged.send("orders/paid", connection="new")
    besieged.store.put("bridge-test/shopify/new", {"signing_secrets": [SECRET]})
    besieged.store.put("/bridge-test/connections/shopify", [*TRUE_NAMES, "new"])
    besieged.clock.now += 30
    for number in range(100):
        besieged.send("orders/paid", connection=f"more-{number}")
    assert told(besieged.send("orders/paid", connection="new"))[0] == 200


def test_while_the_list_is_out_of_reach_nobody_is_told_that_a_connection_is_unknown(besieged: Hall) -> None:
    for number in range(100):
        besieged.send("orders/paid", connection=f"made-up-{number}")
    besieged.store.broken_names.add("/bridge-test/connections/shopify")
    besieged.clock.now += 60
    besieged.store.broken = None
    answers = {told(besieged.send("orders/paid", connection=f"later-{number}"))[0] for number in range(100)}
    assert (
        told(besieged.send("orders/paid", connection="paris"))[0] == 200
    )  # on the list that was read before
    assert answers <= {404, 503}
    assert told(besieged.send("orders/paid", connection="once-more")) == (503, {"error": "unavailable"})


def test_a_made_up_name_reads_no_settings() -> None:
    hall = Hall(source_module("custom", "receiver").SOURCES)
    for number in range(100):
        made = event("custom", b"{}", connection=f"made-up-{number}")
        assert told(hall.ask(made | {"requestContext": {"http": {"method": "GET"}}}))[0] == 404
        assert told(hall.ask(made))[0] == 404
    assert not [name for name in hall.store.reads if name.startswith("/bridge-test/custom/")]


def test_a_wrong_signature_after_made_up_names_makes_few_look_ups(besieged: Hall) -> None:
    for number in range(30):
        besieged.send("orders/paid", connection=f"made-up-{number}")
    besieged.send("orders/paid", connection="paris")
    besieged.clock.now += 1000  # all that was read is old by now
    besieged.store.reads.clear()
    assert told(besieged.send("orders/paid", connection="paris", secret="wrong"))[0] == 401
    assert set(besieged.store.reads) <= {
        "bridge-test/shopify/paris",
        "bridge-test/shopify/paris@AWSPREVIOUS",
        "bridge-test/shopify/main",
    }


NEVER_CONNECTED: list[tuple[str, object]] = [
    ("no secret at all", None),
    ("an empty secret", {}),
    ("an API key alone", {"signing_secrets": [], "api_key": "rk_1"}),
]


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
@pytest.mark.parametrize(
    "stored", [content for _, content in NEVER_CONNECTED], ids=[name for name, _ in NEVER_CONNECTED]
)
def test_a_source_that_nobody_connected_answers_404(source: str, stored: object) -> None:
    hall = Hall(tuple(one for one in source_module(source, "receiver").SOURCES if one.name == source))
    del hall.store.texts[f"bridge-test/{source}/main"]
    if stored is not None:
        hall.store.put(f"bridge-test/{source}/main", stored)
    assert told(hall.ask(event(source, POST, secret="guessed"))) == (404, {"error": "unknown_connection"})


def test_a_custom_connection_without_settings_is_not_connected() -> None:
    hall = Hall(source_module("custom", "receiver").SOURCES)
    assert told(hall.ask(event("custom", b"{}"))) == (404, {"error": "unknown_connection"})


# ── Why a signature does not fit ────────────────────────────────────────────────────────────────────────


def refusals(hall: Hall) -> list[str]:
    """What was noted of refusals in the connections' rows: the names that were counted up."""
    updates = [call["ExpressionAttributeNames"] for call in hall.dynamodb.of("update_item")]
    return [name.removeprefix("refused ") for names in updates for name in names.values() if " " in name][
        1::2
    ]


def test_the_cause_of_a_refusal_is_logged_counted_and_noted_with_the_connection(
    shopify: Hall, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    shopify.store.put("bridge-test/shopify/paris", {"signing_secrets": ["secret-of-paris"]})
    assert told(shopify.send("orders/paid", connection="paris", secret="secret-of-paris"))[0] == 200
    response = shopify.send("orders/paid", secret="secret-of-paris")
    assert told(response) == (401, {"error": "invalid_signature"})
    lines = [json.loads(line) for line in (log.getvalue() + capsys.readouterr().out).splitlines()]
    assert [line["reason"] for line in lines if "WebhooksRefused" in line] == [
        signature_diagnosis.OTHER_CONNECTION
    ]
    assert refusals(shopify) == [signature_diagnosis.OTHER_CONNECTION]
    assert "secret-of-paris" not in log.getvalue() + json.dumps(shopify.dynamodb.of("update_item"))


def test_a_secret_that_was_taken_out_is_known_from_what_was_stored_before(shopify: Hall) -> None:
    shopify.store.put("bridge-test/shopify/main@AWSPREVIOUS", {"signing_secrets": ["an-old-one"]})
    assert told(shopify.send("orders/paid", secret="an-old-one"))[0] == 401
    assert refusals(shopify) == [signature_diagnosis.PREVIOUS_SECRET_EXPIRED]


def test_a_flood_of_wrong_signatures_is_diagnosed_a_few_times_a_minute(shopify: Hall) -> None:
    """Where nothing was tried, no secret before the last is asked for, and the reason is `unknown`."""
    shopify.store.put("bridge-test/shopify/main@AWSPREVIOUS", {"signing_secrets": ["an-old-one"]})
    for _ in range(50):
        assert told(shopify.send("orders/paid", secret="an-old-one"))[0] == 401
        shopify.clock.now += 1
    shopify.clock.now += 60
    assert told(shopify.send("orders/paid", secret="an-old-one"))[0] == 401
    counted: Counter[str] = Counter()
    for call in shopify.dynamodb.of("update_item"):
        reasons = [name for name in call["ExpressionAttributeNames"].values() if name.startswith("refused ")]
        counted.update({name: int(call["ExpressionAttributeValues"][":a0"]["N"]) for name in reasons})
    assert counted["refused " + signature_diagnosis.PREVIOUS_SECRET_EXPIRED] == DIAGNOSES + 1


def test_a_connection_that_does_not_exist_gets_no_row(shopify: Hall) -> None:
    assert told(shopify.send("orders/paid", connection="nowhere"))[0] == 404
    assert shopify.dynamodb.made == []


def test_which_of_several_secrets_proved_a_webhook_is_noted(
    shopify: Hall, capsys: pytest.CaptureFixture[str]
) -> None:
    for secret in (SECRET, "previous", SECRET):
        shopify.send("orders/paid", secret=secret)
    noted = [
        name
        for call in shopify.dynamodb.of("update_item")
        for name in call["ExpressionAttributeNames"].values()
    ]
    assert noted == ["newest_secret_at", "older_secret_at"]
    assert capsys.readouterr().out.count("OlderSecretUsed") == 2


def test_with_one_secret_nothing_is_noted(shopify: Hall) -> None:
    shopify.store.put("bridge-test/shopify/main", {"signing_secrets": [SECRET]})
    assert told(shopify.send("orders/paid"))[0] == 200
    assert shopify.dynamodb.made == []


@pytest.mark.parametrize(
    ("stored_at", "changed_at"), [(100, 160), (280, 360)], ids=["cached until it fails", "read anew before"]
)
def test_a_rotation_under_load_costs_no_401(shopify: Hall, stored_at: int, changed_at: int) -> None:
    """The tool changes over at one moment, the stored secrets at another, and the caches are old."""
    for number in range(400):
        shopify.clock.now += 1
        if number == stored_at:
            shopify.store.put("bridge-test/shopify/main", {"signing_secrets": ["new", SECRET]})
        secret = "new" if number >= changed_at else SECRET
        body = json.dumps({"id": number}).encode()
        assert told(shopify.send("orders/paid", body, secret))[0] == 200, number
