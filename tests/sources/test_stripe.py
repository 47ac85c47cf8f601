"""What Stripe's room promises: signatures, customers, and every event of the tagging plan."""

import copy
import itertools
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.batch import limits
from bridge.errors import InvalidSignature, MalformedBody
from bridge.profiles import identity, versions
from bridge.profiles.profile_change import ProfileChange
from bridge.webhook import Request, Routing
from functions.sources.stripe import mapping, receiver, signing
from tests.stripe_events import (
    DAY,
    EVENTS,
    NOW,
    SETTINGS,
    Body,
    Profile,
    about,
    attributes,
    change,
    events,
    item,
    only_event,
    sample,
    updated,
    with_items,
    with_price,
)

SAMPLES = sorted(path for path in EVENTS.glob("*.json") if not path.name.endswith(".batch.json"))
SECRET = "whsec_testing"


# ── The receiver ────────────────────────────────────────────────────────────────────────────────────────────


def request(content: bytes, header: str | None = None) -> Request:
    headers = {} if header is None else {"stripe-signature": header}
    return Request("stripe", "main", headers, {}, content)


def parts(content: bytes, secret: str = SECRET, now: float = NOW) -> tuple[str, str]:
    """The `t=...` and the `v1=...` that the signer makes."""
    headers, _ = signing.sign("stripe", "", content, secret, now)
    timestamp, digest = headers["stripe-signature"].split(",")
    return timestamp, digest


@pytest.mark.parametrize(
    "header",
    [
        "{t},{v1}",
        "{v1},{t}",
        " {t} , {v1} ",
        "{t},v0=" + "0" * 64 + ",{v1}",
        "{t},v1=" + "0" * 64 + ",{v1}",
        "{t},{v1},v1=short",
        "{t},{v1},v2=newer,flag",
        "{t},,{v1},",
    ],
)
def test_a_signature_counts_in_any_order_among_others_and_spaces(header: str) -> None:
    t, v1 = parts(b"{}")
    assert receiver.verify(request(b"{}", header.format(t=t, v1=v1)), [SECRET], NOW) == 0


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "no_header"),
        ("", "no_header"),
        ("{v1}", "malformed_header"),
        ("{t}", "malformed_header"),
        ("{t},{t},{v1}", "malformed_header"),
        ("{t},t=1,{v1}", "malformed_header"),
        ("t=,{v1}", "malformed_header"),
        ("t=soon,{v1}", "malformed_header"),
        ("t=-1,{v1}", "malformed_header"),
        ("{t},v0={digest}", "malformed_header"),
        ("{t},v2={digest}", "malformed_header"),
        ("{t};{v1}", "malformed_header"),
        ("nonsense", "malformed_header"),
        ("{t},v1=" + "0" * 64, "mismatch"),
        ("t=1788000001,{v1}", "mismatch"),
    ],
)
def test_a_header_that_proves_nothing_is_refused(header: str | None, reason: str) -> None:
    t, v1 = parts(b"{}")
    text = None if header is None else header.format(t=t, v1=v1, digest=v1.removeprefix("v1="))
    with pytest.raises(InvalidSignature) as refused:
        receiver.verify(request(b"{}", text), [SECRET], NOW)
    assert refused.value.reason == reason


@pytest.mark.parametrize(("seconds", "passes"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_a_signature_is_five_minutes_good_either_way(seconds: int, passes: bool) -> None:
    signed = request(b"{}", ",".join(parts(b"{}", now=NOW + seconds)))
    if passes:
        assert receiver.verify(signed, [SECRET], NOW) == 0
        return
    with pytest.raises(InvalidSignature, match="stale" if seconds < 0 else "clock_skew"):
        receiver.verify(signed, [SECRET], NOW)


def test_a_header_with_a_signature_per_secret_passes_while_a_secret_is_rolled() -> None:
    t, new = parts(b"{}", "whsec_new")
    _, old = parts(b"{}", "whsec_old")
    rolled = request(b"{}", f"{t},{new},{old}")
    assert receiver.verify(rolled, ["whsec_new"], NOW) == 0
    assert receiver.verify(rolled, ["whsec_other", "whsec_old"], NOW) == 1


@given(body=st.binary(), noise=st.lists(st.sampled_from(["v0=00", "v9=x", "", " ", "v1=zz"]), max_size=4))
def test_whatever_the_body_what_stripe_signs_is_accepted(body: bytes, noise: list[str]) -> None:
    header = ",".join([*noise, *reversed(parts(body))])
    assert receiver.verify(request(body, header), [SECRET], NOW) == 0


def summary(body: Any) -> Routing:
    return receiver.routing_of(request(json.dumps(body).encode()))


def test_the_door_and_the_mapping_know_the_same_topics() -> None:
    assert set(mapping.TOPICS) == receiver.STRIPE.topics


def test_every_topic_has_a_sample_and_every_sample_a_topic() -> None:
    assert {path.name.removesuffix(".json").partition("__")[0] for path in SAMPLES} == receiver.TOPICS


@pytest.mark.parametrize(
    ("fields", "customer"),
    [
        ({}, "customer:cus_9"),
        ({"customer": {"id": "cus_9", "object": "customer"}}, "customer:cus_9"),
        ({"customer": None, "customer_email": " Ada@Example.com "}, "email:ada@example.com"),
        ({"customer": None, "email": "ada@example.com"}, "email:ada@example.com"),
        ({"customer": None, "customer_email": None}, "object:in_1"),
        ({"id": "cus_9", "object": "customer", "customer": None}, "customer:cus_9"),
    ],
)
def test_the_queue_is_ordered_by_customer(fields: Body, customer: str) -> None:
    subject = {"id": "in_1", "object": "invoice", "customer": "cus_9", **fields}
    body = {"object": "event", "id": "evt_1", "type": "invoice.paid", "data": {"object": subject}}
    assert summary(body).customer == customer


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"id": "evt_1"}, "evt_1"),
        ({"id": "evt_1", "account": "acct_7"}, "acct_7/evt_1"),
        ({"id": ""}, None),
        ({"id": 1}, None),
        ({"id": None, "account": "acct_7"}, None),
    ],
)
def test_a_repeat_is_known_by_the_id_of_the_event_and_its_account(fields: Body, key: str | None) -> None:
    body = {**sample("invoice.paid"), **fields}
    assert summary(body).idempotency_key == key
    assert summary(body).topic == "invoice.paid"


