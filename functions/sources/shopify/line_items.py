"""Say what checkouts, orders and refunds say alike: items, codes, currencies. Pure."""

from __future__ import annotations

from bridge.profiles import normalise
from bridge.profiles.profile_change import Value, present
from functions.sources.shopify.payloads import Address, LineItem, Purchase


def item_attributes(item: LineItem) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        "product_id": item.product_id,
        "variant_id": item.variant_id,
        "sku": item.sku,
        "name": item.title,
        "variant": item.variant_title,
        "vendor": item.vendor,
        "quantity": item.quantity,
        "unit_price": item.price,
    }
    return present(attributes)


def items(purchase: Purchase) -> dict[str, Value]:
    """Return the true number of units, and the items."""
    return {
        "items_count": normalise.units([item.quantity for item in purchase.line_items]),
        "items": [item_attributes(item) for item in purchase.line_items],
    }


def discount_codes(purchase: Purchase) -> list[str]:
    return [code.code for code in purchase.discount_codes if code.code]


def delivery_address(address: Address | None) -> dict[str, Value]:
    if address is None:
        return {}
    country = normalise.region(address.country_code)
    return present({"city": address.city, "zip_code": address.zip, "country": country})


def currency(purchase: Purchase) -> str | None:
    return purchase.currency.upper() if purchase.currency else None


def split_tags(tags: str | None) -> list[str]:
    """Return the tags of Shopify's one text: `vip, wholesale`."""
    return [tag.strip() for tag in (tags or "").split(",") if tag.strip()]


def first(*values: Value) -> Value:
    """Return the first that is there; 0 is."""
    return next((value for value in values if value is not None), None)
