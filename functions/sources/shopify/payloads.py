"""Say what we read of Shopify's webhooks, for API versions 2023-01 to 2026-04. Values only.

https://shopify.dev/docs/api/webhooks
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field


def as_id(value: Any) -> Any:
    """Return an id as text: Shopify's are JSON numbers up to 2^63."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def list_or_empty(value: Any) -> Any:
    return value if isinstance(value, list) else []


def last_part(value: Any) -> Any:
    """Return `gid://shopify/Customer/1` → `1`"""
    return value.rpartition("/")[2] if isinstance(value, str) else as_id(value)


Id: TypeAlias = str
"""A JSON number up to 2^63, and a text to us."""
GlobalId: TypeAlias = Annotated[str, BeforeValidator(last_part), Field(min_length=1)]
Text: TypeAlias = str | None
Amount: TypeAlias = Annotated[Decimal | None, BeforeValidator(blank_is_none)]
Moment: TypeAlias = Annotated[datetime | None, BeforeValidator(blank_is_none)]


class Model(BaseModel):
    """Texts come without spaces around them, and empty for blank ones; numbers become texts where texts are wanted."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", str_strip_whitespace=True, coerce_numbers_to_str=True
    )


class Money(Model):
    amount: Amount = None
    currency_code: Text = None


class MoneySet(Model):
    shop_money: Money = Money()
    presentment_money: Money = Money()


class Address(Model):
    first_name: Text = None
    last_name: Text = None
    phone: Text = None
    city: Text = None
    zip: Text = None
    country_code: Text = None


class Consent(Model):
    """https://shopify.dev/docs/api/admin-rest/latest/resources/customer (state, opt_in_level)"""

    state: Text = None
    opt_in_level: Text = None
    consent_updated_at: Moment = None


class NamedValue(Model):
    name: Text = None
    value: Any = None


class Metafield(Model):
    key: Text = None
    value: Any = None


class Customer(Model):
    id: Id | None = None
    email: Text = None
    phone: Text = None
    first_name: Text = None
    last_name: Text = None
    created_at: Moment = None
    updated_at: Moment = None
    tags: Text = None
    verified_email: bool | None = None
    currency: Text = None
    orders_count: int | None = None
    total_spent: Amount = None
    default_address: Address | None = None
    email_marketing_consent: Consent | None = None
    sms_marketing_consent: Consent | None = None
    accepts_marketing: bool | None = None
    accepts_marketing_updated_at: Moment = None
    metafields: Annotated[tuple[Metafield, ...], FailFast(), BeforeValidator(list_or_empty)] = ()


class LineItem(Model):
    product_id: Id | None = None
    variant_id: Id | None = None
    sku: Text = None
    title: Text = None
    variant_title: Text = None
    vendor: Text = None
    quantity: int | None = None
    price: Amount = None


class DiscountCode(Model):
    code: Text = None


class ShippingLine(Model):
    price: Amount = None


class Purchase(Model):
    """Hold what a checkout and the order that it becomes have in common."""

    name: Text = None
    customer: Customer | None = None
    email: Text = None
    contact_email: Text = None
    phone: Text = None
    created_at: Moment = None
    updated_at: Moment = None
    currency: Text = None
    presentment_currency: Text = None
    total_price: Amount = None
    subtotal_price: Amount = None
    total_discounts: Amount = None
    total_tax: Amount = None
    line_items: Annotated[tuple[LineItem, ...], FailFast(), BeforeValidator(list_or_empty)] = ()
    discount_codes: Annotated[tuple[DiscountCode, ...], FailFast(), BeforeValidator(list_or_empty)] = ()
    note_attributes: Annotated[tuple[NamedValue, ...], FailFast(), BeforeValidator(list_or_empty)] = ()
    source_name: Text = None
    customer_locale: Text = None
    shipping_address: Address | None = None
    billing_address: Address | None = None


class Checkout(Purchase):
    """Known by its token alone: versions from 2026-04 on have no other id of it."""

    token: Id
    completed_at: Moment = None
    abandoned_checkout_url: Text = None


class Parcel(Model):
    id: Id | None = None