@pytest.mark.parametrize(
    "changed",
    [
        {"object": "customer"},
        {"object": None},
        {"type": None},
        {"type": ""},
        {"type": 4},
        {"type": ["invoice.paid"]},
        {"data": None},
        {"data": []},
        {"data": {}},
        {"data": {"object": None}},
        {"data": {"object": "in_1"}},
    ],
)
def test_what_is_no_event_is_malformed(changed: Body) -> None:
    with pytest.raises(MalformedBody):
        summary({**sample("invoice.paid"), **changed})


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'"event"', b"\xff", b"a=b"])
def test_what_is_no_json_object_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedBody):
        receiver.routing_of(request(content))


# ── Samples ─────────────────────────────────────────────────────────────────────────────────────────────


def operations(said: ProfileChange, *, may_wait: bool = True) -> list[Body]:
    """What Batch receives for one webhook alone; nothing where that has nothing to tell it."""
    warnings, now = limits.Warnings(), datetime.now(UTC)
    _, sent = versions.apply(versions.ProfileState(), said.groups)
    content = {
        "attributes": limits.fit_attributes(sent, warnings),
        "events": [limits.fit_event(event, now, warnings) for event in said.events],
    }
    assert warnings.found == []
    custom_id = identity.custom_id(said.person, {}, SETTINGS.identity, may_wait=may_wait)
    parts = {name: part for name, part in content.items() if part}
    return [{"identifiers": {"custom_id": custom_id}, **parts}] if parts else []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_becomes_the_body_beside_it(path: Path) -> None:
    said = change(json.loads(path.read_text())["body"])
    expected = json.loads(path.with_suffix(".batch.json").read_text())
    assert not said.is_test
    assert json.dumps(operations(said), indent=2) == json.dumps(expected, indent=2)


def test_every_sample_is_about_another_person() -> None:
    people = [
        identity.custom_id(
            change(json.loads(path.read_text())["body"]).person, {}, SETTINGS.identity, may_wait=True
        )
        for path in SAMPLES
    ]
    customers = [summary(json.loads(path.read_text())["body"]).customer for path in SAMPLES]
    assert len(set(people)) == len(set(customers)) == len(SAMPLES)


def test_test_mode_is_told_apart() -> None:
    assert change({**sample("invoice.paid"), "livemode": False}).is_test
    body = sample("invoice.paid")
    del body["livemode"]
    assert not change(body).is_test


@pytest.mark.parametrize("created", [None, -1, 10**12, 10**30, "2026-09-01T00:00:00", True])
def test_an_event_without_a_unix_time_cannot_be_mapped(created: Any) -> None:
    with pytest.raises(ValidationError):
        change({**sample("invoice.paid"), "created": created})


# ── Whose it is ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_customer_is_known_by_metadata_e_mail_and_id() -> None:
    body = about("customer.created", id="cus_9", metadata={"user_id": "user_7"})
    person = change(body).person
    assert (person.user_id, person.email, person.source_id) == (
        "user_7",
        "ada.lovelace@example.com",
        "stripe:cus_9",
    )
    assert person.references == ("stripe:customer:cus_9",)
    assert not person.named_elsewhere


@pytest.mark.parametrize("customer", ["cus_9", {"id": "cus_9", "object": "customer"}])
def test_a_subscription_waits_for_its_customer(customer: Any) -> None:
    person = change(about("customer.subscription.created", id="sub_1", customer=customer, metadata={})).person
    assert (person.user_id, person.email, person.source_id) == (None, None, "stripe:cus_9")
    assert person.references == ("stripe:customer:cus_9", "stripe:subscription:sub_1")
    assert person.named_elsewhere


def test_an_invoice_tells_the_e_mail_and_the_subscription() -> None:
    person = change(about("invoice.paid__first", id="in_1", customer="cus_9")).person
    assert person.email == "Grace.Hopper@example.com"
    assert person.references[0] == "stripe:customer:cus_9"
    assert person.references[1].startswith("stripe:subscription:sub_")
    assert person.references[2] == "stripe:invoice:in_1"
    assert not person.named_elsewhere


def test_an_invoice_without_an_e_mail_waits() -> None:
    assert change(about("invoice.paid", customer_email=None)).person.named_elsewhere


