"""Orders of WooCommerce name no number to ask at unless they are paid."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.deliver.test_consents import ADA, TICK, consent, deliver, form, forms, sent
from tests.world import NOW, MakeWebhook, World

__all__ = ["forms"]


@pytest.mark.parametrize(
    ("payment", "is_asked"),
    [
        ({"date_paid_gmt": None}, False),
        ({"date_paid_gmt": "2026-09-03T12:02:40", "total": "0.00"}, False),
        ({"date_paid_gmt": "2026-09-03T12:02:40"}, True),
    ],
)
def test_an_order_to_be_paid_on_delivery_names_no_number_to_ask_at(
    forms: World, shopify: MakeWebhook, payment: dict[str, Any], is_asked: bool
) -> None:
    """A guest typed somebody's e-mail and a number of their own; only a payment makes that number the person's."""
    moment = datetime.fromtimestamp(NOW - 60, UTC).isoformat()
    withdrawn = {"state": "unsubscribed", "consent_updated_at": moment}
    times = dict.fromkeys(("created_at", "updated_at"), moment)
    record = shopify("customers/create", 1, id=7, email=ADA, sms_marketing_consent=withdrawn, **times)
    order = {
        **json.loads(Path("events/woocommerce/order.created.json").read_text())["body"],
        "id": 80,
        "status": "processing",
        "payment_method": "cod",
        "customer_id": 0,
        "billing": {"email": ADA, "phone": "+33699999999"},
        "total": "85.08",
        "currency": "EUR",
        **dict.fromkeys(("date_created_gmt", "date_modified_gmt"), "2026-09-03T12:02:08"),
    }
    cash = replace(record, id="order", source="woocommerce", topic="order.created")
    deliver(forms, record, replace(cash, body=json.dumps(order | payment).encode()))
    deliver(forms, form(forms, {**TICK, "texts": "on"}))
    channels = [event["channel"] for event in sent(forms, "consent_requested")]
    assert channels == (["sms"] if is_asked else [])
    assert consent(forms, "$sms_marketing") == "unsubscribed"
