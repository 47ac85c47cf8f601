"""Say what we read of Stripe's events, in the shapes before and from 2025-03-31.basil. Values only.

A field is read where it stands; no decision hangs on `api_version`, which may be null.
https://docs.stripe.com/api/events/object
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast

from bridge.profiles import normalise
from bridge.providers.payload_schema import MovedTo

LAST_SECOND = 253_402_300_799
"""31 December 9999, the end of Python's calendar."""


def blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def object_or_none(value: Any) -> Any:
    """Return the object of an expandable field, or None: it holds an id alone unless someone asked for the object."""
    return value if isinstance(value, dict) else None


def objects(value: Any) -> Any:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def object_or_empty(value: Any) -> Any:
    return value if isinstance(value, dict) else {}


def id_of(value: Any) -> Any:
    """Return the id in an expandable field, which holds the id or the whole object."""
    return value.get("id") if isinstance(value, dict) else value


def with_id(value: Any) -> Any:
    """Return the object in an expandable field, or one that has but its id."""
    return {"id": value} if isinstance(value, str) else value


def unix_time(value: Any) -> Any:
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LAST_SECOND:
        raise ValueError("not a Unix time in seconds")
    return normalise.from_unix(value)


def plan_as_price(value: Any) -> Any:
    """Return a plan, which is what a price was called before 2020, in the shape of a price."""
    if not isinstance(value, dict):
        return None
    recurring = {name: value.get(name) for name in ("interval", "interval_count", "usage_type")}
    return {
        **value,
        "unit_amount": value.get("amount"),
        "unit_amount_decimal": value.get("amount_decimal"),
        "transform_quantity": value.get("transform_usage"),
        "recurring": recurring,
    }


Text: TypeAlias = Annotated[str | None, BeforeValidator(blank_is_none)]
Reference: TypeAlias = Annotated[str | None, BeforeValidator(id_of)]
Moment: TypeAlias = Annotated[datetime | None, BeforeValidator(unix_time)]
Metadata: TypeAlias = Annotated[dict[str, Any], BeforeValidator(object_or_empty)]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class EnvelopeData(Model):
    object: dict[str, Any]
    previous_attributes: Metadata = {}


class Envelope(Model):
    """Stripe's `event`: what happened, when, and to what."""

    id: Text = None
    type: str
    created: Annotated[datetime, BeforeValidator(unix_time)]
    livemode: bool | None = None
    account: Text = None
    data: EnvelopeData


class Address(Model):
    country: Text = None


class Customer(Model):
    """One that was deleted may have but its id."""

    id: str
    created: Moment = None
    email: Text = None
    name: Text = None
    phone: Text = None
    address: Annotated[Address, BeforeValidator(object_or_empty)] = Address()
    preferred_locales: tuple[str, ...] | None = None
    metadata: Metadata = {}


class Product(Model):
    id: Text = None
    name: Text = None


class Recurring(Model):
    interval: Text = None
    interval_count: int | None = None
    usage_type: Text = None


class Packages(Model):
    """https://docs.stripe.com/products-prices/pricing-models#package-pricing"""

    divide_by: int | None = None
    round: Text = None


class Price(Model):
    """Amounts are in the smallest unit; both are null where the price has tiers."""

    id: Text = None
    nickname: Text = None
    name: Text = None  # of plans before 2018-02-05, which had no product
    product: Annotated[Product | None, BeforeValidator(with_id)] = None
    currency: Text = None
    billing_scheme: Text = None
    unit_amount: Decimal | None = None
    unit_amount_decimal: Decimal | None = None
    transform_quantity: Packages | None = None
    recurring: Recurring | None = None


Plan: TypeAlias = Annotated[Price | None, BeforeValidator(plan_as_price)]


class Item(Model):
    price: Annotated[Price | None, BeforeValidator(with_id)] = None
    plan: Plan = None
    quantity: int | None = None
    current_period_end: Moment = None


class Items(Model):
    data: Annotated[tuple[Item, ...], FailFast(), BeforeValidator(objects)] = ()
    has_more: bool | None = None


class Coupon(Model):
    percent_off: Decimal | None = None
    amount_off: Decimal | None = None
    currency: Text = None
    duration: Text = None


CouponField: TypeAlias = Annotated[Coupon | None, BeforeValidator(object_or_none)]


class DiscountSource(Model):
    coupon: CouponField = None


class Discount(Model):
    """The coupon is in `source` from 2025-09-30.clover."""

    coupon: Annotated[CouponField, MovedTo("source")] = None
    source: DiscountSource | None = None


class CancellationDetails(Model):
    reason: Text = None
    feedback: Text = None