@pytest.mark.parametrize(
    "fields",
    [
        {"metadata": {"user_id": "user_7"}},
        {"parent": {"subscription_details": {"metadata": {"user_id": "user_7"}}}},
        {"subscription_details": {"metadata": {"user_id": "user_7"}}},
    ],
)
def test_an_invoice_knows_the_user_id_of_its_subscription_in_both_shapes(fields: Body) -> None:
    assert change(about("invoice.paid__first", **fields)).person.user_id == "user_7"


@pytest.mark.parametrize("metadata", [None, {}, {"user_id": ""}, {"user_id": None}, []])
def test_metadata_without_a_user_id_names_nobody(metadata: Any) -> None:
    assert change(about("customer.created", metadata=metadata)).person.user_id is None


# ── Customers ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_customer_is_an_event_at_the_time_of_stripe() -> None:
    event = only_event(sample("customer.created"))
    assert (event.name, event.time) == (
        "billing_customer_created",
        datetime(2026, 8, 3, 9, 14, 22, tzinfo=UTC),
    )


def test_an_updated_customer_is_no_event() -> None:
    assert events(sample("customer.updated")) == {}


@pytest.mark.parametrize(
    ("name", "first_name", "last_name"),
    [
        ("Ada Lovelace", "Ada", "Lovelace"),
        ("  Ada \n King Lovelace ", "Ada", "King Lovelace"),
        ("Ada", "Ada", None),
        (" ", None, None),
        (None, None, None),
    ],
)
def test_a_name_is_a_first_word_and_the_rest(name: str | None, first_name: str, last_name: str) -> None:
    written = attributes(about("customer.created", name=name))
    assert (written.get("first_name"), written.get("last_name")) == (first_name, last_name)


def test_a_customer_who_says_little_writes_little() -> None:
    bare = about(
        "customer.created",
        id="cus_9",
        email=None,
        name=None,
        phone=None,
        address=None,
        preferred_locales=None,
    )
    assert attributes(bare) == {"stripe_customer_id": "cus_9"}


def test_a_national_phone_number_is_read_with_the_country_of_the_address() -> None:
    french = about("customer.created", phone="01 99 00 12 34", address={"country": "FR"})
    assert attributes(french)["$phone_number"] == "+33199001234"
    assert attributes(about("customer.created", phone="12", address=None))["$phone_number"] == "12"


def test_what_an_update_shows_to_be_gone_is_nulled() -> None:
    body = about("customer.updated", phone=None, name="Ada", preferred_locales=[], address=None)
    body["data"]["previous_attributes"] = {
        "phone": "+33 1 99 00 12 34",
        "name": "Ada Lovelace",
        "preferred_locales": ["fr"],
        "address": {"country": "FR"},
    }
    written = attributes(body)
    gone = {name for name, value in written.items() if value is None}
    assert gone == {"$phone_number", "$language", "$region", "last_name"}
    assert written["first_name"] == "Ada"


def test_a_plain_null_deletes_nothing() -> None:
    body = about("customer.updated", phone=None, name=None)
    body["data"]["previous_attributes"] = {"email": "old@example.com", "phone": None}
    assert None not in attributes(body).values()


def test_of_the_same_second_the_update_of_a_customer_wins() -> None:
    created = about("customer.created", id="cus_9", name="Ada")
    update = {**about("customer.updated", id="cus_9", name="Grace"), "created": created["created"]}
    for order in itertools.permutations([created, update]):
        assert Profile().receive(order).shown["first_name"] == "Grace"


# ── Subscriptions: what they cost ───────────────────────────────────────────────────────────────────────


def priced(*items: Body, **fields: Any) -> dict[str, Any]:
    """The attributes of an active subscription with these items."""
    return attributes(
        with_items(about("customer.subscription.created__active", currency="eur", **fields), *items)
    )


def test_amounts_are_in_the_major_unit_of_their_currency() -> None:
    for currency, amount, unit in [("jpy", 2900, "2900"), ("kwd", 2900, "2.9"), ("eur", 2999, "29.99")]:
        one = item(unit_amount=amount)
        one["price"]["currency"] = currency
        written = attributes(with_items(about("customer.subscription.created", currency=currency), one))
        assert written["subscription_amount"] == written["mrr"] == Decimal(unit)
        assert written["subscription_currency"] == currency.upper()


def test_the_currency_of_the_price_serves_where_the_subscription_tells_none() -> None:
    assert attributes(about("customer.subscription.created", currency=None))["subscription_currency"] == "EUR"


@pytest.mark.parametrize(
    ("interval", "count", "words", "mrr"),
    [
        ("day", 1, "day", "304.17"),
        ("week", 1, "week", "43.33"),
        ("week", 2, "2 weeks", "21.67"),
        ("month", 1, "month", "10"),
        ("month", 3, "3 months", "3.33"),
        ("year", 1, "year", "0.83"),
        ("year", 2, "2 years", "0.42"),
        ("month", None, "month", "10"),
    ],
)
def test_mrr_is_what_a_month_brings(interval: str, count: int | None, words: str, mrr: str) -> None:
    one = item(unit_amount=1000, interval=interval)
    one["price"]["recurring"]["interval_count"] = count
    written = priced(one)
    assert written["subscription_interval"] == words
    assert written["subscription_amount"] == 10
    assert written["mrr"] == Decimal(mrr)


def test_mrr_is_rounded_half_up() -> None:
    assert priced(item(unit_amount=6, interval="year"))["mrr"] == Decimal("0.01")
    assert priced(item(unit_amount=5, interval="year"))["mrr"] == 0


