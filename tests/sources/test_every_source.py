"""The promises that every source makes. Every source of `functions.sources.registry` is tested here."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from bridge.receiving.receiver import Receiver
from bridge.receiving.signatures import NO_HEADER
from bridge.webhook import Source
from functions.sources.registry import SOURCE_PACKAGES, signed, source_module
from tests.world import with_told_times

EVENTS = Path("events")
EXAMPLES = sorted(path for path in EVENTS.glob("*/*.json") if not path.name.endswith(".batch.json"))
SECRET, PREVIOUS = "the-newest-secret", "the-previous-secret"
DOMAIN = "abc123.execute-api.eu-west-1.amazonaws.com"
SENT_AT = 1_789_041_600.0
DELIVERY_IDS = (
    *("x-shopify-webhook-id", "x-shopify-event-id", "shopify-webhook-id", "shopify-event-id"),
    *("x-wc-webhook-id", "x-wc-webhook-delivery-id", "webhook-id", "svix-id", "x-request-id", "x-event-id"),
    *("x-webhook-id", "x-delivery-id", "x-netlify-event", "x-hubspot-request-id", "idempotency-key"),
)
"""Headers in which tools number what they send. Hardly any tool signs its own: whoever replays can change it."""


@dataclass(frozen=True)
class Example:
    """One file of events/: a webhook as its provider sends it. `after` is one that says whose it is."""

    source: str
    topic: str
    headers: dict[str, str]
    body: bytes
    after: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Example:
        stored = json.loads(path.read_text())
        body = stored.get("body_raw") or json.dumps(stored["body"], separators=(",", ":"), ensure_ascii=False)
        headers = {name.lower(): value for name, value in stored.get("headers", {}).items()}
        headers["content-type"] = stored.get("content_type", "application/json")
        after = Path(stored["after"]) if "after" in stored else None
        named = stored.get("settings")
        settings = json.loads((path.parent / named).read_text()) if named else {}
        return cls(path.parent.name, stored["topic"], headers, body.encode(), after, settings)

    def event(self, secret: str | None = SECRET, now: float = SENT_AT) -> dict[str, Any]:
        """The request as API Gateway hands it over, signed with the secret unless there is none."""
        headers, query = dict(self.headers), {}
        path = f"/{self.source}/main"
        address = f"https://{DOMAIN}{path}"
        signed_headers, signed_query = signed(
            self.source, self.topic, self.body, secret or "", now, address, self.settings or None
        )
        if secret is not None:
            headers |= {name.lower(): value for name, value in signed_headers.items()}
            query = signed_query
        elif "x-shopify-topic" in signed_headers:
            headers["x-shopify-topic"] = self.topic
        return {
            "rawPath": path,
            "requestContext": {"domainName": DOMAIN},
            "pathParameters": {"source": self.source, "connection": "main"},
            "headers": headers,
            "queryStringParameters": query,
            "body": base64.b64encode(self.body).decode(),
            "isBase64Encoded": True,
        }


def source_of(name: str) -> Source:
    return next(source for source in source_module(name, "receiver").SOURCES if source.name == name)


def example_of(source: str) -> Example:
    """The first example of a source."""
    return Example.read(next(path for path in EXAMPLES if path.parent.name == source))


@pytest.fixture
def receiver(world: Any, request: pytest.FixtureRequest) -> Receiver:
    """A receiver of all sources; the connection of the test's own has two secrets."""
    chosen = request.node.callspec.params
    name = chosen.get("name") or chosen.get("source") or chosen["path"].parent.name
    world.connect(name, signing_secrets=[SECRET, PREVIOUS])
    if settings := example_of(name).settings:
        world.parameters.write(name, "main", settings)
    return Receiver(
        *(source_of(name) for name in SOURCE_PACKAGES),
        secrets=world.secrets,
        queue=world.queue,
        connections=world.connections,
        parameters=world.parameters,
        clock=lambda: SENT_AT,
    )


def queued(world: Any) -> list[dict[str, Any]]:
    """What lies in the queue, which is empty then."""
    sqs, url = world.queue.client, world.queue.url
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in messages]


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


each_source = pytest.mark.parametrize("name", SOURCE_PACKAGES)
each_example = pytest.mark.parametrize("path", EXAMPLES, ids=named)


@each_example
def test_accepts_what_its_provider_sends(receiver: Receiver, world: Any, path: Path) -> None:
    answer = receiver(Example.read(path).event(), None)
    [envelope] = queued(world)
    assert (answer["statusCode"], json.loads(answer["body"])) == (
        200,
        {"status": "accepted", "id": envelope["id"]},
    )
    assert world.queue.webhook(json.dumps(envelope)).body == Example.read(path).body


