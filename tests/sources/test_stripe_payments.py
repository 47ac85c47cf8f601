"""What Stripe's room promises of checkouts, refunds, disputes, cards, and customers that are deleted."""

import json
from decimal import Decimal
from typing import Any

import pytest

from bridge.errors import Ignored
from bridge.profiles.identity import linkable
from bridge.settings import ConnectionSettings
from bridge.webhook import Request, Routing
from functions.sources.stripe import receiver
from tests.stripe_events import (
    DAY,
    Body,
    Profile,
    about,
    attributes,
    change,
    events,
    only_event,
    sample,
    with_price,
)

MONEY = [("jpy", 2900, "2900"), ("kwd", 2900, "2.9"), ("eur", 2999, "29.99"), ("ugx", 500, "5")]
each_currency = pytest.mark.parametrize(("currency", "minor", "told"), MONEY)


def summary(body: Body) -> Routing:
    return receiver.routing_of(Request("stripe", "main", {}, {}, json.dumps(body).encode()))


# ── Customers ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_deleted_customer_loses_its_id_and_nothing_else() -> None:
    assert attributes(sample("customer.deleted")) == {"stripe_customer_id": None}
    assert events(sample("customer.deleted")) == {}


def test_of_a_deleted_customer_a_bare_id_is_enough() -> None:
    body = sample("customer.deleted")
    body["data"]["object"] = {"id": "cus_9", "deleted": True}
    assert attributes(body) == {"stripe_customer_id": None}
    person = change(body).person
    assert (person.references, person.named_elsewhere) == (("stripe:customer:cus_9",), True)
    assert summary(body).customer == "customer:cus_9"


@pytest.mark.parametrize("late", ["customer.created", "customer.updated"])
def test_a_late_webhook_of_a_deleted_customer_does_not_bring_its_id_back(late: str) -> None:
    gone = about("customer.deleted", id="cus_9")
    earlier = about(late, id="cus_9") | {"created": gone["created"] - 60}
    assert "stripe_customer_id" not in Profile().receive([gone, earlier]).shown


# ── Subscriptions and invoices ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("word", ["paused", "resumed"])
def test_a_pause_and_its_end_are_events_with_the_subscription(word: str) -> None:
    body = sample(f"customer.subscription.{word}")
    assert only_event(body).name == f"subscription_{word}"
    status = {"paused": "paused", "resumed": "active"}[word]
    assert only_event(body).attributes["subscription_status"] == status
    assert attributes(body)["subscription_status"] == status


def test_the_twin_of_a_paid_invoice_says_nothing_but_whose_it_is() -> None:
    said = change(about("invoice.payment_succeeded", id="in_1", customer="cus_9", subscription="sub_9"))
    assert (said.groups, said.events) == ((), ())
    assert said.person.references[:3] == (
        "stripe:customer:cus_9",
        "stripe:subscription:sub_9",
        "stripe:invoice:in_1",
    )


def test_an_upcoming_renewal_has_its_day_and_amount_but_no_invoice_yet() -> None:
    event = only_event(sample("invoice.upcoming"))
    assert (event.name, event.attributes["amount"]) == ("renewal_upcoming", 29)
    assert event.attributes["date(renews_at)"] == "2026-09-15T08:30:00Z"
    assert "invoice_id" not in event.attributes
    references = change(sample("invoice.upcoming")).person.references
    assert not [name for name in references if name.startswith("stripe:invoice:")]


def test_without_a_period_a_renewal_is_when_its_payment_is_tried() -> None:
    event = only_event(about("invoice.upcoming", period_end=None))
    assert event.attributes["date(renews_at)"] == "2026-09-15T09:30:00Z"


@pytest.mark.parametrize(
    "fields",
    [
        {"charge": "ch_1", "payment_intent": "pi_1"},
        {"charge": {"id": "ch_1"}, "payment_intent": {"id": "pi_1"}},
        {"payments": {"data": [{"payment": {"charge": "ch_1"}}, {"payment": {"payment_intent": "pi_1"}}]}},
        {"payments": {"data": [{"payment": {"charge": "ch_1", "payment_intent": "pi_1"}}, None]}},
    ],
)
def test_an_invoice_names_what_it_was_paid_with_in_both_shapes(fields: Body) -> None:
    references = change(about("invoice.paid", **fields)).person.references
    assert references[-2:] == ("stripe:charge:ch_1", "stripe:payment_intent:pi_1")


@pytest.mark.parametrize("payments", [None, {}, {"data": None}, {"data": [{"payment": None}]}])
def test_an_invoice_may_not_tell_what_it_was_paid_with(payments: Any) -> None:
    references = change(about("invoice.paid", payments=payments)).person.references
    assert [name.split(":")[1] for name in references] == ["customer", "subscription", "invoice"]


