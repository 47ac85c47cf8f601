"""An e-mail that many customers share names nobody; a user id that shows several e-mails is noticed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.profiles.identity import email_sha256
from functions.deliver.addresses import PHONE_MEMORY_SECONDS

TILL = "till@example.com"
SHARED = str(email_sha256(TILL))
DAY_SECONDS = 24 * 3600


def customer(number: int, **fields: Any) -> dict[str, Any]:
    times = dict.fromkeys(("created_at", "updated_at"), "2026-09-01T08:00:00Z")
    return {"id": number, "email": TILL, **times, **fields}


def custom_ids(world: Any) -> list[str]:
    return [operation["identifiers"]["custom_id"] for operation in world.operations]


def causes(capsys: pytest.CaptureFixture[str]) -> list[str]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "NeedsAttention" in line]
    return [line["cause"] for line in lines]


def test_from_the_sixth_customer_on_a_shared_e_mail_names_nobody(
    world: Any, shopify: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 8):
        world.deliver(shopify("customers/create", number, **customer(number)))
    assert custom_ids(world) == [*[SHARED] * 5, "shopify:6", "shopify:7"]
    assert causes(capsys) == ["shared_identity"]
    found = [world.ledger.receipt(f"webhook-{number}").warnings for number in (5, 6, 7)]
    assert found == [(), ("shared_identity:email",), ("shared_identity:email",)]


def test_what_the_first_ones_became_stays(world: Any, shopify: Any) -> None:
    for number in range(1, 7):
        world.deliver(shopify("customers/create", number, **customer(number)))
    world.deliver(shopify("customers/update", 8, **customer(1, first_name="Ada")))
    assert custom_ids(world)[-1] == SHARED


def test_the_memory_of_an_address_is_bounded(world: Any, shopify: Any) -> None:
    for number in range(1, 12):
        world.deliver(shopify("customers/create", number, **customer(number)))
    rows = world.ledger.client.scan(TableName=world.ledger.table)["Items"]
    [row] = [row for row in rows if row["pk"]["S"].startswith("address#")]
    assert len(row["customers"]["SS"]) == 6
    assert TILL not in json.dumps(row)


def test_one_customer_with_many_webhooks_is_one(world: Any, shopify: Any) -> None:
    for number in range(1, 9):
        world.deliver(shopify("customers/update", number, **customer(1, first_name=f"Ada {number}")))
    assert set(custom_ids(world)) == {SHARED}


@pytest.mark.parametrize(("limit", "expected"), [(1, "shopify:2"), (2, SHARED), (None, SHARED)])
def test_a_connection_says_how_many_may_share_an_address(
    world: Any, shopify: Any, limit: int | None, expected: str
) -> None:
    world.parameters.write("shopify", "main", {"shared_identities": limit})
    for number in (1, 2):
        world.deliver(shopify("customers/create", number, **customer(number)))
    assert custom_ids(world)[-1] == expected


def test_a_guest_with_the_address_of_a_till_is_nobody_either(world: Any, shopify: Any) -> None:
    for number in range(1, 7):
        world.deliver(shopify("customers/create", number, **customer(number)))
    order = {"id": 70, "email": TILL, "financial_status": "paid", "total_price": "5.00", "currency": "EUR"}
    times = dict.fromkeys(("created_at", "updated_at", "processed_at"), "2026-09-02T08:00:00Z")
    world.deliver(shopify("orders/create", 70, **order, **times))
    assert custom_ids(world)[-1] == "shopify:order:70"


PHONE = "+33612345678"


def caller(number: int, **fields: Any) -> dict[str, Any]:
    return customer(number, **{"email": f"buyer-{number}@example.com", "phone": PHONE} | fields)


def address_rows(world: Any) -> list[dict[str, Any]]:
    rows = world.ledger.client.scan(TableName=world.ledger.table)["Items"]
    return [row for row in rows if row["pk"]["S"].startswith("address#") and "#phone#" in row["pk"]["S"]]


def test_from_the_sixth_customer_on_a_shared_phone_is_noticed_and_rings_once(
    world: Any, shopify: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 8):
        world.deliver(shopify("customers/create", number, **caller(number)))
    assert custom_ids(world) == [email_sha256(f"buyer-{number}@example.com") for number in range(1, 8)]
    assert causes(capsys) == ["shared_identity"]
    warnings = [world.ledger.receipt(f"webhook-{number}").warnings for number in (5, 6, 7)]
    assert warnings == [(), ("shared_identity:phone",), ("shared_identity:phone",)]
    assert world.connections.known("shopify", "main").warned == {"shared_identity": 1}


def test_customers_of_one_batch_with_one_phone_are_counted_too(world: Any, shopify: Any) -> None:
    world.deliver(
        *(shopify("customers/create", number, group=f"{number}", **caller(number)) for number in range(1, 8))
    )
    assert [world.ledger.receipt(f"webhook-{number}").warnings for number in (5, 6, 7)] == [
        (),
        ("shared_identity:phone",),
        ("shared_identity:phone",),
    ]


def test_one_customer_who_keeps_a_phone_shares_it_with_nobody(world: Any, shopify: Any) -> None:
    for number in range(1, 9):
        world.deliver(shopify("customers/update", number, **caller(1, first_name=f"Ada {number}")))
    assert all(world.ledger.receipt(f"webhook-{number}").warnings == () for number in range(1, 9))


@pytest.mark.parametrize(("limit", "is_warned"), [(1, True), (2, False), (None, False)])
def test_a_connection_says_how_many_may_share_a_phone(
    world: Any, shopify: Any, limit: int | None, is_warned: bool
) -> None:
    world.parameters.write("shopify", "main", {"shared_identities": limit})
    for number in (1, 2):
        world.deliver(shopify("customers/create", number, **caller(number)))
    assert bool(world.ledger.receipt("webhook-2").warnings) is is_warned


def test_the_memory_of_a_phone_is_bounded_ends_and_holds_no_phone(world: Any, shopify: Any) -> None:
    for number in range(1, 12):
        world.deliver(shopify("customers/create", number, **caller(number)))
    [row] = address_rows(world)
    assert len(row["customers"]["SS"]) == 6
    assert int(row["expires_at"]["N"]) == int(world.now + PHONE_MEMORY_SECONDS)
    assert PHONE.lstrip("+") not in json.dumps(row)


def test_the_memory_of_a_phone_goes_with_its_newest_customer(world: Any, shopify: Any) -> None:
    """The connections of this batch are one shop, so that the customer is erased whole."""
    world.deliver(shopify("customers/create", 1, **caller(1)))
    assert len(address_rows(world)) == 1
    world.now += 60
    person = {"id": 1, "email": "buyer-1@example.com"}
    world.deliver(shopify("customers/redact", 2, customer=person))
    assert address_rows(world) == []


def named(number: int, email: str) -> dict[str, Any]:
    return customer(number, email=email, metafields=[{"key": "user_id", "value": "1042"}])


def test_a_user_id_with_a_second_e_mail_within_a_day_is_noticed_once(
    world: Any, shopify: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, email in enumerate(("a@example.com", "b@example.com", "a@example.com", "c@example.com"), 1):
        world.deliver(shopify("customers/update", number, **named(number, email)))
    assert set(custom_ids(world)) == {"1042"}
    assert causes(capsys) == ["identity_conflict"]
    warned = [number for number in range(1, 5) if world.ledger.receipt(f"webhook-{number}").warnings]
    assert warned == [2, 4]


def test_an_e_mail_that_changes_after_a_day_is_no_conflict(world: Any, shopify: Any) -> None:
    world.deliver(shopify("customers/update", 1, **named(1, "a@example.com")))
    world.now += DAY_SECONDS + 60
    world.deliver(shopify("customers/update", 2, **named(1, "b@example.com")))
    assert world.ledger.receipt("webhook-2").warnings == ()
