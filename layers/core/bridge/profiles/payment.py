"""Say whether a webhook proves that somebody paid. Pure.

What was typed at a checkout is the owner's word from then on, so what is not proven here stays a visitor's.
"""

from __future__ import annotations

from decimal import Decimal


def proves_payment(amount: Decimal | int | None, *, is_stated: bool) -> bool:
    """Return whether the provider states a payment, of an amount that is known and more than nothing.

    Each source says by which field its provider states one: `is_stated`. A status that an order also has while its
    money is still to come states none. What costs nothing anybody can order, and an amount that a subscription leaves
    out is no amount.
    """
    return is_stated and amount is not None and amount > 0
