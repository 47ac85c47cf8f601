"""Sign a body as the settings of a connection ask, for samples and tests."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bridge.webhook import Request
from functions.sources.custom.verification import rendered, standard_key

Signed: TypeAlias = tuple[dict[str, str], dict[str, str]]

BY_DEFAULT = {"verify": {"scheme": "hmac", "header": "x-signature"}}
IDENTIFIER = "msg_sample"


def sign(
    source: str, topic: str, body: bytes, secret: str, now: float, settings: Mapping[str, Any] | None = None
) -> Signed:
    """Return the headers and the query that the tool would send; without settings, an HMAC of the body in hex."""
    del source
    stored = settings or BY_DEFAULT
    headers, query = proven(stored["verify"], body, secret, now)
    if isinstance(stored.get("topic"), Mapping):
        headers[stored["topic"]["header"].lower()] = topic
    return headers, query


def proven(verify: Mapping[str, Any], body: bytes, secret: str, now: float) -> Signed:
    scheme = verify["scheme"]
    if scheme == "token" and not verify.get("header"):
        return {}, {verify.get("query", "token"): secret}
    if scheme == "token":
        return {verify["header"].lower(): verify.get("prefix", "") + secret}, {}
    if scheme == "basic":
        return {"authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}, {}
    if scheme == "standard_webhooks":
        return standard(body, secret, now), {}
    return by_hmac(verify, body, secret, now), {}


def standard(body: bytes, secret: str, now: float) -> dict[str, str]:
    signed = f"{IDENTIFIER}.{int(now)}.".encode() + body
    digest = base64.b64encode(hmac.new(standard_key(secret), signed, "sha256").digest()).decode()
    return {
        "webhook-id": IDENTIFIER,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": f"v1,{digest}",
    }


def by_hmac(verify: Mapping[str, Any], body: bytes, secret: str, now: float) -> dict[str, str]:
    """Return the header with the digest, and those with the time and the id where these are signed too."""
    extra = {verify["id_header"].lower(): IDENTIFIER} if verify.get("id_header") else {}
    timestamp = timestamp_at(now, verify.get("timestamp_unit", "s"))
    if verify.get("timestamp_header"):
        extra[verify["timestamp_header"].lower()] = timestamp
    request = Request("custom", "", extra, {}, body)
    digest = hmac.new(
        secret.encode(), rendered(verify, request, timestamp), verify.get("algorithm", "sha256")
    ).digest()
    encoded = base64.b64encode(digest).decode() if verify.get("encoding") == "base64" else digest.hex()
    text = verify.get("prefix", "") + encoded
    if verify.get("signature_part"):
        text = f"{verify['signature_part']}={text}"
    if verify.get("timestamp_part"):
        text = f"{verify['timestamp_part']}={timestamp},{text}"
    return {**extra, verify["header"].lower(): text}


def timestamp_at(now: float, unit: str) -> str:
    if unit == "iso":
        return datetime.fromtimestamp(int(now), UTC).isoformat().replace("+00:00", "Z")
    return str(int(now * 1000) if unit == "ms" else int(now))
