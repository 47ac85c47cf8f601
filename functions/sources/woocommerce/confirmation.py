"""Say whether a body allows the topic that it came under: WooCommerce signs the body alone. Pure.

WooCommerce lets nobody choose fields, so a body has all that its kind has. Plugins add fields, and whole kinds: of an
order's fields a subscription has most, and some of its own.
https://woocommerce.github.io/woocommerce-rest-api-docs/
https://woocommerce.github.io/subscriptions-rest-api-docs/
https://godaddy-wordpress.github.io/woocommerce-memberships-rest-api-docs/
"""

from __future__ import annotations

from bridge.receiving.confirmation import (
    ANOTHER_OBJECT,
    NOT_CONFIRMED,
    ONLY_AN_ID,
    Verdict,
    content_of,
    is_of_another_kind,
    kinds_by_field,
    lacks,
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
    "subscription": "billing_period billing_interval next_payment_date_gmt trial_end_date_gmt resubscribed_from",
    "membership": "plan_id cancelled_date_gmt paused_date_gmt",
    "membership plan": "access_method has_access_length access_length_type",
    "review": "reviewer reviewer_email reviewer_avatar_urls",
    "refund": "refunded_by refunded_payment api_refund",
    "booking": "all_day order_item_id person_counts google_calendar_event_id",
    "coupon": ("discount_type usage_count usage_limit individual_use email_restrictions"),
}
# kind            fields that each of its bodies has, in versions v2 and v3 of the API
FIELDS_OF_EVERY = {
    "order": frozenset(
        {
            "id",
            "order_key",
            "created_via",
            "line_items",
            "billing",
            "customer_id",
            "transaction_id",
            "refunds",
        }
    ),
    "customer": frozenset({"id", "username", "role", "is_paying_customer", "avatar_url", "billing"}),
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
    if is_of_another_kind(content, kind, KINDS_BY_FIELD):
        return Verdict(ANOTHER_OBJECT)
    return Verdict(NOT_CONFIRMED if lacks(content, FIELDS_OF_EVERY[kind]) else "")
