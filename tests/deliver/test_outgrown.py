"""A tool's record that was found by its e-mail alone takes no other address into a profile that others feed too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.profiles.identity import email_sha256
from tests.deliver.test_addresses import causes
from tests.deliver.test_visitors import (
    ATTACKER,
    VICTIM,
    Send,
    attributes_of,
    customer_of,
    links,
    send,
    warnings_of,
)
from tests.world import NOW

__all__ = ["send"]

VICTIMS, ATTACKERS = str(email_sha256(VICTIM)), str(email_sha256(ATTACKER))
OWN_PHONE, FOREIGN_PHONE = "+33612345678", "+33699999999"
CONTACT = ("$email_address", "$phone_number", "$email_marketing", "$sms_marketing")


def shopify_customer(
    email: str = VICTIM, updated_at: str = "2026-09-01T08:00:00Z", **fields: Any
) -> dict[str, Any]:
    consent = {"state": "subscribed", "consent_updated_at": updated_at}
    return {
        "id": 7,
        "email": email,
        "phone": OWN_PHONE,
        "first_name": "Vera",
        "created_at": "2026-09-01T08:00:00Z",
        "updated_at": updated_at,
        "email_marketing_consent": consent,
        **fields,
    }


def account(email: str, modified: str = "2026-09-02T08:00:00", **fields: Any) -> dict[str, Any]:
    return {
        "id": 66701,
        "email": email,
        "first_name": "Mallory",
        "date_created_gmt": "2026-09-02T08:00:00",
        "date_modified_gmt": modified,
        **fields,
    }


def stripe_customer(topic: str, email: str, created: int, **fields: Any) -> dict[str, Any]:
    record = {"id": "cus_evil1", "object": "customer", "email": email, "metadata": {}, **fields}
    return {
        "id": f"evt_{created}",
        "object": "event",
        "type": topic,
        "created": created,
        "livemode": True,
        "data": {"object": record},
    }


def contact(world: Any, custom_id: str) -> dict[str, Any]:
    found = attributes_of(world, custom_id)
    return {name: found[name] for name in CONTACT if name in found}


def changed_in_woocommerce(send: Send) -> Any:
    send("woocommerce", "customer.created", account(VICTIM))
    billing = {"phone": FOREIGN_PHONE, "country": "FR"}
    return send("woocommerce", "customer.updated", account(ATTACKER, "2026-09-03T08:00:00", billing=billing))


def changed_in_stripe(send: Send) -> Any:
    send("stripe", "customer.created", stripe_customer("customer.created", VICTIM, int(NOW) - 120))
    changed = stripe_customer("customer.updated", ATTACKER, int(NOW) - 60, phone=FOREIGN_PHONE)
    return send("stripe", "customer.updated", changed)


def changed_in_shopify(send: Send) -> Any:
    send("form", "submission", {"email": VICTIM, "phone": OWN_PHONE})
    send("shopify", "customers/create", shopify_customer(id=9))
    changed = shopify_customer(ATTACKER, "2026-09-03T08:00:00Z", id=9, phone=FOREIGN_PHONE)
    return send("shopify", "customers/update", changed)


CHANGES = {
    "woocommerce:main:customer:66701": changed_in_woocommerce,
    "stripe:customer:cus_evil1": changed_in_stripe,
    "shopify:customer:9": changed_in_shopify,
}


@pytest.mark.parametrize("reference", CHANGES)
def test_a_record_that_shows_another_e_mail_writes_nothing_to_the_profile_that_others_feed(
    world: Any, send: Send, reference: str, capsys: pytest.CaptureFixture[str]
) -> None:
    send("shopify", "customers/create", shopify_customer())
    before = contact(world, VICTIMS)
    capsys.readouterr()
    webhook = CHANGES[reference](send)
    after = contact(world, VICTIMS)
    assert (after["$email_address"], after["$phone_number"]) == (VICTIM, OWN_PHONE)
    assert after["$email_marketing"] == before["$email_marketing"]
    assert FOREIGN_PHONE not in json.dumps(attributes_of(world, VICTIMS))
    assert customer_of(world) == ATTACKERS
    assert links(world)[reference] == ATTACKERS
    assert attributes_of(world, ATTACKERS)["$email_address"] == ATTACKER
    assert "identity_conflict:customer" in warnings_of(world, webhook)
    assert causes(capsys) == ["identity_conflict"]


def test_where_nobody_else_feeds_the_profile_a_change_of_e_mail_keeps_it(
    world: Any, send: Send, capsys: pytest.CaptureFixture[str]
) -> None:
    send("woocommerce", "customer.created", account(VICTIM))
    send("woocommerce", "customer.updated", account(ATTACKER, "2026-09-03T08:00:00"))
    assert customer_of(world) == VICTIMS
    assert attributes_of(world, VICTIMS)["$email_address"] == ATTACKER
    assert causes(capsys) == []


def test_a_profile_that_is_named_by_a_user_id_keeps_its_records(world: Any, send: Send) -> None:
    named = {"metafields": [{"key": "user_id", "value": "1042"}]}
    send("shopify", "customers/create", shopify_customer(**named))
    send("form", "submission", {"email": VICTIM, "user_id": "1042"}, settings={"visitor_user_id": "trust"})
    changed = shopify_customer("new@example.com", "2026-09-03T08:00:00Z")
    webhook = send("shopify", "customers/update", changed)
    assert customer_of(world) == "1042"
    assert attributes_of(world, "1042")["$email_address"] == "new@example.com"
    assert warnings_of(world, webhook) == ()


def test_once_led_anew_a_record_follows_its_new_profile_in_peace(
    world: Any, send: Send, capsys: pytest.CaptureFixture[str]
) -> None:
    send("shopify", "customers/create", shopify_customer())
    changed_in_woocommerce(send)
    capsys.readouterr()
    webhook = send("woocommerce", "customer.updated", account(ATTACKER, "2026-09-04T08:00:00"))
    assert customer_of(world) == ATTACKERS
    assert warnings_of(world, webhook) == ()
    assert causes(capsys) == []


ORDER = {
    "id": 80,
    "number": "80",
    "order_key": "wc_order_80",
    "status": "processing",
    "customer_id": 66701,
    "billing": {"email": ATTACKER, "phone": FOREIGN_PHONE, "country": "FR", "city": "Lyon"},
    "date_created_gmt": "2026-09-03T08:00:00",
    "date_modified_gmt": "2026-09-03T08:00:00",
    "date_paid_gmt": "2026-09-03T08:00:00",
    "total": "10.00",
    "currency": "EUR",
    "line_items": [],
}


def test_an_order_of_the_record_with_another_e_mail_keeps_its_profile_without_the_addresses(
    world: Any, send: Send, capsys: pytest.CaptureFixture[str]
) -> None:
    send("shopify", "customers/create", shopify_customer())
    send("woocommerce", "customer.created", account(VICTIM))
    capsys.readouterr()
    webhook = send("woocommerce", "order.created", ORDER)
    assert customer_of(world) == VICTIMS
    found = attributes_of(world, VICTIMS)
    assert (found["$email_address"], found["$phone_number"], found["city"]) == (VICTIM, OWN_PHONE, "Lyon")
    assert "identity_conflict:email" in warnings_of(world, webhook)
    assert causes(capsys) == []


def test_the_merge_of_two_records_is_no_change_of_e_mail(world: Any, send: Send) -> None:
    send("form", "submission", {"email": VICTIM})
    send("shopify", "customers/create", shopify_customer())
    send("shopify", "customers/create", shopify_customer("second@example.com", id=8))
    merge = {
        "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/7",
        "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/8",
        "admin_graphql_api_job_id": None,
        "status": "completed",
        "errors": [],
    }
    send("shopify", "customers/merge", merge)
    assert links(world)["shopify:customer:8"] == VICTIMS
    webhook = send(
        "shopify", "customers/update", shopify_customer("second@example.com", "2026-09-03T08:00:00Z", id=8)
    )
    assert customer_of(world) == VICTIMS
    assert warnings_of(world, webhook) == ()
