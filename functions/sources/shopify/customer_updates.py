"""Tags, number of orders and total spent: in topics of their own since 2025-01. Pure.

Each webhook mentions one moment: of the same moment as the customer's own topic, these win.
"""

from __future__ import annotations

from bridge.profiles import normalise
from bridge.profiles.profile_change import AttributeGroup, ProfileChange, Value, present
from bridge.webhook import Webhook
from functions.sources.shopify.headers import arrival, is_test
from functions.sources.shopify.payloads import ChangedTags, PurchasingSummary
from functions.sources.shopify.references import known_by_id


def tags_added(webhook: Webhook) -> ProfileChange:
    return changed_tags(webhook, "$add")


def tags_removed(webhook: Webhook) -> ProfileChange:
    return changed_tags(webhook, "$remove")


def changed_tags(webhook: Webhook, verb: str) -> ProfileChange:
    told = ChangedTags.model_validate_json(webhook.body)
    tags = [tag.strip() for tag in told.tags if tag.strip()]
    version = normalise.sortable(told.occurred_at or arrival(webhook)) + "|tags"
    attributes: dict[str, Value] = {"shopify_tags": {verb: tags}} if tags else {}
    return ProfileChange(
        person=known_by_id(told.customer_id),
        groups=(AttributeGroup("tags", version, attributes, provenance="owner"),),
        is_test=is_test(webhook),
        body_provenance="owner",
    )


def purchasing_summary(webhook: Webhook) -> ProfileChange:
    told = PurchasingSummary.model_validate_json(webhook.body)
    version = normalise.sortable(told.occurred_at or arrival(webhook)) + "|summary"
    currency = (told.spent.currency_code or "").upper()
    attributes: dict[str, Value] = {
        "orders_count": told.orders,
        "total_spent": told.spent.amount,
        "total_spent_currency": currency if told.spent.amount is not None else None,
    }
    return ProfileChange(
        person=known_by_id(told.customer_id),
        groups=(AttributeGroup("purchases", version, present(attributes), provenance="owner"),),
        is_test=is_test(webhook),
        body_provenance="owner",
    )