class Order(Purchase):
    id: Id
    fulfillments: Annotated[tuple[Parcel, ...], BeforeValidator(list_or_empty)] = ()
    processed_at: Moment = None
    cancelled_at: Moment = None
    cancel_reason: Text = None
    test: bool | None = None
    current_total_price: Amount = None
    current_total_price_set: MoneySet | None = None
    total_price_set: MoneySet | None = None
    current_subtotal_price: Amount = None
    current_total_discounts: Amount = None
    current_total_tax: Amount = None
    total_shipping_price_set: MoneySet | None = None
    shipping_lines: Annotated[tuple[ShippingLine, ...], FailFast(), BeforeValidator(list_or_empty)] = ()
    payment_gateway_names: Annotated[tuple[str, ...], FailFast(), BeforeValidator(list_or_empty)] = ()
    financial_status: Text = None
    fulfillment_status: Text = None
    order_status_url: Text = None
    checkout_token: Text = None
    tags: Text = None


class ChangedUnits(Model):
    delta: int = 0


class ChangedLines(Model):
    additions: Annotated[tuple[ChangedUnits, ...], FailFast(), BeforeValidator(list_or_empty)] = ()
    removals: Annotated[tuple[ChangedUnits, ...], FailFast(), BeforeValidator(list_or_empty)] = ()


class OrderEdit(Model):
    order_id: Id
    created_at: Moment = None
    committed_at: Moment = None
    line_items: ChangedLines = ChangedLines()


class EditedOrder(Model):
    order_edit: OrderEdit


class Fulfillment(Model):
    id: Id
    order_id: Id
    status: Text = None
    shipment_status: Text = None
    created_at: Moment = None
    updated_at: Moment = None
    email: Text = None
    tracking_company: Text = None
    tracking_number: Text = None
    tracking_url: Text = None


class FulfillmentEvent(Model):
    fulfillment_id: Id
    order_id: Id
    status: Text = None
    happened_at: Moment = None
    created_at: Moment = None


class Transaction(Model):
    kind: Text = None
    status: Text = None
    amount: Amount = None
    currency: Text = None
    test: bool | None = None


class RefundLine(Model):
    quantity: int | None = None
    line_item: LineItem | None = None


class Refund(Model):
    id: Id
    order_id: Id
    created_at: Moment = None
    transactions: Annotated[tuple[Transaction, ...], FailFast(), BeforeValidator(list_or_empty)] = ()
    refund_line_items: Annotated[tuple[RefundLine, ...], FailFast(), BeforeValidator(list_or_empty)] = ()


class CustomerMerge(Model):
    kept_id: GlobalId = Field(validation_alias="admin_graphql_api_customer_kept_id")
    deleted_id: GlobalId = Field(validation_alias="admin_graphql_api_customer_deleted_id")
    status: Text = None


class PrivateCustomer(Model):
    id: Id
    email: Text = None


class PrivacyRequest(Model):
    customer: PrivateCustomer
    orders_to_redact: Annotated[tuple[Id, ...], FailFast(), BeforeValidator(list_or_empty)] = ()
    orders_requested: Annotated[tuple[Id, ...], FailFast(), BeforeValidator(list_or_empty)] = ()


class DeletedCustomer(Model):
    id: Id
    email: Text = None


class EmailConsent(Model):
    customer_id: Id
    email_address: Text = None
    email_marketing_consent: Consent | None = None


class SmsConsent(Model):
    id: Id
    phone: Text = None
    sms_marketing_consent: Consent | None = None


class ChangedTags(Model):
    customer_id: GlobalId = Field(validation_alias="customerId")
    tags: Annotated[tuple[str, ...], FailFast(), BeforeValidator(list_or_empty)] = ()
    occurred_at: Moment = Field(None, validation_alias="occurredAt")


class Spent(Model):
    amount: Amount = None
    currency_code: Text = Field(None, validation_alias="currencyCode")


class PurchasingSummary(Model):
    customer_id: GlobalId = Field(validation_alias="customerId")
    orders: int | None = Field(None, validation_alias="numberOfOrders")
    spent: Spent = Field(Spent(), validation_alias="amountSpent")
    occurred_at: Moment = Field(None, validation_alias="occurredAt")
