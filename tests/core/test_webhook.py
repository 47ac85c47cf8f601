"""How a webhook is named, grouped and read."""

from __future__ import annotations

import contextlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import MalformedBody
from bridge.webhook import Request, Routing, group_id, json_object, webhook_id

HEX_32 = re.compile(r"[0-9a-f]{32}")
PAID = Routing("orders/paid", "customer:1")


def request(**headers: str) -> Request:
    return Request(
        "shopify", "main", {name.replace("_", "-"): text for name, text in headers.items()}, {}, b""
    )


def test_a_repeat_of_the_same_content_has_the_same_id() -> None:
    assert webhook_id("shopify", "main", PAID, b"{}") == webhook_id("shopify", "main", PAID, b"{}")


@pytest.mark.parametrize(
    "other",
    [
        ("stripe", "main", PAID, b"{}"),
        ("shopify", "eu", PAID, b"{}"),
        ("shopify", "main", Routing("orders/create", "customer:1"), b"{}"),
        ("shopify", "main", PAID, b"{ }"),
        ("shopify", "main", Routing("orders/paid", "customer:1", "evt_1"), b"{}"),
    ],
    ids=["source", "connection", "topic", "body", "key"],
)
def test_another_source_connection_topic_or_body_is_another_webhook(
    other: tuple[str, str, Routing, bytes],
) -> None:
    assert webhook_id(*other) != webhook_id("shopify", "main", PAID, b"{}")


def test_the_providers_own_id_within_the_signed_body_outweighs_the_bytes() -> None:
    key = Routing("invoice.paid", "customer:1", "evt_1")
    assert webhook_id("stripe", "main", key, b'{"id":"evt_1"}') == webhook_id("stripe", "main", key, b"{}")


def test_within_a_period_the_same_content_is_the_same_webhook_and_in_the_next_another() -> None:
    ids = {webhook_id("form", "main", PAID, b"{}", period) for period in (None, 1, 2, 2)}
    assert len(ids) == 3


def test_the_customer_is_no_part_of_the_id_but_the_whole_of_the_group() -> None:
    other = Routing("orders/paid", "customer:2")
    assert webhook_id("shopify", "main", other, b"{}") == webhook_id("shopify", "main", PAID, b"{}")
    assert group_id("shopify", "main", "customer:1") != group_id("shopify", "main", "customer:2")


def test_a_group_tells_nobody_whose_it_is() -> None:
    assert "ada" not in group_id("form", "main", "email:ada@example.com")


@given(st.text(), st.text(), st.text(), st.binary())
def test_ids_and_groups_are_32_hex_digits_whatever_the_source_says(
    topic: str, customer: str, key: str, body: bytes
) -> None:
    assert HEX_32.fullmatch(webhook_id("form", "main", Routing(topic, customer, key or None), body))
    assert HEX_32.fullmatch(group_id("form", "main", customer))


@pytest.mark.parametrize("half", ["\ud800", "ada\udfff@example.com"])
def test_half_a_character_in_json_still_has_an_id_and_a_group(half: str) -> None:
    text = json.loads(json.dumps(half))
    assert HEX_32.fullmatch(webhook_id("shopify", "main", Routing(text, text, text), b""))
    assert HEX_32.fullmatch(group_id("shopify", "main", text))


def test_the_content_type_is_read_without_its_parameters() -> None:
    assert request(content_type="Multipart/Form-Data; boundary=x").content_type == "multipart/form-data"
    assert request().content_type == ""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "body is not JSON"),
        (b"{", "body is not JSON"),
        (b"\xff\xfe\xfa", "body is not JSON"),
        (b"a=1&b=2", "body is not JSON"),
        (b'{"n": ' + b"1" * 5000 + b"}", "body is not JSON"),
        (b"[" * 100_000, "JSON is nested too deep"),
        (b'{"a":' * 100_000, "JSON is nested too deep"),
        (b"[]", "body is not a JSON object"),
        (b"null", "body is not a JSON object"),
        (b'"ada@example.com"', "body is not a JSON object"),
    ],
    ids=["empty", "cut", "bytes", "form", "number", "lists", "objects", "list", "null", "text"],
)
def test_what_is_no_json_object_is_malformed_and_says_nothing_of_it(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        json_object(body)
    assert caught.value.args == (reason,)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert json_object("\ufeff{}".encode()) == {}


@given(st.binary())
def test_any_bytes_are_an_object_or_malformed(body: bytes) -> None:
    with contextlib.suppress(MalformedBody):
        assert isinstance(json_object(body), dict)
