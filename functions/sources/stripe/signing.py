"""Sign a body as Stripe does, for samples and tests."""

from __future__ import annotations

from bridge.receiving.signatures import hmac_sha256


def sign(
    source: str, topic: str, body: bytes, secret: str, now: float
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers and the query that the provider would send; the topic is in the body."""
    del source, topic
    timestamp = str(int(now))
    digest = hmac_sha256(secret, timestamp.encode() + b"." + body).hex()
    return {"stripe-signature": f"t={timestamp},v1={digest}"}, {}
