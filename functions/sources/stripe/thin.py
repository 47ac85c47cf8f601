"""Make a whole event of a thin one, which names its object and shows nothing of it. Pure: what asks Stripe is given.

https://docs.stripe.com/event-destinations#thin-events
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias

from bridge.errors import MappingFailed
from bridge.webhook import Webhook, json_object

Fetch: TypeAlias = Callable[[str, Mapping[str, str]], dict[str, Any]]

API = "https://api.stripe.com"
API_VERSION = "2026-09-30.endive"
"""The first that tells the snapshot of a thin event."""
PREFIX = "v1."
PATH = re.compile(r"/v[12](/[A-Za-z0-9_]+)+")
CONTEXT = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*")
"""https://docs.stripe.com/context"""


def whole(webhook: Webhook, ask: Fetch) -> Webhook:
    """Return the webhook with a snapshot for a body: Stripe's own, else one of the object as it is now.

    `ask` gets the JSON at an address; whatever it raises passes. Raises MappingFailed.
    """
    notice = json_object(webhook.body)
    if notice.get("object") != "v2.core.event":
        return webhook
    headers = {"Stripe-Version": API_VERSION}
    if notice.get("context"):
        headers["Stripe-Context"] = context_of(notice)
    event = ask(address(f"/v2/core/events/{notice.get('id')}"), headers)
    snapshot = event.get("snapshot_event")
    if snapshot:
        content = ask(address(f"/v1/events/{snapshot}"), headers)
        return replace(webhook, body=json.dumps(content | account_of(notice)).encode())
    related = notice.get("related_object")
    subject = ask(address(str(related.get("url") if isinstance(related, dict) else None)), headers)
    return replace(webhook, body=json.dumps(made(notice, event, subject)).encode())


def address(path: str) -> str:
    """Return a path of the API as an address there, and nowhere else. Raises MappingFailed."""
    if not PATH.fullmatch(path):
        raise MappingFailed("thin event names no path of the API")
    return API + path


def context_of(notice: Mapping[str, Any]) -> str:
    """Return the connected account, as a header may name it. Raises MappingFailed."""
    context = str(notice["context"])
    if not CONTEXT.fullmatch(context):
        raise MappingFailed("thin event names no account of Stripe's")
    return context


def account_of(notice: Mapping[str, Any]) -> dict[str, Any]:
    """Return the connected account, as snapshots name it."""
    return {"account": notice["context"]} if notice.get("context") else {}


def made(notice: Mapping[str, Any], event: Mapping[str, Any], subject: Mapping[str, Any]) -> dict[str, Any]:
    """Return a snapshot of an object as it is now, at the time of its event."""
    try:
        created = int(datetime.fromisoformat(str(notice.get("created"))).timestamp())
    except ValueError:
        raise MappingFailed("thin event without a time") from None
    changes = event.get("changes")
    previous = changes.get("before") if isinstance(changes, dict) else None
    return {
        "id": notice.get("id"),
        "object": "event",
        "type": str(notice.get("type")).removeprefix(PREFIX),
        "created": created,
        "livemode": notice.get("livemode"),
        "data": {"object": subject, "previous_attributes": previous},
        **account_of(notice),
    }
