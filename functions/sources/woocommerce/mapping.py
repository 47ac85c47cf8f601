"""Say what WooCommerce's webhooks mean for a profile. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from bridge.errors import Ignored
from bridge.placeholders import name_in
from bridge.profiles import normalise
from bridge.profiles.payment import proves_payment
from bridge.profiles.profile_change import (
    AttributeGroup,
    Event,
    Person,
    ProfileChange,
    Provenance,
    Value,
    present,
)
from bridge.providers.payload_schema import Models
from bridge.receiving.confirmation import TopicCheck
from bridge.settings import ConnectionSettings
from bridge.webhook import Webhook
from functions.sources.woocommerce import confirmation
from functions.sources.woocommerce.payloads import Address, Customer, LineItem, Order

Moment: TypeAlias = datetime | None

DRAFTS = frozenset({"draft", "auto-draft", "checkout-draft", "new"})
"""What a checkout page keeps of an order before somebody places it."""

# status, from the least to the most advanced: breaks ties between updates of the same second
STATUSES = ("placed", "paid", "fulfilled", "refunded", "cancelled")

VISITOR_FIELDS = frozenset({"customer_note"})
"""Fields of an order that whoever has the cart fills in, paid or not."""

# topic          whether the order was placed just now
ORDER_TOPICS = {
    "order.created": True,
    "order.updated": False,
}

# topic             event
CUSTOMER_TOPICS: dict[str, str | None] = {
    "customer.created": "customer_created",
    "customer.updated": None,
}

TOPIC_CHECK = TopicCheck(confirmation.judge)


def to_change(webhook: Webhook, settings: ConnectionSettings) -> ProfileChange:
    """Return the profile change of a webhook. Raises Ignored, pydantic.ValidationError."""
    del settings
    if webhook.topic.endswith(".deleted"):
        raise Ignored("a deletion names nobody, and nobody signs that it is one")
    if webhook.topic in CUSTOMER_TOPICS:
        return customer_change(webhook, CUSTOMER_TOPICS[webhook.topic])
    return order_change(webhook, is_placed=ORDER_TOPICS[webhook.topic])


def reads(topic: str) -> Models:
    """Return what is read of a topic's body."""
    return {"": Customer} if topic in CUSTOMER_TOPICS else {"": Order} if topic in ORDER_TOPICS else {}


def api_version(webhook: Webhook, content: Mapping[str, Any]) -> str | None:
    """Return None: WooCommerce does not say in which version it writes."""
    del webhook, content
    return ""


def order_change(webhook: Webhook, *, is_placed: bool) -> ProfileChange:
    order = Order.model_validate_json(webhook.body)
    if order.status in DRAFTS:
        raise Ignored("the order is a draft")
    steps = (*((PLACED,) if is_placed else ()), *steps_of(order))
    customer = (order_customer(order, webhook),) if is_placed else ()
    return ProfileChange(
        person=order_person(order, webhook.connection),
        groups=(*customer, last_order(order)),
        events=tuple(step.event_of(order, webhook) for step in steps),
        body_provenance=provenance(order),
        visitor_fields=VISITOR_FIELDS,
    )


def customer_change(webhook: Webhook, event: str | None) -> ProfileChange:
    customer = Customer.model_validate_json(webhook.body)
    reference = customer_reference(customer.id, webhook.connection)
    created = customer.date_created_gmt or webhook.received_at
    updated = customer.date_modified_gmt or created
    version = normalise.sortable(updated) + "|self"
    return ProfileChange(
        person=Person(
            email=customer.email or customer.billing.email,
            source_id=f"woocommerce:{webhook.connection}:{customer.id}",
            references=(reference,),
            provenance="owner",
            customer=reference,
        ),
        groups=(
            AttributeGroup("customer", version, present(customer_attributes(customer)), provenance="owner"),
        ),
        events=(Event(event, created, once=f"{reference}:{event}"),) if event else (),
        body_provenance="owner",
    )


# ── Who ─────────────────────────────────────────────────────────────────────────────────────────────────


