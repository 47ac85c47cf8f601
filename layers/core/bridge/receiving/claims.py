"""Prove a user id that a visitor hands over, by a signature of the owner's server. No I/O.

The receiver proves it, as it alone may read the connection's secrets, and marks the webhook in the queue with the
digest of the id that it proved. Whether a proven id is used, deliver decides by the settings of that moment.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from bridge.receiving.signatures import hmac_sha256
from bridge.webhook import Claim, written

HEADER = "bridge-user-id"
"""Of a webhook in the queue, never of a request: no source keeps a header of this name."""
SIGNATURE = "user_id_signature"
MAX_CLAIMS = 5
"""Of one webhook; more are not looked at."""


def signature(secret: str, source: str, connection: str, user_id: str) -> str:
    """Return the signature of a user id at one connection: HMAC-SHA256 in hex."""
    return hmac_sha256(secret, written(f"{source}/{connection}:{user_id}")).hex()


def mark(secret: str, source: str, connection: str, claims: Iterable[Claim]) -> dict[str, str]:
    """Return the header that names those user ids whose signature is right; none where there are none."""
    proven = [
        digest(user_id)
        for user_id, signed in list(claims)[:MAX_CLAIMS]
        if user_id and signed and is_right(secret, source, connection, user_id, signed)
    ]
    return {HEADER: ",".join(dict.fromkeys(proven))} if proven else {}


def is_right(secret: str, source: str, connection: str, user_id: str, signed: str) -> bool:
    """Return whether the signature is the user id's, in constant time."""
    expected = signature(secret, source, connection, user_id.strip())
    return hmac.compare_digest(expected.encode(), written(signed.strip().lower()))


def is_proven(user_id: str | None, headers: Mapping[str, str]) -> bool:
    """Return whether the receiver has proven this user id."""
    return bool(user_id) and digest(user_id or "") in headers.get(HEADER, "").split(",")


def digest(user_id: str) -> str:
    """Return the digest by which a user id is named in the queue."""
    return hashlib.sha256(written(user_id.strip())).hexdigest()
