"""Who asks to be erased is gone everywhere, and does not come back by a late webhook."""

from __future__ import annotations

import asyncio
import json
import random
from io import StringIO
from typing import Any

import httpx
import pytest

from bridge.errors import MappingFailed
from bridge.profiles.identity import email_sha256
from bridge.storage.ledger import ERASED_SECONDS
from bridge.storage.queue import Failure
from functions.deliver.erasure.search import PARKED_WEBHOOKS
from functions.sources.registry import source_module
from local.sandbox.app import ProjectKeys, SandboxApp, create_app
from tests.world import KEYS, NOW, record

ADA = email_sha256("ada@example.com") or ""
CUSTOMER = {
    "id": 1,
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "phone": "+33639980142",
    "updated_at": "2026-09-01T10:00:00Z",
    "tags": "vip",
}
WORDS = ("ada@example.com", "Lovelace", "639980142")
REDACT = {"customer": {"id": 1, "email": "ada@example.com"}, "orders_to_redact": [9]}


class App:
    """Batch, with its route for GDPR requests."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch
        self.asked: list[tuple[str, ...]] = []
        self.answers: list[httpx.Response] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if "/gdpr/" not in request.url.path:
            answer: httpx.Response = self.batch(request)
            return answer
        body = json.loads(request.content)
        self.asked.append(
            (request.url.path, request.headers["x-authorization"], body["request_type"], body["id"]["value"])
        )
        return self.answers.pop(0) if self.answers else httpx.Response(201, json={"token": "1"})


@pytest.fixture
def gdpr(world: Any) -> App:
    """A project with two apps."""
    app = App(world.batch)
    world.gdpr = app
    world.secrets.store("batch/default", KEYS | {"app_keys": ["app-ios", "app-web"]})
    return app


def stored(world: Any) -> str:
    """All that the stack holds, as one text."""
    rows = world.ledger.client.scan(TableName=world.ledger.table)["Items"]
    objects = world.queue.s3.list_objects_v2(Bucket=world.queue.bucket).get("Contents", [])
    parked = [dict(one.envelope) for one in world.parked()]
    sqs, urls = world.queue.client, (world.queue.url, world.queue.waiting_url)
    going = [sqs.receive_message(QueueUrl=url, VisibilityTimeout=0).get("Messages", []) for url in urls]
    return json.dumps([rows, [one["Key"] for one in objects], parked, going], default=str)


def fill(world: Any, shopify: Any) -> None:
    """A customer with an order, one webhook that was parked and one whose body lies in S3."""
    world.deliver(shopify("customers/create", 1, **CUSTOMER))
    order = {"id": 9, "name": "#9", "total_price": "10.00", "currency": "EUR", "customer": CUSTOMER}
    large = shopify("orders/create", 2, **order, note="Lovelace " + "".join(map(str, range(200_000))))
    world.queue.store_body(large)
    world.deliver(shopify("orders/create", 2, **order))
    failure = Failure(MappingFailed.failure_class, "a field", large.received_at)
    world.queue.park(shopify("orders/paid", 3, **order), failure)
    world.queue.park(shopify("orders/paid", 4, group="2", customer={"id": 2}), failure)


def test_after_a_redact_no_store_holds_the_person(world: Any, shopify: Any, log: StringIO) -> None:
    fill(world, shopify)
    assert all(word in stored(world) for word in WORDS)
    assert ADA in stored(world)
    assert world.deliver(shopify("customers/redact", 10, **REDACT)) == []
    left = stored(world)
    assert [word for word in (*WORDS, "bodies/shopify/main/webhook-2") if word in left + log.getvalue()] == []
    assert ADA not in log.getvalue()
    rows = world.ledger.client.scan(TableName=world.ledger.table)["Items"]
    keys = {row["pk"]["S"] for row in rows if ADA in json.dumps(row)}
    links = {key for key in keys if key.startswith("link#default#shopify:")}
    assert keys == {f"profile#default#{ADA}", *links}
    assert {"link#default#shopify:customer:1", "link#default#shopify:order:9"} <= links
    until = {row["expires_at"]["N"] for row in rows if row["pk"]["S"] in keys}
    assert until == {str(int(NOW + ERASED_SECONDS))}
    assert [one.id for one in world.parked()] == ["webhook-4"]


def test_a_stopped_webhook_is_found_by_whatever_the_body_says_of_the_person(world: Any, shopify: Any) -> None:
    """It is in a line of its own, has no receipt that names anybody, and no e-mail in it."""
    fill(world, shopify)
    failure = Failure("topic_unconfirmed", "the body says otherwise", shopify("orders/paid", 0).received_at)
    theirs, others = {"customer": {"id": 1}}, {"customer": {"id": 2}, "quantity": 1}
    for number, body in enumerate((theirs, {"order_id": 9}, others), 20):
        world.queue.park(shopify("shop/update", number, group=f"line {number}", **body), failure)
    assert world.deliver(shopify("customers/redact", 10, **REDACT)) == []
    assert sorted(one.id for one in world.parked()) == ["webhook-22", "webhook-4"]


def test_a_receipt_tells_what_was_done_and_not_to_whom(world: Any, shopify: Any) -> None:
    fill(world, shopify)
    world.deliver(shopify("customers/redact", 10, **REDACT))
    receipt = world.ledger.receipt("webhook-10")
    assert (receipt.status, receipt.custom_id, receipt.references) == ("delivered", "", ())
    assert receipt.reason == (
        "11 attributes emptied in Batch, unsubscribed, deleted: 2 receipts, 3 links, 1 facts, 1 parked webhooks"
    )


def test_without_app_keys_the_profile_is_emptied_and_unsubscribed(world: Any, shopify: Any) -> None:
    fill(world, shopify)
    written = {name for operation in world.operations for name in operation["attributes"]}
    world.deliver(shopify("customers/redact", 10, **REDACT))
    last = world.operations[-1]
    assert last["identifiers"] == {"custom_id": ADA}
    assert last["attributes"] == dict.fromkeys(written) | {
        "$email_marketing": "unsubscribed",
        "$sms_marketing": "unsubscribed",
    }


def test_with_app_keys_batch_is_asked_to_remove_the_person_of_each_app(
    world: Any, shopify: Any, gdpr: App
) -> None:
    fill(world, shopify)
    before = len(world.operations)
    world.deliver(shopify("customers/redact", 10, **REDACT))
    assert gdpr.asked == [
        ("/1.0/app-ios/gdpr/request", "rest-key", "remove", ADA),
        ("/1.0/app-web/gdpr/request", "rest-key", "remove", ADA),
    ]
    assert len(world.operations) == before
    assert "removal asked of Batch for 2 apps" in world.ledger.receipt("webhook-10").reason
    assert not any(word in stored(world) for word in WORDS)


@pytest.mark.parametrize("status", [503, 401])
def test_what_batch_does_not_take_now_is_done_later_and_nothing_is_deleted_before(
    world: Any, shopify: Any, gdpr: App, status: int
) -> None:
    fill(world, shopify)
    gdpr.answers = [httpx.Response(status)] * 2
    assert world.deliver(shopify("customers/redact", 10, **REDACT)) == ["message-webhook-10"]
    assert world.ledger.receipt("webhook-1").custom_id == ADA
    gdpr.answers = []
    world.now += 61
    assert world.deliver(shopify("customers/redact", 10, **REDACT), receive_count=2) == []
    assert world.ledger.receipt("webhook-1") is None


def test_what_batch_refuses_is_parked_for_a_person_to_look(world: Any, shopify: Any, gdpr: App) -> None:
    fill(world, shopify)
    gdpr.answers = [httpx.Response(400)]
    assert world.deliver(shopify("customers/redact", 10, **REDACT)) == []
    assert world.ledger.receipt("webhook-10").failure_class == "rejected_by_batch"
    assert world.ledger.receipt("webhook-1") is not None


def test_a_late_webhook_does_not_bring_the_person_back_until_35_days_have_passed(
    world: Any, shopify: Any
) -> None:
    fill(world, shopify)
    world.deliver(shopify("customers/redact", 10, **REDACT))
    before = len(world.operations)
    world.now += 35 * 24 * 3600 - 1
    late = {"id": 11, "total_price": "10.00", "currency": "EUR", "customer": CUSTOMER}
    world.deliver(shopify("orders/create", 11, **late))
    world.deliver(shopify("customer.tags_added", 12, customerId="gid://shopify/Customer/1", tags=["x"]))
    assert len(world.operations) == before
    for number in (11, 12):
        receipt = world.ledger.receipt(f"webhook-{number}")
        assert (receipt.status, receipt.reason) == ("ignored", "erased person")
        assert (receipt.custom_id, receipt.references, receipt.attributes) == ("", (), ())
    assert world.ledger.links("default", ["shopify:order:11"], world.now) == {"shopify:order:11": ADA}
    world.now += 2
    assert world.ledger.links("default", ["shopify:order:11"], world.now) == {}
    world.deliver(shopify("customers/update", 13, **CUSTOMER))
    assert world.operations[-1]["attributes"]["first_name"] == "Ada"
    row = world.ledger.read([f"profile#default#{ADA}"])[f"profile#default#{ADA}"]
    assert set(row) == {"pk", "state"}


def test_an_order_of_the_same_batch_is_written_first_and_erased_with_the_rest(
    world: Any, shopify: Any
) -> None:
    redact = shopify("customers/redact", 10, **REDACT)
    assert world.deliver(shopify("customers/create", 1, **CUSTOMER), redact) == ["message-webhook-10"]
    assert world.deliver(redact, receive_count=2) == []
    assert world.operations[-1]["attributes"]["first_name"] is None
    assert not any(word in stored(world) for word in WORDS)


def test_a_person_whom_nothing_is_held_of_is_told_so_at_once(world: Any, shopify: Any) -> None:
    assert world.deliver(shopify("customers/delete", 10, id=5)) == []
    receipt = world.ledger.receipt("webhook-10")
    assert (receipt.status, receipt.reason) == ("ignored", "nothing is held of this person")
    assert (receipt.references, world.batch.calls, world.waiting()) == ((), [], [])


def test_who_was_erased_may_be_erased_again(world: Any, shopify: Any) -> None:
    fill(world, shopify)
    world.deliver(shopify("customers/redact", 10, customer={"id": 1}))
    calls = len(world.batch.calls)
    assert world.deliver(shopify("customers/redact", 11, **REDACT)) == []
    assert len(world.batch.calls) == calls
    assert world.ledger.receipt("webhook-11").status == "delivered"
    assert not any(word in stored(world) for word in WORDS)


def test_both_profiles_of_a_person_who_changed_the_e_mail_are_erased(world: Any, shopify: Any) -> None:
    world.deliver(shopify("customers/create", 1, **CUSTOMER))
    world.deliver(shopify("orders/create", 2, id=8, email="grace@example.com", total_price="1.00"))
    world.deliver(shopify("customers/redact", 3, customer={"id": 1, "email": "grace@example.com"}))
    emptied = {operation["identifiers"]["custom_id"] for operation in world.operations[-2:]}
    assert emptied == {ADA, email_sha256("grace@example.com")}


def test_more_attributes_than_one_operation_takes_are_emptied_in_several(world: Any, shopify: Any) -> None:
    world.parameters.write(
        "shopify", "main", {"added_attributes": {f"extra_{number}": "email" for number in range(45)}}
    )
    world.deliver(shopify("customers/create", 1, **CUSTOMER))
    before = len(world.operations)
    world.deliver(shopify("customers/redact", 10, **REDACT))
    emptying = world.operations[before:]
    assert [len(one["attributes"]) <= 50 for one in emptying] == [True, True]
    assert {"extra_0", "extra_44"} <= {name for one in emptying for name in one["attributes"]}


def test_a_data_request_names_what_is_held_and_no_values(world: Any, shopify: Any) -> None:
    fill(world, shopify)
    calls = len(world.batch.calls)
    request = {"customer": {"id": 1, "email": "ada@example.com"}, "orders_requested": [9]}
    world.deliver(shopify("customers/data_request", 10, **request))
    receipt = world.ledger.receipt("webhook-10")
    assert receipt.reason == "held: 11 attributes in Batch, 2 receipts, 3 links, 1 facts"
    assert {"first_name", "$phone_number"} <= set(receipt.attributes)
    assert not any(word in json.dumps([receipt.reason, receipt.attributes]) for word in WORDS)
    assert len(world.batch.calls) == calls


def test_a_data_request_is_passed_on_to_batch_where_there_are_app_keys(
    world: Any, shopify: Any, gdpr: App
) -> None:
    fill(world, shopify)
    world.deliver(shopify("customers/data_request", 10, customer={"id": 1}))
    assert [one[2:] for one in gdpr.asked] == [("review", ADA), ("review", ADA)]
    assert world.ledger.receipt("webhook-10").reason.startswith("review asked of Batch for 2 apps, held: ")


@pytest.mark.parametrize("topic", ["customers/redact", "customers/data_request"])
def test_a_request_stands_in_line_behind_the_customers_other_webhooks(topic: str) -> None:
    assert source_module("shopify", "receiver").customer(topic, REDACT) == "customer:1"


def test_what_comes_while_somebody_is_being_erased_leaves_no_link_behind(world: Any, shopify: Any) -> None:
    world.deliver(shopify("customers/create", 1, **CUSTOMER))
    world.ledger.lease("default", ADA, "who is erasing", world.now)
    order = shopify("orders/create", 2, id=9, total_price="1.00", customer=CUSTOMER)
    assert world.deliver(order) == ["message-webhook-2"]
    assert world.ledger.links("default", ["shopify:order:9"]) == {}


def test_a_request_that_names_no_customer_is_parked_and_deletes_nothing(world: Any, shopify: Any) -> None:
    fill(world, shopify)
    world.deliver(shopify("customers/redact", 10, customer={"email": "ada@example.com"}))
    assert world.ledger.receipt("webhook-10").failure_class == "mapping_failed"
    assert world.ledger.receipt("webhook-1") is not None


def test_while_one_delivery_looks_through_what_is_parked_another_erasure_waits(
    world: Any, shopify: Any
) -> None:
    fill(world, shopify)
    world.ledger.lease(*PARKED_WEBHOOKS, "another delivery", world.now)
    assert world.deliver(shopify("customers/redact", 10, **REDACT)) == ["message-webhook-10"]
    assert world.ledger.receipt("webhook-1") is not None
    world.now += 61
    assert world.deliver(shopify("customers/redact", 10, **REDACT), receive_count=2) == []
    assert not any(word in stored(world) for word in WORDS)
    assert "profile##parked webhooks" not in stored(world)


def test_an_erasure_that_fails_lets_the_next_one_look_at_once(world: Any, shopify: Any, gdpr: App) -> None:
    fill(world, shopify)
    gdpr.answers = [httpx.Response(400)]
    world.deliver(shopify("customers/redact", 10, **REDACT))
    world.ledger.lease(*PARKED_WEBHOOKS, "another delivery", world.now)


def test_a_receipt_says_where_not_all_that_is_parked_could_be_looked_at(world: Any, shopify: Any) -> None:
    fill(world, shopify)
    answers = iter([True])
    world.has_time = lambda: next(answers, False)
    assert world.deliver(shopify("customers/redact", 10, **REDACT)) == []
    assert world.ledger.receipt("webhook-10").reason.endswith(
        "0 parked webhooks, not all parked webhooks could be looked at in time"
    )


def test_an_erasure_for_which_a_delivery_has_no_time_left_is_the_next_ones(world: Any, shopify: Any) -> None:
    fill(world, shopify)
    answers = iter([True])
    world.has_time = lambda: next(answers, False)
    others = shopify("customers/redact", 11, group="2", customer={"id": 2, "email": "grace@example.com"})
    assert world.deliver(others, shopify("customers/redact", 10, **REDACT)) == ["message-webhook-10"]
    assert 2 <= world.delays["handle-webhook-10"] <= 3
    assert world.ledger.receipt("webhook-1") is not None


def test_a_body_in_s3_goes_with_its_webhook_where_that_is_let_go(world: Any, shopify: Any) -> None:
    large = {"note": random.Random(1).randbytes(300_000).hex()}
    redact = shopify("customers/redact", 10, **REDACT, **large)
    ignored = shopify("orders/create", 11, id=9, customer=CUSTOMER, test=True, **large)
    records = [record(world.queue, webhook) for webhook in (redact, ignored)]
    assert len(world.queue.s3.list_objects_v2(Bucket=world.queue.bucket)["Contents"]) == 2
    assert world.deliver_records(records) == []
    assert "Contents" not in world.queue.s3.list_objects_v2(Bucket=world.queue.bucket)
    calls, receipt = len(world.batch.calls), world.ledger.receipt("webhook-11")
    assert world.deliver_records(records) == []
    assert (len(world.batch.calls), world.ledger.receipt("webhook-11")) == (calls, receipt)
    assert world.parked() == []


def through(app: SandboxApp, request: httpx.Request) -> httpx.Response:
    """The sandbox's answer to a request."""

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client:
            return await client.request(
                request.method, request.url, content=request.content, headers=request.headers
            )

    answer = asyncio.run(ask())
    return httpx.Response(answer.status_code, content=answer.content)


@pytest.mark.parametrize("app_keys", [["app-ios"], []])
def test_the_sandbox_of_batch_forgets_the_person_too(world: Any, shopify: Any, app_keys: list[str]) -> None:
    app = create_app(projects={"project-key": ProjectKeys("rest-key", ("app-ios",))}, clock=lambda: world.now)
    world.gdpr = lambda request: through(app, request)
    world.secrets.store("batch/default", KEYS | {"app_keys": app_keys})
    fill(world, shopify)
    looked = httpx.Request("GET", f"http://sandbox/sandbox/profiles/{ADA}")
    assert all(word in through(app, looked).text for word in WORDS)
    assert world.deliver(shopify("customers/redact", 10, **REDACT)) == []
    shown = through(app, looked)
    assert not any(word in shown.text for word in WORDS)
    assert (shown.status_code == 404) == bool(app_keys)
    assert app_keys or shown.text.count('"unsubscribed"') == 2
