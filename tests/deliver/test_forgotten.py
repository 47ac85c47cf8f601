"""After somebody was erased, every store is turned inside out, and nothing of them may fall out of it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import httpx
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sqs.models import sqs_backends

from bridge.errors import MappingFailed
from bridge.profiles.identity import email_sha256
from bridge.storage import erasures
from bridge.storage.archive import Archive
from bridge.storage.ledger import ERASED_SECONDS
from bridge.storage.queue import Failure, parked
from bridge.webhook import Request, Webhook, group_id
from functions.deliver.erasure import request
from functions.sources.registry import source_module
from tests.stripe_events import about
from tests.world import NOW, SENDER, World

EMAIL, HASH = "ada@example.com", email_sha256("ada@example.com") or ""
CUSTOMER_ID, ORDER_ID, UNSEEN_ORDER_ID, STRIPE_ID = (
    "880123456701",
    "550011223301",
    "550011223302",
    "cus_9AdaL",
)
ADDRESS = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "address1": "12 rue du Thé",
    "city": "Lyon",
    "zip": "69003",
}
CUSTOMER = {
    "id": int(CUSTOMER_ID),
    "email": EMAIL,
    "first_name": "Ada",
    "last_name": "Lovelace",
    "phone": "+33639980142",
    "updated_at": "2026-09-01T10:00:00Z",
    "default_address": {**ADDRESS, "country_code": "FR"},
}
ORDER = {
    "id": int(ORDER_ID),
    "name": "#A9917",
    "total_price": "10.00",
    "currency": "EUR",
    "checkout_token": "token-of-ada",
    "shipping_address": ADDRESS,
    "customer": CUSTOMER,
}
REDACT = {
    "shop_id": 1,
    "shop_domain": "tea-garden.myshopify.com",
    "customer": {"id": int(CUSTOMER_ID), "email": EMAIL},
    "orders_to_redact": [int(ORDER_ID), int(UNSEEN_ORDER_ID)],
}
FAILURE = Failure(MappingFailed.failure_class, "a field", datetime.fromtimestamp(NOW, UTC))

# what a store must not hold of the person   however it is written
PERSONAL = (
    "ada@example.com",
    "ada%40example.com",
    "Lovelace",
    "639980142",
    "6 39 98 01 42",
    "12 rue du",
    "69003",
)
NAMES = (HASH, CUSTOMER_ID, ORDER_ID, UNSEEN_ORDER_ID, STRIPE_ID, "A9917", "token-of-ada")
"""Nor these, but for the tombstones of 35 days."""


def told(source: str, topic: str, number: int, body: dict[str, Any], noise: int = 0) -> Webhook:
    """A webhook as the receiver of its source queues it; `noise` are bytes that do not compress."""
    content = body | ({"noise": random.Random(number).randbytes(noise).hex()} if noise else {})
    raw = json.dumps(content).encode()
    headers = {"x-shopify-topic": topic, "content-type": "application/json"}
    handlers = {one.name: one for one in source_module(source, "receiver").SOURCES}
    summary = handlers[source].routing_of(Request(source, "main", headers, {}, raw))
    return Webhook(
        id=f"webhook-{number}",
        source=source,
        connection="main",
        topic=topic,
        headers={},
        body=raw,
        received_at=datetime.fromtimestamp(NOW, UTC),
        group=group_id(source, "main", summary.customer),
    )


def answers(number: int, email: str = EMAIL) -> dict[str, Any]:
    """A form that Ada filled in."""
    fields = [
        {"key": "a", "label": "E-mail", "type": "INPUT_EMAIL", "value": email},
        {"key": "b", "label": "Last name", "type": "INPUT_TEXT", "value": "Lovelace"},
        {"key": "c", "label": "Phone", "type": "INPUT_PHONE_NUMBER", "value": "+33 6 39 98 01 42"},
    ]
    data = {"responseId": f"r{number}", "formId": "f", "formName": "Tea", "fields": fields}
    return {"eventId": f"e{number}", "eventType": "FORM_RESPONSE", "data": data}


def stripe(name: str, number: int, /, **fields: Any) -> Webhook:
    return told("stripe", name, number, about(name, **fields) | {"id": f"evt_{number}"})


def fill(world: World) -> None:
    """All that there can be of a person: delivered, parked, on its way; of several tools; small and large."""
    world.deliver(told("shopify", "customers/create", 1, CUSTOMER))
    large = told("shopify", "orders/create", 2, ORDER, noise=300_000)
    world.deliver(large)
    paid = {"customer": STRIPE_ID, "customer_email": None}
    world.deliver(
        stripe("customer.created", 3, id=STRIPE_ID, email=EMAIL, name="Ada Lovelace", phone="+33639980142")
    )
    world.deliver(stripe("customer.subscription.created", 4, customer=STRIPE_ID))
    world.deliver(told("tally", "FORM_RESPONSE", 5, answers(5)))
    world.deliver(told("shopify", "orders/create", 7, ORDER | {"test": True}, noise=300_000))
    for webhook in (
        told("shopify", "orders/paid", 20, ORDER),
        told("shopify", "orders/paid", 21, ORDER | {"customer": None, "email": EMAIL}),
        told("shopify", "orders/updated", 22, ORDER, noise=300_000),
        stripe("invoice.paid", 23, **paid),
        stripe("checkout.session.completed", 24, customer=None, customer_details={"email": EMAIL.upper()}),
        told("tally", "FORM_RESPONSE", 25, answers(25)),
        told(
            "tally", "FORM_RESPONSE", 26, answers(26, "grace@example.com") | {"note": f"a friend of {EMAIL}"}
        ),
    ):
        world.queue.park(webhook, FAILURE)
    archive = Archive(world.queue.bucket, world.queue.s3)
    for webhook in (
        told("shopify", "orders/paid", 50, ORDER),
        told("shopify", "orders/updated", 51, ORDER, noise=300_000),
        told("tally", "FORM_RESPONSE", 52, answers(52)),
    ):
        message = world.queue.envelope(webhook, FAILURE)
        archive.keep(parked({"Body": message, "ReceiptHandle": ""}))
    world.queue.send(told("shopify", "orders/paid", 30, ORDER, noise=300_000))
    world.queue.send(told("tally", "FORM_RESPONSE", 31, answers(31)))


def refund(number: int) -> dict[str, Any]:
    """Of an order that nobody mentioned: it waits."""
    line = {"quantity": 1, "line_item": {"title": "Tea", "name": "Tea for Lovelace"}, "subtotal": "5.00"}
    transaction = {"kind": "refund", "status": "success", "amount": "5.00", "currency": "EUR"}
    return {
        "id": number,
        "order_id": int(UNSEEN_ORDER_ID),
        "note": f"wrote from {EMAIL}",
        "refund_line_items": [line],
        "transactions": [transaction],
    }


def of_others(world: World) -> None:
    """What must be there afterwards as before."""
    grace = {
        "id": 2,
        "email": "grace@example.com",
        "first_name": "Grace",
        "updated_at": "2026-09-01T10:00:00Z",
    }
    world.deliver(told("shopify", "customers/create", 40, grace))
    world.queue.park(told("shopify", "orders/paid", 41, {"id": 8, "customer": grace}), FAILURE)
    form = answers(42, "ada.byron@example.com")
    del form["data"]["fields"][1:]
    world.queue.park(told("tally", "FORM_RESPONSE", 42, form), FAILURE)


# ── All that the stack holds ────────────────────────────────────────────────────────────────────────────


def rows(world: World) -> Iterator[dict[str, Any]]:
    pages = world.ledger.client.get_paginator("scan").paginate(TableName=world.ledger.table)
    for page in pages:
        yield from page["Items"]


def queues() -> dict[str, Any]:
    """The queues as moto keeps them: what is hidden or delayed can be seen there too."""
    found: dict[str, Any] = sqs_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"].queues
    return found


def messages() -> Iterator[str]:
    """Every message of every queue."""
    for name, queue in queues().items():
        for message in queue._messages:
            yield f"{name} {message.group_id} {message.deduplication_id} {message.body}"


def objects(world: World) -> Iterator[str]:
    for page in world.queue.s3.get_paginator("list_objects_v2").paginate(Bucket=world.queue.bucket):
        for one in page.get("Contents", []):
            body = world.queue.s3.get_object(Bucket=world.queue.bucket, Key=one["Key"])["Body"].read()
            yield f"{one['Key']} {body.decode(errors='replace')}"


def deliver_all(world: World) -> None:
    """Deliver what lies in the queue and the delay queue, until nothing does."""
    for _ in range(3):
        for url in (world.queue.url, world.queue.waiting_url):
            queue = queues()[url.rpartition("/")[2]]
            bodies = [message.body for message in queue._messages]
            queue._messages = []
            for body in bodies:
                stays = world.deliver_records([record_of(body)])
                assert stays == []


def record_of(body: str) -> dict[str, Any]:
    envelope = json.loads(body)
    return {
        "messageId": f"message-{envelope['id']}",
        "receiptHandle": f"handle-{envelope['id']}",
        "body": body,
        "attributes": {
            "MessageGroupId": envelope["group"],
            "SenderId": SENDER,
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(int(NOW * 1000)),
        },
    }


def late(world: World) -> list[Webhook]:
    """What may still come of the person: repeats by the tools, and news."""
    return [
        told("shopify", "customers/create", 1, CUSTOMER),
        told("shopify", "orders/create", 2, ORDER, noise=300_000),
        told("shopify", "orders/create", 50, ORDER | {"id": 550011223303}, noise=300_000),
        told("shopify", "orders/create", 51, ORDER | {"customer": None, "email": EMAIL}),
        told("shopify", "refunds/create", 52, refund(52) | {"order_id": int(ORDER_ID)}),
        stripe("invoice.paid", 53, customer=STRIPE_ID),
        stripe("customer.updated", 54, id=STRIPE_ID, email=EMAIL, name="Ada Lovelace"),
        told("tally", "FORM_RESPONSE", 55, answers(55)),
    ]


def test_the_person_is_everywhere_before(world: World) -> None:
    fill(world)
    for store in (messages(), objects(world)):
        text = " ".join(store)
        assert "Lovelace" in text
        assert EMAIL in text
    keys = " ".join(row["pk"]["S"] for row in rows(world))
    assert all(name in keys for name in (HASH, CUSTOMER_ID, ORDER_ID, STRIPE_ID, "token-of-ada"))
    assert len(list(messages())) == 9


@pytest.mark.parametrize("app_keys", [[], ["app-ios"]])
@pytest.mark.parametrize("by_command", [False, True])
def test_after_a_redact_no_store_holds_the_person(
    world: World,
    log: StringIO,
    capsys: pytest.CaptureFixture[str],
    app_keys: list[str],
    by_command: bool,
) -> None:
    with_app_keys(world, app_keys)
    fill(world)
    of_others(world)
    if not by_command:
        world.deliver(told("shopify", "refunds/create", 6, refund(6)))
    calls = len(world.batch.calls)
    redact = told("shopify", "customers/redact", 10, REDACT)
    if by_command:
        redact = request.forget("default", HASH, "somebody", redact.received_at, EMAIL)
    else:
        calls += ask_the_shop_first(world, redact)
        redact = decided(world)
    assert world.deliver(redact) == []
    emptied = world.operations[-1]["identifiers"] if not app_keys else None
    assert emptied in (None, {"custom_id": HASH})
    deliver_all(world)
    for webhook in late(world):
        world.queue.send(webhook)
    deliver_all(world)
    assert len(world.batch.calls) == calls + (not app_keys)

    seen = {
        "queues": " ".join(messages()),
        "S3": " ".join(objects(world)),
        "ledger": json.dumps(list(rows(world))),
        "logs": log.getvalue() + "".join(capsys.readouterr()),
    }
    assert [(store, word) for store, text in seen.items() for word in PERSONAL if word in text] == []
    for store in ("queues", "S3", "logs"):
        assert [(store, name) for name in NAMES if name in seen[store]] == []
    tombstones = [row for row in rows(world) if any(name in json.dumps(row) for name in NAMES)]
    assert {row["pk"]["S"].partition("#")[0] for row in tombstones} == {"profile", "link"}
    for row in tombstones:
        is_profile = row["pk"]["S"] == f"profile#default#{HASH}"
        bare = (
            {"pk", "gone_until"} if is_profile else {"pk", "custom_id", "profile", "received_at", "learnt_by"}
        )
        assert set(row) <= bare | {"expires_at"}
        assert row["expires_at"]["N"] == str(int(NOW + ERASED_SECONDS))
    assert sorted(one.id for one in world.parked()) == ["webhook-41", "webhook-42"]
    grace = email_sha256("grace@example.com") or ""
    assert [one.id for one in world.ledger.receipts_of("default", grace)] == ["webhook-40"]


def ask_the_shop_first(world: World, redact: Webhook) -> int:
    """What the shop may ask for: all of its own goes, nothing of Stripe and of the form. Returns the calls to Batch."""
    before, parked_before = len(world.batch.calls), len(list(messages()))
    assert world.deliver(redact) == []
    assert parked_before - len(list(messages())) == 3
    receipts = world.ledger.receipts_of("default", HASH)
    assert {receipt.source for receipt in receipts} == {"stripe", "tally"}
    links = [key for key in world.ledger.keys_of("default", HASH) if key.startswith("link#")]
    assert links
    assert all("stripe" in key for key in links)
    return len(world.batch.calls) - before


def decided(world: World) -> Webhook:
    """The request that does the rest, once a person has decided on it."""
    [erasure] = erasures.every(world.ledger)
    assert (erasure.status, erasure.custom_id, erasure.connection) == ("undecided", HASH, "shopify/main")
    assert erasures.begin(world.ledger, erasure)
    return request.carrying_out(erasure, datetime.fromtimestamp(NOW, UTC))


def with_app_keys(world: World, app_keys: list[str]) -> None:
    def batch(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201) if "/gdpr/" in request.url.path else world.batch(request)

    world.gdpr = batch
    stored = world.secrets.load("bridge-test/batch/default") or {}
    world.secrets.store("batch/default", stored | {"app_keys": app_keys})
