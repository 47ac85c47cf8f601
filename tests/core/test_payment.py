"""A payment is proven by the provider's own statement and an amount above nothing, never by one of them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.profiles.payment import proves_payment


@pytest.mark.parametrize(
    ("amount", "is_proven"),
    [
        (Decimal("85.08"), True),
        (Decimal("0.01"), True),
        (1, True),
        (Decimal("0.00"), False),
        (0, False),
        (Decimal("-10.00"), False),
        (None, False),
    ],
)
def test_a_payment_is_stated_and_of_a_known_amount_above_nothing(
    amount: Decimal | int | None, is_proven: bool
) -> None:
    assert proves_payment(amount, is_stated=True) is is_proven
    assert proves_payment(amount, is_stated=False) is False
