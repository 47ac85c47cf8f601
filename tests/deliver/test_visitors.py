"""What a visitor says never becomes an owner's word: not in values, not in links, whatever the source."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.profiles.identity import email_sha256
from bridge.receiving import claims
from bridge.receiving.receiver import Receiver
from bridge.webhook import Webhook
from cli.sample import Sample, signed
from functions.sources.registry import SOURCE_PACKAGES, VISITED, source_module
from tests.world import NOW

URL = "https://door.example.com"
TOKEN = "the-token-in-the-address"
IDENTITY_SECRET = "the-identity-secret"
VICTIM, ATTACKER = "victim@example.com", "attacker@example.com"

Send = Callable[..., Webhook]


NO_ORDER = dict.fromkeys(["order_key", "created_via", "transaction_id", "customer_id"]) | {
    "line_items": [],
    "refunds": [],
    "billing": {},
}
NO_ACCOUNT = dict.fromkeys(["username", "role", "is_paying_customer", "avatar_url"]) | {"billing": {}}
# topic            what each body of it has, empty: WooCommerce leaves no field out
WOO_WHOLE: dict[str, dict[str, Any]] = {
    **dict.fromkeys(["order.created", "order.updated"], NO_ORDER),
    **dict.fromkeys(["customer.created", "customer.updated"], NO_ACCOUNT),
}


@pytest.fixture
def send(world: Any) -> Send:
    """Send a webhook through the receiver and deliver it; `settings` and `identity_secret` are the connection's."""

    def receive(
        source: str,
        topic: str,
        body: dict[str, Any],
        *,
        settings: dict[str, Any] | None = None,
        identity_secret: str = "",
        headers: dict[str, str] | None = None,
    ) -> Webhook:
        stored = {
            "signing_secrets": [TOKEN],
            **({"identity_secret": identity_secret} if identity_secret else {}),
        }
        world.connect(source, **stored)
        world.secrets.cache.entries.clear()
        world.parameters.write(source, "main", settings or {})
        world.parameters.cache.entries.clear()
        whole = WOO_WHOLE.get(topic, {}) | body if source == "woocommerce" else body
        sample = Sample(
            source, topic, headers or {}, "application/json", json.dumps(whole).encode(), settings
        )
        return deliver(world, sample)

    return receive


def deliver(world: Any, sample: Sample) -> Webhook:
    source, path = sample.source, f"/{sample.source}/main"
    own = sample if source == "custom" else replace(sample, settings=None)
    request = signed(own, URL + path, TOKEN, NOW)
    receiver = Receiver(
        *source_module(source, "receiver").SOURCES,
        secrets=world.secrets,
        queue=world.queue,
        connections=world.connections,
        parameters=world.parameters,
        clock=lambda: world.now,
    )
    query = request.url.partition("?")[2]
    answer = receiver(
        {
            "rawPath": path,
            "rawQueryString": query,
            "requestContext": {"domainName": URL.removeprefix("https://"), "http": {"method": "POST"}},
            "pathParameters": {"source": source, "connection": "main"},
            "headers": {**dict(request.headers), **sample.headers},
            "queryStringParameters": dict(pair.split("=", 1) for pair in query.split("&") if pair),
            "body": base64.b64encode(request.body).decode(),
            "isBase64Encoded": True,
        },
        None,
    )
    assert answer["statusCode"] == 200, answer
    [message] = world.queue.client.receive_message(QueueUrl=world.queue.url)["Messages"]
    world.queue.client.delete_message(QueueUrl=world.queue.url, ReceiptHandle=message["ReceiptHandle"])
    webhook: Webhook = world.queue.webhook(message["Body"])
    world.deliver(webhook)
    return webhook


def customer_of(world: Any) -> str:
    custom_id: str = world.operations[-1]["identifiers"]["custom_id"]
    return custom_id


def attributes_of(world: Any, custom_id: str) -> dict[str, Any]:
    """The attributes of a profile after all that Batch was sent."""
    found: dict[str, Any] = {}
    for operation in world.operations:
        if operation["identifiers"]["custom_id"] == custom_id:
            found |= operation.get("attributes", {})
    return found