@each_example
def test_becomes_exactly_what_stands_beside_the_example(world: Any, path: Path) -> None:
    world.now += 90 * 24 * 3600
    after = Example.read(path).after
    if after:
        delivered(world, after)
    before = len(world.batch.calls)
    receipt = delivered(world, path)
    expected = json.loads(path.with_suffix(".batch.json").read_text())
    wanted = [expected] if says_something(expected) else []
    assert [with_told_times(call, expected) for call in world.batch.calls[before:]] == wanted
    assert [receipt.custom_id] == [one["identifiers"]["custom_id"] for one in expected] or not expected


def delivered(world: Any, path: Path) -> Any:
    """The receipt of an example that went through the receiver and the queue to Batch."""
    example = Example.read(path)
    source = source_of(example.source)
    kept = {name: value for name, value in example.headers.items() if name in source.kept_headers}
    receiver = Receiver(
        source,
        secrets=world.secrets,
        queue=world.queue,
        connections=world.connections,
        parameters=world.parameters,
        clock=lambda: world.now,
    )
    if example.settings:
        world.parameters.write(example.source, "main", example.settings)
    world.connect(example.source, signing_secrets=[SECRET])
    receiver(example.event(now=world.now), None)
    [envelope] = queued(world)
    assert envelope["headers"] == kept
    world.deliver(world.queue.webhook(json.dumps(envelope)))
    return world.ledger.receipt(envelope["id"])


def says_something(expected: list[dict[str, Any]]) -> bool:
    """Whether a call is made at all: a merge changes nothing but what leads where."""
    return any(operation.keys() > {"identifiers"} for operation in expected)


@each_source
def test_refuses_an_unsigned_webhook(receiver: Receiver, world: Any, name: str) -> None:
    answer = receiver(example_of(name).event(secret=None), None)
    assert (answer["statusCode"], answer["body"]) == (401, '{"error": "invalid_signature"}')
    assert queued(world) == []


@each_source
def test_refuses_a_webhook_signed_with_another_secret(receiver: Receiver, world: Any, name: str) -> None:
    answer = receiver(example_of(name).event(secret="a-stranger"), None)
    assert (answer["statusCode"], queued(world)) == (401, [])


@each_source
def test_refuses_a_tampered_webhook_or_takes_a_token_for_what_it_is(
    receiver: Receiver, world: Any, name: str
) -> None:
    example = example_of(name)
    event = example.event() | {"body": base64.b64encode(example.body + b" ").decode()}
    proves_the_body = not event["queryStringParameters"]
    answer = receiver(event, None)
    assert answer["statusCode"] == (401 if proves_the_body else 200)


@each_source
def test_a_replay_is_refused_or_recognised(receiver: Receiver, world: Any, name: str) -> None:
    replayed = example_of(name).event()
    first = receiver(replayed, None)
    receiver.clock = lambda: SENT_AT + (source_of(name).repeat_seconds or 3600) - 1
    again = receiver(replayed, None)
    assert again["statusCode"] == 401 or again["body"] == first["body"]


@each_source
def test_a_replay_under_another_delivery_id_is_recognised(receiver: Receiver, name: str) -> None:
    example = example_of(name)
    event = example.event()
    unsigned = [one for one in DELIVERY_IDS if one in example.headers or one not in event["headers"]]
    first, again = (
        receiver(event | {"headers": event["headers"] | dict.fromkeys(unsigned, number)}, None)
        for number in ("1", "2")
    )
    assert first["statusCode"] == 200
    assert again["body"] == first["body"]


@each_source
def test_accepts_the_previous_secret(receiver: Receiver, name: str) -> None:
    assert receiver(example_of(name).event(secret=PREVIOUS), None)["statusCode"] == 200


@each_source
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 100_000, b"{}"])
def test_answers_authentic_nonsense_politely(receiver: Receiver, world: Any, name: str, body: bytes) -> None:
    answer = receiver(replace(example_of(name), body=body).event(), None)
    assert answer["statusCode"] in (200, 400)
    assert answer["statusCode"] == 200 or queued(world) == []


