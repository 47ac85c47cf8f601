"""Sign a body as WooCommerce does, for samples and tests."""

from __future__ import annotations

import base64

from bridge.receiving.signatures import hmac_sha256


def sign(
    source: str, topic: str, body: bytes, secret: str, now: float
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers and the query that the shop would send."""
    del source, now
    digest = base64.b64encode(hmac_sha256(secret, body)).decode()
    resource, _, event = topic.partition(".")
    headers = {
        "x-wc-webhook-signature": digest,
        "x-wc-webhook-topic": topic,
        "x-wc-webhook-resource": resource,
        "x-wc-webhook-event": event,
    }
    return headers, {}