def warnings_of(world: Any, webhook: Webhook) -> tuple[str, ...]:
    receipt = world.ledger.receipt(webhook.id)
    assert receipt is not None
    warnings: tuple[str, ...] = receipt.warnings
    return warnings


def links(world: Any) -> dict[str, str]:
    rows = world.ledger.client.scan(TableName=world.ledger.table)["Items"]
    return {
        row["pk"]["S"].removeprefix("link#default#"): row["custom_id"]["S"]
        for row in rows
        if row["pk"]["S"].startswith("link#")
    }


FORM = {"email": ATTACKER, "user_id": "1042", "first_name": "Mallory", "phone": "+4915112345678"}
OWNED = {
    "id": 7,
    "email": VICTIM,
    "phone": "+33612345678",
    "first_name": "Vic",
    "created_at": "2026-09-01T08:00:00Z",
    "updated_at": "2026-09-01T08:00:00Z",
    "metafields": [{"key": "user_id", "value": "1042"}],
}


# ── A public form that names somebody else ──────────────────────────────────────────────────────────────────


def test_a_public_form_changes_nothing_of_the_profile_that_it_names(world: Any, send: Send) -> None:
    send("shopify", "customers/create", OWNED)
    before = attributes_of(world, "1042")
    webhook = send("form", "submission", FORM)
    assert attributes_of(world, "1042") == before
    assert customer_of(world) == email_sha256(ATTACKER)
    assert "user_id_not_trusted:user_id" in warnings_of(world, webhook)
    assert world.connections.known("form", "main").warned == {"user_id_not_trusted": 1}


def test_a_box_that_no_setting_names_is_counted_by_its_connection(world: Any, send: Send) -> None:
    send("form", "submission", {"email": ATTACKER, "newsletter": "on", "sms_optin": "on"})
    known = world.connections.known("form", "main")
    assert known.warned == {"consent_not_named": 1}
    assert known.unnamed == ("newsletter=email", "sms_optin=sms")


def test_even_where_it_is_trusted_what_the_owner_said_stays(world: Any, send: Send) -> None:
    send("shopify", "customers/create", OWNED)
    before = attributes_of(world, "1042")
    webhook = send("form", "submission", FORM | {"city": "Kiel"}, settings={"visitor_user_id": "trust"})
    assert customer_of(world) == "1042"
    assert attributes_of(world, "1042") == before | {"city": "Kiel"}
    assert "user_id_not_trusted:user_id" not in warnings_of(world, webhook)


def test_a_form_by_the_e_mail_of_somebody_replaces_nothing_of_theirs(world: Any, send: Send) -> None:
    send("shopify", "customers/create", OWNED | {"metafields": []})
    before = attributes_of(world, str(email_sha256(VICTIM)))
    send("form", "submission", {"email": VICTIM, "first_name": "Mallory", "phone": "+4915112345678"})
    assert attributes_of(world, str(email_sha256(VICTIM))) == before


@pytest.mark.parametrize(("updates", "expected"), [("fill", "+4915112345678"), ("replace", "+4915187654321")])
def test_of_two_visitors_the_first_ones_number_stays_unless_the_setting_says_otherwise(
    world: Any, send: Send, updates: str, expected: str
) -> None:
    settings = {"visitor_updates": updates}
    for phone, name in (("+4915112345678", "Ada"), ("+4915187654321", "Ada Maria")):
        world.now += 60
        send("form", "submission", {"email": VICTIM, "first_name": name, "phone": phone}, settings=settings)
    found = attributes_of(world, str(email_sha256(VICTIM)))
    assert (found["$phone_number"], found["first_name"]) == (expected, "Ada Maria")


@pytest.mark.parametrize("updates", ["fill", "replace"])
def test_no_setting_lets_a_visitor_replace_an_owner(world: Any, send: Send, updates: str) -> None:
    send("shopify", "customers/create", OWNED | {"metafields": []})
    world.now += 60
    body = {"email": VICTIM, "phone": "+4915112345678"}
    send("form", "submission", body, settings={"visitor_updates": updates})
    assert attributes_of(world, str(email_sha256(VICTIM)))["$phone_number"] == OWNED["phone"]


