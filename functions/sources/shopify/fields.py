"""All fields that Shopify's objects have at the first level, in API versions 2023-01 to 2026-04. Values only.

https://shopify.dev/docs/api/webhooks
"""

from __future__ import annotations

OF_ANY = "id admin_graphql_api_id created_at updated_at metafields"
"""Fields of most objects; `metafields` where the subscription asks for them."""

WHOLE_KINDS = {
    "Order": (
        "app_id billing_address browser_ip buyer_accepts_marketing cancel_reason cancelled_at cart_token"
        " checkout_id checkout_token client_details closed_at confirmation_number confirmed contact_email"
        " currency current_shipping_price_set current_subtotal_price current_subtotal_price_set"
        " current_total_additional_fees_set current_total_discounts current_total_discounts_set"
        " current_total_duties_set current_total_price current_total_price_set current_total_tax"
        " current_total_tax_set customer customer_locale device_id discount_applications discount_codes"
        " duties_included email estimated_taxes financial_status fulfillment_status fulfillments"
        " landing_site landing_site_ref line_item_groups line_items location_id"
        " merchant_business_entity_id merchant_of_record_app_id name note note_attributes number"
        " order_number order_status_url original_total_additional_fees_set original_total_duties_set"
        " payment_gateway_names payment_terms phone po_number presentment_currency processed_at reference"
        " referring_site refunds returns shipping_address shipping_lines source_identifier source_name"
        " source_url subtotal_price subtotal_price_set tags tax_exempt tax_lines taxes_included test token"
        " total_cash_rounding_payment_adjustment_set total_cash_rounding_refund_adjustment_set"
        " total_discounts total_discounts_set total_line_items_price total_line_items_price_set"
        " total_outstanding total_price total_price_set total_shipping_price_set total_tax total_tax_set"
        " total_tip_received total_weight user_id"
    ),
    "Checkout": (
        "abandoned_checkout_url billing_address buyer_accepts_marketing buyer_accepts_sms_marketing"
        " cart_token closed_at completed_at contact_email currency customer customer_locale device_id discount_codes"
        " email gateway landing_site line_items location_id name note note_attributes phone"
        " presentment_currency referring_site reservation_token shipping_address shipping_lines"
        " sms_marketing_phone source source_identifier source_name source_url subtotal_price tax_lines"
        " taxes_included token total_discounts total_duties total_line_items_price total_price total_tax"
        " total_weight user_id"
    ),
    "Customer": (
        "accepts_marketing accepts_marketing_updated_at addresses currency default_address email"
        " email_marketing_consent first_name last_name"
        " last_order_id last_order_name multipass_identifier note orders_count phone sms_marketing_consent"
        " state tags tax_exempt tax_exemptions total_spent verified_email"
    ),
    "Refund": (
        "duties note order_adjustments order_id processed_at refund_line_items refund_shipping_lines"
        " restock return total_duties_set transactions user_id"
    ),
    "Fulfillment": (
        "destination email line_items location_id name order_id origin_address receipt service"
        " shipment_status status tracking_company tracking_number tracking_numbers tracking_url"
        " tracking_urls"
    ),
    "FulfillmentEvent": (
        "address1 city country estimated_delivery_at fulfillment_id happened_at latitude longitude"
        " message order_id province shop_id status zip"
    ),
}
WHOLE = {kind: frozenset(f"{OF_ANY} {names}".split()) for kind, names in WHOLE_KINDS.items()}
"""Kind of object → every field that it may have, with any of them left out."""
