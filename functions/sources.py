"""Which room serves a source. A new source is one line here."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

# source        room
ROOMS = {
    "shopify": "functions.shopify",
    "stripe": "functions.stripe",
    "typeform": "functions.forms",
    "form": "functions.forms",
    "gravity": "functions.forms",
    "elementor": "functions.forms",
    "wpforms": "functions.forms",
    "wufoo": "functions.forms",
    "google": "functions.forms",
}

ADDRESS_SIGNED = frozenset({"hubspot"})
"""Sources whose provider signs the address too, so that their signer must know it."""


def room(source: str, module: str) -> ModuleType:
    """A module of the source's room: `handler`, `mapping` or `signer`. Raises KeyError for an unknown source."""
    return import_module(f"{ROOMS[source]}.{module}")


def signed(
    source: str, topic: str, body: bytes, secret: str, now: float, url: str
) -> tuple[dict[str, str], dict[str, str]]:
    """The headers and the query that the source's provider would send to the address. Raises KeyError."""
    address = {"url": url} if source in ADDRESS_SIGNED else {}
    answer: tuple[dict[str, str], dict[str, str]] = room(source, "signer").sign(
        source, topic, body, secret, now, **address
    )
    return answer
