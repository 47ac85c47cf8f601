"""Text, numbers, dates and money at their limits go through delivery: Batch takes each, or the receipt names it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bridge.profiles.identity import email_sha256
from bridge.webhook import Webhook
from local.sandbox.app import ProjectKeys, SandboxApp, create_app
from tests.deliver.test_erasure import through
from tests.world import World

ADA, GRACE = (email_sha256(f"{name}@example.com") or "" for name in ("ada", "grace"))
LARGEST = 2**63 - 1
MOMENT = "2026-09-10T14:00:00+02:00"
FAMILY = "\N{WOMAN}\u200d\N{WOMAN}\u200d\N{GIRL}"
ARABIC = "مرحبا"

CUSTOMER = {
    "id": LARGEST,
    "email": " Ada@Example.com ",
    "first_name": "é" * 301,
    "last_name": f"{ARABIC} Ada\u0000Byron {FAMILY}",
    "phone": "call me",
    "tags": ", ".join(f"vip{number}" for number in range(26)),
    "created_at": "1899-12-31T23:59:59-12:00",
    "updated_at": MOMENT,
}
LINE = {"title": "Tea", "quantity": 1, "price": "-0.00", "product_id": LARGEST, "sku": "s" * 301}
ORDER = {
    "id": LARGEST,
    "name": "#1",
    "created_at": MOMENT,
    "updated_at": MOMENT,
    "currency": "JPY",
    "current_total_price": str(10**15),
    "total_discounts": "-0.00",
    "presentment_currency": "KWD",
    "current_total_price_set": {
        "shop_money": {"amount": str(10**15), "currency_code": "JPY"},
        "presentment_money": {"amount": "1.125", "currency_code": "KWD"},
    },
    "tags": ", ".join(f"tag{number}" for number in range(11)),
    "line_items": [LINE] * 26,
    "order_status_url": "https://tea.example.com/" + "x" * 2048,
    "customer": CUSTOMER,
}


@pytest.fixture
def sandbox(world: World) -> SandboxApp:
    """Batch as the sandbox plays it, with all of its rules."""
    app = create_app(projects={"project-key": ProjectKeys("rest-key", ())}, clock=lambda: world.now)
    world.gdpr = lambda request: through(app, request)
    return app


def profile(app: SandboxApp, custom_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The attributes and the events that Batch has."""
    shown = through(app, httpx.Request("GET", f"http://sandbox/sandbox/profiles/{custom_id}")).json()
    return shown["attributes"], shown["events"]


def warnings(world: World, webhook_id: str) -> list[str]:
    """What the receipt of a delivered webhook warns of."""
    receipt = world.ledger.receipt(webhook_id)
    assert receipt is not None
    assert (receipt.status, receipt.failure_class) == ("delivered", "")
    return list(receipt.warnings)


def test_an_order_at_every_limit_reaches_batch_and_its_receipt_names_what_did_not_fit(
    world: World, sandbox: SandboxApp, shopify: Any
) -> None:
    assert world.deliver(shopify("orders/create", 1, **ORDER)) == []
    assert warnings(world, "webhook-1") == [
        "value_dropped:$phone_number",
        "string_cut:first_name",
        "list_cut:shopify_tags",
        "list_cut:$tags",
        "list_cut:items",
        "string_cut:items.sku",
        "url_dropped:url(order_status)",
    ]
    attributes, [event] = profile(sandbox, ADA)
    assert attributes == {
        "$email_address": "ada@example.com",
        "first_name": "é" * 300,
        "last_name": f"{ARABIC} Ada Byron {FAMILY}",
        "shopify_customer_id": "9223372036854775807",
        "shopify_tags": [f"vip{number}" for number in range(25)],
        "date(customer_since)": "1900-01-01T11:59:59Z",
        "last_order_id": "9223372036854775807",
        "last_order_name": "#1",
        "date(last_order_at)": "2026-09-10T12:00:00Z",
        "last_order_total": 1e15,
        "last_order_currency": "JPY",
        "last_order_status": "placed",
    }
    told = event["attributes"]
    item = {
        "product_id": "9223372036854775807",
        "sku": "s" * 300,
        "name": "Tea",
        "quantity": 1,
        "unit_price": 0,
    }
    assert told["items"] == [item] * 25
    assert told["items_count"] == 26
    assert told["$tags"] == [f"tag{number}" for number in range(10)]
    money = ("amount", "currency", "presentment_amount", "presentment_currency", "discount_amount")
    assert [told[name] for name in money] == [1e15, "JPY", 1.125, "KWD", 0]
    assert "-0.0" not in json.dumps(event)
    assert (event["time"], told["order_id"]) == ("2026-09-10T12:00:00Z", "9223372036854775807")


def test_a_form_over_every_limit_reaches_batch_and_its_receipt_names_what_did_not_fit(
    world: World, sandbox: SandboxApp, shopify: Any
) -> None:
    named = {f"Question {number}": f"answer_{number}" for number in range(51)}
    odd = {"Day": "date(day)", "Number": "number", "Link": "url(link)", "Note": "note"}
    world.parameters.write("tally", "main", {"fields": {**odd, **named}})
    assert world.deliver(form(shopify("none", 2))) == []
    found = warnings(world, "webhook-2")
    assert found[:6] == [
        "date_dropped:date(day)",
        "number_dropped:number",
        "url_dropped:url(link)",
        "string_cut:note",
        "attribute_dropped:answer_48",
        "attribute_dropped:answer_49",
    ]
    attributes, [event] = profile(sandbox, GRACE)
    assert attributes == {
        "$email_address": "grace@example.com",
        "note": "🫖" * 150,
        **{f"answer_{number}": f"answer {number}" for number in range(48)},
    }
    assert len(event["attributes"]) <= 20
    lost = {name.rpartition(":")[2] for name in found if name.startswith("attribute_dropped:")}
    asked = {f"question_{number}" for number in range(51)}
    assert {name for name in asked if name not in event["attributes"]} == lost & asked
    assert lost - asked == {"answer_48", "answer_49", "answer_50"}


def form(webhook: Webhook) -> Webhook:
    """55 answers, the odd ones first."""
    # label      type            value
    answers = (
        ("E-mail", "INPUT_EMAIL", "grace@example.com"),
        ("Day", "INPUT_DATE", "2026-02-31"),
        ("Number", "INPUT_NUMBER", 2**63),
        ("Link", "INPUT_LINK", "not a link"),
        ("Note", "TEXTAREA", "🫖" * 301),
        *((f"Question {number}", "INPUT_TEXT", f"answer {number}") for number in range(51)),
    )
    fields = [{"key": label, "label": label, "type": kind, "value": value} for label, kind, value in answers]
    data = {"responseId": "r", "formId": "f", "formName": "Tea", "fields": fields, "createdAt": MOMENT}
    content = {"eventId": "e", "eventType": "FORM_RESPONSE", "data": data}
    body = json.dumps(content).encode()
    return Webhook(webhook.id, "tally", "main", "FORM_RESPONSE", {}, body, webhook.received_at, webhook.group)
