"""What Shopify's webhooks mean for a profile. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from bridge import normalise
from bridge.profile import AttributeGroup, Event, Person, ProfileChange, Value, present
from bridge.settings import ConnectionSettings
from bridge.webhook import Webhook
from functions.shopify.models import Address, Consent, Customer, LineItem, Order

Groups: TypeAlias = tuple[AttributeGroup, ...]
Moment: TypeAlias = datetime | None

CONSENT_STATES = {"subscribed": "subscribed", "unsubscribed": "unsubscribed", "redacted": "unsubscribed"}
"""Any other state (not_subscribed, pending, invalid) states nothing."""

# status, from the least to the most advanced: breaks ties between updates of the same second
STATUSES = ("placed", "paid", "partially_fulfilled", "fulfilled", "refunded", "cancelled")


def to_change(webhook: Webhook, settings: ConnectionSettings) -> ProfileChange:
    """The profile change of a webhook. Raises pydantic.ValidationError."""
    del settings
    if webhook.topic in CUSTOMER_TOPICS:
        return customer_change(webhook, CUSTOMER_TOPICS[webhook.topic])
    return order_change(webhook, ORDER_TOPICS[webhook.topic])


@dataclass(frozen=True, slots=True)
class OrderTopic:
    """`event` and its `time`, if any; `tells_customer` where the webhook also writes the customer."""

    event: str | None
    time: Callable[[Order], Moment] = lambda order: order.updated_at
    tells_customer: bool = False


# topic              event              time of the event         writes the customer
ORDER_TOPICS = {
    "orders/create": OrderTopic("order_placed", lambda order: order.created_at, tells_customer=True),
    "orders/paid": OrderTopic("order_paid", lambda order: order.processed_at),
    "orders/updated": OrderTopic(None),
    "orders/cancelled": OrderTopic("order_cancelled", lambda order: order.cancelled_at),
}

# topic              event
CUSTOMER_TOPICS: dict[str, str | None] = {
    "customers/create": "customer_created",
    "customers/update": None,
}


def order_change(webhook: Webhook, topic: OrderTopic) -> ProfileChange:
    order = Order.model_validate_json(webhook.body)
    time = topic.time(order) or arrival(webhook)
    customer = customer_groups(order.customer, order, webhook) if topic.tells_customer else ()
    return ProfileChange(
        person=order_person(order, webhook.connection),
        groups=(*customer, last_order(order)),
        events=(Event(topic.event, time, order_attributes(order)),) if topic.event else (),
        is_test=bool(order.test) or is_test(webhook),
    )


def customer_change(webhook: Webhook, event: str | None) -> ProfileChange:
    customer = Customer.model_validate_json(webhook.body)
    person = Person(
        user_id=metafield_user_id(customer),
        email=customer.email,
        source_id=f"shopify:{customer.id}" if customer.id else None,
        references=customer_reference(customer),
    )
    happened = customer.created_at or arrival(webhook)
    return ProfileChange(
        person=person,
        groups=customer_groups(customer, None, webhook),
        events=(Event(event, happened),) if event else (),
        is_test=is_test(webhook),
    )


def is_test(webhook: Webhook) -> bool:
    """Whether the shop's owner pressed `Send test notification`."""
    return webhook.headers.get("x-shopify-test") == "true"


def arrival(webhook: Webhook) -> datetime:
    """When Shopify sent the webhook off, else when it came in.

    The header has nanoseconds (2024-08-07T22:51:14.136738016Z), more than Python reads.
    """
    headers = webhook.headers
    text = headers.get("x-shopify-triggered-at") or headers.get("shopify-triggered-at") or ""
    try:
        return datetime.fromisoformat(text[:19] + "+00:00")
    except ValueError:
        return webhook.received_at


def order_person(order: Order, connection: str) -> Person:
    customer = order.customer or Customer()
    return Person(
        user_id=note_user_id(order) or metafield_user_id(customer),
        email=customer.email or order_email(order),
        source_id=f"shopify:{customer.id}" if customer.id else f"shopify:order:{order.id}",
        references=(
            *customer_reference(customer),
            f"shopify:order:{order.id}",
            *((f"shopify:{connection}:order_name:{order.name}",) if order.name else ()),
        ),
    )


def customer_reference(customer: Customer) -> tuple[str, ...]:
    return (f"shopify:customer:{customer.id}",) if customer.id else ()


def note_user_id(order: Order) -> str | None:
    """The note attribute `user_id` that a theme can set at checkout."""
    found = [note.value for note in order.note_attributes if note.name == "user_id" and note.value]
    return str(found[0]) if found else None


def metafield_user_id(customer: Customer) -> str | None:
    """The customer's metafield `user_id`, where the subscription asks for metafields."""
    found = [field.value for field in customer.metafields if field.key == "user_id" and field.value]
    return str(found[0]) if found else None


def customer_groups(customer: Customer | None, order: Order | None, webhook: Webhook) -> Groups:
    """The customer and the consents, each with its own version.

    Of the same second, what the customer's own topic says wins over what an order repeats of it.
    """
    person = customer or Customer()
    updated = person.updated_at or (order.updated_at if order else None) or arrival(webhook)
    version = normalise.sortable(updated) + ("|order" if order else "|self")
    customer_attributes = AttributeGroup("customer", version, present(contact(person, order)))
    return (customer_attributes, *email_consent(person), *sms_consent(person))


