"""A mapping of a paid order written by hand, as a script has it that checks nothing: a baseline."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any


def as_bytes(operations: list[dict[str, Any]]) -> bytes:
    return json.dumps(operations, ensure_ascii=False, separators=(",", ":")).encode()


def operation(order: dict[str, Any]) -> dict[str, Any]:
    """Return the operation that `DeliveryPipeline` makes of a paid order, as a script would that checks nothing."""
    email = order["customer"]["email"].strip().lower()
    return {
        "identifiers": {"custom_id": hashlib.sha256(email.encode()).hexdigest()},
        "attributes": {
            "last_order_id": str(order["id"]),
            "last_order_name": order["name"],
            "date(last_order_at)": in_utc(order["created_at"]),
            "last_order_total": float(order["current_total_price"]),
            "last_order_currency": order["currency"],
            "last_order_status": "paid",
        },
        "events": [{"name": "order_paid", "attributes": event(order)}],
    }


def event(order: dict[str, Any]) -> dict[str, Any]:
    address = order["shipping_address"]
    return {
        "date(occurred_at)": in_utc(order["processed_at"]),
        "$label": order["name"],
        "$tags": order["tags"].split(", "),
        "order_id": str(order["id"]),
        "order_name": order["name"],
        "amount": float(order["current_total_price"]),
        "currency": order["currency"],
        "subtotal": float(order["current_subtotal_price"]),
        "discount_amount": float(order["current_total_discounts"]),
        "shipping_amount": float(order["total_shipping_price_set"]["shop_money"]["amount"]),
        "tax_amount": float(order["current_total_tax"]),
        "items_count": sum(item["quantity"] for item in order["line_items"]),
        "items": [
            {
                "product_id": str(item["product_id"]),
                "variant_id": str(item["variant_id"]),
                "sku": item["sku"],
                "name": item["title"],
                "variant": item["variant_title"],
                "vendor": item["vendor"],
                "quantity": item["quantity"],
                "unit_price": float(item["price"]),
            }
            for item in order["line_items"]
        ],
        "discount_codes": [code["code"] for code in order["discount_codes"]],
        "payment_methods": order["payment_gateway_names"],
        "channel": order["source_name"],
        "url(order_status)": order["order_status_url"],
        "date(ordered_at)": in_utc(order["created_at"]),
        "delivery_address": {
            "city": address["city"],
            "zip_code": address["zip"],
            "country": address["country_code"],
        },
    }


def in_utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat().replace("+00:00", "Z")
