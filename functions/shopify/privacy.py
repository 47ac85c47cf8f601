"""What the law asks a shop for: to erase a customer, or to show what is held of one. Pure.

https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
"""

from __future__ import annotations

from bridge.errors import Ignored
from bridge.profile import Person, ProfileChange
from bridge.webhook import Webhook
from functions.shopify.models import DeletedCustomer, PrivacyRequest
from functions.shopify.people import customer_reference, order_reference
from functions.shopify.sending import is_test


def deleted(webhook: Webhook) -> ProfileChange:
    customer = DeletedCustomer.model_validate_json(webhook.body)
    person = Person(email=customer.email, references=customer_reference(customer.id))
    return ProfileChange(person, is_test=is_test(webhook), privacy="erase")


def redacted(webhook: Webhook) -> ProfileChange:
    return ProfileChange(asked_for(webhook), is_test=is_test(webhook), privacy="erase")


def data_requested(webhook: Webhook) -> ProfileChange:
    return ProfileChange(asked_for(webhook), is_test=is_test(webhook), privacy="review")


def asked_for(webhook: Webhook) -> Person:
    """Whom the request is about: the customer, and whoever the orders named in it lead to."""
    request = PrivacyRequest.model_validate_json(webhook.body)
    customer, orders = request.customer, (*request.orders_to_redact, *request.orders_requested)
    return Person(
        email=customer.email,
        references=(*customer_reference(customer.id), *map(order_reference, orders)),
    )


def shop_redacted(webhook: Webhook) -> ProfileChange:
    """A whole shop is no person: neither the ledger nor Batch can find all profiles of one. Raises Ignored."""
    del webhook
    raise Ignored("a whole shop is erased by hand: see docs/privacy.md")