# ── Signatures ──────────────────────────────────────────────────────────────────────────────────────────────


def signed_form(secret: str, user_id: str = "1042", signed_id: str = "1042") -> dict[str, Any]:
    return FORM | {
        "user_id": user_id,
        "user_id_signature": claims.signature(secret, "form", "main", signed_id),
    }


def test_an_id_that_the_owners_server_signed_names_the_profile(world: Any, send: Send) -> None:
    webhook = send("form", "submission", signed_form(IDENTITY_SECRET), identity_secret=IDENTITY_SECRET)
    assert customer_of(world) == "1042"
    assert warnings_of(world, webhook) == ()
    sent = json.dumps(world.operations)
    assert "signature" not in sent


@pytest.mark.parametrize(
    "body",
    [
        signed_form(TOKEN),
        signed_form(""),
        signed_form(IDENTITY_SECRET, signed_id="1043"),
        signed_form(IDENTITY_SECRET, user_id="1043"),
        FORM | {"user_id_signature": ""},
        FORM | {"user_id_signature": ["x"]},
    ],
)
def test_a_signature_by_the_token_or_for_another_id_is_refused(world: Any, send: Send, body: Any) -> None:
    webhook = send("form", "submission", body, identity_secret=IDENTITY_SECRET)
    assert customer_of(world) == email_sha256(ATTACKER)
    assert "user_id_not_trusted:user_id" in warnings_of(world, webhook)


def test_without_an_identity_secret_no_signature_proves_anything(world: Any, send: Send) -> None:
    for secret in ("", "None", TOKEN):
        send("form", "submission", signed_form(secret) | {"n": secret})
        assert customer_of(world) == email_sha256(ATTACKER)


def test_with_ignore_not_even_a_signed_id_names_the_profile(world: Any, send: Send) -> None:
    body, settings = signed_form(IDENTITY_SECRET), {"visitor_user_id": "ignore"}
    webhook = send("form", "submission", body, settings=settings, identity_secret=IDENTITY_SECRET)
    assert customer_of(world) == email_sha256(ATTACKER)
    assert "user_id_not_trusted:user_id" in warnings_of(world, webhook)


def test_nobody_proves_an_id_by_sending_the_receivers_mark(world: Any, send: Send) -> None:
    mark = {claims.HEADER: claims.digest("1042")}
    webhook = send("form", "submission", FORM, headers=mark, identity_secret=IDENTITY_SECRET)
    assert claims.HEADER not in webhook.headers
    assert customer_of(world) == email_sha256(ATTACKER)


def test_no_source_keeps_the_header_of_the_mark() -> None:
    for source in SOURCE_PACKAGES:
        for one in source_module(source, "receiver").SOURCES:
            assert claims.HEADER not in one.kept_headers


def test_every_source_with_visitors_has_claims_that_its_receiver_proves() -> None:
    claiming = {
        one.name
        for source in SOURCE_PACKAGES
        for one in source_module(source, "receiver").SOURCES
        if one.claims
    }
    assert claiming == VISITED


def test_a_retry_follows_a_changed_setting(world: Any, send: Send) -> None:
    body = signed_form(IDENTITY_SECRET)
    webhook = send(
        "form", "submission", body, settings={"visitor_user_id": "ignore"}, identity_secret=IDENTITY_SECRET
    )
    world.ledger.delete([f"webhook#{webhook.id}"])
    world.parameters.write("form", "main", {"visitor_user_id": "signed"})
    world.parameters.cache.entries.clear()
    world.deliver(webhook)
    assert customer_of(world) == "1042"


# ── Shops ───────────────────────────────────────────────────────────────────────────────────────────────────

RECORD = {
    "id": 7,
    "email": VICTIM,
    "created_at": "2026-09-01T08:00:00Z",
    "updated_at": "2026-09-01T08:00:00Z",
}
ORDER = {
    "id": 70,
    "name": "#70",
    "email": VICTIM,
    "created_at": "2026-09-02T08:00:00Z",
    "updated_at": "2026-09-02T08:00:00Z",
    "processed_at": "2026-09-02T08:00:00Z",
    "total_price": "10.00",
    "currency": "EUR",
    "financial_status": "paid",
    "checkout_token": "t70",
}