# ── Checkouts ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "completes"),
    [("paid", True), ("no_payment_required", True), ("unpaid", False), (None, False), ("later", False)],
)
@pytest.mark.parametrize("word", ["completed", "async_payment_succeeded"])
def test_a_checkout_is_completed_when_it_is_paid(word: str, status: str | None, completes: bool) -> None:
    body = about(f"checkout.session.{word}", payment_status=status)
    assert list(events(body)) == (["checkout_completed"] if completes else [])


def test_both_webhooks_of_a_paid_checkout_have_the_same_key() -> None:
    first = about("checkout.session.completed", id="cs_1")
    second = about("checkout.session.async_payment_succeeded", id="cs_1")
    keys = {only_event(body).once for body in (first, second)}
    assert len(keys) == 1
    assert None not in keys
    assert only_event(about("checkout.session.completed", id="cs_2")).once not in keys


@pytest.mark.parametrize(
    ("consent", "written"),
    [
        ({"promotions": "opt_in"}, {"$email_marketing": "subscribed"}),
        ({"promotions": "opt_out"}, {"$email_marketing": "unsubscribed"}),
        ({"promotions": None, "terms_of_service": "accepted"}, {}),
        ({"promotions": "perhaps"}, {}),
        ({}, {}),
        (None, {}),
    ],
)
def test_consent_is_written_where_it_is_stated_alone(consent: Any, written: Body) -> None:
    assert attributes(about("checkout.session.completed", consent=consent)) == written


def test_consent_counts_before_the_payment_came() -> None:
    body = sample("checkout.session.completed__unpaid")
    assert (attributes(body), events(body)) == ({"$email_marketing": "subscribed"}, {})


def test_consent_is_as_old_as_its_event() -> None:
    (group,) = change(sample("checkout.session.completed")).groups
    assert group.name == "consent_email"
    assert group.version.startswith("2026-08-12T18:06:56")


def test_of_the_same_second_the_opt_out_wins() -> None:
    stated = [
        about("checkout.session.completed", consent={"promotions": word}) for word in ("opt_in", "opt_out")
    ]
    for order in (stated, stated[::-1]):
        assert Profile().receive(order).shown["$email_marketing"] == "unsubscribed"


@pytest.mark.parametrize(
    ("fields", "sessions", "user_id", "claimed"),
    [
        ({"client_reference_id": "user_7"}, "public", None, "user_7"),
        ({"client_reference_id": "user_7"}, "server", "user_7", None),
        ({"client_reference_id": "user_7", "payment_link": "plink_1"}, "server", None, "user_7"),
        ({"client_reference_id": "user_7", "payment_link": {"id": "plink_1"}}, "server", None, "user_7"),
        ({"metadata": {"user_id": "user_8"}}, "public", "user_8", None),
        ({"client_reference_id": "cart_7", "metadata": {"user_id": "user_8"}}, "public", "user_8", "cart_7"),
        ({"client_reference_id": "cart_7", "metadata": {"user_id": "user_8"}}, "server", "user_8", None),
        ({"client_reference_id": " "}, "server", None, None),
        ({"client_reference_id": " "}, "public", None, None),
        ({}, "public", None, None),
    ],
)
def test_metadata_is_the_owners_word_and_a_reference_only_where_no_visitor_makes_sessions(
    fields: Body, sessions: Any, user_id: str | None, claimed: str | None
) -> None:
    plain: Body = {"client_reference_id": None, "payment_link": None, "metadata": {}}
    body = about("checkout.session.completed", **(plain | fields))
    person = change(body, ConnectionSettings(stripe_sessions=sessions)).person
    assert (person.user_id, person.claimed_user_id) == (user_id, claimed)


