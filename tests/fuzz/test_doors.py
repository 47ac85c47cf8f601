"""Whatever is sent to a receiver, it answers by its contract, and lets nobody in who has no secret."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.receiving.receiver import Receiver
from bridge.storage.connections import Connections
from bridge.storage.parameters import Parameters
from bridge.storage.queue import WebhookQueue
from bridge.storage.secrets import Secrets
from functions.sources.registry import SOURCE_PACKAGES
from tests.core.stand_ins import Calls, Store
from tests.fuzz.hostile import SOURCES, changed, events, examples_of, webhooks
from tests.sources.test_every_source import SECRET, SENT_AT, Example, source_of

TO_STRANGERS = {400, 401, 404, 413}
TO_THE_TOOL = {200, 303, 400}
GREETED = {"webhook activated"}
"""Why an unsigned call is answered 200: it said nothing, and nothing of it was kept."""
often = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass
class CircuitBreaker:
    """A receiver of all sources before stand-ins of AWS, with the same secret for everybody."""

    sqs: Calls = field(default_factory=Calls)
    store: Store = field(default_factory=Store)

    def __post_init__(self) -> None:
        for name in SOURCE_PACKAGES:
            self.store.put(f"bridge-test/{name}/main", {"signing_secrets": [SECRET]})
        self.put_settings(examples_of("custom")[0].settings)
        self.store.put("/bridge-test/form/main", {"thank_you_url": "https://example.com/thanks"})

    def put_settings(self, content: object) -> None:
        self.store.put("/bridge-test/custom/main", content)

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        self.sqs.made.clear()
        receiver = Receiver(
            *(source_of(name) for name in SOURCE_PACKAGES),
            secrets=Secrets("bridge-test", self.store),
            queue=WebhookQueue("https://queue", bucket="bodies", client=self.sqs, s3_client=Calls()),
            connections=Connections("ledger", Calls(), lambda: SENT_AT),
            parameters=Parameters("bridge-test", self.store),
            clock=lambda: SENT_AT,
        )
        return receiver(event, None)


def is_greeting(answer: dict[str, Any]) -> bool:
    return answer["statusCode"] == 200 and json.loads(answer["body"]).get("reason") in GREETED


@often
@given(SOURCES.flatmap(events))
def test_a_stranger_is_never_let_in_and_never_breaks_the_door(event: dict[str, Any]) -> None:
    breaker = CircuitBreaker()
    answer = breaker.answer(event)
    assert answer["statusCode"] in TO_STRANGERS or is_greeting(answer), answer
    assert breaker.sqs.made == []


@often
@given(SOURCES.flatmap(webhooks), st.sampled_from(["a-stranger", SECRET.upper(), SECRET[:-1], ""]))
def test_what_another_secret_signed_is_never_let_in(example: Example, secret: str) -> None:
    breaker = CircuitBreaker()
    breaker.put_settings(example.settings or {})
    answer = breaker.answer(example.event(secret=secret))
    assert answer["statusCode"] == 401 or is_greeting(answer), answer
    assert breaker.sqs.made == []


@often
@given(SOURCES.flatmap(webhooks))
def test_whatever_a_tool_signs_is_accepted_ignored_or_malformed(example: Example) -> None:
    breaker = CircuitBreaker()
    if example.settings:
        breaker.put_settings(example.settings)
    answer = breaker.answer(example.event())
    assert answer["statusCode"] in TO_THE_TOOL, answer
    accepted = answer["statusCode"] == 303 or '"accepted"' in answer["body"]
    assert len(breaker.sqs.made) == accepted


@often
@given(SOURCES.flatmap(webhooks))
def test_what_is_queued_is_what_was_sent(example: Example) -> None:
    breaker = CircuitBreaker()
    if example.settings:
        breaker.put_settings(example.settings)
    breaker.answer(example.event())
    for message in breaker.sqs.of("send_message"):
        webhook = WebhookQueue(client=Calls()).webhook(message["MessageBody"])
        assert (webhook.source, webhook.body) == (example.source, example.body)


@often
@given(st.data())
def test_settings_that_are_not_what_they_should_be_let_nobody_in(data: st.DataObject) -> None:
    """They are checked when they are stored; whoever writes them past that check opens nothing."""
    example = data.draw(st.sampled_from(examples_of("custom")))
    breaker = CircuitBreaker()
    breaker.put_settings(data.draw(changed(example.settings)))
    stranger = breaker.answer(example.event(secret="a-stranger"))
    assert stranger["statusCode"] in {401, 503}, stranger
    assert breaker.sqs.made == []
    answer = breaker.answer(example.event())
    assert answer["statusCode"] in {*TO_THE_TOOL, 401, 503}, answer


@often
@given(st.binary(max_size=300), st.booleans(), SOURCES)
def test_any_bytes_are_answered(content: bytes, signed: bool, source: str) -> None:
    first = examples_of(source)[0]
    example = Example(source, first.topic, first.headers, content, settings=first.settings)
    breaker = CircuitBreaker()
    if example.settings:
        breaker.put_settings(example.settings)
    event = example.event(secret=SECRET if signed else None)
    assert breaker.answer(event)["statusCode"] in (TO_THE_TOOL if signed else {401})
    broken = event | {"body": base64.b64encode(content).decode()[:-1]}
    assert breaker.answer(broken)["statusCode"] in TO_STRANGERS | TO_THE_TOOL