def noted(user_id: str, secret: str = "") -> list[dict[str, str]]:
    signature = claims.signature(secret, "shopify", "main", user_id)
    return [{"name": "user_id", "value": user_id}, {"name": "user_id_signature", "value": signature}]


@pytest.mark.parametrize("settings", [{}, {"visitor_user_id": "trust"}, {"visitor_user_id": "ignore"}])
@pytest.mark.parametrize("status", ["paid", "pending"])
def test_a_cart_attribute_never_links_a_customer_record(
    world: Any, send: Send, settings: dict[str, Any], status: str
) -> None:
    body = ORDER | {"customer": RECORD, "note_attributes": noted("attacker-1"), "financial_status": status}
    send("shopify", "orders/create", body, settings=settings)
    assert links(world).get("shopify:customer:7") in (None, email_sha256(VICTIM))
    send("shopify", "customers/update", RECORD | {"phone": "+33612345678"}, settings=settings)
    assert customer_of(world) == email_sha256(VICTIM)
    assert "$phone_number" not in attributes_of(world, "attacker-1")


def test_not_even_a_signed_cart_attribute_links_a_customer_record(world: Any, send: Send) -> None:
    body = ORDER | {"customer": RECORD, "note_attributes": noted("attacker-1", IDENTITY_SECRET)}
    send("shopify", "orders/create", body, identity_secret=IDENTITY_SECRET)
    assert customer_of(world) == "attacker-1"
    assert "shopify:customer:7" not in links(world)
    refund = {
        "order_id": 70,
        "transactions": [{"kind": "refund", "status": "success", "amount": "1", "currency": "EUR"}],
    }
    send("shopify", "refunds/create", {"id": 1, "created_at": "2026-09-03T08:00:00Z", **refund})
    assert customer_of(world) == "attacker-1", "the order is of the visit itself: its refund follows it"


def test_what_is_typed_at_an_unpaid_order_fills_and_what_is_paid_for_replaces(world: Any, send: Send) -> None:
    profile = str(email_sha256(VICTIM))
    send("shopify", "customers/create", RECORD | {"phone": "+33612345678"})
    typed = {"phone": "+4915112345678", "billing_address": {"city": "Kiel", "first_name": "Mallory"}}
    send("shopify", "orders/create", ORDER | typed | {"financial_status": "pending"})
    found = attributes_of(world, profile)
    assert (found["$phone_number"], found["city"]) == ("+33612345678", "Kiel")
    send(
        "shopify",
        "orders/create",
        ORDER | typed | {"id": 71, "name": "#71", "billing_address": {"city": "Bonn"}},
    )
    assert attributes_of(world, profile)["city"] == "Bonn"
    assert attributes_of(world, profile)["$phone_number"] == "+4915112345678"


def test_an_order_that_costs_nothing_is_no_proof_of_anything(world: Any, send: Send) -> None:
    send("shopify", "customers/create", RECORD | {"phone": "+33612345678"})
    free = ORDER | {"phone": "+4915112345678", "total_price": "0.00"}
    send("shopify", "orders/create", free)
    assert attributes_of(world, str(email_sha256(VICTIM)))["$phone_number"] == "+33612345678"


TYPED = {"phone": "+33699999999", "billing_address": {"city": "Kiel", "first_name": "Mallory"}}


@pytest.mark.parametrize(
    ("status", "totals", "is_paid"),
    [
        ("paid", {"total_price": None, "current_total_price": "0.00"}, False),
        ("paid", {"total_price": None}, False),
        ("refunded", {"total_price": None, "current_total_price": "0.00"}, False),
        ("refunded", {"total_price": "10.00", "current_total_price": "0.00"}, True),
        ("paid", {"total_price": None, "current_total_price": "10.00"}, True),
    ],
)
def test_an_order_whose_total_is_left_out_replaces_nothing(
    world: Any, send: Send, status: str, totals: dict[str, Any], is_paid: bool
) -> None:
    send("shopify", "customers/create", RECORD | {"phone": "+33612345678", "first_name": "Vera"})
    send("shopify", "orders/create", ORDER | TYPED | totals | {"financial_status": status})
    found = attributes_of(world, str(email_sha256(VICTIM)))
    expected = ("Mallory", "+33699999999") if is_paid else ("Vera", "+33612345678")
    assert (found["first_name"], found["$phone_number"]) == expected