def test_items_add_up() -> None:
    written = priced(item(2000, quantity=3), item(500, name="Storage", quantity=2))
    assert written["subscription_plan"] == "Pro + Storage"
    assert written["subscription_quantity"] == 5
    assert written["subscription_amount"] == written["mrr"] == 70


def test_an_item_without_a_quantity_costs_its_price_once_and_counts_no_units() -> None:
    one = item(2000)
    del one["quantity"]
    written = priced(one)
    assert (written["subscription_amount"], written["mrr"]) == (20, 20)
    assert "subscription_quantity" not in written


def test_items_of_different_intervals_have_a_month_but_no_single_amount() -> None:
    written = priced(item(1000), item(12000, interval="year", name="Support"))
    assert written["mrr"] == 20
    assert not {"subscription_amount", "subscription_interval"} & written.keys()


def test_fractions_of_the_smallest_unit_count() -> None:
    one = item(unit_amount=0, quantity=250)
    one["price"] |= {"unit_amount": None, "unit_amount_decimal": "0.5"}
    assert priced(one)["subscription_amount"] == Decimal("1.25")
    one["quantity"] = 3
    assert priced(one)["subscription_amount"] == Decimal("0.02")


@pytest.mark.parametrize(("rounding", "amount"), [("up", 30), ("down", 20)])
def test_units_sold_in_packages_cost_by_the_package(rounding: str, amount: int) -> None:
    one = item(unit_amount=1000, quantity=25)
    one["price"]["transform_quantity"] = {"divide_by": 10, "round": rounding}
    assert priced(one)["subscription_amount"] == amount


@pytest.mark.parametrize(
    "price",
    [
        {"billing_scheme": "tiered", "unit_amount": None, "tiers_mode": "graduated"},
        {"billing_scheme": "tiered", "unit_amount": 900},
        {"unit_amount": None},
        {"recurring": None},
        {"recurring": {"interval": "fortnight", "interval_count": 1}},
    ],
)
def test_a_price_that_is_not_told_is_not_guessed(price: Body) -> None:
    unclear = item(unit_amount=1000)
    unclear["price"] |= price
    written = priced(item(500, name="Storage"), unclear)
    assert not {"subscription_amount", "mrr"} & written.keys()
    assert written["subscription_plan"] == "Storage + Pro"


def test_a_list_of_items_that_goes_on_elsewhere_leaves_no_amount() -> None:
    body = with_items(sample("customer.subscription.created"), item(1000))
    body["data"]["object"]["items"]["has_more"] = True
    assert not {"subscription_amount", "mrr", "subscription_quantity"} & attributes(body).keys()


def test_what_is_paid_by_use_is_left_out() -> None:
    used = item(unit_amount=2, name="API calls")
    del used["quantity"]
    used["price"]["recurring"]["usage_type"] = "metered"
    assert priced(item(1000), used)["subscription_amount"] == 10
    alone = priced(used)
    assert alone["subscription_plan"] == "API calls"
    assert not {"subscription_amount", "mrr", "subscription_quantity"} & alone.keys()


@pytest.mark.parametrize(
    ("price", "plan"),
    [
        ({"nickname": "Pro monthly", "product": {"id": "prod_1", "name": "Pro"}}, "Pro monthly"),
        ({"nickname": None, "product": {"id": "prod_1", "name": "Pro"}}, "Pro"),
        ({"nickname": " ", "product": "prod_1"}, "prod_1"),
        ({"nickname": None, "product": {"id": "prod_1", "deleted": True}}, "prod_1"),
        ({"nickname": None, "product": None, "id": "price_1"}, "price_1"),
    ],
)
def test_a_plan_has_the_name_that_people_gave_it(price: Body, plan: str) -> None:
    body = with_price(sample("customer.subscription.created"), **price)
    assert attributes(body)["subscription_plan"] == only_event(body).attributes["$label"] == plan


@pytest.mark.parametrize(
    ("coupon", "mrr"),
    [
        ({"percent_off": 25.5, "duration": "forever"}, "74.50"),
        ({"percent_off": 100, "duration": "repeating"}, "0"),
        ({"amount_off": 1000, "currency": "eur", "duration": "forever"}, "90"),
        ({"amount_off": 20000, "currency": "eur", "duration": "forever"}, "0"),
        ({"amount_off": 1000, "currency": "usd", "duration": "forever"}, "100"),
        ({"percent_off": 25, "duration": "once"}, "100"),
        ("25OFF", "100"),
    ],
)
def test_a_lasting_discount_lowers_mrr_where_the_event_shows_it(coupon: Any, mrr: str) -> None:
    shapes: list[Body] = [
        {"discount": {"coupon": coupon}, "discounts": ["di_1"]},
        {"discounts": [{"coupon": coupon}]},
        {"discounts": [{"source": {"type": "coupon", "coupon": coupon}}]},
    ]
    for shape in shapes:
        written = priced(item(10000), **shape)
        assert (written["mrr"], written["subscription_amount"]) == (Decimal(mrr), 100)


def test_a_fixed_discount_is_off_each_invoice() -> None:
    coupon = {"amount_off": 1200, "currency": "eur", "duration": "forever"}
    assert priced(item(12000, interval="year"), discounts=[{"coupon": coupon}])["mrr"] == 9
    mixed = [item(1000), item(12000, interval="year")]
    assert priced(*mixed, discounts=[{"coupon": coupon}])["mrr"] == 20


