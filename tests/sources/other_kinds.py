"""Bodies of kinds that no mapping reads, made by hand after the vendors' references: a stranger may sign off any.

https://shopify.dev/docs/api/webhooks
"""

from __future__ import annotations

from typing import Any

AT = "2026-09-01T08:00:00Z"
DATES = {"created_at": AT, "updated_at": AT}

KINDS: dict[str, dict[str, dict[str, Any]]] = {
    "shopify": {
        "domain": {
            "id": 7,
            "host": "tea.example.com",
            "ssl_enabled": True,
            "localization": {"country": None},
        },
        "saved search": {"id": 7, "name": "Ada", "query": "ada@example.com", **DATES},
        "product": {
            "id": 7,
            "title": "Tea",
            "vendor": "Ada",
            "handle": "tea",
            "tags": "",
            "variants": [],
            **DATES,
        },
        "collection": {"id": 7, "handle": "tea", "title": "Tea", "updated_at": AT, "sort_order": "manual"},
        "location": {"id": 7, "name": "Ada", "address1": "1 Tea St", "phone": None, "active": True, **DATES},
        "company": {"name": "Ada", "note": None, "external_id": None, "id": 7, **DATES},
        "gift card": {
            "id": 7,
            "balance": "5.00",
            "currency": "EUR",
            "customer_id": 9,
            "order_id": 8,
            **DATES,
        },
        "price rule": {"id": 7, "title": "TEA", "status": "ACTIVE", **DATES},
        "billing attempt": {
            "id": 7,
            "idempotency_key": "k",
            "order_id": 8,
            "ready": True,
            "error_code": None,
        },
        "payment method": {
            "customer_id": 9,
            "instrument_type": "CustomerCreditCard",
            "payment_instrument": {},
        },
        "fulfillment order": {"fulfillment_order": {"id": 7, "status": "open"}},
        "inventory level": {"inventory_item_id": 7, "location_id": 8, "available": 1, "updated_at": AT},
        "inventory item": {"id": 7, "sku": "tea", "tracked": True, "cost": None, **DATES},
        "theme": {"id": 7, "name": "Ada", "role": "main", "processing": False, **DATES},
        "tender transaction": {
            "id": 7,
            "order_id": 8,
            "amount": "5.00",
            "currency": "EUR",
            "processed_at": AT,
            "payment_method": "credit_card",
            "test": False,
        },
        "dispute": {
            "id": 7,
            "order_id": 8,
            "type": "chargeback",
            "amount": "5.00",
            "currency": "EUR",
            "reason": "fraudulent",
            "status": "won",
            "finalized_on": AT,
        },
        "market": {"id": 7, "name": "Ada", "enabled": True, "regions": [], "status": "active"},
        "metaobject": {"id": 7, "type": "author", "handle": "ada", "fields": {"name": "Ada"}, **DATES},
        "bulk operation": {"status": "completed", "type": "query", "completed_at": AT, "created_at": AT},
        "app subscription": {"app_subscription": {"name": "Ada", "status": "ACTIVE", **DATES}},
        "risk": {
            "provider_id": 7,
            "order_id": 8,
            "risk_level": "low",
            "provider_title": "Ada",
            "created_at": AT,
        },
        "selling plan group": {"id": 7, "app_id": None, "name": "Ada", "merchant_code": "tea", "options": []},
        "profile": {"id": 7},
    },
}
EACH = [(source, kind, content) for source, kinds in KINDS.items() for kind, content in kinds.items()]
