"""Say whether a body allows the topic that it came under: WooCommerce signs the body alone. Pure.

No topic erases or changes consent, so a body is stopped only where it says otherwise.
"""

from __future__ import annotations

from bridge.confirmation import (
    ANOTHER_OBJECT,
    ONLY_AN_ID,
    Verdict,
    content_of,
    is_of_another_kind,
    kinds_by_field,
)
from bridge.settings import ConnectionSettings
from bridge.webhook import Webhook

# kind            fields that few other kinds have; those of kinds that are not mapped tell that a body is theirs
FIELDS_OF_KINDS = {
    "order": (
        "order_key customer_id line_items shipping_lines coupon_lines payment_method payment_method_title created_via"
        " customer_note cart_hash date_paid date_paid_gmt date_completed date_completed_gmt discount_total"
        " shipping_total total_tax billing shipping"
    ),
    "customer": ("username role is_paying_customer avatar_url email billing shipping"),
    "product": ("slug permalink regular_price catalog_visibility stock_status variations"),
    "coupon": ("discount_type usage_count usage_limit individual_use email_restrictions"),
}
KINDS_BY_FIELD = kinds_by_field(FIELDS_OF_KINDS)


def judge(webhook: Webhook, settings: ConnectionSettings) -> Verdict:
    """Compare the topic with the body. A deletion is not mapped, so its body need not confirm it."""
    del settings
    kind, _, action = webhook.topic.partition(".")
    if action == "deleted":
        return Verdict()
    content = content_of(webhook)
    if content.keys() == {"id"}:
        return Verdict(ONLY_AN_ID)
    return Verdict(ANOTHER_OBJECT if is_of_another_kind(content, kind, KINDS_BY_FIELD) else "")
