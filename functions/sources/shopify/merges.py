"""Two customers that a shop has made one. Pure."""

from __future__ import annotations

from bridge.errors import Ignored
from bridge.profiles.profile_change import ProfileChange
from bridge.webhook import Webhook
from functions.sources.shopify.headers import is_test
from functions.sources.shopify.payloads import CustomerMerge
from functions.sources.shopify.references import customer_reference, known_by_id


def to_change(webhook: Webhook) -> ProfileChange:
    """Link the customer that is gone to the profile of the one that is kept. Raises Ignored."""
    merge = CustomerMerge.model_validate_json(webhook.body)
    if merge.status == "failed":
        raise Ignored("the merge failed")
    return ProfileChange(
        person=known_by_id(merge.kept_id),
        moves=customer_reference(merge.deleted_id),
        is_test=is_test(webhook),
        body_provenance="owner",
    )
