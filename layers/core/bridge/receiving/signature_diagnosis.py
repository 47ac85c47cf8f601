"""Say why a webhook's signature does not fit: the causes that people run into, each tried. Accepts nothing. No I/O.

All of them are tried, whichever fits, so that the time it takes tells a sender nothing. What is examined comes from a
stranger: it is bounded in bytes, depth and items before anything is done with it, and so is all that is digested.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.errors import BridgeError, InvalidSignature, MalformedBody
from bridge.receiving.signatures import CLOCK_SKEW, MALFORMED_HEADER, NO_HEADER, OLDER_SCHEME, STALE
from bridge.strict_json import json_value
from bridge.webhook import Request, Source

WRONG_ENCODING = "wrong_encoding"
SECRET_HAS_WHITESPACE = "secret_has_whitespace"
BASE64_BODY = "base64_body"
RESERIALISED_BODY = "reserialised_body"
OTHER_CONNECTION = "other_connection"
TEST_SECRET_ON_LIVE = "test_secret_on_live"
PREVIOUS_SECRET_EXPIRED = "previous_secret_expired"
UNKNOWN = "unknown"
CAUSES = (
    NO_HEADER,
    WRONG_ENCODING,
    SECRET_HAS_WHITESPACE,
    BASE64_BODY,
    RESERIALISED_BODY,
    TEST_SECRET_ON_LIVE,
    OTHER_CONNECTION,
    PREVIOUS_SECRET_EXPIRED,
    CLOCK_SKEW,
    STALE,
    MALFORMED_HEADER,
    OLDER_SCHEME,
    UNKNOWN,
)
SETTLED = frozenset({NO_HEADER, STALE, CLOCK_SKEW, OLDER_SCHEME})
"""Reasons of a refusal that say all there is to say."""

MAX_EXAMINED_BYTES = 16 * 1024
"""Of a body that is read and written anew; of a larger one only the secrets are tried."""
MAX_EXAMINED_MARKS = 3000
"""Brackets, commas and colons in it: what it has of items, each of which may become a line of its own."""
MAX_EXAMINED_DEPTH = 12
"""Each level is two more spaces on every line; the deepest webhook that we know has ten."""
MAX_DIGESTED_BYTES = 2 * 1024 * 1024
"""In all, for one diagnosis: some milliseconds."""
NO_MARKS = bytes(byte for byte in range(256) if byte not in b"[]{},:")
SIGNATURE_HEADER = re.compile(r"sign|hmac", re.IGNORECASE)
HEX_DIGEST = re.compile(r"(?<![0-9a-zA-Z+/])[0-9a-fA-F]{64}(?![0-9a-zA-Z+/=])")
BASE64_DIGEST = re.compile(r"(?<![0-9a-zA-Z+/])[0-9a-zA-Z+/]{43}=")
TEST_NAME = re.compile(r"(^|[-_])(test|testing|sandbox|staging|dev)($|[-_])")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The secrets that might have signed: the connection's, those before their last change, those of others."""

    secrets: Sequence[str]
    previous: Sequence[str] = ()
    others: Mapping[str, Sequence[str]] = field(default_factory=dict)


def diagnose(source: Source, request: Request, evidence: Evidence, reason: str, now: float) -> str:
    """Return the first of CAUSES that explains why `source.verify` refused a request; its `reason` is not one of
    SETTLED."""
    fitting = set()
    digested = 0
    for cause, other, secrets in tries(request, evidence):
        digested += len(other.body) * len(secrets)
        if digested > MAX_DIGESTED_BYTES:
            break
        if proves(source, other, secrets, now):
            fitting.add(cause)
    return next((cause for cause in CAUSES if cause in fitting), undiagnosed(reason))


def undiagnosed(reason: str) -> str:
    """Return what is said where nothing explains it, or nothing was tried."""
    return MALFORMED_HEADER if reason == MALFORMED_HEADER else UNKNOWN


def tries(request: Request, evidence: Evidence) -> Iterator[tuple[str, Request, Sequence[str]]]:
    """Yield each cause with the request and the secrets that would fit if it were the one; the likeliest first."""
    secrets = evidence.secrets
    yield PREVIOUS_SECRET_EXPIRED, request, evidence.previous
    is_test = bool(TEST_NAME.search(request.connection))
    for name, theirs in evidence.others.items():
        is_mixed_up = bool(TEST_NAME.search(name)) is not is_test
        yield TEST_SECRET_ON_LIVE if is_mixed_up else OTHER_CONNECTION, request, theirs
    yield WRONG_ENCODING, replace(request, headers=re_encoded(request.headers)), secrets
    yield SECRET_HAS_WHITESPACE, request, [other for secret in secrets for other in with_whitespace(secret)]
    if len(request.body) > MAX_EXAMINED_BYTES:
        return
    for body in (base64.b64encode(request.body), *unwrapped(request.body)):
        yield BASE64_BODY, replace(request, body=body), secrets
    for body in reserialised(request.body):
        yield RESERIALISED_BODY, replace(request, body=body), secrets


def proves(source: Source, request: Request, secrets: Sequence[str], now: float) -> bool:
    """Return whether the signature fits, however old it is."""
    if not secrets:
        return False
    try:
        source.verify(request, secrets, now)
    except InvalidSignature as error:
        return error.reason in (STALE, CLOCK_SKEW)
    except BridgeError:
        return False
    return True


def re_encoded(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with every SHA-256 digest in a signature in the other of hex and base64."""
    return {
        name: other_encoding(value) if SIGNATURE_HEADER.search(name) else value
        for name, value in headers.items()
    }


def other_encoding(value: str) -> str:
    if HEX_DIGEST.search(value):
        return HEX_DIGEST.sub(lambda found: base64.b64encode(bytes.fromhex(found[0])).decode(), value)
    return BASE64_DIGEST.sub(lambda found: base64.b64decode(found[0]).hex(), value)


def with_whitespace(secret: str) -> list[str]:
    """Return the secret as a slip in copying leaves it at the tool; here it is stored trimmed."""
    joined = "".join(secret.split())
    return [f"{secret}\n", f"{secret}\r\n", f"{secret} ", f" {secret}", f"\ufeff{secret}", joined][
        : 6 if joined != secret else 5
    ]


def unwrapped(body: bytes) -> list[bytes]:
    """Return the body that a gateway wrapped in base64, if it did."""
    try:
        return [base64.b64decode(body.strip(), validate=True)]
    except ValueError:
        return []


def reserialised(body: bytes) -> list[bytes]:
    """Return the body as it may have been before something on the way read and wrote it again."""
    bodies = [body.strip(), body + b"\n", body.replace(b"\r\n", b"\n"), body.replace(b"\n", b"\r\n")]
    if len(body.translate(None, NO_MARKS)) <= MAX_EXAMINED_MARKS:
        with contextlib.suppress(MalformedBody, ValueError, RecursionError):
            bodies += written_anew(json_value(body, MAX_EXAMINED_DEPTH))
    return [other for other in dict.fromkeys(bodies) if other != body]


def written_anew(content: Any) -> list[bytes]:
    """Return JSON as different tools write it."""
    return [
        json.dumps(
            content, ensure_ascii=is_ascii, separators=separators, indent=indent, sort_keys=is_sorted
        ).encode()
        for is_ascii in (False, True)
        for separators, indent in (((",", ":"), None), ((", ", ": "), None), ((",", ": "), 2))
        for is_sorted in (False, True)
    ]