@each_source
def test_logs_nothing_that_it_was_told(
    receiver: Receiver, world: Any, name: str, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in EXAMPLES:
        if path.parent.name == name:
            receiver(Example.read(path).event(), None)
            for envelope in queued(world):
                world.deliver(world.queue.webhook(json.dumps(envelope)))
    logged = log.getvalue() + "".join(capsys.readouterr())
    people = json.dumps([operation for call in world.batch.calls for operation in call])
    assert "webhook delivered" in logged
    for word in personal_words(json.loads(people)):
        assert word not in logged, f"the log holds {word!r}"
    assert SECRET not in logged


def personal_words(operations: list[dict[str, Any]]) -> set[str]:
    """What the profiles say of people: addresses, names, phones."""
    keys = ("$email_address", "$phone_number", "first_name", "last_name", "city")
    return {
        operation["attributes"][key]
        for operation in operations
        for key in keys
        if operation.get("attributes", {}).get(key)
    }


@each_source
def test_has_an_example_of_every_topic(name: str) -> None:
    shown = {Example.read(path).topic for path in EXAMPLES if path.parent.name == name}
    missing = source_of(name).topics - shown
    assert not missing, f"write events/{name}/<topic>.json and its .batch.json for {sorted(missing)}"


def test_every_example_belongs_to_another_person() -> None:
    owners: dict[str, Path] = {}
    for path in EXAMPLES:
        if Example.read(path).after:
            continue
        for operation in json.loads(path.with_suffix(".batch.json").read_text()):
            custom_id = operation["identifiers"]["custom_id"]
            assert custom_id not in owners, f"{path} and {owners[custom_id]} are about the same person"
            owners[custom_id] = path


def test_what_comes_after_another_example_is_about_the_same_person() -> None:
    for path in EXAMPLES:
        after = Example.read(path).after
        if after:
            [operation], [earlier] = (
                json.loads(one.with_suffix(".batch.json").read_text()) for one in (path, after)
            )
            assert operation["identifiers"] == earlier["identifiers"], f"{path} and {after}"


def test_no_two_examples_give_an_attribute_of_an_event_two_types() -> None:
    types: dict[tuple[str, str], dict[str, Path]] = {}
    for path in EXAMPLES:
        for operation in json.loads(path.with_suffix(".batch.json").read_text()):
            for event in operation.get("events", []):
                for key, value in event["attributes"].items():
                    wrapper, _, name = key.rstrip(")").rpartition("(")
                    seen = types.setdefault((event["name"], name), {})
                    seen.setdefault(wrapper or type(value).__name__, path)
    disagreeing = {attribute: seen for attribute, seen in types.items() if len(seen) > 1}
    assert not disagreeing, "Batch takes one type for a name, for ever"


# ── Calls without a signature ───────────────────────────────────────────────────────────────────────────

# source       a header by which its tool is known, also where it was set up without a secret
OWN_HEADERS: dict[str, tuple[str, str]] = {
    "shopify": ("x-shopify-topic", "orders/paid"),
    "stripe": ("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
    "woocommerce": ("x-wc-webhook-topic", "order.created"),
    "typeform": ("user-agent", "Typeform Webhooks"),
    "tally": ("user-agent", "Tally Webhooks"),
    "jotform": ("user-agent", "Jotform"),
    "webflow": ("x-webflow-timestamp", "1789041600000"),
    "hubspot": ("x-hubspot-timeout-millis", "44958"),
    "fillout": ("user-agent", "Fillout"),
    "netlify": ("x-netlify-event", "submission_created"),
    "gravity": ("user-agent", "WordPress/6.8; https://www.example.com"),
    "elementor": ("user-agent", "WordPress/6.8; https://www.example.com"),
    "wpforms": ("user-agent", "WPForms/Webhooks/1.4; https://www.example.com"),
    "wufoo": ("user-agent", "Wufoo.com"),
    "google": ("x-bridge-timestamp", "1789041600"),
}


def counted_as_refused(world: Any, source: str) -> dict[str, int]:
    return dict(world.connections.known(source, "main").refused)


@each_source
def test_a_call_without_a_signature_counts_where_it_has_a_header_of_the_tools_own(
    name: str, receiver: Receiver, world: Any
) -> None:
    event = replace(example_of(name), headers={"content-type": "application/json"}).event(secret=None)
    event["headers"] = {"content-type": "application/json", "user-agent": "curl/8.5"}
    assert receiver(event, None)["statusCode"] == 401
    assert counted_as_refused(world, name) == {}, "whoever tries addresses is nobody's tool"
    header, value = OWN_HEADERS.get(name, ("", ""))
    if not header:
        return
    event["headers"][header] = value
    assert receiver(event, None)["statusCode"] == 401
    assert counted_as_refused(world, name) == {NO_HEADER: 1}
