"""Orders of WooCommerce take an address from nobody unless they are paid."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.webhook import Webhook
from tests.deliver.test_addresses import PHONE, SHARED, TILL, causes, custom_ids

ACCOUNTS = range(995100, 995108)
"""Accounts of WooCommerce with whose numbers somebody orders, and types somebody else's e-mail and phone."""


def order(world: Any, number: int, account: int, **fields: Any) -> Webhook:
    placed = dict.fromkeys(("date_created_gmt", "date_modified_gmt"), "2026-09-02T08:00:00")
    content = {
        "id": number,
        "number": str(number),
        "status": "pending",
        "customer_id": account,
        "billing": {"email": TILL, "phone": PHONE, "country": "FR"},
        "total": "85.08",
        "currency": "EUR",
    }
    whole = json.loads(Path("events/woocommerce/order.created.json").read_text())["body"]
    body = json.dumps(whole | content | placed | fields).encode()
    received = datetime.fromtimestamp(world.now, UTC)
    return Webhook(f"webhook-{number}", "woocommerce", "main", "order.created", {}, body, received, "group")


@pytest.mark.parametrize(
    "unpaid",
    [
        {},
        {"status": "processing", "payment_method": "cod"},
        {"status": "processing", "date_paid_gmt": "2026-09-02T08:00:00", "total": "0.00"},
    ],
)
def test_no_orders_that_nobody_paid_take_an_e_mail_from_its_owner(
    world: Any, capsys: pytest.CaptureFixture[str], unpaid: dict[str, Any]
) -> None:
    for account in ACCOUNTS:
        world.deliver(order(world, account, account, **unpaid))
    assert set(custom_ids(world)) == {SHARED}
    warned = [account for account in ACCOUNTS if world.ledger.receipt(f"webhook-{account}").warnings]
    assert warned == list(ACCOUNTS)[5:]
    assert causes(capsys) == [], "strangers ring nothing"
    paid = {"status": "processing", "date_paid_gmt": "2026-09-02T08:00:00"}
    world.deliver(order(world, 5777, 5777, **paid))
    assert custom_ids(world)[-1] == SHARED
    assert world.ledger.receipt("webhook-5777").warnings == ()
    world.deliver(order(world, 995051, 0, **paid))
    assert custom_ids(world)[-1] == SHARED


def test_customers_of_orders_that_were_paid_count(world: Any, capsys: pytest.CaptureFixture[str]) -> None:
    paid = {"status": "processing", "date_paid_gmt": "2026-09-02T08:00:00"}
    for account in ACCOUNTS[:6]:
        world.deliver(order(world, account, account, **paid))
    assert custom_ids(world)[-1] == f"woocommerce:main:{ACCOUNTS[5]}"
    assert causes(capsys) == ["shared_identity"] * 2, "the e-mail and the phone"
    world.deliver(order(world, 70, 70))
    assert custom_ids(world)[-1] == "woocommerce:main:70", (
        "a till's address names nobody for a visitor either"
    )


def test_what_visitors_state_is_counted_with_the_profile_of_the_e_mail_and_bounded(world: Any) -> None:
    for account in ACCOUNTS:
        world.deliver(order(world, account, account))
    rows = world.ledger.client.scan(TableName=world.ledger.table)["Items"]
    counted = [row for row in rows if row["pk"]["S"].startswith("address#")]
    assert {len(row["customers"]["SS"]) for row in counted} == {6}
    assert {row["profile"]["S"].rpartition("#")[2] for row in counted} == {SHARED}
    assert all("#visitors#" in row["pk"]["S"] for row in counted)
