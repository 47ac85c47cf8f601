"""What a connection's settings change of what its webhooks become."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.settings import InvalidSettings, checked

ADA = {"id": 1, "email": "ada@example.com", "first_name": "Ada", "updated_at": "2026-09-10T10:00:00Z"}
ORDER = {
    "id": 7,
    "name": "#7",
    "customer": ADA,
    "note": "ring twice",
    "created_at": "2026-09-10T10:00:00Z",
    "processed_at": "2026-09-10T10:01:00Z",
    "updated_at": "2026-09-10T10:02:00Z",
    "current_total_price": "10.00",
    "currency": "EUR",
}


def delivered(world: Any, webhook: Any, **settings: Any) -> dict[str, Any]:
    """The one operation that the webhook becomes under the settings."""
    world.parameters.write(webhook.source, webhook.connection, settings)
    assert world.deliver(webhook) == []
    [operation] = world.operations
    return dict(operation)


def test_an_event_is_renamed(world: Any, shopify: Any) -> None:
    operation = delivered(world, shopify("orders/paid", 1, **ORDER), events={"order_paid": "purchase"})
    assert [event["name"] for event in operation["events"]] == ["purchase"]


def test_an_event_is_left_out_and_its_attributes_stay(world: Any, shopify: Any) -> None:
    operation = delivered(world, shopify("orders/paid", 1, **ORDER), events={"order_paid": None})
    assert "events" not in operation
    assert operation["attributes"]["last_order_id"] == "7"


def test_an_attribute_is_renamed_or_left_out(world: Any, shopify: Any) -> None:
    choices = {"date(last_order_at)": "date(bought_at)", "last_order_name": None}
    operation = delivered(world, shopify("orders/paid", 1, **ORDER), attributes=choices)
    assert operation["attributes"]["date(bought_at)"] == "2026-09-10T10:00:00Z"
    assert not {"date(last_order_at)", "last_order_name"} & set(operation["attributes"])


def test_a_prefix_stands_before_names_that_are_not_batchs_own(world: Any, shopify: Any) -> None:
    operation = delivered(world, shopify("orders/create", 1, **ORDER), prefix="eu_")
    assert [event["name"] for event in operation["events"]] == ["eu_order_placed"]
    assert {"$email_address", "eu_first_name", "date(eu_last_order_at)"} <= set(operation["attributes"])


def test_an_attribute_is_read_off_the_body(world: Any, shopify: Any) -> None:
    paths = {"last_order_note": "note", "gift_note": "gift.note"}
    operation = delivered(world, shopify("orders/paid", 1, **ORDER), added_attributes=paths)
    assert operation["attributes"]["last_order_note"] == "ring twice"
    assert "gift_note" not in operation["attributes"]


def test_an_expression_that_the_body_does_not_suit_parks_the_webhook_without_a_value(
    world: Any, shopify: Any
) -> None:
    world.parameters.write("shopify", "main", {"added_attributes": {"last_order_note": "abs(note)"}})
    world.deliver(shopify("orders/paid", 1, **ORDER))
    [parked] = world.parked()
    assert parked.failure.reason == "added_attributes: JMESPathTypeError"


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"events": {"order_paid": "Order Paid"}}, "events.order_paid"),
        ({"attributes": {"city": "the town"}}, "attributes.city"),
        ({"prefix": "Ö"}, "prefix"),
        ({"added_attributes": {"note": "a..b"}}, "added_attributes.note"),
        ({"added_attributes": {"Note": "a"}}, "added_attributes.Note"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_their_place(settings: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        checked(settings)
    assert refused.value.reason.startswith(place)
