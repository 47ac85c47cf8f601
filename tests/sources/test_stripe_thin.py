"""What Stripe's room promises of thin events: whole with a key of the connection, ignored without."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from bridge.errors import BadCredentials, Ignored, MappingFailed, ProviderUnavailable
from bridge.providers.client import ProviderClient
from bridge.storage.ledger import IGNORED
from bridge.webhook import Request, Routing, Webhook
from functions.sources.stripe import receiver, thin
from tests.sources.test_stripe_life import webhook
from tests.stripe_events import Body, sample

KEY = "rk_live_testing"
SNAPSHOT, NOTICE = "/v1/events/evt_1Snapshot", "/v2/core/events/evt_65Thin"


def notice(**fields: Any) -> Body:
    """A thin event as Stripe sends it."""
    related = {"id": "cus_9", "type": "customer", "url": "/v1/customers/cus_9"}
    return {
        "id": "evt_65Thin",
        "object": "v2.core.event",
        "type": "v1.customer.created",
        "livemode": True,
        "created": "2026-08-03T09:14:22.330Z",
        "related_object": related,
        "reason": None,
    } | fields


def summary(body: Body) -> Routing:
    return receiver.routing_of(Request("stripe", "main", {}, {}, json.dumps(body).encode()))


def queued(body: Body) -> Webhook:
    """A thin event as the queue has it, whatever the receiver would say of it."""
    content = json.dumps(body).encode()
    received = datetime(2026, 8, 3, tzinfo=UTC)
    return Webhook(
        id="1",
        source="stripe",
        connection="main",
        topic="customer.created",
        headers={},
        body=content,
        received_at=received,
        group="1",
    )


class Api:
    """Stripe's API, with these answers at these paths."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = self.answers.get(request.url.path, 404)
        return httpx.Response(found) if isinstance(found, int) else httpx.Response(200, json=found)


def with_snapshot() -> Api:
    return Api({NOTICE: {"snapshot_event": "evt_1Snapshot"}, SNAPSHOT: sample("customer.created")})


def connect(world: Any, api: Api, **secret: str) -> None:
    world.connect("stripe", signing_secrets=["whsec_testing"], **secret)
    world.api = api


# ── At the receiver ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_thin_event_has_the_topic_and_the_customer_of_its_snapshot() -> None:
    assert summary(notice()) == Routing("customer.created", "customer:cus_9", "evt_65Thin")


def test_a_thin_event_of_a_connected_account_is_told_apart() -> None:
    told = summary(notice(context="acct_7"))
    assert (told.customer, told.idempotency_key) == ("acct_7/customer:cus_9", "acct_7/evt_65Thin")


@pytest.mark.parametrize("fields", [{"type": None}, {"related_object": None}, {"related_object": "cus_9"}])
def test_a_thin_event_of_no_object_is_ignored(fields: Body) -> None:
    with pytest.raises(Ignored, match="no object"):
        summary(notice(**fields))


# ── At the delivery ─────────────────────────────────────────────────────────────────────────────────────


def test_a_thin_event_becomes_what_its_snapshot_becomes(world: Any) -> None:
    api = with_snapshot()
    connect(world, api, api_key=KEY)
    assert world.deliver(webhook(world, notice())) == []
    [operation] = world.operations
    assert operation["attributes"]["$email_address"] == "ada.lovelace@example.com"
    assert [event["name"] for event in operation["events"]] == ["billing_customer_created"]
    assert [str(request.url) for request in api.requests] == [thin.API + NOTICE, thin.API + SNAPSHOT]
    assert {request.headers["authorization"] for request in api.requests} == {f"Bearer {KEY}"}
    assert {request.headers["stripe-version"] for request in api.requests} == {thin.API_VERSION}


def test_without_a_snapshot_the_object_as_it_is_now_serves(world: Any) -> None:
    subject = sample("customer.updated")["data"]["object"] | {"id": "cus_9"}
    changes = {"before": {"phone": "+33 1 99 00 12 34"}}
    api = Api({NOTICE: {"changes": changes}, "/v1/customers/cus_9": subject})
    connect(world, api, api_key=KEY)
    world.deliver(webhook(world, notice(type="v1.customer.updated")))
    [operation] = world.operations
    assert operation["attributes"]["stripe_customer_id"] == "cus_9"
    assert operation["attributes"]["$phone_number"] is None


def test_a_thin_event_of_a_connected_account_is_asked_for_in_its_context(world: Any) -> None:
    api = with_snapshot()
    connect(world, api, api_key=KEY)
    told = webhook(world, notice(context="acct_7"))
    world.deliver(told)
    assert {request.headers["stripe-context"] for request in api.requests} == {"acct_7"}
    receipt = world.ledger.receipt(told.id)
    assert receipt.references == ("stripe:customer:acct_7/cus_bvoPhi4gFZMPQ8",)


