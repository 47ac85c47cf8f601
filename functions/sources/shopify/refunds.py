"""Money given back. A refund names only its order. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from bridge.errors import Ignored
from bridge.profiles import normalise
from bridge.profiles.profile_change import Event, ProfileChange, Value, present
from bridge.webhook import Webhook
from functions.sources.shopify.headers import arrival, is_test
from functions.sources.shopify.line_items import item_attributes
from functions.sources.shopify.orders import total_name
from functions.sources.shopify.payloads import LineItem, Refund, Transaction
from functions.sources.shopify.references import known_by_order


def to_change(webhook: Webhook) -> ProfileChange:
    """Raises Ignored where no money was given back: goods put back in stock, an attempt that failed."""
    refund = Refund.model_validate_json(webhook.body)
    given = [one for one in refund.transactions if one.kind == "refund" and one.status == "success"]
    if not given:
        raise Ignored("no money was given back")
    amount = sum((one.amount for one in given if one.amount is not None), Decimal())
    code = currency(given)
    total = total_name(refund.order_id, code)
    time = refund.created_at or arrival(webhook)

    def completed(known: Mapping[str, str]) -> tuple[Event, ...]:
        is_full = is_all(amount, known.get(total))
        return (Event("order_refunded", time, attributes(refund, amount, code, is_full)),)

    return ProfileChange(
        person=known_by_order(refund.order_id),
        is_test=is_test(webhook) or any(one.test for one in given),
        recall=(total,),
        awaits=(total,) if code else (),
        completed=completed,
        body_provenance="owner",
    )


def currency(given: list[Transaction]) -> str:
    """Return the currency of the payment, which is the buyer's."""
    return next((one.currency.upper() for one in given if one.currency), "")


def is_all(amount: Decimal, total: str | None) -> bool | None:
    """Return whether this refund alone gives all of the order back; None where the order's total is not known."""
    known = normalise.decimal(total)
    return None if known is None else amount >= known


def attributes(refund: Refund, amount: Decimal, code: str, is_full: bool | None) -> dict[str, Value]:
    lines = [
        item_attributes((line.line_item or LineItem()).model_copy(update={"quantity": line.quantity}))
        for line in refund.refund_line_items
    ]
    stated: dict[str, Value] = {
        "order_id": refund.order_id,
        "amount": amount,
        "currency": code,
        "items": lines,
        "is_full": is_full,
    }
    return present(stated)
