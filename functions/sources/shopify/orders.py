"""Say what happens to an order, and the profile's last one. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from bridge.profiles import normalise
from bridge.profiles.profile_change import AttributeGroup, Event, Person, ProfileChange, Value, present
from bridge.webhook import Webhook
from functions.sources.shopify.customers import customer_groups
from functions.sources.shopify.headers import arrival, happened, is_test
from functions.sources.shopify.line_items import (
    currency,
    delivery_address,
    discount_codes,
    first,
    items,
    split_tags,
)
from functions.sources.shopify.payloads import Customer, EditedOrder, Order
from functions.sources.shopify.references import (
    checkout_reference,
    customer_reference,
    is_paid,
    known_by_order,
    note_value,
    order_reference,
    provenance,
    purchase_email,
    recorded,
    user_id,
)

Moment: TypeAlias = datetime | None

# status, from the least to the most advanced: breaks ties between updates of the same second
STATUSES = ("placed", "paid", "partially_fulfilled", "fulfilled", "refunded", "cancelled")


@dataclass(frozen=True, slots=True)
class Topic:
    """`event` and its `time`, if any; `tells_customer` where the webhook also writes the customer.

    An order has the event `once`, whatever mentions it, and however often.
    """

    event: str | None
    time: Callable[[Order], Moment] = lambda order: order.updated_at
    tells_customer: bool = False
    once: bool = False


# topic                         event                        time of the event         writes the customer
TOPICS = {
    "orders/create": Topic("order_placed", lambda order: order.created_at, tells_customer=True, once=True),
    "orders/paid": Topic("order_paid", lambda order: order.processed_at, once=True),
    "orders/updated": Topic(None),
    "orders/partially_fulfilled": Topic("order_partially_fulfilled", lambda order: order.updated_at),
    "orders/fulfilled": Topic("order_fulfilled", lambda order: order.updated_at, once=True),
    "orders/cancelled": Topic("order_cancelled", lambda order: order.cancelled_at, once=True),
}


def to_change(webhook: Webhook) -> ProfileChange:
    topic = TOPICS[webhook.topic]
    order = Order.model_validate_json(webhook.body)
    time = happened(webhook) or topic.time(order) or arrival(webhook)
    once = once_key(webhook.topic, order.id) or parcels_key(order)
    customer = customer_groups(order.customer, order, webhook) if topic.tells_customer else ()
    own = own_references(order, webhook.connection)
    return ProfileChange(
        person=person(order, own),
        groups=(*customer, last_order(order)),
        events=(Event(topic.event, time, order_attributes(order), once),) if topic.event else (),
        is_test=bool(order.test) or is_test(webhook),
        moves=(*own, *checkout_reference(order.checkout_token)) if names_someone(order) else (),
        remember=totals(order),
        body_provenance="owner" if is_paid(order) else "visitor",
    )


def once_key(topic: str, order_id: str) -> str | None:
    """Return the key by which a profile knows that it has had the event of this topic and order:
    `shopify:order:1:order_paid`."""
    known = TOPICS[topic]
    return f"{order_reference(order_id)}:{known.event}" if known.once else None


def parcels_key(order: Order) -> str:
    """Return the key of a partly fulfilled order: one event for each parcel, one in all where none is named."""
    parcels = ",".join(sorted(parcel.id for parcel in order.fulfillments if parcel.id))
    return f"{order_reference(order.id)}:order_partially_fulfilled:{parcels}"


def edited(webhook: Webhook) -> ProfileChange:
    """Return how many units were added and removed; what the order comes to then is told by its update."""
    edit = EditedOrder.model_validate_json(webhook.body).order_edit
    attributes: dict[str, Value] = {
        "order_id": edit.order_id,
        "added": sum(line.delta for line in edit.line_items.additions),
        "removed": sum(line.delta for line in edit.line_items.removals),
    }
    time = edit.committed_at or edit.created_at or arrival(webhook)
    return ProfileChange(
        person=known_by_order(edit.order_id),
        events=(Event("order_edited", time, attributes),),
        is_test=is_test(webhook),
        body_provenance="owner",
    )


def person(order: Order, own: tuple[str, ...]) -> Person:
    """Return the order's customer, who is not looked for by the order: a shipment that told no more than an e-mail may
    have led that to another profile before. A guest is."""
    customer = order.customer or Customer()
    record, visit = recorded(customer), (*own, *checkout_reference(order.checkout_token))
    guest = own if names_someone(order) else visit
    return Person(
        user_id=user_id(order),
        email=customer.email or purchase_email(order),
        source_id=f"shopify:{customer.id}" if record else own[0],
        references=(*customer_reference(customer.id), *(() if record else guest)),
        claimed_user_id=note_value(order, "user_id"),
        user_id_signature=note_value(order, "user_id_signature"),
        provenance=provenance(order),
        visit_references=visit,
        customer=record,
    )


def names_someone(order: Order) -> bool:
    return bool(recorded(order.customer) or purchase_email(order) or user_id(order))


def own_references(order: Order, connection: str) -> tuple[str, ...]:
    """Return the order's id, and its name, which only one shop knows it by."""
    name = (f"shopify:{connection}:order_name:{order.name}",) if order.name else ()
    return (order_reference(order.id), *name)