def order_person(order: Order, connection: str) -> Person:
    """Return the person of an order. Ids are unique only within a shop, so references contain the connection.

    The order has no more of the account than its number: until it is paid, the e-mail is what somebody typed.
    """
    stated, account = order.customer_id, name_in(order.customer_id)
    itself = order_reference(order, connection)
    return Person(
        email=order.billing.email,
        source_id=f"woocommerce:{connection}:{account}" if account else itself,
        references=(*((customer_reference(stated, connection),) if stated else ()), itself),
        provenance=provenance(order),
        visit_references=(itself,),
        customer=customer_reference(account, connection) if account else None,
    )


def is_paid(order: Order) -> bool:
    """Return whether somebody paid for it, whatever was given back since: WooCommerce dates each payment.

    Its status tells nothing: who pays on delivery is `processing` from the start. An order is dated as paid when it
    is completed, at the latest.
    """
    return proves_payment(order.total, is_stated=bool(order.date_paid_gmt or order.date_paid))


def provenance(order: Order) -> Provenance:
    """Return who states what was typed at the checkout: the shop once somebody paid, a visitor until then."""
    return "owner" if is_paid(order) else "visitor"


def customer_reference(customer_id: str, connection: str) -> str:
    return f"woocommerce:{connection}:customer:{customer_id}"


def order_reference(order: Order, connection: str) -> str:
    return f"woocommerce:{connection}:order:{order.id}"


def customer_attributes(customer: Customer) -> dict[str, Value]:
    """Return who the customer is, by the account; where that is silent, by the addresses."""
    return contact(customer.billing, customer.shipping) | present(
        {
            "$email_address": customer.email,
            "first_name": customer.first_name,
            "last_name": customer.last_name,
            "woocommerce_customer_id": customer.id,
            "date(customer_since)": normalise.timestamp(customer.date_created_gmt),
        }
    )


def order_customer(order: Order, webhook: Webhook) -> AttributeGroup:
    """Return who the customer is, as the checkout asked. Of the same second, the account itself wins."""
    version = normalise.sortable(order.date_created_gmt or webhook.received_at) + "|order"
    account = name_in(order.customer_id)
    attributes = contact(order.billing, order.shipping) | {"woocommerce_customer_id": account}
    return AttributeGroup("customer", version, present(attributes), provenance=provenance(order))


def contact(billing: Address, shipping: Address) -> dict[str, Value]:
    """Return who pays; a parcel may go to somebody else. City, zip code and country come from one address."""
    home = billing if billing.city or billing.postcode or billing.country else shipping
    name = billing if billing.first_name or billing.last_name else shipping
    phone, country = (billing.phone, billing.country) if billing.phone else (shipping.phone, shipping.country)
    return {
        "$email_address": billing.email,
        "$phone_number": normalise.phone(phone, country or home.country) or phone,
        "$region": normalise.region(home.country),
        "first_name": name.first_name,
        "last_name": name.last_name,
        "city": home.city,
        "zip_code": home.postcode,
    }


# ── The order ───────────────────────────────────────────────────────────────────────────────────────────


def last_order(order: Order) -> AttributeGroup:
    """Return the profile's newest order. A later update of an older order never replaces it."""
    status = order_status(order)
    version = "|".join(
        (
            normalise.sortable(order.date_created_gmt),
            normalise.sortable(order.date_modified_gmt),
            str(STATUSES.index(status)),
        )
    )
    attributes: dict[str, Value] = {
        "last_order_id": order.id,
        "last_order_name": order.number,
        "date(last_order_at)": normalise.timestamp(order.date_created_gmt),
        "last_order_total": remaining(order),
        "last_order_currency": currency(order),
        "last_order_status": status,
    }
    return AttributeGroup("last_order", version, present(attributes), provenance="owner")


def order_status(order: Order) -> str:
    """Return one word for where the order stands. Plugins add statuses: of those, the order's dates tell."""
    if order.status in ("cancelled", "refunded"):
        return order.status
    if order.status in ("pending", "on-hold", "failed"):
        return "placed"
    if order.status == "completed" or order.date_completed_gmt:
        return "fulfilled"
    return "paid" if is_paid(order) else "placed"