def test_an_ended_subscription_brings_nothing() -> None:
    assert attributes(sample("customer.subscription.deleted"))["mrr"] == 0
    assert priced(item(1000), status="incomplete_expired")["mrr"] == 0
    assert priced(item(1000), ended_at=1_788_000_000)["mrr"] == 0


# ── Subscriptions: both shapes ──────────────────────────────────────────────────────────────────────────


def test_the_last_end_of_the_items_periods_is_the_period_s() -> None:
    items = [item(1000, current_period_end=end) for end in (1_790_000_000, 1_790_086_400, None)]
    assert priced(*items)["date(period_ends_at)"] == "2026-09-22T14:13:20Z"


def test_before_basil_the_subscription_has_the_period() -> None:
    written = attributes(
        about("customer.subscription.created__before_basil", current_period_end=1_790_000_000)
    )
    assert written["date(period_ends_at)"] == "2026-09-21T14:13:20Z"


def test_the_oldest_shapes_have_a_plan_and_no_items() -> None:
    plan = {
        "id": "gold",
        "name": "Gold",
        "amount": 2000,
        "currency": "usd",
        "interval": "month",
        "product": "prod_1",
    }
    body = about("customer.subscription.created__active", currency=None, plan=plan, quantity=2)
    del body["data"]["object"]["items"]
    written = attributes(body)
    assert (written["subscription_plan"], written["subscription_amount"], written["mrr"]) == ("Gold", 40, 40)
    assert (written["subscription_interval"], written["subscription_currency"]) == ("month", "USD")


def test_items_with_a_plan_and_no_price_are_read() -> None:
    body = sample("customer.subscription.created__before_basil")
    del body["data"]["object"]["items"]["data"][0]["price"]
    assert attributes(body) == attributes(sample("customer.subscription.created__before_basil"))


@pytest.mark.parametrize(
    ("fields", "cancels_at"),
    [
        ({"cancel_at": None, "cancel_at_period_end": False}, None),
        ({"cancel_at": 1_790_000_000, "cancel_at_period_end": False}, "2026-09-21T14:13:20Z"),
        ({"cancel_at": None, "cancel_at_period_end": True}, "2026-09-15T12:00:00Z"),
    ],
)
def test_a_scheduled_cancellation_has_its_date(fields: Body, cancels_at: str | None) -> None:
    assert attributes(about("customer.subscription.updated", **fields)).get("date(cancels_at)") == cancels_at


def test_the_start_else_the_creation_is_when_they_subscribed() -> None:
    body = about("customer.subscription.created", start_date=1_790_000_000)
    assert attributes(body)["date(subscribed_at)"] == "2026-09-21T14:13:20Z"
    body["data"]["object"]["start_date"] = None
    assert attributes(body)["date(subscribed_at)"] == "2026-08-04T10:30:00Z"


# ── Subscriptions: events ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "names"),
    [
        ("trialing", ["trial_started"]),
        ("active", ["subscription_started"]),
        ("incomplete", []),
        ("past_due", []),
        (None, []),
    ],
)
def test_a_new_subscription_starts_with_a_trial_or_at_once(status: str | None, names: list[str]) -> None:
    assert list(events(about("customer.subscription.created", status=status))) == names


def test_a_trial_tells_when_it_ends() -> None:
    for name in ("customer.subscription.created", "customer.subscription.trial_will_end"):
        event = only_event(sample(name))
        assert event.attributes["date(trial_ends_at)"] == attributes(sample(name))["date(trial_ends_at)"]


def test_every_event_tells_of_its_subscription() -> None:
    told = {"$label", "subscription_id", "subscription_plan", "subscription_status", "subscription_amount"}
    told |= {"subscription_currency", "subscription_interval", "subscription_quantity"}
    for path in SAMPLES:
        if path.name.startswith("customer.subscription."):
            body = sample(path.stem)
            event = only_event(body)
            assert told <= event.attributes.keys()
            assert event.attributes["subscription_id"] == body["data"]["object"]["id"]
            assert event.time == datetime.fromtimestamp(body["created"], UTC)


@pytest.mark.parametrize(
    ("was", "becomes", "names"),
    [
        ("trialing", "active", ["subscription_started"]),
        ("incomplete", "active", ["subscription_started"]),
        ("incomplete", "trialing", ["trial_started"]),
        ("incomplete", "incomplete_expired", []),
        ("past_due", "active", []),
        ("paused", "active", []),
        ("active", "trialing", []),
        ("active", "past_due", ["subscription_past_due"]),
        ("trialing", "past_due", ["subscription_past_due"]),
        ("past_due", "unpaid", []),
        ("past_due", "canceled", []),
    ],
)
def test_a_change_of_status_is_an_event_where_it_matters(was: str, becomes: str, names: list[str]) -> None:
    assert list(events(updated({"status": was}, status=becomes))) == names


@pytest.mark.parametrize(
    "previous", [None, {}, {"latest_invoice": "in_0"}, {"metadata": {"colour": "red"}}, {"items": {}}]
)
def test_an_update_of_nothing_that_matters_is_no_event(previous: Any) -> None:
    assert events(updated(previous)) == {}


def test_a_renewal_alone_is_no_event_of_the_subscription() -> None:
    body = sample("customer.subscription.updated")
    del body["data"]["previous_attributes"]["status"]
    assert events(body) == {}


