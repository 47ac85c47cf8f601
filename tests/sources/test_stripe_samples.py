"""What becomes of each body that others captured: the events it makes, or why it makes none."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Ignored
from bridge.profiles import identity, versions
from bridge.webhook import Request
from functions.sources.stripe import mapping, receiver
from tests.stripe_events import SETTINGS, change

NOT_MAPPED = "topic not mapped"

CUSTOMER = {"$email_address", "$language", "$region", "first_name", "stripe_customer_id"}
SUBSCRIPTION = {
    "subscription_id",
    "subscription_status",
    "subscription_plan",
    "subscription_interval",
    "subscription_quantity",
    "subscription_amount",
    "subscription_currency",
    "mrr",
    "date(period_ends_at)",
    "date(subscribed_at)",
}
PAYMENT = {"date(last_payment_at)", "last_payment_amount", "last_payment_currency", "payment_status"}

# Most are of test mode, which is told by the setting test_events alone.
# file                                            its events, its attributes, or why it is ignored
BECOMES: dict[str, tuple[list[str], set[str]] | str] = {
    "captured_2022-11-15_customer.created": (["billing_customer_created"], CUSTOMER),
    "captured_2022-11-15_payment_method.attached": NOT_MAPPED,
    "rubymock_charge.failed": NOT_MAPPED,
    "rubymock_charge.refund.updated": NOT_MAPPED,
    "rubymock_charge.refunded": (["payment_refunded"], set()),
    "rubymock_charge.succeeded": NOT_MAPPED,
    "rubymock_checkout.session.completed": (["checkout_completed"], set()),
    "rubymock_checkout.session.completed.payment_mode": (["checkout_completed"], set()),
    "rubymock_customer.deleted": ([], {"stripe_customer_id"}),
    "rubymock_customer.discount.created": NOT_MAPPED,
    "rubymock_customer.source.created": NOT_MAPPED,
    "rubymock_customer.subscription.created": (["subscription_started"], SUBSCRIPTION),
    "rubymock_customer.updated": ([], {"stripe_customer_id"}),
    "rubymock_invoice.created": NOT_MAPPED,
    "rubymock_invoice.finalized": NOT_MAPPED,
    "rubymock_invoice.paid": (["invoice_paid"], PAYMENT),
    "rubymock_invoice.payment_failed": (["payment_failed"], {"payment_status"}),
    "rubymock_invoice.payment_succeeded": ([], set()),
    "rubymock_invoice.upcoming": (["renewal_upcoming"], set()),
    "rubymock_mandate.updated": NOT_MAPPED,
    "rubymock_payment_intent.payment_failed": NOT_MAPPED,
    "rubymock_quote.accepted": NOT_MAPPED,
    "thin_meter_error": NOT_MAPPED,
    "thin_meter_error_with_data": NOT_MAPPED,
    "zulip_charge_succeeded__invoice": NOT_MAPPED,
    "zulip_customer_created": (["billing_customer_created"], {"stripe_customer_id"}),
    "zulip_customer_discount_created": NOT_MAPPED,
    "zulip_customer_subscription_created": (["subscription_started"], SUBSCRIPTION),
    "zulip_invoice_updated__open": NOT_MAPPED,
    "zulip_invoice_updated__paid": NOT_MAPPED,
    "zulip_invoiceitem_updated__quantity": NOT_MAPPED,
    "zulip_refund_event": NOT_MAPPED,
}


def becomes(body: dict[str, Any]) -> tuple[list[str], set[str]] | str:
    request = Request("stripe", "main", {}, {}, json.dumps(body).encode())
    try:
        told = receiver.routing_of(request)
    except Ignored as ignored:
        return ignored.reason
    if told.topic not in mapping.TOPICS:
        return NOT_MAPPED
    said = change(body)
    _, attributes = versions.apply(versions.ProfileState(), said.groups)
    return [event.name for event in said.events], set(attributes)


@pytest.mark.parametrize("name", BECOMES)
def test_a_body_of_others_becomes_what_the_table_says(samples: Path, name: str) -> None:
    body = json.loads((samples / "stripe" / f"{name}.json").read_text())["body"]
    assert becomes(body) == BECOMES[name]


def test_the_table_has_every_body_of_others(samples: Path) -> None:
    assert {path.stem for path in (samples / "stripe").glob("*.json")} == set(BECOMES)


@pytest.mark.parametrize("name", [name for name, told in BECOMES.items() if not isinstance(told, str)])
def test_a_body_of_others_is_somebody_s_or_waits_for_who_it_is(samples: Path, name: str) -> None:
    person = change(json.loads((samples / "stripe" / f"{name}.json").read_text())["body"]).person
    assert person.source_id or person.named_elsewhere
    if person.source_id:
        assert identity.custom_id(person, {}, SETTINGS.identity, may_wait=False)
