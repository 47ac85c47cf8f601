"""Whatever Batch answers, and whatever lies in a queue, ends in one of our own errors or in a result."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.batch.client import BatchClient
from bridge.errors import BridgeError
from bridge.expressions import compiled
from bridge.providers.client import ProviderClient
from bridge.storage.queue import WebhookQueue, envelope_in, parked
from bridge.storage.secrets import BatchKeys
from bridge.webhook import Webhook
from functions.retry.rounds import described
from functions.sources.custom.expressions import found_text
from tests.core.stand_ins import Calls
from tests.fuzz.hostile import TEXTS, VALUES, changed

KEYS = BatchKeys("rest-key", "project-key")
OPERATIONS = [{"identifiers": {"custom_id": "ada"}, "attributes": {"city": "Paris"}}]
REFUSAL = {
    "code": "PARTIAL",
    "errors": [{"bulk_index": 0, "category": "ATTRIBUTE", "attribute": "city", "reason": "x"}],
}
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
ANSWERS = st.builds(
    httpx.Response,
    st.integers(200, 599),
    headers=st.dictionaries(st.sampled_from(["retry-after", "content-type", "location"]), HEADER, max_size=2),
    content=st.binary(max_size=40)
    | (changed(REFUSAL) | VALUES).map(lambda content: json.dumps(content).encode()),
)
FAILURES = st.sampled_from(
    [httpx.ReadTimeout, httpx.ConnectError, httpx.RemoteProtocolError, httpx.DecodingError]
)
ENVELOPE = {
    "id": "1",
    "source": "shopify",
    "connection": "main",
    "topic": "orders/paid",
    "headers": {},
    "group": "g",
    "received_at": "2026-09-10T12:00:00+00:00",
    "encoding": "text",
    "body": "{}",
    "only": [],
    "retries": 1,
    "failure": {"class": "mapping_failed", "reason": "no", "failed_at": "2026-09-10T12:00:00+00:00"},
}
MESSAGES = TEXTS | changed(ENVELOPE).map(json.dumps)
often = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def answering(outcome: httpx.Response | type[httpx.HTTPError]) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        if isinstance(outcome, httpx.Response):
            return outcome
        raise outcome("no")

    return httpx.MockTransport(answer)


@often
@given(ANSWERS | FAILURES)
def test_any_answer_of_batch_is_a_result_or_one_of_our_errors(outcome: Any) -> None:
    client = BatchClient("https://api.batch.com/2.11", transport=answering(outcome))
    for call in (
        lambda: client.update(KEYS, OPERATIONS),
        lambda: client.ask_gdpr(KEYS, "app", "remove", "ada"),
    ):
        with contextlib.suppress(BridgeError):
            call()


@often
@given(ANSWERS | FAILURES)
def test_any_answer_of_a_provider_is_an_object_or_one_of_our_errors(outcome: Any) -> None:
    with contextlib.suppress(BridgeError):
        content = ProviderClient(answering(outcome)).get(
            "https://api.stripe.com/v1/customers/cus_1", "key", {}
        )
        assert isinstance(content, dict)


@often
@given(MESSAGES)
def test_any_message_is_a_webhook_or_one_of_our_errors(message: str) -> None:
    with contextlib.suppress(BridgeError):
        webhook = WebhookQueue(client=Calls(), s3_client=Calls()).webhook(message)
        assert isinstance(webhook, Webhook)


@often
@given(MESSAGES)
def test_any_message_of_the_dead_letter_queue_can_be_shown(message: str) -> None:
    envelope_in(message)
    shown = described(parked({"Body": message, "ReceiptHandle": "handle"}))
    json.dumps(shown)


@pytest.mark.filterwarnings("ignore:deprecated string literal syntax")
@often
@given(st.text("ab.[]*@&|!()`'\"{}:,<>=? \\-01sort_by", max_size=40), VALUES)
def test_any_expression_finds_something_or_nothing(expression: str, content: Any) -> None:
    with contextlib.suppress(ValueError):
        compiled(expression)
    found = found_text(expression, content)
    assert found is None or isinstance(found, str)
