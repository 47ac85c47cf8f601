"""What goes wrong is put right: wrong keys, a mapping that fails, a person who is to be forgotten."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.profiles.identity import email_sha256
from tests.emulated.conftest import Batch
from tests.emulated.deployed import Deployed, batch_keys
from tests.emulated.sender import SETTLE_SECONDS, Sender, eventually

EMAIL, CUSTOMER = "emulated.person@example.com", 7_700_000_000_001
SHOP = "emulated.myshopify.com"


def order(number: int) -> bytes:
    """A paid order of a customer whom no sample is about."""
    body = {
        "id": 9_900_000 + number,
        "admin_graphql_api_id": f"gid://shopify/Order/{9_900_000 + number}",
        "name": f"#{number}",
        "created_at": "2026-09-01T10:00:00Z",
        "processed_at": "2026-09-01T10:00:01Z",
        "updated_at": f"2026-09-02T10:00:{number:02}Z",
        "financial_status": "paid",
        "total_price": "10.00",
        "current_total_price": "10.00",
        "currency": "EUR",
        "line_items": [],
        "customer": {"id": CUSTOMER, "email": EMAIL, "updated_at": "2026-09-02T10:00:00Z"},
    }
    return json.dumps(body).encode()


@pytest.fixture
def custom_id() -> str:
    return email_sha256(EMAIL) or ""


def test_wrong_keys_lose_nothing_and_the_right_ones_deliver(
    fresh: Deployed, batch: Batch, sender: Sender, custom_id: str
) -> None:
    fresh.secrets.store("batch/shopify", {**batch_keys("shopify"), "rest_api_key": "revoked"})
    fresh.renew("DeliverFunction")
    answer = sender.webhook("shopify", "orders/paid", order(1))
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    assert eventually(lambda: refused(batch), SETTLE_SECONDS)
    assert batch.profile(custom_id) is None
    fresh.secrets.store("batch/shopify", batch_keys("shopify"))
    assert eventually(lambda: batch.profile(custom_id), SETTLE_SECONDS)
    assert len(batch.profile(custom_id)["events"]) == 1  # type: ignore[index]
    assert sender.count("DEAD_LETTER_QUEUE_URL") == 0


def refused(batch: Batch) -> bool:
    """Whether the sandbox has refused a call for its key."""
    return any(call.answer_status == 401 for call in batch.app.state.sandbox.calls.last())


def test_what_cannot_be_mapped_is_parked_and_a_retry_delivers_it_once_that_is_put_right(
    fresh: Deployed, batch: Batch, sender: Sender, custom_id: str
) -> None:
    fresh.parameters.write("shopify", "main", {"project": "shopify", "identity": ["nothing"]})
    fresh.renew("DeliverFunction")
    receipt = sender.receipt(sender.webhook("shopify", "orders/paid", order(2)))
    assert receipt is not None
    assert (receipt.status, receipt.failure_class) == ("parked", "mapping_failed")
    assert sender.count("DEAD_LETTER_QUEUE_URL") == 1
    assert (
        fresh.invoke("RetryFunction", {"dry_run": True, "filter": {"classes": ["mapping_failed"]}})["retried"]
        == 0
    )
    fresh.parameters.write("shopify", "main", {"project": "shopify"})
    fresh.renew("DeliverFunction")
    report = fresh.invoke("RetryFunction", {"filter": {"classes": ["mapping_failed"]}})
    assert report["retried"] == 1
    assert eventually(lambda: batch.profile(custom_id), SETTLE_SECONDS)
    assert sender.count("DEAD_LETTER_QUEUE_URL") == 0


def test_a_person_who_asks_to_be_forgotten_is_erased_everywhere(
    fresh: Deployed, batch: Batch, sender: Sender, custom_id: str
) -> None:
    assert sender.receipt(sender.webhook("shopify", "orders/paid", order(3)))
    assert batch.profile(custom_id)
    redact = {
        "shop_id": 954889,
        "shop_domain": SHOP,
        "customer": {"id": CUSTOMER, "email": EMAIL, "phone": None},
        "orders_to_redact": [9_900_003],
    }
    receipt = sender.receipt(sender.webhook("shopify", "customers/redact", json.dumps(redact).encode()))
    assert receipt is not None
    assert (receipt.status, receipt.custom_id) == ("delivered", "")
    asked = [call for call in batch.app.state.sandbox.calls.last() if "/gdpr/" in call.route]
    assert asked
    assert EMAIL not in rows(fresh)
    late = sender.receipt(sender.webhook("shopify", "orders/paid", order(4)))
    assert late is not None
    assert late.status == "ignored"


def rows(bridge: Deployed) -> str:
    """All that the ledger holds, as text."""
    table = bridge.variable("TABLE_NAME")
    pages: Any = bridge.emulator.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return json.dumps([page["Items"] for page in pages])
