"""The processor time of one warm receive of a signed order: verify, envelope, log line, metric line."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from bench.cpu import microseconds, quiet
from bench.event import signed_event
from bench.figure import Figure
from bench.order import order_body
from bridge.receiving.receiver import Receiver
from bridge.storage.connections import Connections
from bridge.storage.parameters import Parameters
from bridge.storage.queue import WebhookQueue
from bridge.storage.secrets import Secrets
from bridge.webhook import Webhook
from local.routes import Match
from local.template import Route

NAME = "receive"
AT_MOST_RATIO = 3.0
SECRET = "the signing secret of a shop"
TOPIC = "orders/paid"
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/bench-webhooks.fifo"
MATCH = Match(Route("POST", "/shopify/{connection}", "ShopifyFunction"), {"connection": "main"})
HEADERS = {"content-type": "application/json", "x-shopify-api-version": "2026-04"}


class InstantSqs:
    """Takes every message at no cost."""

    def send_message(self, **message: str) -> None:
        """Say nothing, as the queue's caller reads nothing."""


class OneSecret:
    """Secrets Manager with one secret for everybody."""

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": json.dumps({"signing_secrets": [SECRET]})}


class Answered:
    """The body of an HTTP response as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self) -> Iterator[bytes]:
        yield self.body


def run() -> list[Figure]:
    """What a receive takes, and what boto3's own work on the message adds to it."""
    body = order_body(1)
    with quiet():
        taken = microseconds({"receive": receive(body), "floor": floor(body), "boto3": boto3_send(body)})
    floor_is = "HMAC, json.loads and json.dumps of the body"
    return [
        Figure(NAME, "warm receive", taken["receive"], "µs", taken["floor"], floor_is, AT_MOST_RATIO),
        Figure(NAME, "boto3 send_message, on top", taken["boto3"], "µs", taken["floor"], floor_is),
    ]


def receive(body: bytes) -> Callable[[], object]:
    """The receiver of the Shopify function with the queue's answer faked."""
    from functions.sources.shopify.receiver import SHOPIFY

    receiver = Receiver(
        SHOPIFY,
        secrets=Secrets("bench", client=OneSecret()),
        queue=WebhookQueue(QUEUE_URL, client=InstantSqs()),
        connections=Connections("bench", client=object()),
        parameters=Parameters("bench", client=object()),
    )
    event = signed_event(MATCH, "shopify", TOPIC, body, SECRET, HEADERS)
    answer = receiver(event, None)
    assert answer["statusCode"] == 200, answer
    return lambda: receiver(event, None)


def floor(body: bytes) -> Callable[[], object]:
    """What no receive can do without: prove the body, look into it, write it into a message."""
    key, text = SECRET.encode(), body.decode()
    digest = base64.b64encode(hmac.new(key, body, hashlib.sha256).digest())

    def prove_read_write() -> str:
        assert hmac.compare_digest(base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()), digest)
        json.loads(body)
        return json.dumps({"body": text})

    return prove_read_write


def boto3_send(body: bytes) -> Callable[[], object]:
    """The send of a queue whose HTTP answer is made in this process."""
    queue = WebhookQueue(QUEUE_URL)
    queue.client.meta.events.register_first("before-send.sqs.SendMessage", answer_at_once)
    webhook = Webhook(
        id="0" * 32,
        source="shopify",
        connection="main",
        topic=TOPIC,
        headers={"x-shopify-api-version": "2026-04"},
        body=body,
        received_at=datetime(2026, 9, 1, tzinfo=UTC),
        group="0" * 32,
    )
    envelope = queue.envelope(webhook)
    return lambda: queue.put(envelope, webhook.group, webhook.id)


def answer_at_once(request: Any, **_: object) -> AWSResponse:
    """What SQS says to a message that it has stored."""
    body = b'{"MessageId":"00000000-0000-0000-0000-000000000000","SequenceNumber":"1"}'
    return AWSResponse(request.url, 200, HTTPHeaders(), Answered(body))