def test_a_subscription_of_several_items_changes_its_status_alone() -> None:
    body = with_items(updated({"status": "active"}, status="past_due", plan=None), item(1000), item(500))
    assert list(events(body)) == ["subscription_past_due"]


def replaced(before: Body, now: Body, beside: Body | None = None) -> dict[str, dict[str, Any]]:
    """The events of an update from one item to another."""
    body = with_items(updated({"items": {"data": [before]}, **(beside or {})}, currency="eur"), now)
    return events(body)


@pytest.mark.parametrize(
    ("before", "now", "direction"),
    [
        (item(900, name="Basic"), item(2900), "upgrade"),
        (item(2900), item(900, name="Basic"), "downgrade"),
        (item(2900), item(2900, name="Other"), "switch"),
        (item(1200), item(12000, interval="year"), "downgrade"),
        (item(1000), item(12000, interval="year"), "switch"),
        (item(1000), item(18000, interval="year"), "upgrade"),
        (item(1000), {**item(2000), "price": {**item(2000)["price"], "billing_scheme": "tiered"}}, "switch"),
    ],
)
def test_a_plan_change_has_a_direction_by_what_a_month_costs(before: Body, now: Body, direction: str) -> None:
    said = replaced(before, now)
    assert list(said) == ["subscription_plan_changed"]
    event = said["subscription_plan_changed"]
    assert event["direction"] == direction
    assert (event["from_plan"], event["to_plan"]) == (before["price"]["nickname"], now["price"]["nickname"])


def test_plans_of_different_currencies_cannot_be_compared() -> None:
    before = item(900, name="Basic")
    before["price"]["currency"] = "usd"
    said = replaced(before, item(2900), {"currency": "usd"})
    assert said["subscription_plan_changed"]["direction"] == "switch"


def test_a_plan_change_is_read_from_the_plan_alone_from_the_items_or_from_both() -> None:
    body = sample("customer.subscription.updated__plan_changed")
    both = body["data"]["previous_attributes"]
    whole = events(body)
    assert whole["subscription_plan_changed"]["from_plan"] == "Pro monthly"
    for part in ("plan", "items"):
        body["data"]["previous_attributes"] = {part: both[part]}
        assert events(body) == whole


def test_a_further_item_is_a_change_of_plan_and_not_of_quantity() -> None:
    body = with_items(updated({"items": {"data": [item(1000)]}}), item(1000), item(500, name="Storage"))
    said = events(body)
    assert list(said) == ["subscription_plan_changed"]
    assert said["subscription_plan_changed"]["to_plan"] == "Pro + Storage"
    assert said["subscription_plan_changed"]["direction"] == "upgrade"


@pytest.mark.parametrize("part", ["items", "quantity"])
def test_a_quantity_change_tells_both_quantities(part: str) -> None:
    body = sample("customer.subscription.updated__quantity_changed")
    body["data"]["previous_attributes"] = {part: body["data"]["previous_attributes"][part]}
    (event,) = events(body).values()
    assert (event["from_quantity"], event["to_quantity"], event["subscription_quantity"]) == (5, 8, 8)


def test_several_changes_at_once_are_several_events() -> None:
    body = with_items(
        updated(
            {
                "status": "trialing",
                "items": {"data": [item(900, name="Basic")]},
                "cancel_at_period_end": False,
            },
            cancel_at_period_end=True,
        ),
        item(2900, quantity=4),
    )
    assert list(events(body)) == [
        "subscription_started",
        "subscription_plan_changed",
        "subscription_quantity_changed",
        "cancellation_scheduled",
    ]


@pytest.mark.parametrize(
    ("previous", "fields", "names"),
    [
        ({"cancel_at_period_end": False}, {"cancel_at_period_end": True}, ["cancellation_scheduled"]),
        ({"cancel_at": None}, {"cancel_at": 1_790_000_000}, ["cancellation_scheduled"]),
        ({"cancel_at_period_end": True}, {"cancel_at_period_end": False}, ["cancellation_reverted"]),
        ({"cancel_at": 1_790_000_000}, {"cancel_at": None}, ["cancellation_reverted"]),
        ({"cancel_at": 1_790_000_000}, {"cancel_at": 1_790_086_400}, []),
        ({"cancel_at": None}, {"cancel_at": 1_790_000_000, "status": "canceled"}, []),
        ({"cancel_at": 1_790_000_000}, {"cancel_at": None, "ended_at": 1_789_000_000}, []),
    ],
)
def test_a_cancellation_is_scheduled_and_reverted(previous: Body, fields: Body, names: list[str]) -> None:
    assert list(events(updated(previous, **fields))) == names


def test_an_end_tells_why() -> None:
    event = only_event(sample("customer.subscription.deleted"))
    assert event.name == "subscription_cancelled"
    assert (event.attributes["reason"], event.attributes["feedback"]) == (
        "cancellation_requested",
        "switched_service",
    )
    silent = about("customer.subscription.deleted", cancellation_details=None)
    assert not {"reason", "feedback"} & only_event(silent).attributes.keys()


# ── Invoices ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("subscription_cycle", "subscription_renewed"),
        ("subscription_create", "invoice_paid"),
        ("subscription_update", "invoice_paid"),
        ("manual", "invoice_paid"),
        (None, "invoice_paid"),
    ],
)
def test_a_paid_invoice_is_a_renewal_where_a_period_begins(reason: str | None, name: str) -> None:
    assert only_event(about("invoice.paid", billing_reason=reason)).name == name


