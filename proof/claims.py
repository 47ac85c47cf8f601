"""Webhooks in which a visitor claims to be somebody else, each made of a right one. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

CLAIM = "claim"
Claim = Callable[[bytes, str], bytes]


def in_a_form(body: bytes, victim: str) -> bytes:
    """Return a form's answers with a field `user_id`."""
    return body.rstrip(b"&") + b"&" + urlencode({"user_id": victim}).encode()


def in_a_cart(body: bytes, victim: str) -> bytes:
    """Return an order with a cart attribute `user_id`, which any buyer can set."""
    order = json.loads(body)
    attributes = [*(order.get("note_attributes") or []), {"name": "user_id", "value": victim}]
    return json.dumps({**order, "note_attributes": attributes}, ensure_ascii=False).encode()


# source   the example that is changed, and how
CLAIMS: Mapping[str, tuple[str, Claim]] = {
    "form": ("submission", in_a_form),
    "shopify": ("orders.create__guest", in_a_cart),
}
