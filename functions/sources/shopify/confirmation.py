"""Say whether a body allows the topic that it came under: Shopify signs the body alone. Pure.

What erases, merges, leaves or changes consent needs the body's own word for it. Everything else is stopped where the
body says otherwise, or where nothing in it is this kind's own and something is foreign to it: a subscription may leave
any field out.
https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from bridge.receiving.confirmation import (
    ANOTHER_OBJECT,
    NOT_CONFIRMED,
    ONLY_AN_ID,
    Verdict,
    content_of,
    is_of_another_kind,
    is_of_no_known_kind,
    kinds_by_field,
)
from bridge.settings import ConnectionSettings
from bridge.webhook import Webhook
from functions.sources.shopify.fields import WHOLE
from functions.sources.shopify.headers import is_test, shop_of

Content: TypeAlias = Mapping[str, Any]

ANOTHER_STATE = "the order's own fields say otherwise"
ANOTHER_SHOP = "the shop is not the setting shop_domain"

# kind of object       fields that few kinds have: none with a name such as `status`, which any may get one day.
# Those of kinds that are not mapped tell that a body is one of theirs.
FIELDS_OF_KINDS = {
    "Order": (
        "financial_status fulfillment_status order_number order_status_url cancelled_at cancel_reason checkout_token"
        " checkout_id confirmation_number current_total_price payment_gateway_names fulfillments customer line_items"
        " token cart_token buyer_accepts_marketing"
    ),
    "Checkout": (
        "abandoned_checkout_url completed_at buyer_accepts_sms_marketing sms_marketing_phone reservation_token"
        " customer line_items token cart_token buyer_accepts_marketing"
    ),
    "Customer": (
        "orders_count total_spent verified_email multipass_identifier last_order_id last_order_name default_address"
        " accepts_marketing addresses tax_exemptions email_marketing_consent sms_marketing_consent"
    ),
    "EmailConsent": "email_address email_marketing_consent",
    "SmsConsent": "sms_marketing_consent",
    "ChangedTags": "customerId occurredAt",
    "PurchasingSummary": "customerId occurredAt numberOfOrders amountSpent lastOrderId",
    "CustomerMerge": (
        "admin_graphql_api_customer_kept_id admin_graphql_api_customer_deleted_id admin_graphql_api_job_id"
    ),
    "OrderEdit": "order_edit",
    "Refund": "order_id refund_line_items transactions order_adjustments restock",
    "Fulfillment": (
        "order_id line_items tracking_company tracking_number tracking_numbers tracking_url tracking_urls"
        " shipment_status"
    ),
    "FulfillmentEvent": "order_id fulfillment_id happened_at estimated_delivery_at shop_id",
    "Shop": "shop_owner plan_name plan_display_name myshopify_domain money_format iana_timezone",
    "ShopRedaction": "shop_id shop_domain",
    "Redaction": "shop_id shop_domain customer orders_to_redact",
    "DataRequest": "shop_id shop_domain customer orders_requested data_request",
    "DraftOrder": "order_id invoice_url invoice_sent_at applied_discount",
    "Transaction": "order_id kind authorization payment_id parent_id",
    "Contract": "origin_order_id billing_policy revision_id",
    "Segment": "segment_id segmentId customerId shop_id",
    "Scopes": "shop_id",
}
KINDS_BY_FIELD = kinds_by_field(FIELDS_OF_KINDS)

# topic                         kind of object
KINDS = {
    "orders/create": "Order",
    "orders/paid": "Order",
    "orders/updated": "Order",
    "orders/edited": "OrderEdit",
    "orders/partially_fulfilled": "Order",
    "orders/fulfilled": "Order",
    "orders/cancelled": "Order",
    "refunds/create": "Refund",
    "fulfillments/create": "Fulfillment",
    "fulfillments/update": "Fulfillment",
    "fulfillment_events/create": "FulfillmentEvent",
    "checkouts/create": "Checkout",
    "checkouts/update": "Checkout",
    "customers/create": "Customer",
    "customers/update": "Customer",
    "customers/enable": "Customer",
    "customers/disable": "Customer",
    "customers/merge": "CustomerMerge",
    "customers/delete": "Customer",
    "customers/redact": "Redaction",
    "customers/data_request": "DataRequest",
    "shop/redact": "ShopRedaction",
    "app/uninstalled": "Shop",
    "customers/purchasing_summary": "PurchasingSummary",
    "customer.tags_added": "ChangedTags",
    "customer.tags_removed": "ChangedTags",
    "customers_email_marketing_consent/update": "EmailConsent",
    "customers_marketing_consent/update": "SmsConsent",
}

DELETION = "customers/delete"

EMPTIED = frozenset({"addresses", "tax_exemptions"})
"""What stays of a customer who was deleted, beside the id, without content."""
SHAPE_OF_A_DELETION = EMPTIED | {
    *("id", "phone", "email_marketing_consent", "sms_marketing_consent", "admin_graphql_api_id"),
}
OF_A_LIVING_CUSTOMER = frozenset(
    {
        *(
            "created_at",
            "updated_at",
            "state",
            "email",
            "first_name",
            "last_name",
            "tags",
            "note",
            "currency",
        ),
        *("verified_email", "orders_count", "total_spent", "default_address", "accepts_marketing"),
    }
)
CONSENTS = ("email_marketing_consent", "sms_marketing_consent")


def judge(webhook: Webhook, settings: ConnectionSettings) -> Verdict:
    """Compare the topic with the body. With `test_events`, the state of what the body calls a test says nothing."""
    content = content_of(webhook)
    is_test_order = content.get("test") is True
    doubt = (
        doubt_about_shop(webhook, content, settings.shop_domain)
        or doubt_about_kind(content, webhook.topic)
        or ("" if is_test_order else doubt_about_state(content, webhook.topic))
    )
    return Verdict(doubt, is_test(webhook) or is_test_order)


def doubt_about_shop(webhook: Webhook, content: Content, shop_domain: str | None) -> str:
    """Return a doubt where the connection is one shop's and anything names another shop."""
    named = (shop_of(webhook), content.get("shop_domain"), content.get("myshopify_domain"))
    return ANOTHER_SHOP if shop_domain and any(one not in (None, shop_domain) for one in named) else ""