def contact(customer: Customer, order: Order | None) -> dict[str, Value]:
    """Who the customer is; of a guest, what the order says."""
    address = first_address(customer, order)
    country = address.country_code
    phone = first_phone(customer, order)
    return {
        "$email_address": customer.email or order_email(order),
        "$phone_number": normalise.phone(phone, country) or phone,
        "$language": normalise.language(order.customer_locale) if order else None,
        "$region": normalise.region(country),
        "first_name": customer.first_name or address.first_name,
        "last_name": customer.last_name or address.last_name,
        "city": address.city,
        "zip_code": address.zip,
        "shopify_customer_id": customer.id,
        "shopify_tags": split_tags(customer.tags),
        "verified_email": customer.verified_email,
        "date(customer_since)": normalise.timestamp(customer.created_at),
        "orders_count": customer.orders_count,
        "total_spent": customer.total_spent,
        "total_spent_currency": customer.currency if customer.total_spent is not None else None,
    }


def order_email(order: Order | None) -> str | None:
    return (order.email or order.contact_email) if order else None


def first_address(customer: Customer, order: Order | None) -> Address:
    """The customer's own address, else where the order goes, else where its bill goes."""
    candidates = [customer.default_address]
    if order:
        candidates += [order.shipping_address, order.billing_address]
    return next((address for address in candidates if address), Address())


def first_phone(customer: Customer, order: Order | None) -> str | None:
    """The customer's phone, else the order's, else that of an address."""
    candidates = [customer.phone]
    if order:
        candidates += [order.phone]
        candidates += [
            address.phone for address in (order.shipping_address, order.billing_address) if address
        ]
    if customer.default_address:
        candidates.append(customer.default_address.phone)
    return next((phone for phone in candidates if phone), None)


def email_consent(customer: Customer) -> Groups:
    """API versions before 2025-01 tell it here; those before 2024-01 may tell `accepts_marketing` alone."""
    consent = customer.email_marketing_consent
    if consent is None and customer.accepts_marketing:
        consent = Consent(state="subscribed", consent_updated_at=customer.accepts_marketing_updated_at)
    return consent_group("consent_email", "$email_marketing", consent, customer)


def sms_consent(customer: Customer) -> Groups:
    return consent_group("consent_sms", "$sms_marketing", customer.sms_marketing_consent, customer)


def consent_group(name: str, key: str, consent: Consent | None, customer: Customer) -> Groups:
    """The consent as the shop states it; a state that says nothing writes nothing."""
    state = CONSENT_STATES.get((consent and consent.state) or "")
    if consent is None or state is None:
        return ()
    stated_at = consent.consent_updated_at or customer.created_at
    return (AttributeGroup(name, normalise.sortable(stated_at), {key: state}),)


def last_order(order: Order) -> AttributeGroup:
    """The profile's newest order. A later update of an older order never replaces it."""
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
    return AttributeGroup("last_order", version, present(attributes))


def order_status(order: Order) -> str:
    """One word for where the order stands, from its own fields, so that every topic tells the same."""
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
    """What every order event carries; Batch takes 20 attributes, so the least needed stand last."""
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
        "items_count": sum(item.quantity for item in order.line_items),
        "items": [item_attributes(item) for item in order.line_items],
        "cancel_reason": order.cancel_reason,
        "discount_codes": [code.code for code in order.discount_codes if code.code],
        "payment_methods": list(order.payment_gateway_names),
        "channel": order.source_name,
        "url(order_status)": order.order_status_url,
        "date(ordered_at)": normalise.timestamp(order.created_at),
        "delivery_address": delivery_address(order.shipping_address),
        **presentment(order),
    }
    return present(attributes)


def item_attributes(item: LineItem) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        "product_id": item.product_id,
        "variant_id": item.variant_id,
        "sku": item.sku,
        "name": item.title,
        "variant": item.variant_title,
        "vendor": item.vendor,
        "quantity": item.quantity,
        "unit_price": item.price,
    }
    return present(attributes)


def delivery_address(address: Address | None) -> dict[str, Value]:
    if address is None:
        return {}
    country = normalise.region(address.country_code)
    return present({"city": address.city, "zip_code": address.zip, "country": country})


def presentment(order: Order) -> dict[str, Value]:
    """The buyer's own currency, only where it is not the shop's."""
    charged = order.current_total_price_set or order.total_price_set
    code = (order.presentment_currency or "").upper()
    if charged is None or not code or code == currency(order):
        return {}
    return {"presentment_amount": charged.presentment_money.amount, "presentment_currency": code}


def total(order: Order) -> Value:
    """What the order comes to now: `current_total_price` follows edits and refunds, `total_price` does not."""
    return first(order.current_total_price, order.total_price)


def shipping(order: Order) -> Value:
    shown = order.total_shipping_price_set
    if shown and shown.shop_money.amount is not None:
        return shown.shop_money.amount
    prices = [line.price for line in order.shipping_lines if line.price is not None]
    return sum(prices) if prices else None


def currency(order: Order) -> str | None:
    return order.currency.upper() if order.currency else None


def split_tags(tags: str | None) -> list[str]:
    """Shopify's tags are one text: `vip, wholesale`."""
    return [tag.strip() for tag in (tags or "").split(",") if tag.strip()]


def first(*values: Value) -> Value:
    """The first that is there; 0 is."""
    return next((value for value in values if value is not None), None)
