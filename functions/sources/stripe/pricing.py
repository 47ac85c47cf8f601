"""Say what a subscription is for and what it costs. Pure, and exact: nothing is guessed where Stripe does not tell.

An amount is in the currency's smallest unit until it leaves this module. What is paid by use (metered) is left
out, as nobody knows it before; a price with tiers, or a list of items that goes on elsewhere, leaves no amount.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from bridge.profiles import normalise
from functions.sources.stripe.payloads import Coupon, Item, Packages, Price, Recurring, Subscription

PERIODS_A_YEAR = {"day": 365, "week": 52, "month": 12, "year": 1}
MONTHS_A_YEAR = 12
HALF = Fraction(1, 2)

ENDED_STATUSES = frozenset({"canceled", "incomplete_expired"})


@dataclass(frozen=True, slots=True)
class Charge:
    """Hold what one item costs each `count` intervals, before discounts."""

    amount: Decimal
    interval: str
    count: int

    def monthly(self, amount: Decimal) -> Fraction:
        """Return an amount of this item's period as one of a month."""
        return Fraction(amount) * PERIODS_A_YEAR[self.interval] / (MONTHS_A_YEAR * self.count)


def is_ended(subscription: Subscription) -> bool:
    """Return whether it is over for good. A scheduled cancellation is not."""
    return subscription.ended_at is not None or subscription.status in ENDED_STATUSES


def items(subscription: Subscription) -> tuple[Item, ...]:
    """Return its items; the oldest shapes have one, spread over the subscription."""
    if subscription.items.data or subscription.plan is None:
        return subscription.items.data
    return (Item(price=subscription.plan, quantity=subscription.quantity),)


def prices(subscription: Subscription) -> tuple[Price, ...]:
    """Return the prices of its items."""
    found = [item.price or item.plan for item in items(subscription)]
    return tuple(price for price in found if price)


def plan(subscription: Subscription) -> str | None:
    """Return what people call it: `Pro`, or `Pro + Extra seats` of several items."""
    names = dict.fromkeys(filter(None, (price_name(price) for price in prices(subscription))))
    return " + ".join(names) or None


def price_name(price: Price) -> str | None:
    """Return the price's nickname, else the name of the product, where the event has it, else the product's id."""
    product = price.product
    return price.nickname or price.name or (product and (product.name or product.id)) or price.id


def currency(subscription: Subscription) -> str | None:
    codes = (subscription.currency, *(price.currency for price in prices(subscription)))
    return next((code.upper() for code in codes if code), None)


def interval(subscription: Subscription) -> str | None:
    """Return `month`, or `3 months` where it is paid every three; None where its items differ."""
    found = {interval_words(price.recurring) for price in prices(subscription) if price.recurring}
    return found.pop() if len(found) == 1 else None


def interval_words(recurring: Recurring) -> str | None:
    count = recurring.interval_count or 1
    return f"{count} {recurring.interval}s" if recurring.interval and count > 1 else recurring.interval


def quantity(subscription: Subscription) -> int | None:
    """Return how many units of all its items are paid for."""
    if subscription.items.has_more:
        return None
    found = [item.quantity for item in items(subscription) if item.quantity is not None]
    return sum(found) if found else None


def amount(subscription: Subscription) -> Decimal | None:
    """Return what each period costs before discounts, in the major unit; None where its items' periods differ."""
    found = charges(subscription)
    if len({(charge.interval, charge.count) for charge in found}) != 1:
        return None
    return normalise.major_units(total(found), currency(subscription))


def total(found: Sequence[Charge]) -> Decimal:
    return sum((charge.amount for charge in found), Decimal(0))


def charges(subscription: Subscription) -> tuple[Charge, ...]:
    """Return what each licensed item costs; none where one of them does not tell."""
    if subscription.items.has_more:
        return ()
    found = [charge(item) for item in items(subscription) if not is_metered(item)]
    told = tuple(one for one in found if one)
    return told if len(told) == len(found) else ()


def is_metered(item: Item) -> bool:
    price = item.price or item.plan
    return bool(price and price.recurring and price.recurring.usage_type == "metered")


def charge(item: Item) -> Charge | None:
    """Return what one item costs a period; a line of an invoice is rounded to the smallest unit."""
    price = item.price or item.plan
    if price is None or price.recurring is None or price.billing_scheme == "tiered":
        return None
    unit = price.unit_amount if price.unit_amount_decimal is None else price.unit_amount_decimal
    name = price.recurring.interval
    if unit is None or name not in PERIODS_A_YEAR:
        return None
    units = packages(1 if item.quantity is None else item.quantity, price.transform_quantity)
    rounded = (unit * units).quantize(Decimal(1), ROUND_HALF_UP)
    return Charge(rounded, name, price.recurring.interval_count or 1)


def packages(count: int, sizes: Packages | None) -> int:
    """Return how many times the unit amount is due: for units sold by the dozen, the dozens."""
    if sizes is None or not sizes.divide_by:
        return count
    return -(-count // sizes.divide_by) if sizes.round == "up" else count // sizes.divide_by


def monthly(subscription: Subscription) -> Fraction | None:
    """Return what a month costs before discounts."""
    found = charges(subscription)
    return sum((one.monthly(one.amount) for one in found), Fraction(0)) if found else None


def mrr(subscription: Subscription) -> Decimal | None:
    """Return what a month brings after lasting discounts, in the major unit; 0 of a subscription that is ended."""
    if is_ended(subscription):
        return Decimal(0)
    month = monthly(subscription)
    if month is None:
        return None
    for coupon in lasting_coupons(subscription):
        month = max(Fraction(0), discounted(month, coupon, subscription))
    return normalise.major_units(math.floor(month + HALF), currency(subscription))


def lasting_coupons(subscription: Subscription) -> list[Coupon]:
    """Return the coupons that the event shows whole, but for those of one invoice only."""
    found = [*subscription.discounts]
    if subscription.discount and not found:
        found = [subscription.discount]
    coupons = [one.coupon or (one.source and one.source.coupon) for one in found]
    return [coupon for coupon in coupons if coupon and coupon.duration != "once"]


def discounted(month: Fraction, coupon: Coupon, subscription: Subscription) -> Fraction:
    """Return a month less the coupon. A fixed amount is off each invoice, so there must be one period."""
    if coupon.percent_off is not None:
        return month * (1 - Fraction(coupon.percent_off) / 100)
    found = charges(subscription)
    same = (coupon.currency or "").upper() == currency(subscription)
    if coupon.amount_off is None or not same or len({(one.interval, one.count) for one in found}) != 1:
        return month
    return month - found[0].monthly(coupon.amount_off)


def is_upgrade(before: Subscription, now: Subscription) -> bool | None:
    """Return whether a month costs more than before; None where it costs the same or cannot be compared."""
    was, becomes = monthly(before), monthly(now)
    if was is None or becomes is None or was == becomes or currency(before) != currency(now):
        return None
    return becomes > was
