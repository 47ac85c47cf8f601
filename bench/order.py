"""A Shopify order of about 11.5 KB, as a shop with some line items sends it; each number is another customer's."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]

ORDERED_AT = "2026-08-14T10:12:31+02:00"
PAID_AT = "2026-08-14T10:13:05+02:00"
CURRENCY = "EUR"

# title, variant, SKU, price
GOODS = (
    ("Linen shirt", "Sand / M", "LINEN-SAND-M", "79.00"),
    ("Canvas belt", "Navy / 90", "BELT-NAVY-90", "35.00"),
    ("Wool socks", "Grey / 41-43", "SOCKS-GREY-41", "14.50"),
    ("Rain jacket", "Olive / L", "RAIN-OLIVE-L", "189.00"),
)


def order_body(number: int) -> bytes:
    """The body of `orders/paid` as it is sent."""
    return json.dumps(order(number), ensure_ascii=False, separators=(",", ":")).encode()


def order(number: int) -> Json:
    order_id, customer_id = 5_830_000_000_000 + number, 7_110_000_000_000 + number
    email = f"customer{number}@example.com"
    return {
        **identity(order_id, number, email),
        **amounts("current_subtotal_price", "317.50"),
        **amounts("current_total_discounts", "31.75"),
        **amounts("current_total_price", "291.65"),
        **amounts("current_total_tax", "48.61"),
        **amounts("subtotal_price", "285.75"),
        **amounts("total_discounts", "31.75"),
        **amounts("total_line_items_price", "317.50"),
        **amounts("total_price", "291.65"),
        **amounts("total_tax", "48.61"),
        "total_shipping_price_set": money("5.90"),
        "current_shipping_price_set": money("5.90"),
        "billing_address": address(),
        "shipping_address": address(),
        "customer": customer(customer_id, email),
        "discount_codes": [{"code": "SUMMER10", "amount": "31.75", "type": "percentage"}],
        "discount_applications": [
            {
                "target_type": "line_item",
                "type": "discount_code",
                "value": "10.0",
                "value_type": "percentage",
                "allocation_method": "across",
                "target_selection": "all",
                "code": "SUMMER10",
            }
        ],
        "line_items": [line_item(order_id + place, *good) for place, good in enumerate(GOODS)],
        "shipping_lines": [shipping_line(order_id)],
        "fulfillments": [],
        "refunds": [],
        "returns": [],
        "payment_terms": None,
    }


def identity(order_id: int, number: int, email: str) -> Json:
    """What the order is, and how it stands."""
    return {
        "id": order_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order_id}",
        "app_id": 580111,
        "browser_ip": "203.0.113.7",
        "buyer_accepts_marketing": True,
        "cancel_reason": None,
        "cancelled_at": None,
        "cart_token": f"cart{number:028d}",
        "checkout_id": order_id + 31,
        "checkout_token": f"checkout{number:024d}",
        "client_details": {
            "accept_language": "fr-FR",
            "browser_height": None,
            "browser_ip": "203.0.113.7",
            "browser_width": None,
            "session_hash": None,
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/142.0",
        },
        "closed_at": None,
        "confirmed": True,
        "contact_email": email,
        "created_at": ORDERED_AT,
        "currency": CURRENCY,
        "customer_locale": "fr-FR",
        "device_id": None,
        "email": email,
        "estimated_taxes": False,
        "financial_status": "paid",
        "fulfillment_status": None,
        "landing_site": "/collections/summer?utm_source=newsletter",
        "landing_site_ref": None,
        "location_id": None,
        "name": f"#{10_000 + number}",
        "note": None,
        "note_attributes": [{"name": "gift_wrap", "value": "no"}],
        "number": 9_000 + number,
        "order_number": 10_000 + number,
        "order_status_url": f"https://shop.example.com/orders/{number:032d}/authenticate",
        "payment_gateway_names": ["shopify_payments"],
        "phone": None,
        "po_number": None,
        "presentment_currency": CURRENCY,
        "processed_at": PAID_AT,
        "referring_site": "https://www.example.com/",
        "source_name": "web",
        "tags": "summer, newsletter",
        "tax_exempt": False,
        "tax_lines": [tax_line("48.61")],
        "taxes_included": True,
        "test": False,
        "token": f"{number:032d}",
        "total_outstanding": "0.00",
        "total_tip_received": "0.00",
        "total_weight": 1240,
        "updated_at": PAID_AT,
        "user_id": None,
    }


def amounts(name: str, amount: str) -> Json:
    """Shopify states most amounts twice."""
    return {name: amount, f"{name}_set": money(amount)}


def money(amount: str) -> Json:
    one = {"amount": amount, "currency_code": CURRENCY}
    return {"shop_money": one, "presentment_money": one}


def tax_line(amount: str) -> Json:
    return {
        "channel_liable": False,
        "price": amount,
        "price_set": money(amount),
        "rate": 0.2,
        "title": "FR TVA",
    }


def address() -> Json:
    return {
        "first_name": "Ada",
        "last_name": "Martin",
        "name": "Ada Martin",
        "company": None,
        "address1": "12 rue des Exemples",
        "address2": "Bâtiment B",
        "city": "Lyon",
        "zip": "69002",
        "province": None,
        "province_code": None,
        "country": "France",
        "country_code": "FR",
        "phone": "+33 1 99 00 12 34",
        "latitude": 45.75,
        "longitude": 4.83,
    }


def customer(customer_id: int, email: str) -> Json:
    return {
        "id": customer_id,
        "admin_graphql_api_id": f"gid://shopify/Customer/{customer_id}",
        "created_at": "2025-11-02T09:00:00+01:00",
        "updated_at": PAID_AT,
        "first_name": "Ada",
        "last_name": "Martin",
        "email": email,
        "phone": None,
        "state": "enabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "tax_exemptions": [],
        "currency": CURRENCY,
        "tags": "vip",
        "email_marketing_consent": {
            "state": "subscribed",
            "opt_in_level": "single_opt_in",
            "consent_updated_at": "2025-11-02T09:00:00+01:00",
        },
        "sms_marketing_consent": None,
        "default_address": {
            "id": customer_id + 17,
            "customer_id": customer_id,
            **address(),
            "country_name": "France",
            "default": True,
        },
    }


def line_item(item_id: int, title: str, variant: str, sku: str, price: str) -> Json:
    return {
        "id": item_id,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{item_id}",
        "attributed_staffs": [],
        "current_quantity": 1,
        "fulfillable_quantity": 1,
        "fulfillment_service": "manual",
        "fulfillment_status": None,
        "gift_card": False,
        "grams": 310,
        "name": f"{title} - {variant}",
        "price": price,
        "price_set": money(price),
        "product_exists": True,
        "product_id": item_id + 101,
        "properties": [],
        "quantity": 1,
        "requires_shipping": True,
        "sku": sku,
        "taxable": True,
        "title": title,
        "total_discount": "0.00",
        "total_discount_set": money("0.00"),
        "variant_id": item_id + 202,
        "variant_inventory_management": "shopify",
        "variant_title": variant,
        "vendor": "Example Atelier",
        "tax_lines": [tax_line("9.87")],
        "duties": [],
        "discount_allocations": [
            {"amount": "7.90", "amount_set": money("7.90"), "discount_application_index": 0}
        ],
    }


def shipping_line(order_id: int) -> Json:
    return {
        "id": order_id + 303,
        "carrier_identifier": None,
        "code": "standard",
        "discounted_price": "5.90",
        "discounted_price_set": money("5.90"),
        "is_removed": False,
        "phone": None,
        "price": "5.90",
        "price_set": money("5.90"),
        "source": "shopify",
        "title": "Standard",
        "tax_lines": [tax_line("0.98")],
        "discount_allocations": [],
    }
