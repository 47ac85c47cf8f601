"""Prove that a webhook comes from who it says it comes from. No I/O; the clock is a parameter.

Every function takes the exact bytes received and all secrets of the connection, and returns the position
of the secret that proved it (0 is the newest), or raises `InvalidSignature`. Comparison is in constant time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence

from bridge.errors import InvalidSignature

NO_HEADER = "no_header"
MALFORMED_HEADER = "malformed_header"
MISMATCH = "mismatch"
STALE = "stale"
CLOCK_SKEW = "clock_skew"
OLDER_SCHEME = "older_scheme"
REASONS = (NO_HEADER, MALFORMED_HEADER, MISMATCH, STALE, CLOCK_SKEW, OLDER_SCHEME)

TOLERANCE_SECONDS = 300
MAX_TIMESTAMP_DIGITS = 12
MILLISECONDS = 1000
"""Of a second, for providers that count in them."""


def hmac_sha256(secret: str, signed: bytes) -> bytes:
    """Return the raw digest, with the secret used as UTF-8 text."""
    return hmac.new(secret.encode(), signed, hashlib.sha256).digest()


def verify_base64(signature: str | None, signed: bytes, secrets: Sequence[str]) -> int:
    """Verify HMAC-SHA256 in base64 over the bytes (Shopify, Typeform and others). Raises InvalidSignature."""
    return match([base64_digest(signature)], signed, secrets)


def verify_timestamped_hex(
    timestamp: str, signatures: Sequence[str], body: bytes, secrets: Sequence[str], now: float
) -> int:
    """Verify HMAC-SHA256 in hex over `{timestamp}.{body}`, timestamp in Unix seconds (Stripe). Raises
    InvalidSignature."""
    return verify_timed(timestamp, hex_digests(signatures), lambda time: time + b"." + body, secrets, now)


def verify_timed(
    timestamp: str,
    digests: Sequence[bytes],
    signed: Callable[[bytes], bytes],
    secrets: Sequence[str],
    now: float,
    units_per_second: int = 1,
) -> int:
    """Verify HMAC-SHA256 over what `signed` makes of the timestamp, which is in Unix time. Raises InvalidSignature.

    The time may be at most `TOLERANCE_SECONDS` off in either direction.
    """
    max_digits = MAX_TIMESTAMP_DIGITS + len(str(units_per_second)) - 1
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= max_digits):
        raise InvalidSignature(MALFORMED_HEADER)
    position = match(digests, signed(timestamp.encode()), secrets)
    check_age(now - int(timestamp) / units_per_second, TOLERANCE_SECONDS)
    return position


def check_age(seconds: float, tolerance_seconds: float) -> None:
    """Raises InvalidSignature for what was signed longer ago than allowed, or lies as far ahead."""
    if seconds < -tolerance_seconds:
        raise InvalidSignature(CLOCK_SKEW)
    if not seconds <= tolerance_seconds:
        raise InvalidSignature(STALE)


def verify_token(token: str | None, secrets: Sequence[str]) -> int:
    """Return a secret in the address, for senders that cannot sign. Raises InvalidSignature."""
    if not token:
        raise InvalidSignature(NO_HEADER)
    given = hashlib.sha256(token.strip().encode(errors="surrogatepass")).digest()
    found = [
        position
        for position, secret in enumerate(secrets)
        if hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), given)
    ]
    if not found:
        raise InvalidSignature(MISMATCH)
    return found[0]


def match(digests: Sequence[bytes], signed: bytes, secrets: Sequence[str]) -> int:
    """Return the first secret under which any of the digests is right. Compares all of them. Raises
    InvalidSignature."""
    found = [
        position
        for position, secret in enumerate(secrets)
        for expected in [hmac_sha256(secret, signed)]  # once: a stranger may write hundreds of digests
        for digest in digests
        if hmac.compare_digest(expected, digest)
    ]
    if not found:
        raise InvalidSignature(MISMATCH)
    return found[0]


def base64_digest(signature: str | None) -> bytes:
    """Return the digest in a header. Raises InvalidSignature."""
    if not signature:
        raise InvalidSignature(NO_HEADER)
    try:
        return base64.b64decode(signature.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSignature(MALFORMED_HEADER) from error


def hex_digests(signatures: Sequence[str]) -> list[bytes]:
    """Return the digests among the texts. Raises InvalidSignature where there is none."""
    digests = [bytes.fromhex(signature) for signature in signatures if is_hex_digest(signature)]
    if not digests:
        raise InvalidSignature(MALFORMED_HEADER)
    return digests


def is_hex_digest(text: str) -> bool:
    """Return whether the text is a SHA-256 digest in hex."""
    return len(text) == 2 * hashlib.sha256().digest_size and all(
        character in "0123456789abcdefABCDEF" for character in text
    )
