"""Which room serves a source. A new source is one line here."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

# source        room
ROOMS = {
    "shopify": "functions.shopify",
    "stripe": "functions.stripe",
    "woocommerce": "functions.woocommerce",
    "typeform": "functions.forms",
    "form": "functions.forms",
}


def room(source: str, module: str) -> ModuleType:
    """A module of the source's room: `handler`, `mapping` or `signer`. Raises KeyError for an unknown source."""
    return import_module(f"{ROOMS[source]}.{module}")
