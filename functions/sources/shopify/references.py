"""Say whose a webhook is, as far as its body tells. Pure.

What names someone (an e-mail, a customer) leads its order and its checkout to that person; what names nobody
waits until they lead somewhere.
"""

from __future__ import annotations

from decimal import Decimal

from bridge.placeholders import name_in
from bridge.profiles.payment import proves_payment
from bridge.profiles.profile_change import Person, Provenance
from functions.sources.shopify.payloads import Customer, Order, Purchase

PAID = frozenset({"paid", "partially_refunded", "refunded"})
"""Financial status of an order that was paid, whatever was given back since."""


def customer_person(customer: Customer) -> Person:
    return Person(
        user_id=metafield_user_id(customer),
        email=customer.email,
        source_id=f"shopify:{customer.id}" if customer.id else None,
        references=customer_reference(customer.id),
        provenance="owner",
        customer=recorded(customer),
    )


def known_by_id(customer_id: str, email: str | None = None) -> Person:
    """Return a customer of whom the body has the id, and hardly ever an e-mail."""
    return Person(
        email=email,
        source_id=f"shopify:{customer_id}",
        references=customer_reference(customer_id),
        named_elsewhere=not email,
        provenance="owner",
        customer=f"shopify:customer:{customer_id}",
    )


def known_by_order(order_id: str, email: str | None = None) -> Person:
    """Return someone of whom the body has an order of theirs, and hardly ever an e-mail."""
    return Person(
        email=email,
        source_id=f"shopify:order:{order_id}",
        references=(order_reference(order_id),),
        named_elsewhere=not email,
        provenance="owner",
    )


def customer_reference(customer_id: str | None) -> tuple[str, ...]:
    return (f"shopify:customer:{customer_id}",) if customer_id else ()


def order_reference(order_id: str) -> str:
    return f"shopify:order:{order_id}"


def checkout_reference(token: str | None) -> tuple[str, ...]:
    return (f"shopify:checkout:{token}",) if token else ()


def purchase_email(purchase: Purchase | None) -> str | None:
    return (purchase.email or purchase.contact_email) if purchase else None


def recorded(customer: Customer | None) -> str | None:
    """Return the reference of the shop's own record of the customer, if there is one."""
    named = name_in(customer.id) if customer else None
    return f"shopify:customer:{named}" if named else None


def is_paid(purchase: Purchase | None) -> bool:
    """Return whether somebody paid for it: an order that costs nothing is `paid` too, and proves nothing."""
    if not isinstance(purchase, Order):
        return False
    return proves_payment(ordered_total(purchase), is_stated=purchase.financial_status in PAID)


def ordered_total(order: Order) -> Decimal | None:
    """Return what the order came to when it was placed, as far as the subscription asks for it.

    `current_total_price` shrinks with each refund: more than nothing tells enough, and 0 does not tell whether the
    order was free or has been given back in full.
    """
    in_shop = order.total_price_set.shop_money.amount if order.total_price_set else None
    stated = (order.total_price, in_shop, order.current_total_price)
    return next((amount for amount in stated if amount is not None), None)


def provenance(purchase: Purchase) -> Provenance:
    """Return who states whose purchase it is: the shop, by its own record of the customer, or once it was paid."""
    customer = purchase.customer
    by_record = recorded(customer) and (not purchase_email(purchase) or (customer and customer.email))
    return "owner" if by_record or is_paid(purchase) else "visitor"


def user_id(purchase: Purchase) -> str | None:
    """Return the account id that the shop states: that of its customer. What a cart says is a visitor's claim."""
    return metafield_user_id(purchase.customer or Customer())


def note_value(purchase: Purchase, name: str) -> str | None:
    """Return a note attribute, such as the `user_id` that a theme sets in the cart: whoever has the cart may set it
    too."""
    found = [note.value for note in purchase.note_attributes if note.name == name and note.value is not None]
    return str(found[0]) if found else None


def metafield_user_id(customer: Customer) -> str | None:
    """Return the customer's metafield `user_id`, where the subscription asks for metafields."""
    found = [field.value for field in customer.metafields if field.key == "user_id" and field.value]
    return str(found[0]) if found else None