CASH_ORDER = {
    "id": 80,
    "number": "80",
    "order_key": "wc_order_80",
    "status": "processing",
    "payment_method": "cod",
    "customer_id": 66601,
    "billing": {"email": VICTIM, "first_name": "Mallory", "phone": "+33699999999", "city": "Kiel"},
    "date_created_gmt": "2026-09-02T08:00:00",
    "date_modified_gmt": "2026-09-02T08:00:00",
    "date_paid": None,
    "date_paid_gmt": None,
    "total": "85.08",
    "currency": "EUR",
}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"payment_method": "bacs", "total": "0.01"},
        {"status": "completed", "date_completed_gmt": "2026-09-02T09:00:00"},
        {"status": "refunded", "payment_method": ""},
        {"date_paid_gmt": "2026-09-02T08:00:00", "total": "0.00"},
    ],
)
def test_an_order_to_be_paid_on_delivery_takes_over_nobody(
    world: Any, send: Send, fields: dict[str, Any]
) -> None:
    profile = str(email_sha256(VICTIM))
    send("shopify", "customers/create", RECORD | {"phone": "+33612345678", "first_name": "Vera"})
    send("woocommerce", "order.created", CASH_ORDER | fields)
    events = [event["name"] for one in world.operations for event in one.get("events", ())]
    assert "order_paid" not in events
    found = attributes_of(world, profile)
    assert (found["first_name"], found["$phone_number"]) == ("Vera", "+33612345678")
    assert "woocommerce:main:customer:66601" not in links(world)
    account = {"id": 66601, "email": ATTACKER, "role": "customer", "date_created_gmt": "2026-09-03T08:00:00"}
    send("woocommerce", "customer.updated", account)
    assert attributes_of(world, profile)["$email_address"] == VICTIM
    assert customer_of(world) == email_sha256(ATTACKER)


def test_a_checkout_of_a_typed_e_mail_finds_its_later_self_but_moves_nothing(world: Any, send: Send) -> None:
    checkout = {
        "token": "t70",
        "created_at": "2026-09-02T07:00:00Z",
        "updated_at": "2026-09-02T07:00:00Z",
        "line_items": [{"title": "Tea", "quantity": 1}],
    }
    send("shopify", "checkouts/create", checkout | {"email": ATTACKER})
    assert links(world) == {"shopify:checkout:t70": email_sha256(ATTACKER)}
    send("shopify", "checkouts/update", checkout | {"email": VICTIM, "updated_at": "2026-09-02T07:01:00Z"})
    assert links(world) == {"shopify:checkout:t70": email_sha256(ATTACKER)}
    send("shopify", "orders/create", ORDER)
    assert links(world)["shopify:checkout:t70"] == email_sha256(VICTIM), "a paid order is the owner's word"


def test_an_unpaid_woocommerce_order_leads_no_account_to_the_e_mail_that_was_typed(
    world: Any, send: Send
) -> None:
    order = {
        "id": 80,
        "number": "80",
        "status": "on-hold",
        "customer_id": 66,
        "billing": {"email": VICTIM, "phone": "+4915112345678"},
        "date_created_gmt": "2026-09-02T08:00:00",
        "date_modified_gmt": "2026-09-02T08:00:00",
        "total": "10.00",
        "currency": "EUR",
    }
    send("woocommerce", "order.created", order)
    assert customer_of(world) == email_sha256(VICTIM)
    assert "woocommerce:main:customer:66" not in links(world)
    account = {"id": 66, "email": ATTACKER, "date_created_gmt": "2026-09-01T08:00:00"}
    send("woocommerce", "customer.updated", account)
    assert customer_of(world) == email_sha256(ATTACKER)