def doubt_about_kind(content: Content, topic: str) -> str:
    """Return what the body is, by its global id and by its fields; where it matters, it has to be that."""
    kind = KINDS[topic]
    if content.keys() == {"id"}:
        return ONLY_AN_ID
    if type_of(content) not in (None, kind) or is_of_another_kind(content, kind, KINDS_BY_FIELD):
        return ANOTHER_OBJECT
    if is_cart(content):
        return ANOTHER_OBJECT
    if (
        kind in WHOLE
        and topic != DELETION
        and is_of_no_known_kind(content, kind, KINDS_BY_FIELD, WHOLE[kind])
    ):
        return NOT_CONFIRMED
    confirms = CONFIRMING.get(topic)
    return NOT_CONFIRMED if confirms and not confirms(content) else ""


def type_of(content: Content) -> str | None:
    """Return `Order` of `gid://shopify/Order/1`; None where the body has no global id."""
    stated = content.get("admin_graphql_api_id")
    return str(stated).removeprefix("gid://shopify/").partition("/")[0] if stated else None


def is_cart(content: Content) -> bool:
    """Return whether a body is a cart's: its id is its token, and every other id is a number."""
    identifier = content.get("id")
    return isinstance(identifier, str) and not identifier.isdecimal()


# ── What needs the body's own word ──────────────────────────────────────────────────────────────────────


def is_deleted_customer(content: Content) -> bool:
    """Return a customer of whom nothing is left but the id, and empty lists."""
    return (
        type_of(content) == "Customer"
        and content.keys() >= EMPTIED
        and not content["addresses"]
        and not content.keys() & OF_A_LIVING_CUSTOMER
    )


def is_redaction(content: Content) -> bool:
    return is_about_shop(content) and is_object(content, "customer") and "orders_to_redact" in content


