"""Prove a webhook by the `verify` of its connection's settings, which may be anything: unchecked. No I/O.

Fails closed: settings that cannot be read raise KeyError, TypeError or ValueError, never accept.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bridge.errors import InvalidSignature
from bridge.receiving import signatures
from bridge.webhook import Request

Verify: TypeAlias = Mapping[str, Any]

PLACEHOLDER = re.compile(r"\{(timestamp|body|id|url)\}")
UNIT_SECONDS = {"s": 1.0, "ms": 0.001}
ENCODINGS: Mapping[str, Callable[[str], bytes]] = {
    "hex": bytes.fromhex,
    "base64": lambda text: base64.b64decode(text, validate=True),
}
ALGORITHMS = frozenset({"sha1", "sha256", "sha512"})


def verify(settings: Verify, request: Request, secrets: Sequence[str], now: float) -> int:
    """Return the position of the secret that proves the request. Raises InvalidSignature."""
    return SCHEMES[settings["scheme"]](settings, request, secrets, now)


def verify_hmac(settings: Verify, request: Request, secrets: Sequence[str], now: float) -> int:
    """Return a digest over what `signed` says, in the header as a whole or in named parts of it: `t=...,v1=...`."""
    header = required(request, settings["header"])
    parts = parts_of(header) if settings.get("signature_part") else {}
    given = parts.get(settings["signature_part"], []) if parts else [header]
    prefix = settings.get("prefix", "")
    digests = [read(one.removeprefix(prefix), settings) for one in given if one.startswith(prefix)]
    if not digests:
        raise InvalidSignature(signatures.MALFORMED_HEADER)
    timestamp = timestamp_of(settings, request, parts)
    signed = rendered(settings, request, timestamp)
    position = matching(digests, signed, [secret.encode() for secret in secrets], algorithm(settings))
    if timestamp is not None:
        check_age(timestamp, settings, now)
    return position


def algorithm(settings: Verify) -> str:
    name: str = settings.get("algorithm", "sha256")
    if name not in ALGORITHMS:
        raise ValueError("no such algorithm")
    return name


def required(request: Request, name: str) -> str:
    """Return a header's value. Raises InvalidSignature where there is none."""
    value = request.headers.get(name.lower(), "").strip()
    if not value:
        raise InvalidSignature(signatures.NO_HEADER)
    return value


def parts_of(header: str) -> dict[str, list[str]]:
    """Return `t=1,v1=a,v1=b` → `{"t": ["1"], "v1": ["a", "b"]}`."""
    found: dict[str, list[str]] = {}
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        found.setdefault(name, []).append(value)
    return found


def read(digest: str, settings: Verify) -> bytes:
    decode = ENCODINGS[settings.get("encoding", "hex")]
    try:
        return decode(digest.strip())
    except (ValueError, binascii.Error) as error:
        raise InvalidSignature(signatures.MALFORMED_HEADER) from error


def timestamp_of(settings: Verify, request: Request, parts: Mapping[str, list[str]]) -> str | None:
    """Return when it was signed, as it is written; None where the scheme has no time."""
    if settings.get("timestamp_part"):
        values = parts.get(settings["timestamp_part"], [])
        if len(values) != 1:
            raise InvalidSignature(signatures.MALFORMED_HEADER)
        return values[0]
    if settings.get("timestamp_header"):
        return required(request, settings["timestamp_header"])
    return None


def rendered(settings: Verify, request: Request, timestamp: str | None) -> bytes:
    """Return what is signed: the template with the exact bytes of the body in it. Raises KeyError for an unknown
    place."""
    values = {"body": request.body, "url": request.url.encode()}
    if timestamp is not None:
        values["timestamp"] = timestamp.encode()
    template: str = settings.get("signed", "{body}")
    if "{body}" not in template:
        raise ValueError("the body is not signed")
    if "{id}" in template:
        values["id"] = required(request, settings["id_header"]).encode()
    pieces = PLACEHOLDER.split(template)
    return b"".join(values[piece] if number % 2 else piece.encode() for number, piece in enumerate(pieces))


