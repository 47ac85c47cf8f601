"""Make and read the links by which a person confirms a consent. No I/O; the clock is a parameter.

A link names a webhook, a channel and the moment when it was made: nothing of the person. It is signed with a key that
is good for its webhook alone, made of the connection's `confirm_secret`. The receiver makes this key and hands it on
with the webhook, so that deliver makes links and no function but the receiver reads the secret.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bridge.errors import ExpiredLink, InvalidLink
from bridge.receiving.signatures import hmac_sha256
from bridge.webhook import Routing, Webhook, group_id, webhook_id

CONFIRMED = "bridge/consent_confirmed"
"""The topic of what the button of a link queues. No receiver lets it in from outside."""
VALID_FOR = timedelta(days=7)
# channel   how a link writes it
CHANNELS = {"email": 1, "sms": 2}
NUMBERS = {number: channel for channel, number in CHANNELS.items()}
ID_BYTES, MOMENT_BYTES, DIGEST_BYTES = 16, 7, 16
"""Microseconds since 1970 in 56 bits; half of SHA-256, which nobody guesses either. A link has to fit into an SMS."""
MAX_BRAND_BYTES = 120
MAX_TOKEN_CHARACTERS = 250


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Hold what a link is for. `brand` is the name under which its page asks; it may be empty."""

    webhook_id: str
    channel: str
    made_at: datetime
    brand: str = ""

    @property
    def expires_at(self) -> datetime:
        """Return when the link stops working."""
        return self.made_at + VALID_FOR


def webhook_key(secret: str, source: str, connection: str, webhook_id: str) -> str:
    """Return the key that signs the links of one webhook."""
    named = f"{CONFIRMED}\n{source}/{connection}\n{webhook_id}"
    return encoded(hmac_sha256(secret, named.encode()))


def token(confirmation: Confirmation, key: str) -> str:
    """Return the last part of a link, signed with the key of its webhook."""
    content = written(confirmation)
    return encoded(content + digest(key, content))


def read(text: str, secret: str, source: str, connection: str, now: float) -> Confirmation:
    """Return what a link is for. Raises InvalidLink for one that was not made here, ExpiredLink."""
    if not secret:
        raise InvalidLink("this connection makes no links")
    content, given = parts(text)
    confirmation = unwritten(content)
    key = webhook_key(secret, source, connection, confirmation.webhook_id)
    if not hmac.compare_digest(digest(key, content), given):
        raise InvalidLink("the link is not signed by this connection")
    if now >= confirmation.expires_at.timestamp():
        raise ExpiredLink("the link has expired")
    return confirmation


def confirmed(confirmation: Confirmation, source: str, connection: str, now: float) -> Webhook:
    """Return the webhook that has a consent written. The same webhook and channel make the same one."""
    named = Routing(
        CONFIRMED,
        confirmation.webhook_id,
        idempotency_key=f"{CONFIRMED}\n{confirmation.webhook_id}\n{confirmation.channel}",
    )
    content = {
        "webhook_id": confirmation.webhook_id,
        "channel": confirmation.channel,
        "made_at": confirmation.made_at.isoformat(),
    }
    return Webhook(
        id=webhook_id(source, connection, named, b""),
        source=source,
        connection=connection,
        topic=CONFIRMED,
        headers={},
        body=json.dumps(content).encode(),
        received_at=datetime.fromtimestamp(now, UTC),
        group=group_id(source, connection, named.customer),
    )


def stated(webhook: Webhook) -> Confirmation:
    """Return what a webhook of `confirmed` says."""
    content: Mapping[str, str] = json.loads(webhook.body)
    made_at = datetime.fromisoformat(content["made_at"])
    return Confirmation(content["webhook_id"], content["channel"], made_at)


# ── How a link is written ───────────────────────────────────────────────────────────────────────────────────


def written(confirmation: Confirmation) -> bytes:
    """Return the content of a link: id, moment, channel, brand."""
    moment = (confirmation.made_at - EPOCH) // timedelta(microseconds=1)
    return b"".join(
        (
            bytes.fromhex(confirmation.webhook_id),
            moment.to_bytes(MOMENT_BYTES, "big"),
            bytes((CHANNELS[confirmation.channel],)),
            brand_bytes(confirmation.brand),
        )
    )


def unwritten(content: bytes) -> Confirmation:
    """Return what a content says, which may be anything. Raises InvalidLink."""
    moment = int.from_bytes(content[ID_BYTES : ID_BYTES + MOMENT_BYTES], "big")
    channel, brand = content[ID_BYTES + MOMENT_BYTES], content[ID_BYTES + MOMENT_BYTES + 1 :]
    try:
        made_at = EPOCH + timedelta(microseconds=moment)
        return Confirmation(content[:ID_BYTES].hex(), NUMBERS[channel], made_at, brand.decode())
    except (KeyError, ValueError, OverflowError) as error:
        raise InvalidLink("the link says nothing that can be read") from error


def parts(text: str) -> tuple[bytes, bytes]:
    """Return the content of a token and its digest. Raises InvalidLink."""
    try:
        if not text.isascii() or len(text) > MAX_TOKEN_CHARACTERS:
            raise ValueError("no token is like that")
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidLink("the link is not whole") from error
    if len(packed) <= ID_BYTES + MOMENT_BYTES + DIGEST_BYTES or encoded(packed) != text:
        raise InvalidLink("the link is not whole")
    return packed[:-DIGEST_BYTES], packed[-DIGEST_BYTES:]


def brand_bytes(brand: str) -> bytes:
    """Return the name as a link holds it, cut where it is long."""
    return brand.encode()[:MAX_BRAND_BYTES].decode(errors="ignore").encode()


def digest(key: str, content: bytes) -> bytes:
    return hmac_sha256(key, content)[:DIGEST_BYTES]


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


EPOCH = datetime.fromtimestamp(0, UTC)