def is_data_request(content: Content) -> bool:
    return is_about_shop(content) and is_object(content, "customer") and "orders_requested" in content


def is_shop_redaction(content: Content) -> bool:
    """Return whether a body has the shop's two names and nothing else."""
    return is_about_shop(content) and content.keys() == {"shop_id", "shop_domain"}


def is_about_shop(content: Content) -> bool:
    """Return whether a body is a privacy request: it names the shop, and has no id of its own."""
    return bool(content.get("shop_id") and content.get("shop_domain")) and "id" not in content


def is_shop(content: Content) -> bool:
    """Return the shop itself. `shop/update` has the same fields: nothing is stopped or erased by this."""
    return bool(content.get("id")) and bool(content.keys() & {"shop_owner", "plan_name", "myshopify_domain"})


def is_merge(content: Content) -> bool:
    return all(
        str(content.get(f"admin_graphql_api_customer_{which}_id")).startswith("gid://shopify/Customer/")
        for which in ("kept", "deleted")
    )


def is_email_consent(content: Content) -> bool:
    return bool(content.get("customer_id")) and is_object(content, "email_marketing_consent")


def is_sms_consent(content: Content) -> bool:
    """Return whether a body is a consent to SMS: a customer has this field too, and others beside it."""
    is_whole = type_of(content) or content.keys() & (OF_A_LIVING_CUSTOMER | EMPTIED)
    return bool(content.get("id")) and is_object(content, "sms_marketing_consent") and not is_whole


def is_customer(content: Content) -> bool:
    """Return whether a body is a customer's, by its global id or its other fields; not one that was deleted."""
    if EMPTIED <= content.keys() <= SHAPE_OF_A_DELETION:
        return False
    has_consent = any(content.get(name) is not None for name in (*CONSENTS, "accepts_marketing"))
    is_named = type_of(content) == "Customer" or bool(content.keys() & OF_A_LIVING_CUSTOMER)
    return is_named or not has_consent


def is_summary(content: Content) -> bool:
    """Return the customer's tags name the same customer and moment."""
    return not content.keys().isdisjoint({"numberOfOrders", "amountSpent", "lastOrderId"})


def is_change_of_tags(content: Content) -> bool:
    return bool(content.get("customerId")) and isinstance(content.get("tags"), list)


def is_edit(content: Content) -> bool:
    return is_object(content, "order_edit")


def is_object(content: Content, name: str) -> bool:
    return isinstance(content.get(name), dict)


# topic                                        what confirms it
CONFIRMING: Mapping[str, Callable[[Content], bool]] = {
    DELETION: is_deleted_customer,
    "customers/redact": is_redaction,
    "customers/data_request": is_data_request,
    "shop/redact": is_shop_redaction,
    "app/uninstalled": is_shop,
    "customers/merge": is_merge,
    "customers_email_marketing_consent/update": is_email_consent,
    "customers_marketing_consent/update": is_sms_consent,
    "customers/purchasing_summary": is_summary,
    "customer.tags_added": is_change_of_tags,
    "customer.tags_removed": is_change_of_tags,
    "orders/edited": is_edit,
    "customers/create": is_customer,
    "customers/update": is_customer,
    "customers/enable": is_customer,
    "customers/disable": is_customer,
}

# ── What an order says of itself ────────────────────────────────────────────────────────────────────────

PAID = frozenset({"paid", "partially_refunded", "refunded"})

# topic                         field                  what it has to say, where it is there
STATES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "orders/paid": ("financial_status", lambda value: value in PAID),
    "orders/fulfilled": ("fulfillment_status", lambda value: value == "fulfilled"),
    "orders/partially_fulfilled": ("fulfillment_status", lambda value: value == "partial"),
    "orders/cancelled": ("cancelled_at", bool),
}


def doubt_about_state(content: Content, topic: str) -> str:
    """Return why the state does not allow the topic. Paid, fulfilled and cancelled are in the order's own fields;
    absence alone contradicts nothing."""
    if topic not in STATES:
        return ""
    name, is_so = STATES[topic]
    return ANOTHER_STATE if name in content and not is_so(content[name]) else ""