def test_behind_the_reference_stands_its_signature() -> None:
    body = about("checkout.session.completed", client_reference_id=f"user-7-{'a1' * 32}", metadata={})
    person = change(body).person
    assert (person.claimed_user_id, person.user_id_signature) == ("user-7", "a1" * 32)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"payment_status": "paid", "amount_total": 1}, "owner"),
        ({"payment_status": "paid", "amount_total": 0}, "visitor"),
        ({"payment_status": "paid", "amount_total": None}, "visitor"),
        ({"payment_status": "paid", "amount_total": -100}, "visitor"),
        ({"payment_status": "unpaid", "amount_total": 2900}, "visitor"),
        ({"payment_status": "no_payment_required", "amount_total": 0}, "visitor"),
        ({"payment_status": "no_payment_required", "amount_total": 2900}, "visitor"),
        ({"payment_status": None, "amount_total": 2900}, "visitor"),
    ],
)
@pytest.mark.parametrize("customer", [None, "cus_9"])
@pytest.mark.parametrize("mode", ["payment", "subscription", "setup"])
@pytest.mark.parametrize("link", [None, "plink_1"])
def test_what_is_typed_at_a_checkout_is_the_owners_once_somebody_paid(
    fields: Body, expected: str, customer: str | None, mode: str, link: str | None
) -> None:
    session = {"mode": mode, "customer": customer, "payment_link": link, "metadata": {}} | fields
    found = change(about("checkout.session.completed", consent={"promotions": "opt_in"}, **session))
    assert (found.person.provenance, found.groups[0].provenance, found.body_provenance) == (expected,) * 3
    assert ("stripe:customer:cus_9" in linkable(found)) is (bool(customer) and expected == "owner")


@pytest.mark.parametrize(
    ("fields", "sessions", "expected"),
    [
        ({}, "server", "owner"),
        ({}, "public", "visitor"),
        ({"payment_link": "plink_1"}, "server", "visitor"),
        ({"customer": None}, "server", "visitor"),
        ({"customer_creation": "always"}, "server", "visitor"),
        ({"mode": "payment"}, "server", "visitor"),
        ({"mode": "subscription"}, "server", "visitor"),
    ],
)
def test_a_customer_whom_the_owners_server_sets_up_is_the_owners_word(
    fields: Body, sessions: Any, expected: str
) -> None:
    free: Body = {"payment_status": "no_payment_required", "amount_total": 0, "client_reference_id": None}
    own: Body = {"mode": "setup", "customer": "cus_9", "customer_creation": None, "payment_link": None}
    setup: Body = {**own, "metadata": {}, **free}
    body = about("checkout.session.completed", consent={"promotions": "opt_in"}, **(setup | fields))
    found = change(body, ConnectionSettings(stripe_sessions=sessions))
    assert found.person.provenance == expected
    assert {found.body_provenance, found.groups[0].provenance} == {"visitor"}, "what was typed is not"


@pytest.mark.parametrize(
    ("metadata", "identity", "leads"),
    [
        ({"user_id": "user-7"}, ("user_id", "email_sha256"), True),
        ({"user_id": "user-7"}, ("email_sha256", "user_id"), False),
        ({"user_id": "0"}, ("user_id", "email_sha256"), False),
        ({}, ("user_id", "email_sha256"), False),
    ],
)
def test_of_a_trial_the_owners_user_id_alone_tells_whose_the_customer_is(
    metadata: Body, identity: Any, leads: bool
) -> None:
    free = {"payment_status": "no_payment_required", "amount_total": 0, "mode": "subscription"}
    body = about("checkout.session.completed", customer="cus_9", metadata=metadata, **free)
    found = change(body, ConnectionSettings(identity=identity))
    assert ("stripe:customer:cus_9" in linkable(found)) is leads
    assert found.person.provenance == "visitor", "the e-mail is what somebody typed"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"captured": True, "amount_refunded": 500}, "owner"),
        ({"captured": False, "amount_refunded": 500}, "visitor"),
        ({"captured": None, "amount_refunded": 500}, "visitor"),
        ({"captured": True, "amount_refunded": 0}, "visitor"),
        ({"captured": True, "amount_refunded": None}, "visitor"),
    ],
)
def test_a_charge_proves_a_payment_where_money_was_taken(fields: Body, expected: str) -> None:
    """What was only reserved is called refunded when it is let go."""
    found = change(about("charge.refunded", id="ch_1", customer="cus_9", payment_intent="pi_1", **fields))
    assert (found.person.provenance, found.body_provenance) == (expected, expected)
    assert {"stripe:charge:ch_1", "stripe:payment_intent:pi_1"} <= set(linkable(found))
    assert ("stripe:customer:cus_9" in linkable(found)) is (expected == "owner")


def test_a_checkout_links_all_that_it_makes() -> None:
    person = change(
        about(
            "checkout.session.completed",
            id="cs_1",
            customer={"id": "cus_9"},
            subscription="sub_1",
            invoice="in_1",
            payment_intent="pi_1",
            customer_details=None,
            customer_email="ada@example.com",
        )
    ).person
    assert (person.email, person.source_id) == ("ada@example.com", "stripe:cus_9")
    assert person.references == (
        "stripe:customer:cus_9",
        "stripe:subscription:sub_1",
        "stripe:invoice:in_1",
        "stripe:checkout:cs_1",
        "stripe:payment_intent:pi_1",
    )