SESSION = {
    "id": "cs_1",
    "object": "checkout.session",
    "client_reference_id": "1042",
    "payment_link": "plink_1",
    "customer": "cus_9",
    "customer_details": {"email": ATTACKER},
    "payment_status": "paid",
    "amount_total": 2900,
    "currency": "eur",
    "metadata": {},
}


def stripe_event(**fields: Any) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "object": "event",
        "type": "checkout.session.completed",
        "created": int(NOW) - 60,
        "livemode": True,
        "data": {"object": SESSION | fields},
    }


FREE = {
    "payment_status": "no_payment_required",
    "amount_total": 0,
    "client_reference_id": None,
    "customer_details": {"email": VICTIM},
}


@pytest.mark.parametrize(
    ("fields", "settings"),
    [
        ({}, {}),
        ({}, {"stripe_sessions": "server"}),
        ({"payment_link": None}, {}),
        ({"payment_link": None, "mode": "subscription"}, {"stripe_sessions": "server"}),
        ({"payment_status": "paid"}, {}),
        ({"payment_status": "unpaid", "amount_total": 2900}, {}),
    ],
)
def test_a_checkout_that_nobody_paid_leads_its_customer_nowhere(
    world: Any, send: Send, fields: dict[str, Any], settings: dict[str, Any]
) -> None:
    profile = str(email_sha256(VICTIM))
    send("shopify", "customers/create", RECORD | {"phone": "+33612345678"})
    send("stripe", "checkout.session.completed", stripe_event(**FREE | fields), settings=settings)
    assert "stripe:customer:cus_9" not in links(world)
    record = {"id": "cus_9", "object": "customer", "email": ATTACKER, "phone": "+33699999999"}
    changed = stripe_event() | {"id": "evt_2", "type": "customer.updated", "data": {"object": record}}
    send("stripe", "customer.updated", changed, settings=settings)
    found = attributes_of(world, profile)
    assert (found["$email_address"], found["$phone_number"]) == (VICTIM, "+33612345678")
    assert customer_of(world) == email_sha256(ATTACKER)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"payment_status": "paid", "amount_total": 0}, "unsubscribed"),
        ({"payment_status": "paid", "amount_total": None}, "unsubscribed"),
        ({"payment_status": "no_payment_required", "amount_total": 0}, "unsubscribed"),
        ({"payment_status": "paid", "amount_total": 2900}, "subscribed"),
    ],
)
def test_a_free_checkout_subscribes_nobody_who_is_known_to_have_unsubscribed(
    world: Any, send: Send, fields: dict[str, Any], expected: str
) -> None:
    withdrawn = {"state": "unsubscribed", "consent_updated_at": "2026-09-01T08:00:00Z"}
    send("shopify", "customers/create", RECORD | {"email_marketing_consent": withdrawn})
    session = {"customer": None, "consent": {"promotions": "opt_in"}, "payment_link": None}
    send("stripe", "checkout.session.completed", stripe_event(**FREE | session | fields))
    assert attributes_of(world, str(email_sha256(VICTIM)))["$email_marketing"] == expected


@pytest.mark.parametrize("settings", [{}, {"stripe_sessions": "server"}, {"visitor_user_id": "ignore"}])
def test_the_reference_in_the_address_of_a_payment_link_names_nobody(
    world: Any, send: Send, settings: dict[str, Any]
) -> None:
    webhook = send("stripe", "checkout.session.completed", stripe_event(), settings=settings)
    assert customer_of(world) == email_sha256(ATTACKER)
    assert "1042" not in links(world).values()
    assert "user_id_not_trusted:user_id" in warnings_of(world, webhook)


def test_a_session_of_the_owners_server_names_whom_it_says(world: Any, send: Send) -> None:
    body = stripe_event(payment_link=None)
    send("stripe", "checkout.session.completed", body, settings={"stripe_sessions": "server"})
    assert customer_of(world) == "1042"
    assert links(world)["stripe:customer:cus_9"] == "1042"


def test_a_signed_reference_names_the_profile_and_links_no_customer(world: Any, send: Send) -> None:
    reference = f"1042-{claims.signature(IDENTITY_SECRET, 'stripe', 'main', '1042')}"
    assert len(reference) <= 200
    body = stripe_event(client_reference_id=reference)
    send("stripe", "checkout.session.completed", body, identity_secret=IDENTITY_SECRET)
    assert customer_of(world) == "1042"
    assert "stripe:customer:cus_9" not in links(world)