def totals(order: Order) -> dict[str, str]:
    """Return what the order came to, for refunds: `total_price`, as `current_total_price` shrinks with each refund."""
    paid = order.total_price_set.presentment_money if order.total_price_set else None
    found = {currency(order): order.total_price}
    if paid and paid.currency_code:
        found.setdefault(paid.currency_code.upper(), paid.amount)
    return {
        total_name(order.id, code): str(amount)
        for code, amount in found.items()
        if code and amount is not None
    }


def total_name(order_id: str, code: str) -> str:
    """Return the name of the fact that a refund asks for."""
    return f"shopify:order:{order_id}:total:{code}"


def last_order(order: Order) -> AttributeGroup:
    """Return the profile's newest order. A later update of an older order never replaces it."""
    status = order_status(order)
    version = "|".join(
        (
            normalise.sortable(order.created_at),
            normalise.sortable(order.updated_at),
            str(STATUSES.index(status)),
        )
    )
    attributes: dict[str, Value] = {
        "last_order_id": order.id,
        "last_order_name": order.name,
        "date(last_order_at)": normalise.timestamp(order.created_at),
        "last_order_total": total(order),
        "last_order_currency": currency(order),
        "last_order_status": status,
    }
    return AttributeGroup("last_order", version, present(attributes), provenance="owner")


def order_status(order: Order) -> str:
    """Return one word for where the order stands, from its own fields, so that every topic tells the same."""
    if order.cancelled_at:
        return "cancelled"
    if order.financial_status == "refunded":
        return "refunded"
    if order.fulfillment_status == "fulfilled":
        return "fulfilled"
    if order.fulfillment_status == "partial":
        return "partially_fulfilled"
    return "paid" if order.financial_status in ("paid", "partially_refunded") else "placed"


def order_attributes(order: Order) -> dict[str, Value]:
    """Return what every order event carries; Batch takes 20 attributes, so the least needed stand last."""
    attributes: dict[str, Value] = {
        "$label": order.name,
        "$tags": split_tags(order.tags),
        "order_id": order.id,
        "order_name": order.name,
        "amount": total(order),
        "currency": currency(order),
        "subtotal": first(order.current_subtotal_price, order.subtotal_price),
        "discount_amount": first(order.current_total_discounts, order.total_discounts),
        "shipping_amount": shipping(order),
        "tax_amount": first(order.current_total_tax, order.total_tax),
        **items(order),
        "cancel_reason": order.cancel_reason,
        "discount_codes": discount_codes(order),
        "payment_methods": list(order.payment_gateway_names),
        "channel": order.source_name,
        "url(order_status)": order.order_status_url,
        "date(ordered_at)": normalise.timestamp(order.created_at),
        "delivery_address": delivery_address(order.shipping_address),
        **presentment(order),
    }
    return present(attributes)


def presentment(order: Order) -> dict[str, Value]:
    """Return the buyer's own currency, only where it is not the shop's."""
    charged = order.current_total_price_set or order.total_price_set
    code = (order.presentment_currency or "").upper()
    if charged is None or not code or code == currency(order):
        return {}
    return {"presentment_amount": charged.presentment_money.amount, "presentment_currency": code}


def total(order: Order) -> Value:
    """Return what the order comes to now: `current_total_price` follows edits and refunds, `total_price` does not."""
    return first(order.current_total_price, order.total_price)


def shipping(order: Order) -> Value:
    shown = order.total_shipping_price_set
    if shown and shown.shop_money.amount is not None:
        return shown.shop_money.amount
    prices = [line.price for line in order.shipping_lines if line.price is not None]
    return sum(prices) if prices else None