def test_an_abandoned_checkout_leads_back_to_itself() -> None:
    event = only_event(sample("checkout.session.expired"))
    assert event.name == "checkout_abandoned"
    assert str(event.attributes["url(recovery)"]).startswith("https://buy.stripe.com/r/")
    assert attributes(sample("checkout.session.expired")) == {}


NOBODY: Body = {"customer": None, "customer_email": None, "customer_details": None, "metadata": {}}


@pytest.mark.parametrize(
    "known",
    [
        {"customer": "cus_9"},
        {"customer_email": "ada@example.com"},
        {"customer_details": {"email": "ada@example.com"}},
        {"client_reference_id": "user_7"},
    ],
)
def test_a_checkout_is_abandoned_by_somebody_known_with_or_without_a_way_back(known: Body) -> None:
    body = about("checkout.session.expired", **(NOBODY | {"after_expiration": None} | known))
    assert only_event(body).name == "checkout_abandoned"
    assert "url(recovery)" not in only_event(body).attributes


def test_a_checkout_that_nobody_began_is_ignored() -> None:
    with pytest.raises(Ignored, match="nobody"):
        change(about("checkout.session.expired", **NOBODY))


@each_currency
def test_a_checkout_is_told_in_the_major_unit(currency: str, minor: int, told: str) -> None:
    event = only_event(about("checkout.session.completed", currency=currency, amount_total=minor))
    assert (event.attributes["amount"], event.attributes["currency"]) == (Decimal(told), currency.upper())


# ── Refunds and disputes ────────────────────────────────────────────────────────────────────────────────


def test_a_refund_is_what_was_given_back_now_and_in_all() -> None:
    told = only_event(sample("charge.refunded")).attributes
    assert (told["amount"], told["total_refunded"], told["is_full"]) == (20, 35, False)


def test_refunds_of_a_charge_add_up_to_its_total() -> None:
    bodies = []
    for before, after in ((0, 1500), (1500, 3500), (3500, 8900)):
        body = about("charge.refunded", amount_refunded=after)
        body["data"]["previous_attributes"] = {"amount_refunded": before}
        bodies.append(body)
    amounts = [only_event(body).attributes["amount"] for body in bodies]
    assert amounts == [15, 20, 54]
    assert only_event(bodies[-1]).attributes["total_refunded"] == sum(amounts)  # type: ignore[arg-type]


@pytest.mark.parametrize("previous", [{}, {"amount_refunded": None}, None])
def test_what_was_given_back_now_is_not_guessed(previous: Any) -> None:
    body = sample("charge.refunded")
    body["data"]["previous_attributes"] = previous
    assert "amount" not in only_event(body).attributes
    assert only_event(body).attributes["total_refunded"] == 35


@each_currency
def test_refunds_and_disputes_are_told_in_the_major_unit(currency: str, minor: int, told: str) -> None:
    refund = about("charge.refunded", currency=currency, amount_refunded=minor)
    refund["data"]["previous_attributes"] = {"amount_refunded": 0}
    assert only_event(refund).attributes["amount"] == Decimal(told)
    dispute = about("charge.dispute.created", currency=currency, amount=minor)
    assert only_event(dispute).attributes["amount"] == Decimal(told)


@pytest.mark.parametrize(
    ("fields", "email"),
    [
        ({"billing_details": {"email": "ada@example.com"}, "receipt_email": None}, "ada@example.com"),
        ({"billing_details": {"email": None}, "receipt_email": "ada@example.com"}, "ada@example.com"),
        ({"billing_details": None, "receipt_email": None}, None),
    ],
)
def test_a_refund_is_for_whom_the_charge_names(fields: Body, email: str | None) -> None:
    person = change(about("charge.refunded", id="ch_1", customer="cus_9", **fields)).person
    assert (person.email, person.named_elsewhere) == (email, email is None)
    assert {"stripe:customer:cus_9", "stripe:charge:ch_1"} < set(person.references)


def test_a_dispute_names_what_was_paid_and_waits_for_who_paid() -> None:
    body = about("charge.dispute.created", charge={"id": "ch_1"}, payment_intent="pi_1", metadata={})
    person = change(body).person
    assert person.references == ("stripe:payment_intent:pi_1", "stripe:charge:ch_1")
    assert (person.user_id, person.email, person.source_id) == (None, None, None)
    assert person.named_elsewhere
    assert summary(body).customer == "object:pi_1"


def test_a_closed_dispute_tells_how_it_ended() -> None:
    event = only_event(sample("charge.dispute.closed"))
    assert (event.name, event.attributes["status"]) == ("dispute_closed", "lost")


