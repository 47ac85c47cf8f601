"""Whose a webhook is, as far as its body tells. Pure.

What names someone (an e-mail, a customer) leads its order and its checkout to that person; what names nobody
waits until they lead somewhere.
"""

from __future__ import annotations

from bridge.profile import Person
from functions.shopify.models import Customer, Purchase


def customer_person(customer: Customer) -> Person:
    return Person(
        user_id=metafield_user_id(customer),
        email=customer.email,
        source_id=f"shopify:{customer.id}" if customer.id else None,
        references=customer_reference(customer.id),
    )


def known_by_id(customer_id: str, email: str | None = None) -> Person:
    """A customer of whom the body has the id, and hardly ever an e-mail."""
    return Person(
        email=email,
        source_id=f"shopify:{customer_id}",
        references=customer_reference(customer_id),
        named_elsewhere=not email,
    )


def known_by_order(order_id: str, email: str | None = None) -> Person:
    """Someone of whom the body has an order of theirs, and hardly ever an e-mail."""
    return Person(
        email=email,
        source_id=f"shopify:order:{order_id}",
        references=(order_reference(order_id),),
        named_elsewhere=not email,
    )


def customer_reference(customer_id: str | None) -> tuple[str, ...]:
    return (f"shopify:customer:{customer_id}",) if customer_id else ()


def order_reference(order_id: str) -> str:
    return f"shopify:order:{order_id}"


def checkout_reference(token: str | None) -> tuple[str, ...]:
    return (f"shopify:checkout:{token}",) if token else ()


def purchase_email(purchase: Purchase | None) -> str | None:
    return (purchase.email or purchase.contact_email) if purchase else None


def user_id(purchase: Purchase) -> str | None:
    """The account id that the shop gave: of the purchase, else of its customer."""
    return note_user_id(purchase) or metafield_user_id(purchase.customer or Customer())


def note_user_id(purchase: Purchase) -> str | None:
    """The note attribute `user_id` that a theme can set at checkout."""
    found = [note.value for note in purchase.note_attributes if note.name == "user_id" and note.value]
    return str(found[0]) if found else None


def metafield_user_id(customer: Customer) -> str | None:
    """The customer's metafield `user_id`, where the subscription asks for metafields."""
    found = [field.value for field in customer.metafields if field.key == "user_id" and field.value]
    return str(found[0]) if found else None
