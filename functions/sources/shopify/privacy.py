"""Say what the law asks a shop for: to erase a customer or all of them, or to show what is held of one. Pure.

https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
"""

from __future__ import annotations

from bridge.profiles.profile_change import Person, ProfileChange
from bridge.webhook import Webhook
from functions.sources.shopify.headers import is_test
from functions.sources.shopify.payloads import DeletedCustomer, PrivacyRequest
from functions.sources.shopify.references import customer_reference, order_reference


def deleted(webhook: Webhook) -> ProfileChange:
    """Return the change for a deleted record. Somebody in the shop deleted it: nobody says that the person wishes
    it."""
    customer = DeletedCustomer.model_validate_json(webhook.body)
    person = Person(email=customer.email, references=customer_reference(customer.id), provenance="owner")
    return ProfileChange(person, is_test=is_test(webhook), privacy="housekeeping")


def redacted(webhook: Webhook) -> ProfileChange:
    return ProfileChange(asked_for(webhook), is_test=is_test(webhook), privacy="erase")


def data_requested(webhook: Webhook) -> ProfileChange:
    return ProfileChange(asked_for(webhook), is_test=is_test(webhook), privacy="review")


def asked_for(webhook: Webhook) -> Person:
    """Return whom the request is about: the customer, and the orders named in it."""
    request = PrivacyRequest.model_validate_json(webhook.body)
    customer, orders = request.customer, (*request.orders_to_redact, *request.orders_requested)
    return Person(
        email=customer.email,
        references=(*customer_reference(customer.id), *map(order_reference, orders)),
        provenance="owner",
    )


def shop_redacted(webhook: Webhook) -> ProfileChange:
    """Return the erasure of a shop. The request comes 48 hours after the app was removed, and names the shop alone."""
    return ProfileChange(Person(), is_test=is_test(webhook), connection="erase")


def uninstalled(webhook: Webhook) -> ProfileChange:
    """Return the request to leave a connection. The body describes the shop and its owner: none of it is read."""
    return ProfileChange(Person(), is_test=is_test(webhook), connection="left")
