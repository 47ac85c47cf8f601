"""Receive the webhooks of every form vendor: prove, name, queue. Maps nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bridge.receiving.claims import SIGNATURE
from bridge.receiving.receiver import receiver
from bridge.webhook import Claim, Request, Webhook
from functions.sources.forms.registry import VENDORS
from functions.sources.forms.submission import claim

WORDS = (SIGNATURE.encode(), b"userIdSignature", SIGNATURE.replace("_", " ").encode())
"""How vendors may write the name of the field with the signature."""


def claimed(request: Request) -> list[Claim]:
    """Return the user id that the form was handed, with its signature. Raises MalformedBody."""
    if not any(word in request.body for word in WORDS):
        return []
    unread = Webhook(
        id="",
        source=request.source,
        connection=request.connection,
        topic="",
        headers=request.headers,
        body=request.body,
        received_at=datetime.now(UTC),
        group="",
    )
    return [claim(VENDORS[request.source].read(unread))]


SOURCES = tuple(replace(vendor.source, claims=claimed) for vendor in VENDORS.values())

handler = receiver(*SOURCES)
