"""Which room serves a source. A new source is one line here."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from bridge.settings import ConnectionSettings

# source        room
ROOMS = {
    "shopify": "functions.shopify",
    "stripe": "functions.stripe",
    "typeform": "functions.forms",
    "form": "functions.forms",
    "custom": "functions.custom",
}
# source        module of its own settings; the others have those of every connection
SETTINGS = {
    "custom": "functions.custom.settings",
}


def room(source: str, module: str) -> ModuleType:
    """A module of the source's room: `handler`, `mapping` or `signer`. Raises KeyError for an unknown source."""
    return import_module(f"{ROOMS[source]}.{module}")


def settings_model(source: str) -> Any:
    """The model that checks the settings of the source's connections."""
    return import_module(SETTINGS[source]).MODEL if source in SETTINGS else ConnectionSettings