@pytest.mark.parametrize("amount", [0, None])
def test_an_invoice_of_nothing_is_no_payment_but_tells_whose_customer_it_is(amount: int | None) -> None:
    said = change(about("invoice.paid", amount_paid=amount))
    assert (said.groups, said.events) == ((), ())
    assert said.person.email == "katherine.johnson@example.com"


@pytest.mark.parametrize(
    ("currency", "amount", "told"), [("jpy", 3200, "3200"), ("kwd", 4500, "4.5"), ("eur", 1, "0.01")]
)
def test_what_was_paid_is_in_the_major_unit(currency: str, amount: int, told: str) -> None:
    body = about("invoice.paid", currency=currency, amount_paid=amount)
    event = only_event(body)
    assert event.attributes["amount"] == attributes(body)["last_payment_amount"] == Decimal(told)
    assert event.attributes["currency"] == attributes(body)["last_payment_currency"] == currency.upper()


@pytest.mark.parametrize(
    "fields",
    [
        {"parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}}},
        {"parent": {"subscription_details": {"subscription": {"id": "sub_1", "object": "subscription"}}}},
        {"parent": None, "subscription": "sub_1"},
        {"subscription": {"id": "sub_1"}, "parent": {"type": "quote_details", "subscription_details": None}},
    ],
)
def test_an_invoice_names_its_subscription_in_both_shapes(fields: Body) -> None:
    assert only_event(about("invoice.paid", **fields)).attributes["subscription_id"] == "sub_1"


def test_an_invoice_without_a_subscription_names_none() -> None:
    assert "subscription_id" not in only_event(about("invoice.paid", parent=None)).attributes


def test_a_payment_without_a_time_of_its_own_has_that_of_the_event() -> None:
    body = about("invoice.paid", status_transitions=None)
    assert attributes(body)["date(last_payment_at)"] == "2026-09-04T07:00:18Z"


def test_the_last_attempt_has_no_next() -> None:
    event = only_event(about("invoice.payment_failed", attempt_count=4, next_payment_attempt=None))
    assert event.attributes["attempt_count"] == 4
    assert "date(next_attempt_at)" not in event.attributes


def test_a_failure_that_is_made_good_does_not_stay_in_any_order() -> None:
    failed, paid = sample("invoice.payment_failed"), sample("invoice.paid")
    for seconds in (0, 60):
        paid["created"] = failed["created"] + seconds
        for order in itertools.permutations([failed, paid]):
            assert Profile().receive(order).shown["payment_status"] == "paid"


def test_an_older_payment_does_not_undo_a_newer_failure() -> None:
    failed, paid = sample("invoice.payment_failed"), sample("invoice.paid")
    for order in itertools.permutations([failed, paid]):
        shown = Profile().receive(order).shown
        assert (shown["payment_status"], shown["last_payment_amount"]) == ("failed", 29)


# ── Any order ───────────────────────────────────────────────────────────────────────────────────────────


def life() -> list[Body]:
    """A customer's subscription from its trial to its end, as Stripe tells it."""
    start = sample("customer.subscription.created")["created"]
    stages: list[tuple[int, str, Body, Body]] = [
        (0, "created", {"status": "trialing"}, {}),
        (14 * DAY, "updated", {"status": "active"}, {"status": "trialing"}),
        (44 * DAY, "updated", {"status": "past_due"}, {"status": "active"}),
        (46 * DAY, "updated", {"status": "active"}, {"status": "past_due"}),
        (50 * DAY, "updated", {"cancel_at_period_end": True}, {"cancel_at_period_end": False}),
        (74 * DAY, "deleted", {"status": "canceled", "ended_at": start + 74 * DAY}, {}),
    ]
    subject = sample("customer.subscription.created")["data"]["object"]
    told = []
    for number, (seconds, word, fields, previous) in enumerate(stages):
        subject = {**copy.deepcopy(subject), **fields}
        body = sample("customer.subscription.created")
        body |= {"id": f"evt_{number}", "type": f"customer.subscription.{word}", "created": start + seconds}
        body["data"] = {"object": subject, "previous_attributes": previous}
        told.append(body)
    payments = [
        about("invoice.payment_failed", customer=subject["customer"]),
        about("invoice.paid", customer=subject["customer"]),
    ]
    for body, seconds in zip(payments, (44 * DAY, 46 * DAY), strict=True):
        body["created"] = start + seconds
    return [*told, *payments]


LIFE = life()
LIVED = Profile().receive(LIFE)


def test_a_life_is_told_in_its_events() -> None:
    assert [line.split()[2] for line in LIVED.events] == [
        "trial_started",
        "subscription_started",
        "subscription_past_due",
        "cancellation_scheduled",
        "subscription_cancelled",
        "payment_failed",
        "subscription_renewed",
    ]
    assert (LIVED.shown["subscription_status"], LIVED.shown["mrr"]) == ("canceled", 0)


@given(st.permutations(LIFE))
def test_a_life_told_in_any_order_ends_in_the_same_profile_and_events(shuffled: list[Body]) -> None:
    profile = Profile().receive(shuffled)
    assert profile.shown == LIVED.shown
    assert sorted(profile.events) == sorted(LIVED.events)


@given(st.permutations(LIFE), st.lists(st.sampled_from(LIFE), max_size=4))
def test_repeats_change_nothing(shuffled: list[Body], repeats: list[Body]) -> None:
    assert Profile().receive([*shuffled, *repeats]).shown == LIVED.shown


def several() -> list[Body]:
    """A running subscription, a newer one that ends, and one that never got paid."""
    template = sample("customer.subscription.created")
    told = []
    for number, (sub, created, word, status) in enumerate(
        [
            ("sub_old", 0, "created", "active"),
            ("sub_new", DAY, "created", "trialing"),
            ("sub_never", 2 * DAY, "created", "incomplete"),
            ("sub_new", 3 * DAY, "deleted", "canceled"),
            ("sub_never", 4 * DAY, "updated", "incomplete_expired"),
        ]
    ):
        body = copy.deepcopy(template)
        body |= {"id": f"evt_{number}", "type": f"customer.subscription.{word}"}
        body["created"] += 5 * DAY + number
        trial_end = body["data"]["object"]["trial_end"] if sub == "sub_new" else None
        begun = template["created"] + created
        body["data"]["object"] |= {"id": sub, "created": begun, "status": status, "trial_end": trial_end}
        told.append(body)
    return told


@given(st.permutations(several()))
def test_of_several_subscriptions_the_newest_that_is_not_ended_is_shown(shuffled: list[Body]) -> None:
    shown = Profile().receive(shuffled).shown
    assert (shown["subscription_id"], shown["subscription_status"]) == ("sub_old", "active")
    assert "date(trial_ends_at)" not in shown


def test_while_it_lives_the_newest_subscription_is_shown() -> None:
    shown = Profile().receive(several()[:2]).shown
    assert (shown["subscription_id"], shown["subscription_status"]) == ("sub_new", "trialing")
    assert "date(trial_ends_at)" in shown


@given(st.permutations(several()))
def test_when_all_have_ended_the_newest_end_is_shown(shuffled: list[Body]) -> None:
    end = copy.deepcopy(several()[0])
    end |= {"id": "evt_end", "type": "customer.subscription.deleted", "created": end["created"] + DAY}
    end["data"]["object"]["status"] = "canceled"
    assert Profile().receive([end, *shuffled]).shown["subscription_id"] == "sub_never"


def second(body: Body, word: str, status: str, event_id: str) -> Body:
    """Another event of the same subscription in the same second."""
    changed = copy.deepcopy(body)
    changed |= {"id": event_id, "type": f"customer.subscription.{word}"}
    changed["data"]["object"]["status"] = status
    return changed


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ([("created", "active"), ("updated", "trialing")], "trialing"),
        ([("created", "incomplete"), ("updated", "active")], "active"),
        ([("updated", "active"), ("trial_will_end", "trialing")], "active"),
        ([("updated", "trialing"), ("trial_will_end", "active")], "active"),
        ([("updated", "incomplete"), ("updated", "active")], "active"),
        ([("updated", "past_due"), ("updated", "active")], "past_due"),
        ([("updated", "unpaid"), ("deleted", "canceled")], "canceled"),
    ],
)
def test_within_a_second_the_later_topic_then_the_later_status_wins(
    told: list[tuple[str, str]], status: str
) -> None:
    template = sample("customer.subscription.created")
    bodies = [second(template, *one, f"evt_{number}") for number, one in enumerate(told)]
    for order in itertools.permutations(bodies):
        assert Profile().receive(order).shown["subscription_status"] == status


