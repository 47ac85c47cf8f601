"""Read a user id and its signature off a `client_reference_id`. Light and pure: the receiver imports it too."""

from __future__ import annotations

import re

from bridge.webhook import Claim

SIGNED = re.compile(r"(?P<user_id>.+)-(?P<signature>[0-9a-f]{64})")


def signed_reference(client_reference_id: str | None) -> Claim:
    """Return the user id in the address of a payment link, and its signature, if any: `{user_id}-{signature}`.

    Stripe takes letters, digits, `-` and `_` there, 200 in all.
    https://docs.stripe.com/payment-links/url-parameters
    """
    signed = SIGNED.fullmatch((client_reference_id or "").strip())
    return (signed["user_id"], signed["signature"]) if signed else (client_reference_id, None)
