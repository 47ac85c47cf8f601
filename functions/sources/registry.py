"""Find the package that serves a source. A new source is one line here."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from bridge.settings import ConnectionSettings

# source        package
SOURCE_PACKAGES = {
    "shopify": "functions.sources.shopify",
    "stripe": "functions.sources.stripe",
    "woocommerce": "functions.sources.woocommerce",
    "typeform": "functions.sources.forms",
    "tally": "functions.sources.forms",
    "jotform": "functions.sources.forms",
    "webflow": "functions.sources.forms",
    "hubspot": "functions.sources.forms",
    "fillout": "functions.sources.forms",
    "netlify": "functions.sources.forms",
    "form": "functions.sources.forms",
    "gravity": "functions.sources.forms",
    "elementor": "functions.sources.forms",
    "wpforms": "functions.sources.forms",
    "wufoo": "functions.sources.forms",
    "google": "functions.sources.forms",
    "custom": "functions.sources.custom",
}
# source        module of its own settings; the others have those of every connection
SETTINGS = {
    "custom": "functions.sources.custom.settings",
}

ADDRESS_SIGNED = frozenset({"hubspot"})
"""Sources whose provider signs the address too, so that their signer must know it."""

VISITED = frozenset(SOURCE_PACKAGES) - {"woocommerce"}
"""Sources in whose webhooks a visitor can set a user id: their receivers have `claims`."""

COMPARED = ("shopify", "stripe")
"""Sources whose provider says what happened: their packages have an `event_list`."""


def source_module(source: str, module: str) -> ModuleType:
    """Return a module of a source's package: `receiver`, `mapping`, `signing`; of some `event_list`. Raises
    KeyError."""
    return import_module(f"{SOURCE_PACKAGES[source]}.{module}")


def signed(
    source: str,
    topic: str,
    body: bytes,
    secret: str,
    now: float,
    url: str,
    settings: Mapping[str, Any] | None = None,
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers and the query that the source's provider would send to the address. Raises KeyError.

    `settings` are the connection's, where they say how its webhooks are signed.
    """
    known: dict[str, Any] = {"url": url} if source in ADDRESS_SIGNED else {}
    known |= {"settings": settings} if settings is not None else {}
    answer: tuple[dict[str, str], dict[str, str]] = source_module(source, "signing").sign(
        source, topic, body, secret, now, **known
    )
    return answer


def settings_model(source: str) -> Any:
    """Return the model that checks the settings of the source's connections."""
    return import_module(SETTINGS[source]).MODEL if source in SETTINGS else ConnectionSettings
