"""Say what we read of WooCommerce's webhooks, API versions v2 and v3. Values only.

https://woocommerce.github.io/woocommerce-rest-api-docs/
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, FailFast


def as_id(value: Any) -> Any:
    """Return an id as text: WooCommerce's are JSON numbers, and 0 is nobody's."""
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return str(value) if value else None


def as_customer_id(value: Any) -> Any:
    """Return the number of an account as a text. 0 is WooCommerce's own word for a guest; what else stands for
    nobody stays, for a warning."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value == 0):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip().lower() or None


def blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def in_utc(moment: datetime | None) -> datetime | None:
    """Return the `..._gmt` fields are in UTC and do not say so: 2026-09-01T09:02:08."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def whole(value: Any) -> Any:
    """Return a whole quantity. Shops that sell by weight have quantities such as 0.5: a part of a unit is one."""
    return math.ceil(value) if isinstance(value, float) and math.isfinite(value) else value


def list_or_empty(value: Any) -> Any:
    return value if isinstance(value, list) else []


def object_or_empty(value: Any) -> Any:
    """Return an object, empty where it is a list: PHP writes an object without fields as an empty list."""
    return {} if value is None or value == [] else value


Id: TypeAlias = Annotated[str | None, BeforeValidator(as_id)]
Text: TypeAlias = Annotated[str | None, BeforeValidator(blank_is_none)]
Amount: TypeAlias = Annotated[Decimal | None, BeforeValidator(blank_is_none)]
Moment: TypeAlias = Annotated[datetime | None, BeforeValidator(blank_is_none), AfterValidator(in_utc)]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Address(Model):
    """`email` and `phone` are in the billing address; a shipping address has at most a phone."""

    first_name: Text = None
    last_name: Text = None
    city: Text = None
    postcode: Text = None
    country: Text = None
    email: Text = None
    phone: Text = None


Place: TypeAlias = Annotated[Address, BeforeValidator(object_or_empty)]


class Customer(Model):
    id: Annotated[str, BeforeValidator(as_id)]
    email: Text = None
    first_name: Text = None
    last_name: Text = None
    date_created_gmt: Moment = None
    date_modified_gmt: Moment = None
    billing: Place = Address()
    shipping: Place = Address()


class LineItem(Model):
    """`total` is what the line comes to after discounts, without tax; `price` is that of one unit."""

    product_id: Id = None
    variation_id: Id = None
    sku: Text = None
    name: Text = None
    quantity: Annotated[int | None, BeforeValidator(whole)] = None
    price: Amount = None
    total: Amount = None


class Coupon(Model):
    code: Text = None


class Refund(Model):
    """`total` is negative."""

    total: Amount = None


class Order(Model):
    id: Annotated[str, BeforeValidator(as_id)]
    number: Text = None
    status: Text = None
    customer_id: Annotated[str | None, BeforeValidator(as_customer_id)] = None
    billing: Place = Address()
    shipping: Place = Address()
    date_created_gmt: Moment = None
    date_modified_gmt: Moment = None
    date_paid: Moment = None  # by the shop's clock: it says that there was a payment, not when
    date_paid_gmt: Moment = None
    date_completed_gmt: Moment = None
    currency: Text = None
    total: Amount = None
    discount_total: Amount = None
    shipping_total: Amount = None
    total_tax: Amount = None
    line_items: Annotated[tuple[LineItem, ...], FailFast(), BeforeValidator(list_or_empty)] = ()
    coupon_lines: Annotated[tuple[Coupon, ...], FailFast(), BeforeValidator(list_or_empty)] = ()
    refunds: Annotated[tuple[Refund, ...], FailFast(), BeforeValidator(list_or_empty)] = ()
    payment_method_title: Text = None
    created_via: Text = None
