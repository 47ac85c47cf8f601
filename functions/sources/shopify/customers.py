"""Say what Shopify says of a customer: in topics of the customer's own, and within orders and checkouts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from bridge.placeholders import name_in
from bridge.profiles import normalise
from bridge.profiles.profile_change import AttributeGroup, Event, ProfileChange, Value, present
from bridge.webhook import Webhook
from functions.sources.shopify.consents import consent_groups
from functions.sources.shopify.headers import arrival, is_test
from functions.sources.shopify.line_items import split_tags
from functions.sources.shopify.payloads import Address, Checkout, Customer, Purchase
from functions.sources.shopify.references import customer_person, is_paid, purchase_email, recorded

Groups: TypeAlias = tuple[AttributeGroup, ...]

# topic              event
TOPICS: dict[str, str | None] = {
    "customers/create": "customer_created",
    "customers/update": None,
    "customers/enable": None,
    "customers/disable": None,
}


def to_change(webhook: Webhook) -> ProfileChange:
    customer = Customer.model_validate_json(webhook.body)
    event = TOPICS[webhook.topic]
    happened = customer.created_at or arrival(webhook)
    once = f"shopify:customer:{customer.id}:{event}" if customer.id else None
    return ProfileChange(
        person=customer_person(customer),
        groups=customer_groups(customer, None, webhook),
        events=(Event(event, happened, once=once),) if event else (),
        is_test=is_test(webhook),
        body_provenance="owner",
    )


def customer_groups(customer: Customer | None, purchase: Purchase | None, webhook: Webhook) -> Groups:
    """Return the customer and the consents, each with its own version. What was typed at a checkout is a visitor's word
    until the order is paid."""
    person = customer or Customer()
    version = customer_version(person, purchase, webhook)
    stated = present(contact(person, purchase))
    own = stated if purchase is None or is_paid(purchase) else recorded_contact(person)
    typed = {key: value for key, value in stated.items() if key not in own}
    groups = [AttributeGroup("customer", version, own, provenance="owner")] if own else []
    groups += [AttributeGroup("customer", version, typed, provenance="visitor")] if typed else []
    return (*groups, *consent_groups(person))


def recorded_contact(customer: Customer) -> Mapping[str, Value]:
    """Return what the shop's own record says of the customer; nothing where there is no record."""
    return present(contact(customer, None)) if recorded(customer) else {}


def customer_version(customer: Customer, purchase: Purchase | None, webhook: Webhook) -> str:
    """Return the version of a customer. Of the same second, what the customer's own topic says wins over what an
    order repeats of it, and an order over a checkout: `checkout` < `order` < `self`."""
    told_at = purchase.updated_at if purchase else None
    updated = normalise.sortable(customer.updated_at or told_at or arrival(webhook))
    if purchase is None:
        return f"{updated}|self"
    kind = "checkout" if isinstance(purchase, Checkout) else "order"
    return f"{updated}|{kind}|{normalise.sortable(told_at)}"


def contact(customer: Customer, purchase: Purchase | None) -> dict[str, Value]:
    """Return who the customer is; of a guest, what the purchase says."""
    address = first_address(customer, purchase)
    country = address.country_code
    phone = first_phone(customer, purchase)
    return {
        "$email_address": customer.email or purchase_email(purchase),
        "$phone_number": normalise.phone(phone, country) or phone,
        "$language": normalise.language(purchase.customer_locale) if purchase else None,
        "$region": normalise.region(country),
        "first_name": customer.first_name or address.first_name,
        "last_name": customer.last_name or address.last_name,
        "city": address.city,
        "zip_code": address.zip,
        "shopify_customer_id": name_in(customer.id),
        "shopify_tags": split_tags(customer.tags),
        "verified_email": customer.verified_email,
        "date(customer_since)": normalise.timestamp(customer.created_at),
        "orders_count": customer.orders_count,
        "total_spent": customer.total_spent,
        "total_spent_currency": customer.currency if customer.total_spent is not None else None,
    }


def first_address(customer: Customer, purchase: Purchase | None) -> Address:
    """Return the customer's own address, else where the purchase goes, else where its bill goes."""
    candidates = [customer.default_address]
    if purchase:
        candidates += [purchase.shipping_address, purchase.billing_address]
    return next((address for address in candidates if address), Address())


def first_phone(customer: Customer, purchase: Purchase | None) -> str | None:
    """Return the customer's phone, else the purchase's, else that of an address."""
    candidates = [customer.phone]
    if purchase:
        candidates += [purchase.phone]
        candidates += [
            address.phone for address in (purchase.shipping_address, purchase.billing_address) if address
        ]
    if customer.default_address:
        candidates.append(customer.default_address.phone)
    return next((phone for phone in candidates if phone), None)