def matching(digests: Sequence[bytes], signed: bytes, keys: Sequence[bytes], name: str) -> int:
    """Return the first key under which any of the digests is right. Compares all of them. Raises InvalidSignature."""
    found = [
        position
        for position, key in enumerate(keys)
        for expected in [
            hmac.new(key, signed, name).digest()
        ]  # once: a stranger may write hundreds of digests
        for digest in digests
        if hmac.compare_digest(expected, digest)
    ]
    if not found:
        raise InvalidSignature(signatures.MISMATCH)
    return found[0]


def check_age(timestamp: str, settings: Verify, now: float) -> None:
    """Raises InvalidSignature where the time is further off than allowed, before or after."""
    try:
        seconds = seconds_of(timestamp, settings.get("timestamp_unit", "s"))
    except (ValueError, OverflowError) as error:
        raise InvalidSignature(signatures.MALFORMED_HEADER) from error
    tolerance = float(settings.get("tolerance_seconds", signatures.TOLERANCE_SECONDS))
    signatures.check_age(now - seconds, tolerance)


def seconds_of(timestamp: str, unit: str) -> float:
    if unit == "iso":
        read_at = datetime.fromisoformat(timestamp)
        return (read_at if read_at.tzinfo else read_at.replace(tzinfo=UTC)).timestamp()
    return float(timestamp) * UNIT_SECONDS[unit]


def verify_standard(settings: Verify, request: Request, secrets: Sequence[str], now: float) -> int:
    """Verify Standard Webhooks, and Svix, whose headers have another name. https://www.standardwebhooks.com"""
    family = "svix" if "svix-signature" in request.headers else "webhook"
    identifier, timestamp, header = (
        required(request, f"{family}-{name}") for name in ("id", "timestamp", "signature")
    )
    versions = [one.partition(",") for one in header.split()]
    digests = [read(text, {"encoding": "base64"}) for version, _, text in versions if version == "v1"]
    if not digests:
        raise InvalidSignature(signatures.MALFORMED_HEADER)
    signed = f"{identifier}.{timestamp}.".encode() + request.body
    position = matching(digests, signed, [standard_key(secret) for secret in secrets], "sha256")
    check_age(timestamp, {**settings, "timestamp_unit": "s"}, now)
    return position


def standard_key(secret: str) -> bytes:
    """Return the key that base64 after `whsec_` states; what is no base64 is a key as it is."""
    text = secret.removeprefix("whsec_")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return text.encode()


def verify_basic(settings: Verify, request: Request, secrets: Sequence[str], now: float) -> int:
    """Verify HTTP Basic: the secret is `user:password`."""
    del settings, now
    kind, _, encoded = required(request, "authorization").partition(" ")
    if kind.lower() != "basic":
        raise InvalidSignature(signatures.MALFORMED_HEADER)
    credentials = read(encoded, {"encoding": "base64"}).decode(errors="replace")
    return signatures.verify_token(credentials, secrets)


def verify_token(settings: Verify, request: Request, secrets: Sequence[str], now: float) -> int:
    """Return a secret as it is, in a header or in the address: `?token=`."""
    del now
    if not settings.get("header"):
        return signatures.verify_token(request.query.get(settings.get("query", "token")), secrets)
    value = required(request, settings["header"])
    prefix = settings.get("prefix", "")
    if not value.startswith(prefix):
        raise InvalidSignature(signatures.MALFORMED_HEADER)
    return signatures.verify_token(value.removeprefix(prefix), secrets)


Scheme: TypeAlias = Callable[[Verify, Request, Sequence[str], float], int]
# scheme               how it is proven
SCHEMES: Mapping[str, Scheme] = {
    "hmac": verify_hmac,
    "standard_webhooks": verify_standard,
    "basic": verify_basic,
    "token": verify_token,
}