# ── Any other tool ──────────────────────────────────────────────────────────────────────────────────────────

CUSTOM = {
    "verify": {"scheme": "token", "query": "token"},
    "person": {"user_id": "account", "email": "mail", "source_id": "id", "references": {"customer": "id"}},
    "mapping": [{"attributes": {"plan": "plan"}}],
}


def test_a_tool_of_any_kind_hands_on_visitors_unless_its_settings_say_otherwise(
    world: Any, send: Send
) -> None:
    body = {"account": "1042", "mail": ATTACKER, "id": 9, "plan": "gold"}
    webhook = send("custom", "webhook", body, settings=CUSTOM)
    assert customer_of(world) == email_sha256(ATTACKER)
    assert links(world) == {}
    assert "user_id_not_trusted:user_id" in warnings_of(world, webhook)
    send("custom", "webhook", body | {"n": 2}, settings=CUSTOM | {"provenance": "owner"})
    assert customer_of(world) == "1042"
    assert links(world) == {"custom:main:customer:9": "1042"}


def test_a_claim_among_an_owners_statements_needs_its_signature(world: Any, send: Send) -> None:
    person = CUSTOM["person"] | {"claimed_user_id": "claimed", "user_id_signature": "signature"}  # type: ignore[operator]
    settings = CUSTOM | {"provenance": "owner", "person": person}
    body = {"claimed": "1042", "mail": ATTACKER, "id": 9, "plan": "gold"}
    send("custom", "webhook", body, settings=settings, identity_secret=IDENTITY_SECRET)
    assert customer_of(world) == email_sha256(ATTACKER)
    signature = claims.signature(IDENTITY_SECRET, "custom", "main", "1042")
    body = {"claimed": "1042", "mail": ATTACKER, "id": 10, "plan": "gold", "signature": signature}
    send("custom", "webhook", body, settings=settings, identity_secret=IDENTITY_SECRET)
    assert customer_of(world) == "1042"


# ── Placeholders ────────────────────────────────────────────────────────────────────────────────────────────

WOO = {
    "id": 90,
    "status": "processing",
    "billing": {"email": VICTIM},
    "date_created_gmt": "2026-09-02T08:00:00",
    "total": "10.00",
    "currency": "EUR",
}


@pytest.mark.parametrize(
    ("customer_id", "warns"), [(0, False), (None, False), ("0", True), (0.0, True), (False, True)]
)
def test_a_guest_of_woocommerce_is_known_by_the_e_mail_whatever_type_the_zero_has(
    world: Any, send: Send, customer_id: Any, warns: bool
) -> None:
    webhook = send("woocommerce", "order.created", WOO | {"customer_id": customer_id})
    assert customer_of(world) == email_sha256(VICTIM)
    assert not any(reference.startswith("woocommerce:main:customer") for reference in links(world))
    assert "woocommerce_customer_id" not in attributes_of(world, customer_of(world))
    assert any("placeholder_id" in warning for warning in warnings_of(world, webhook)) is warns


def test_two_guests_with_a_textual_zero_do_not_share_a_place_in_the_queue(world: Any, send: Send) -> None:
    groups = {
        send(
            "woocommerce",
            "order.created",
            WOO | {"id": number, "customer_id": "0", "billing": {"email": email}},
        ).group
        for number, email in enumerate((VICTIM, ATTACKER), 90)
    }
    assert len(groups) == 2


@pytest.mark.parametrize("user_id", ["0", "guest", " NULL ", "00000000-0000-0000-0000-000000000000"])
def test_a_placeholder_falls_to_the_next_candidate_with_a_warning(
    world: Any, send: Send, user_id: str
) -> None:
    settings = {"visitor_user_id": "trust"}
    webhook = send("form", "submission", FORM | {"user_id": user_id}, settings=settings)
    assert customer_of(world) == email_sha256(ATTACKER)
    assert warnings_of(world, webhook) == ("placeholder_id:user_id",)