def test_without_a_key_a_thin_event_is_ignored_with_the_reason(world: Any) -> None:
    api = with_snapshot()
    connect(world, api)
    told = webhook(world, notice())
    assert world.deliver(told) == []
    receipt = world.ledger.receipt(told.id)
    assert (receipt.status, receipt.reason) == (
        IGNORED,
        "thin events need an API key of the connection",
    )
    assert (api.requests, world.operations) == ([], [])


def test_a_snapshot_needs_no_key_and_asks_for_nothing(world: Any) -> None:
    api = with_snapshot()
    connect(world, api)
    world.deliver(webhook(world, sample("customer.created")))
    assert (len(world.operations), api.requests) == (1, [])


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_parks_the_webhook_as_bad_credentials(world: Any, status: int) -> None:
    connect(world, Api({NOTICE: status}), api_key=KEY)
    assert world.deliver(webhook(world, notice())) == []
    [parked] = world.parked()
    assert parked.failure.failure_class == "bad_credentials"
    assert parked.failure.reason == f"the provider answered {status} to the connection's API key"


def test_an_object_that_is_not_there_parks_the_webhook(world: Any) -> None:
    connect(world, Api({}), api_key=KEY)
    world.deliver(webhook(world, notice()))
    [parked] = world.parked()
    assert (parked.failure.failure_class, parked.failure.reason) == (
        "mapping_failed",
        "the provider answered 404",
    )


def test_in_an_outage_thin_events_wait_in_the_queue_after_one_question(world: Any) -> None:
    api = Api({NOTICE: 503})
    connect(world, api, api_key=KEY)
    others = [webhook(world, notice(id=f"evt_{number}")) for number in range(3)]
    waiting = world.deliver(webhook(world, notice()), *others)
    assert len(waiting) == 4
    assert len(api.requests) == 1
    assert world.parked() == []
    world.api = with_snapshot()
    assert world.deliver(webhook(world, notice())) == []
    assert len(world.operations) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/v1/x",
        "//evil.example.com",
        "@evil.example.com",
        "/v1/../x",
        "/v3/x",
        "",
        None,
    ],
)
def test_the_key_goes_to_stripe_alone(world: Any, url: Any) -> None:
    api = Api({NOTICE: {}})
    connect(world, api, api_key=KEY)
    world.deliver(webhook(world, notice(related_object={"id": "cus_9", "type": "customer", "url": url})))
    assert [request.url.host for request in api.requests] == ["api.stripe.com"]
    assert [parked.failure.failure_class for parked in world.parked()] == ["mapping_failed"]


# ── Asking ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401), BadCredentials),
        (httpx.Response(403), BadCredentials),
        (httpx.Response(404), MappingFailed),
        (httpx.Response(302, headers={"location": "https://evil.example.com"}), MappingFailed),
        (httpx.Response(429), ProviderUnavailable),
        (httpx.Response(500), ProviderUnavailable),
        (httpx.Response(200, text="<html>"), ProviderUnavailable),
        (httpx.Response(200, json=[]), ProviderUnavailable),
        (httpx.ReadTimeout("slow"), ProviderUnavailable),
        (httpx.ConnectError("refused"), ProviderUnavailable),
    ],
)
def test_each_way_to_fail_says_what_must_happen_next(
    answer: httpx.Response | Exception, error: type[Exception]
) -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(error):
        ProviderClient(httpx.MockTransport(answers)).get(thin.API + SNAPSHOT, KEY, {})


@pytest.mark.parametrize(
    "fields",
    [
        {"related_object": ["cus_9"]},
        {"related_object": "cus_9"},
        {"related_object": {"url": "//example.com/v1/customers"}},
        {"related_object": {"url": "/v1/../../customers"}},
        {"context": "acct_7\r\nX-Stranger: 1"},
        {"context": ["acct_7"]},
        {"context": "é"},
    ],
    ids=["list", "text", "host", "dots", "line", "context", "accent"],
)
def test_a_notice_that_leads_anywhere_but_to_stripe_is_refused(fields: Body) -> None:
    asked: list[str] = []

    def ask(url: str, headers: object) -> Body:
        asked.append(url)
        return {"changes": ["before"]}

    with pytest.raises(MappingFailed):
        thin.whole(queued(notice(**fields)), ask)
    assert [url for url in asked if not url.endswith(NOTICE)] == []


def test_changes_that_are_no_object_are_passed_over() -> None:
    whole = thin.whole(queued(notice()), lambda url, headers: {"id": "cus_9", "changes": [1]})
    assert json.loads(whole.body)["data"]["previous_attributes"] is None
