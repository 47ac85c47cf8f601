"""Sign a body as a form vendor does, for samples and tests."""

from __future__ import annotations

from functions.sources.forms.registry import VENDORS


def sign(
    source: str, topic: str, body: bytes, secret: str, now: float, url: str = ""
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers and the query that the provider would send to the address. The topic is in the body."""
    del topic
    vendor = VENDORS[source]
    return vendor.sign(body, secret, now, url) if vendor.signs_request else vendor.sign(body, secret)