def order_attributes(order: Order) -> dict[str, Value]:
    """Return what every order event but a refund carries, in the order of Shopify's."""
    attributes: dict[str, Value] = {
        "$label": order.number,
        "order_id": order.id,
        "order_name": order.number,
        "amount": remaining(order),
        "currency": currency(order),
        "subtotal": summed([item.total for item in order.line_items]),
        "discount_amount": order.discount_total,
        "shipping_amount": order.shipping_total,
        "tax_amount": order.total_tax,
        "items_count": normalise.units([item.quantity for item in order.line_items]),
        "items": [item_attributes(item) for item in order.line_items],
        "discount_codes": [coupon.code for coupon in order.coupon_lines if coupon.code],
        "payment_methods": [order.payment_method_title] if order.payment_method_title else [],
        "channel": order.created_via,
        "date(ordered_at)": normalise.timestamp(order.date_created_gmt),
        "delivery_address": delivery_address(order.shipping),
    }
    return present(attributes)


def refund_attributes(order: Order) -> dict[str, Value]:
    """Return how much went back, of all refunds together."""
    amount = refunded(order)
    is_full = None if amount is None or order.total is None else amount >= order.total
    attributes: dict[str, Value] = {
        "$label": order.number,
        "order_id": order.id,
        "order_name": order.number,
        "amount": amount,
        "currency": currency(order),
        "is_full": is_full,
    }
    return present(attributes)


def item_attributes(item: LineItem) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        "product_id": item.product_id,
        "variant_id": item.variation_id,
        "sku": item.sku,
        "name": item.name,
        "quantity": item.quantity,
        "unit_price": item.price,
    }
    return present(attributes)


def delivery_address(address: Address) -> dict[str, Value]:
    country = normalise.region(address.country)
    return present({"city": address.city, "zip_code": address.postcode, "country": country})


def remaining(order: Order) -> Decimal | None:
    """Return what the order comes to now: WooCommerce's `total` stays as it was when something is refunded."""
    return None if order.total is None else order.total - (refunded(order) or 0)


def refunded(order: Order) -> Decimal | None:
    """Return the sum of all refunds, which WooCommerce writes as negative numbers."""
    amount = summed([refund.total for refund in order.refunds])
    return None if amount is None else abs(amount)


def summed(amounts: list[Decimal | None]) -> Decimal | None:
    """Return the sum of those that are there; none of none."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def currency(order: Order) -> str | None:
    return order.currency.upper() if order.currency else None


# ── What happened ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Step:
    """An event that an order has once, its time, and what it carries.

    Every later update of the order mentions it again, in any order.
    """

    event: str
    time: Callable[[Order], Moment]
    attributes: Callable[[Order], dict[str, Value]] = order_attributes

    def event_of(self, order: Order, webhook: Webhook) -> Event:
        time = self.time(order) or order.date_modified_gmt or webhook.received_at
        once = f"{order_reference(order, webhook.connection)}:{self.event}"
        return Event(self.event, time, self.attributes(order), once)


PLACED = Step("order_placed", lambda order: order.date_created_gmt)
PAID = Step("order_paid", lambda order: order.date_paid_gmt)
FULFILLED = Step("order_fulfilled", lambda order: order.date_completed_gmt)
CANCELLED = Step("order_cancelled", lambda order: order.date_modified_gmt)
REFUNDED = Step("order_refunded", lambda order: order.date_modified_gmt, refund_attributes)

# status          what has happened by then; it is paid only where the order says when
STEPS = {
    "processing": (PAID,),
    "completed": (PAID, FULFILLED),
    "cancelled": (CANCELLED,),
    "refunded": (REFUNDED,),
}
"""An order of downloads alone goes from pending to completed: it is paid, and was never processing."""


def steps_of(order: Order) -> tuple[Step, ...]:
    """Return what has happened to the order by its status, without a payment that nothing proves."""
    steps = STEPS.get(order.status or "", ())
    return tuple(step for step in steps if step is not PAID or is_paid(order))