# ── Cards ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_replaced_card_is_no_event_and_an_expiring_one_is() -> None:
    assert events(sample("payment_method.automatically_updated")) == {}
    event = only_event(sample("customer.source.expiring"))
    assert (event.name, event.attributes) == ("card_expiring", attributes(sample("customer.source.expiring")))


@pytest.mark.parametrize(
    ("month", "year", "moment"),
    [
        (2, 2028, "2028-02-29T23:59:59Z"),
        (12, 2026, "2026-12-31T23:59:59Z"),
        (13, 2026, None),
        (0, 2026, None),
        (4, 0, None),
        (4, 10_000, None),
        (None, None, None),
    ],
)
def test_a_card_is_good_to_the_end_of_its_month(month: Any, year: Any, moment: str | None) -> None:
    body = about("customer.source.expiring", exp_month=month, exp_year=year)
    assert attributes(body).get("date(card_expires_at)") == moment


@pytest.mark.parametrize(
    ("name", "brand"),
    [
        ("Visa", "visa"),
        ("American Express", "amex"),
        ("amex", "amex"),
        ("Diners Club", "diners"),
        ("Eftpos Australia", "eftpos_au"),
        ("Cartes Bancaires", "cartes_bancaires"),
        (None, None),
    ],
)
def test_a_brand_has_one_name_whatever_tells_it(name: str | None, brand: str | None) -> None:
    assert attributes(about("customer.source.expiring", brand=name)).get("card_brand") == brand


def test_a_source_has_its_card_and_its_owner_inside() -> None:
    source = {
        "id": "src_1",
        "object": "source",
        "customer": "cus_9",
        "card": {"brand": "Visa", "exp_month": 9, "exp_year": 2026},
        "owner": {"email": "ada@example.com"},
    }
    body = sample("customer.source.expiring")
    body["data"]["object"] = source
    assert attributes(body) == {"card_brand": "visa", "date(card_expires_at)": "2026-09-30T23:59:59Z"}
    assert change(body).person.email == "ada@example.com"


def test_a_payment_method_that_is_no_card_writes_nothing() -> None:
    body = about("payment_method.automatically_updated", type="sepa_debit", card=None)
    assert attributes(body) == {}


# ── The queue, and connected accounts ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "fields", "customer"),
    [
        ("checkout.session.completed", {"customer": "cus_9"}, "customer:cus_9"),
        ("checkout.session.completed__unpaid", {}, "email:noor.khan@example.com"),
        (
            "checkout.session.completed__unpaid",
            {"customer_details": None, "payment_intent": "pi_1"},
            "object:pi_1",
        ),
        ("charge.refunded", {"customer": None}, "email:emmy.noether@example.com"),
        ("charge.refunded__full_2022-11-15", {"customer": None}, "email:maryam.mirzakhani@example.com"),
        ("customer.source.expiring", {"customer": "cus_9"}, "customer:cus_9"),
        (
            "customer.source.expiring",
            {"customer": None, "owner": {"email": "A@example.com"}},
            "email:a@example.com",
        ),
    ],
)
def test_what_belongs_to_one_customer_stays_in_order(name: str, fields: Body, customer: str) -> None:
    assert summary(about(name, **fields)).customer == customer


def test_ids_of_connected_accounts_are_kept_apart() -> None:
    body = about("customer.created", id="cus_9") | {"account": "acct_7"}
    person = change(body).person
    assert person.references == ("stripe:customer:acct_7/cus_9",)
    assert person.source_id == "stripe:acct_7/cus_9"
    assert summary(body).customer == "acct_7/customer:cus_9"


def test_every_topic_names_references_of_its_account() -> None:
    for topic in receiver.TOPICS:
        person = change(sample(topic) | {"account": "acct_7"}).person
        assert person.references
        assert all(name.split(":", 2)[2].startswith("acct_7/") for name in person.references), topic


def test_a_resumed_subscription_outlives_the_older_news_of_its_pause() -> None:
    paused = about("customer.subscription.paused", id="sub_1")
    resumed = about("customer.subscription.resumed", id="sub_1") | {"created": paused["created"] + DAY}
    for order in ([paused, resumed], [resumed, paused]):
        assert Profile().receive(order).shown["subscription_status"] == "active"


@each_currency
def test_subscriptions_cost_in_the_major_unit(currency: str, minor: int, told: str) -> None:
    body = about("customer.subscription.paused", currency=currency)
    priced = with_price(body, currency=currency, unit_amount=minor, unit_amount_decimal=str(minor))
    assert attributes(priced)["subscription_amount"] == Decimal(told)
