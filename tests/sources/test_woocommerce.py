"""What WooCommerce's webhooks mean for a profile, beside what its examples show."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.batch import limits
from bridge.errors import Ignored, MalformedBody
from bridge.profiles import identity, versions
from bridge.profiles.profile_change import Event, ProfileChange
from bridge.receiving.receiver import Receiver
from bridge.settings import ConnectionSettings
from bridge.webhook import Request, Webhook
from functions.sources.woocommerce import mapping, receiver, signing

RECEIVED_AT = datetime(2026, 9, 6, 12, 0, tzinfo=UTC)
SECRET = "a-secret-of-the-shop"
URLENCODED = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}


def body_of(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(Path(f"events/woocommerce/{name}.json").read_text())["body"]
    return body


ORDER = body_of("order.updated")
CUSTOMER = body_of("customer.updated")


def change(topic: str, body: dict[str, Any], connection: str = "main") -> ProfileChange:
    content = json.dumps(body).encode()
    webhook = Webhook("id", "woocommerce", connection, topic, {}, content, RECEIVED_AT, "group")
    return mapping.to_change(webhook, ConnectionSettings())


def attributes(found: ProfileChange) -> dict[str, Any]:
    return {name: value for group in found.groups for name, value in group.attributes.items()}


def event_names(found: ProfileChange) -> list[str]:
    return [event.name for event in found.events]


def request(body: bytes, **headers: str) -> Request:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Request("woocommerce", "main", named, {}, body)


def ended(changes: Any) -> tuple[dict[str, Any], list[Event]]:
    """What a profile has after the changes, in this order, and the events that it was told."""
    state = versions.ProfileState()
    profile: dict[str, Any] = {}
    told: list[Event] = []
    for one in changes:
        state, sent = versions.apply(state, one.groups)
        state, events = versions.unseen(state, one.events)
        profile |= sent
        told += events
    return profile, told


# ── At the receiver ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def endpoint(world: Any) -> Receiver:
    world.connect("woocommerce", signing_secrets=[SECRET])
    world.connect("woocommerce", "empty", signing_secrets=[])
    return Receiver(
        receiver.WOOCOMMERCE,
        secrets=world.secrets,
        queue=world.queue,
        connections=world.connections,
        parameters=world.parameters,
        clock=RECEIVED_AT.timestamp,
    )


def ask(
    endpoint: Receiver, body: bytes, headers: dict[str, str], connection: str = "main"
) -> tuple[int, Any]:
    event = {
        "pathParameters": {"connection": connection},
        "headers": headers,
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
    answer = endpoint(event, None)
    return answer["statusCode"], json.loads(answer["body"])


def is_nothing_queued(world: Any) -> bool:
    return "Messages" not in world.queue.client.receive_message(QueueUrl=world.queue.url)


def test_the_unsigned_call_that_activates_a_webhook_is_answered_and_forgotten(
    endpoint: Receiver, world: Any
) -> None:
    answer = ask(endpoint, b"webhook_id=7", URLENCODED)
    assert answer == (200, {"status": "ignored", "reason": "webhook activated"})
    assert is_nothing_queued(world)


def test_a_webhook_is_activated_only_where_its_secret_is_stored(endpoint: Receiver) -> None:
    assert ask(endpoint, b"webhook_id=7", URLENCODED, "empty")[0] == 404
    assert ask(endpoint, b"webhook_id=7", URLENCODED, "nobody")[0] == 404


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"webhook_id=7&status=completed", {}),
        (b"webhook_id=7\n", {}),
        (b"webhook_id=", {}),
        (b"webhook_id=\xd9\xa7", {}),
        (b"webhook_id=" + b"7" * 21, {}),
        (b"", {}),
        (b'{"webhook_id": 7}', {}),
        (json.dumps(ORDER).encode(), {}),
        (b"webhook_id=7", {"X-WC-Webhook-Topic": "order.created"}),
        (b"webhook_id=7", {"X-WC-Webhook-Signature": "c3RyYW5nZXI="}),
        (b"webhook_id=7", {"X-WC-Webhook-Signature": ""}),
    ],
)
def test_whatever_else_is_unsigned_is_refused(
    endpoint: Receiver, world: Any, body: bytes, headers: dict[str, str]
) -> None:
    assert ask(endpoint, body, URLENCODED | headers) == (401, {"error": "invalid_signature"})
    assert is_nothing_queued(world)


@pytest.mark.parametrize("topic", ["order.restored", "product.updated"])
def test_an_unmapped_topic_is_answered_and_forgotten(endpoint: Receiver, world: Any, topic: str) -> None:
    body = b'{"id":16}'
    headers, _ = signing.sign("woocommerce", topic, body, SECRET, 0)
    assert ask(endpoint, body, headers) == (200, {"status": "ignored", "reason": "topic not mapped"})
    assert is_nothing_queued(world)


def test_the_handler_lets_in_what_the_mapping_knows() -> None:
    assert (
        set(receiver.TOPICS) == set(mapping.ORDER_TOPICS) | set(mapping.CUSTOMER_TOPICS) | receiver.DELETIONS
    )


def test_a_signed_request_without_a_topic_is_malformed() -> None:
    with pytest.raises(MalformedBody):
        receiver.routing_of(request(b"{}"))


def test_the_delivery_id_is_not_signed_and_names_nothing() -> None:
    named = {"x_wc_webhook_topic": "order.updated", "x_wc_webhook_delivery_id": "1"}
    assert receiver.routing_of(request(b'{"id": 1}', **named)).idempotency_key is None


@pytest.mark.parametrize(
    ("topic", "body", "customer"),
    [
        ("order.updated", {"customer_id": 2, "billing": {"email": "ada@example.com"}}, "customer:2"),
        (
            "order.created",
            {"customer_id": 0, "billing": {"email": " Ada@Example.com"}},
            "email:ada@example.com",
        ),
        ("order.created", {"id": 1, "customer_id": 0, "billing": {"email": ""}}, "object:1"),
        ("order.created", {"id": 1, "billing": []}, "object:1"),
        ("customer.updated", {"id": 2, "email": "ada@example.com"}, "customer:2"),
    ],
)
def test_a_customers_webhooks_stay_in_order(topic: str, body: dict[str, Any], customer: str) -> None:
    assert receiver.customer(topic, body) == customer


# ── Who ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_ids_are_unique_only_within_a_shop() -> None:
    found = [change("order.updated", ORDER, connection).person for connection in ("lyon", "paris")]
    assert [person.source_id for person in found] == ["woocommerce:lyon:613", "woocommerce:paris:613"]
    assert found[0].references == ("woocommerce:lyon:customer:613", "woocommerce:lyon:order:4103")
    assert not set(found[0].references) & set(found[1].references)


def test_an_order_and_its_customer_lead_to_each_other() -> None:
    customer = change("customer.updated", CUSTOMER | {"id": 613}).person
    assert set(customer.references) <= set(change("order.updated", ORDER).person.references)


def test_a_guest_is_nobodys_customer() -> None:
    found = change("order.created", ORDER | {"customer_id": 0})
    assert found.person.references == ("woocommerce:main:order:4103",)
    assert "woocommerce_customer_id" not in attributes(found)


def test_a_guest_without_an_email_is_known_by_the_order() -> None:
    silent = ORDER | {"customer_id": 0, "billing": ORDER["billing"] | {"email": ""}}
    person = change("order.updated", silent).person
    custom_id = identity.custom_id(person, {}, ("user_id", "email_sha256", "source_id"), may_wait=True)
    assert custom_id == "woocommerce:main:order:4103"


def test_an_account_wins_over_the_addresses_and_the_addresses_fill_its_gaps() -> None:
    assert attributes(change("customer.updated", CUSTOMER))["$email_address"] == CUSTOMER["email"]
    bare = CUSTOMER | {"email": "", "first_name": "", "last_name": ""}
    found = attributes(change("customer.updated", bare))
    assert (found["$email_address"], found["first_name"]) == ("accounts@example.com", "Benedikt")


def test_city_zip_code_and_country_come_from_one_address() -> None:
    nowhere = dict.fromkeys(ORDER["billing"], "")
    found = attributes(change("order.created", ORDER | {"billing": nowhere | {"email": "ada@example.com"}}))
    assert (found["city"], found["$region"], found["last_name"]) == ("Potsdam", "DE", "Solheim")
    abroad = ORDER["shipping"] | {"city": "Oslo", "postcode": "0150", "country": "NO"}
    assert attributes(change("order.created", ORDER | {"shipping": abroad}))["city"] == "Potsdam"


def test_what_the_shop_leaves_out_is_neither_written_nor_deleted() -> None:
    empty = {
        "id": 1,
        "email": "",
        "first_name": "",
        "date_modified_gmt": None,
        "billing": [],
        "shipping": None,
    }
    assert attributes(change("customer.updated", empty)) == {"woocommerce_customer_id": "1"}


def test_no_consent_is_read_from_what_plugins_keep() -> None:
    ticked = [
        {"id": 1, "key": "_newsletter", "value": "1"},
        {"id": 2, "key": "marketing_consent", "value": "yes"},
    ]
    for topic, body in (("customer.updated", CUSTOMER), ("order.created", ORDER)):
        found = attributes(change(topic, body | {"meta_data": ticked}))
        assert not {"$email_marketing", "$sms_marketing"} & set(found)


# ── The order ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "events", "word"),
    [
        ("pending", [], "placed"),
        ("on-hold", [], "placed"),
        ("failed", [], "placed"),
        ("processing", ["order_paid"], "paid"),
        ("completed", ["order_paid", "order_fulfilled"], "fulfilled"),
        ("cancelled", ["order_cancelled"], "cancelled"),
        ("refunded", ["order_refunded"], "refunded"),
        ("awaiting-pickup", [], "paid"),
    ],
)
def test_a_status_is_one_word_and_tells_what_has_happened(status: str, events: list[str], word: str) -> None:
    updated = change("order.updated", ORDER | {"status": status})
    assert (event_names(updated), attributes(updated)["last_order_status"]) == (events, word)
    created = change("order.created", ORDER | {"status": status})
    assert event_names(created) == ["order_placed", *events]


PAID_AT: dict[str, dict[str, Any]] = {
    "both": {"date_paid_gmt": "2026-09-03T12:02:40", "date_paid": "2026-09-03T14:02:40"},
    "in UTC": {"date_paid_gmt": "2026-09-03T12:02:40", "date_paid": None},
    "by the shop's clock": {"date_paid_gmt": None, "date_paid": "2026-09-03T14:02:40"},
}
UNPAID: dict[str, Any] = {"date_paid_gmt": None, "date_paid": None}
NO_PAYMENT: dict[str, dict[str, Any]] = {
    "no date": UNPAID,
    "blank dates": {"date_paid_gmt": "", "date_paid": ""},
    "free": PAID_AT["both"] | {"total": "0.00"},
    "total unknown": PAID_AT["both"] | {"total": None},
    "negative": PAID_AT["both"] | {"total": "-5.00"},
}
each_status = pytest.mark.parametrize(
    "status",
    ["pending", "on-hold", "failed", "processing", "completed", "cancelled", "refunded", "awaiting-pickup"],
)
each_method = pytest.mark.parametrize("method", ["cod", "bacs", "cheque", "stripe", ""])


@each_status
@each_method
@pytest.mark.parametrize("lack", NO_PAYMENT)
def test_without_a_dated_payment_an_order_is_a_visitors_word(status: str, method: str, lack: str) -> None:
    stated = ORDER | {"status": status, "payment_method": method} | NO_PAYMENT[lack]
    for topic in ("order.created", "order.updated"):
        found = change(topic, stated)
        assert (found.person.provenance, found.body_provenance) == ("visitor", "visitor")
        assert {group.provenance for group in found.groups if group.name == "customer"} <= {"visitor"}
        assert "order_paid" not in event_names(found)
        assert attributes(found)["last_order_status"] != "paid"


@each_status
@each_method
@pytest.mark.parametrize("date", PAID_AT)
def test_with_a_dated_payment_an_order_is_the_owners_word(status: str, method: str, date: str) -> None:
    stated = ORDER | {"status": status, "payment_method": method, "total": "0.01"} | PAID_AT[date]
    found = change("order.created", stated)
    assert (found.person.provenance, found.body_provenance) == ("owner", "owner")
    assert {group.provenance for group in found.groups} == {"owner"}
    assert ("order_paid" in event_names(found)) is (status in ("processing", "completed"))


def test_who_pays_on_delivery_has_paid_once_the_shop_says_so() -> None:
    """WooCommerce sets `processing` when such an order is placed, and its date of payment when it is completed."""
    cash = ORDER | {"payment_method": "cod"} | UNPAID
    placed = change("order.created", cash | {"status": "processing"})
    dates = {"date_paid_gmt": "2026-09-05T10:00:00", "date_completed_gmt": "2026-09-05T10:00:00"}
    done = change("order.updated", cash | {"status": "completed"} | dates)
    assert (event_names(placed), attributes(placed)["last_order_status"]) == (["order_placed"], "placed")
    assert event_names(done) == ["order_paid", "order_fulfilled"]
    assert done.events[0].time == datetime(2026, 9, 5, 10, tzinfo=UTC)
    assert (placed.person.provenance, done.person.provenance) == ("visitor", "owner")


def test_a_plugins_status_is_told_by_the_orders_dates() -> None:
    unknown = ORDER | {"status": "awaiting-pickup"} | UNPAID
    assert attributes(change("order.updated", unknown))["last_order_status"] == "placed"
    collected = unknown | {"date_completed_gmt": "2026-09-05T10:00:00"}
    assert attributes(change("order.updated", collected))["last_order_status"] == "fulfilled"


@pytest.mark.parametrize("status", ["checkout-draft", "auto-draft", "draft", "new"])
def test_a_draft_of_the_checkout_page_is_no_order(status: str) -> None:
    with pytest.raises(Ignored):
        change("order.created", ORDER | {"status": status})


def at(day: int, hour: int, status: str, **fields: Any) -> dict[str, Any]:
    moment = f"2026-09-{day:02}T{hour:02}:00:00"
    return ORDER | {"status": status, "date_modified_gmt": moment} | fields


COMPLETED = {"date_completed_gmt": "2026-09-04T08:00:00"}
LIFE = [
    ("order.created", at(3, 12, "pending", date_paid_gmt=None)),
    ("order.updated", at(3, 13, "processing")),
    ("order.updated", at(3, 14, "processing")),
    ("order.updated", at(4, 8, "completed", **COMPLETED)),
    ("order.updated", at(4, 9, "completed", **COMPLETED)),
]


def test_each_step_of_an_order_is_told_once_in_whatever_order_it_arrives() -> None:
    told = [change(topic, body) for topic, body in LIFE]
    for order in permutations(told):
        profile, events = ended(order)
        assert profile["last_order_status"] == "fulfilled"
        assert sorted(event.name for event in events) == ["order_fulfilled", "order_paid", "order_placed"]


def test_two_orders_have_each_step_of_their_own() -> None:
    _, events = ended([change("order.updated", ORDER | {"id": number}) for number in (1, 2, 1)])
    assert [event.attributes["order_id"] for event in events] == ["1", "2"]


def test_an_old_orders_late_update_never_replaces_a_newer_order() -> None:
    old = {"id": 1, "date_created_gmt": "2026-08-01T00:00:00"}
    told = [
        change("order.created", ORDER | old),
        change("order.created", ORDER | {"id": 2, "date_created_gmt": "2026-08-20T00:00:00"}),
        change("order.updated", ORDER | old | {"date_modified_gmt": "2026-08-30T00:00:00"}),
    ]
    for order in permutations(told):
        assert ended(order)[0]["last_order_id"] == "2"


def test_updates_of_the_same_second_end_in_the_most_advanced_status() -> None:
    told = [
        change("order.updated", ORDER | {"status": one}) for one in ("pending", "processing", "completed")
    ]
    for order in permutations(told):
        assert ended(order)[0]["last_order_status"] == "fulfilled"


def test_of_the_same_second_the_account_wins_over_an_order() -> None:
    moment = "2026-09-03T12:02:08"
    account = CUSTOMER | {"id": 613, "date_modified_gmt": moment, "first_name": "Inga"}
    told = [change("order.created", ORDER), change("customer.updated", account)]
    for order in permutations(told):
        assert ended(order)[0]["first_name"] == "Inga"


def test_times_without_a_zone_are_utc() -> None:
    offset = ORDER | {"date_created": "2026-09-03T23:02:08", "date_paid_gmt": "2026-09-03T12:02:40"}
    [event] = change("order.updated", offset).events
    assert event.time == datetime(2026, 9, 3, 12, 2, 40, tzinfo=UTC)
    assert attributes(change("order.updated", offset))["date(last_order_at)"] == "2026-09-03T12:02:08Z"


@pytest.mark.parametrize(
    ("status", "field"),
    [
        ("processing", "date_paid_gmt"),
        ("cancelled", "date_modified_gmt"),
        ("refunded", "date_modified_gmt"),
    ],
)
def test_an_event_has_the_shops_time_else_that_of_the_change_else_of_receipt(status: str, field: str) -> None:
    stated = ORDER | {"status": status, field: "2026-08-30T10:00:00"}
    silent = ORDER | {"status": status, "date_paid_gmt": None, "date_modified_gmt": None}
    times = [change("order.updated", one).events[0].time for one in (stated, silent)]
    assert times == [datetime(2026, 8, 30, 10, tzinfo=UTC), RECEIVED_AT]


def test_money_is_exact_and_follows_refunds() -> None:
    partly = {"total": "1000000000000000.10", "refunds": [{"id": 1, "reason": "", "total": "-0.05"}]}
    found = change("order.updated", ORDER | partly)
    assert attributes(found)["last_order_total"] == Decimal("1000000000000000.05")
    assert event_names(found) == ["order_paid"]


@pytest.mark.parametrize(
    ("refunds", "told"),
    [
        (["-81.87"], {"amount": Decimal("81.87"), "is_full": True}),
        (["-80.00", "-1.87"], {"amount": Decimal("81.87"), "is_full": True}),
        (["-10.00"], {"amount": Decimal("10.00"), "is_full": False}),
        ([], {}),
    ],
)
def test_a_refund_tells_how_much_went_back(refunds: list[str], told: dict[str, Any]) -> None:
    lines = [{"id": number, "reason": "", "total": total} for number, total in enumerate(refunds)]
    [event] = change("order.updated", ORDER | {"status": "refunded", "refunds": lines}).events
    assert {
        name: event.attributes[name] for name in ("amount", "is_full") if name in event.attributes
    } == told


def test_a_part_of_a_unit_counts_as_one() -> None:
    weighed = [ORDER["line_items"][0] | {"quantity": 0.35}, ORDER["line_items"][1] | {"quantity": 2.0}]
    [event] = change("order.updated", ORDER | {"line_items": weighed}).events
    assert event.attributes["items_count"] == 3


@pytest.mark.parametrize("absent", [{}, {"quantity": None}], ids=["left out", "null"])
def test_an_item_without_a_quantity_states_none_and_leaves_the_number_of_units_open(absent: Any) -> None:
    bare = {name: value for name, value in ORDER["line_items"][0].items() if name != "quantity"} | absent
    [event] = change("order.updated", ORDER | {"line_items": [bare, ORDER["line_items"][1]]}).events
    assert "items_count" not in event.attributes
    assert ["quantity" in item for item in event.attributes["items"]] == [False, True]


def test_the_orders_key_opens_the_order_and_stays_behind() -> None:
    found = change("order.created", ORDER)
    assert ORDER["order_key"] not in repr((found.groups, found.events))


def test_the_fullest_order_event_fits() -> None:
    for event in change("order.created", ORDER).events:
        warnings = limits.Warnings()
        assert limits.fit_event(event, RECEIVED_AT, warnings)
        assert not warnings.found


@pytest.mark.parametrize(
    "body",
    [
        {"order": ORDER},
        {"code": "woocommerce_rest_cannot_view", "message": "Sorry", "data": {"status": 401}},
        {"id": 0},
    ],
)
def test_what_is_no_order_is_a_named_failure(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="id"):
        change("order.updated", body)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(ORDER)), JUNK, max_size=4))
def test_a_field_of_another_kind_is_a_named_failure_or_maps(fields: dict[str, Any]) -> None:
    with suppress(ValidationError, Ignored):
        assert change("order.created", ORDER | fields).person.references


def test_every_sample_is_accepted_or_ignored_with_a_reason(endpoint: Receiver, samples: Path) -> None:
    answers = []
    for path in sorted((samples / "woocommerce").glob("*.json")):
        sample = json.loads(path.read_text())
        body = json.dumps(sample["body"], separators=(",", ":")).encode()
        signed, _ = signing.sign("woocommerce", sample["topic"], body, SECRET, 0)
        assert set(signed) <= {name.lower() for name in sample["headers"]}
        status, answer = ask(endpoint, body, sample["headers"] | signed)
        assert status == 200
        answers.append(answer)
    assert answers
    assert all(answer["status"] == "accepted" or answer["reason"] for answer in answers)