def test_two_updates_that_nothing_orders_end_the_same_either_way() -> None:
    template = sample("customer.subscription.created")
    bodies = [second(template, "updated", "active", f"evt_{number}") for number in range(2)]
    bodies[0]["data"]["object"]["trial_end"] += DAY
    ends = [Profile().receive(order).shown for order in itertools.permutations(bodies)]
    assert ends[0] == ends[1]


# ── Names and types ─────────────────────────────────────────────────────────────────────────────────────


def everything_said() -> Iterable[tuple[str, Any]]:
    for path in SAMPLES:
        body = sample(path.stem)
        contents: list[Mapping[str, Any]] = [attributes(body), *events(body).values()]
        yield from itertools.chain.from_iterable(content.items() for content in contents)


def test_every_name_is_one_that_batch_takes_and_has_one_type() -> None:
    types: dict[str, set[type]] = {}
    for name, value in everything_said():
        plain = name.removeprefix("date(").removeprefix("url(").rstrip(")")
        assert name.startswith("$") or limits.NAME.fullmatch(plain), name
        if value is not None:
            types.setdefault(name, set()).add(type(value))
    assert {name: found for name, found in types.items() if len(found) > 1} == {}
    money = {"amount", "subtotal", "total_refunded", "subscription_amount", "mrr", "last_payment_amount"}
    assert {name for name, found in types.items() if found == {Decimal}} == money
    assert {name for name, found in types.items() if found == {int}} == {
        "subscription_quantity",
        "from_quantity",
        "to_quantity",
        "attempt_count",
    }


def test_the_samples_are_older_than_a_day() -> None:
    for path in SAMPLES:
        told = datetime.fromtimestamp(sample(path.stem)["created"], UTC)
        assert datetime(2026, 8, 1, tzinfo=UTC) <= told <= datetime(2026, 9, 30, tzinfo=UTC)
        assert datetime.now(UTC) - told > timedelta(days=1)
