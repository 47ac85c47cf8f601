"""By what a parked webhook is known as one person's, and never as another's."""

from __future__ import annotations

import hashlib

import pytest

from bridge.profiles.identity import email_sha256
from bridge.storage.traces import Traces, message_groups
from bridge.webhook import group_id
from functions.sources.registry import source_module
from functions.sources.shopify.references import customer_reference, order_reference

ADA = Traces(frozenset({"group"}), "ada@example.com")


@pytest.mark.parametrize(
    "body",
    [
        '{"email":"ada@example.com"}',
        '{"email":" ADA@Example.Com "}',
        "email=ada%40example.com&name=Ada",
        "<ada@example.com>",
        "Write to ada@example.com.",
        "mailto:ada@example.com",
        "ada@example.com",
    ],
)
def test_a_body_names_the_person_however_the_e_mail_is_written(body: str) -> None:
    assert ADA.is_named_in(body.encode())


@pytest.mark.parametrize(
    "body",
    [
        '{"email":"nada@example.com"}',
        '{"email":"ada.lovelace@example.com"}',
        '{"email":"x.ada@example.com"}',
        '{"email":"ada@example.com.au"}',
        '{"email":"ada@example.community"}',
        "ada at example.com",
        "",
    ],
)
def test_a_body_that_names_another_is_not_theirs(body: str) -> None:
    assert not ADA.is_named_in(body.encode())


def test_where_no_e_mail_is_known_no_body_is_theirs() -> None:
    for email in ("", "no e-mail"):
        assert not Traces(frozenset(), email).is_named_in(b"no e-mail")
    assert not ADA.is_named_in(b"\xff\xfe")


@pytest.mark.parametrize(
    "body", ['{"email":" ADA@Example.Com "}', "email=ada%40example.com&name=Ada", "Write to ada@example.com."]
)
def test_a_body_names_the_person_whose_e_mail_is_known_by_its_digest_alone(body: str) -> None:
    digest = frozenset({email_sha256("ada@example.com") or ""})
    assert Traces(frozenset(), digests=digest).is_named_in(body.encode())
    assert not Traces(frozenset(), digests=digest).is_named_in(body.replace("x", "y").encode())


KNOWN = Traces(
    frozenset(),
    digests=frozenset({hashlib.sha256(b"+33612345678").hexdigest()}),
    references=frozenset(
        {
            "shopify:customer:1",
            "shopify:order:9",
            "shopify:checkout:c1",
            "woocommerce:main:customer:7",
            "stripe:customer:acct_1/cus_9",
        }
    ),
    user_ids=frozenset({"1042"}),
)


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("shopify", '{"id":5,"customer":{"id":1}}'),
        ("shopify", '{"customer_id":1}'),
        ("shopify", '{"id":1,"admin_graphql_api_id":"gid://shopify/Customer/1"}'),
        ("shopify", '{"customerId":"gid://shopify/Customer/1"}'),
        ("shopify", '{"order_id":9}'),
        ("shopify", '{"checkout_token":"c1"}'),
        ("shopify", '{"note_attributes":[{"name":"user_id","value":"1042"}]}'),
        ("woocommerce", '{"customer_id":7}'),
        ("stripe", '{"data":{"object":{"object":"invoice","customer":"cus_9"}}}'),
        ("stripe", '{"data":{"object":{"object":"customer","id":"cus_9"}}}'),
        ("stripe", '{"data":{"object":{"metadata":{"user_id":"1042"}}}}'),
        ("form", "tel=%2B33612345678"),
        ("form", '{"phone":"+33 6 12-34-56-78"}'),
        ("form", '{"phone":"0033612345678"}'),
    ],
)
def test_a_body_names_the_person_by_any_id_that_is_known(source: str, body: str) -> None:
    assert KNOWN.is_named_in(body.encode(), source, "main")


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("shopify", '{"id":1,"quantity":9,"order_number":1}'),
        ("shopify", '{"customer":{"id":9}}'),
        ("shopify", '{"customer_id":7}'),
        ("shopify", '{"admin_graphql_api_id":"gid://shopify/Product/1"}'),
        ("shopify", '{"total":1042}'),
        ("typeform", '{"customer_id":1}'),
        ("form", '{"phone":"+336123456789"}'),
        ("shopify", "[" * 100),
    ],
)
def test_a_number_that_is_something_else_is_not_theirs(source: str, body: str) -> None:
    assert not KNOWN.is_named_in(body.encode(), source, "main")


def test_an_id_that_is_unique_in_a_shop_is_nobodys_in_another() -> None:
    assert not KNOWN.is_named_in(b'{"customer_id":7}', "woocommerce", "outlet")


def test_an_envelope_tells_by_its_group() -> None:
    assert ADA.leads_to("group")
    assert not ADA.leads_to("another")
    assert not ADA.leads_to(None)


def lane(source: str, customer: str) -> str:
    return group_id(source, "main", customer)


def test_a_persons_links_lead_to_the_lanes_in_which_the_doors_put_their_webhooks() -> None:
    shopify, stripe, woocommerce = (
        source_module(name, "receiver") for name in ("shopify", "stripe", "woocommerce")
    )
    email = " Ada@Example.com"
    found = message_groups("shopify", "main", [*customer_reference("1"), order_reference("9")], email)
    assert {
        lane("shopify", shopify.customer("orders/paid", {"customer": {"id": 1}})),
        lane("shopify", shopify.customer("refunds/create", {"order_id": 9})),
        lane("shopify", shopify.customer("orders/paid", {"email": email})),
    } <= found
    told = stripe.customer("invoice.paid", {"object": "invoice", "customer": "cus_9"})
    assert lane("stripe", told) in message_groups(
        "stripe", "main", ["stripe:customer:cus_9", "shopify:customer:1"], ""
    )
    told = woocommerce.customer("order.created", {"customer_id": 5})
    assert lane("woocommerce", told) in message_groups(
        "woocommerce", "main", ["woocommerce:main:customer:5"], ""
    )


def test_what_links_tell_of_one_tool_leads_into_no_lane_of_another() -> None:
    assert message_groups("stripe", "main", ["shopify:customer:1"], "") == set()