class Subscription(Model):
    id: str
    customer: Reference = None
    status: Text = None
    currency: Text = None
    created: Moment = None
    start_date: Moment = None
    trial_end: Moment = None
    current_period_end: Annotated[Moment, MovedTo("items.data[].current_period_end")] = None
    cancel_at: Moment = None
    cancel_at_period_end: bool | None = None
    ended_at: Moment = None
    cancellation_details: CancellationDetails | None = None
    items: Annotated[Items, BeforeValidator(object_or_empty)] = Items()
    plan: Annotated[Plan, MovedTo("items.data[].price")] = None
    quantity: Annotated[int | None, MovedTo("items.data[].quantity")] = None
    discount: Annotated[Discount | None, BeforeValidator(object_or_none), MovedTo("discounts")] = None
    discounts: Annotated[tuple[Discount, ...], FailFast(), BeforeValidator(objects)] = ()
    metadata: Metadata = {}


class SubscriptionDetails(Model):
    subscription: Reference = None
    metadata: Metadata = {}


Details: TypeAlias = Annotated[SubscriptionDetails, BeforeValidator(object_or_empty)]


class InvoiceParent(Model):
    subscription_details: Details = SubscriptionDetails()


class StatusTransitions(Model):
    paid_at: Moment = None


class PaidWith(Model):
    charge: Reference = None
    payment_intent: Reference = None


class InvoicePayment(Model):
    payment: Annotated[PaidWith, BeforeValidator(object_or_empty)] = PaidWith()


class InvoicePayments(Model):
    data: Annotated[tuple[InvoicePayment, ...], FailFast(), BeforeValidator(objects)] = ()


class Invoice(PaidWith):
    """One that is only upcoming has no id."""

    id: Text = None
    number: Text = None
    customer: Reference = None
    customer_email: Text = None
    currency: Text = None
    amount_due: int | None = None
    amount_paid: int | None = None
    attempt_count: int | None = None
    billing_reason: Text = None
    hosted_invoice_url: Text = None
    next_payment_attempt: Moment = None
    period_end: Moment = None
    status_transitions: Annotated[StatusTransitions, BeforeValidator(object_or_empty)] = StatusTransitions()
    parent: Annotated[InvoiceParent, BeforeValidator(object_or_empty)] = InvoiceParent()
    subscription: Annotated[Reference, MovedTo("parent")] = None
    subscription_details: Annotated[Details, MovedTo("parent")] = SubscriptionDetails()
    payments: Annotated[InvoicePayments, BeforeValidator(object_or_empty)] = InvoicePayments()
    metadata: Metadata = {}


class Contact(Model):
    email: Text = None


ContactField: TypeAlias = Annotated[Contact, BeforeValidator(object_or_empty)]


class Consent(Model):
    promotions: Text = None


class Recovery(Model):
    url: Text = None


class AfterExpiration(Model):
    recovery: Annotated[Recovery, BeforeValidator(object_or_empty)] = Recovery()


class Checkout(Model):
    """A checkout session. https://docs.stripe.com/api/checkout/sessions/object"""

    id: str
    customer: Reference = None
    customer_creation: Text = None
    customer_email: Text = None
    customer_details: ContactField = Contact()
    client_reference_id: Text = None
    payment_link: Reference = None
    mode: Text = None
    payment_status: Text = None
    amount_subtotal: int | None = None
    amount_total: int | None = None
    currency: Text = None
    subscription: Reference = None
    payment_intent: Reference = None
    invoice: Reference = None
    consent: Annotated[Consent, BeforeValidator(object_or_empty)] = Consent()
    after_expiration: Annotated[AfterExpiration, BeforeValidator(object_or_empty)] = AfterExpiration()
    metadata: Metadata = {}


class Charge(Model):
    id: str
    customer: Reference = None
    billing_details: ContactField = Contact()
    receipt_email: Text = None
    captured: bool | None = None
    amount_refunded: int | None = None
    currency: Text = None
    refunded: bool | None = None
    invoice: Reference = None  # before 2025-03-31.basil
    payment_intent: Reference = None
    receipt_url: Text = None
    metadata: Metadata = {}


class Dispute(Model):
    """It names what was paid, and nobody. https://docs.stripe.com/api/disputes/object"""

    id: str
    charge: Reference = None
    payment_intent: Reference = None
    amount: int | None = None
    currency: Text = None
    reason: Text = None
    status: Text = None
    metadata: Metadata = {}


class Card(Model):
    brand: Text = None
    exp_month: int | None = None
    exp_year: int | None = None


class PaymentMethod(Card):
    """A payment method or a source, which have a `card`, or a card as it is."""

    customer: Reference = None
    card: Annotated[Card | None, BeforeValidator(object_or_none)] = None
    billing_details: ContactField = Contact()
    owner: ContactField = Contact()
    metadata: Metadata = {}
