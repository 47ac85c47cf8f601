"""Say what Stripe's list of events says happened, each as the webhook that should have mentioned it. Pure.

https://docs.stripe.com/webhooks/process-undelivered-events
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from bridge.providers.event_list import Grant, ListedEvent, Page, Sweep, written
from bridge.settings import ConnectionSettings
from functions.sources.stripe import mapping
from functions.sources.stripe.payloads import LAST_SECOND
from functions.sources.stripe.thin import API

PAGE_SIZE = 100
MAX_TYPES = 20
"""https://docs.stripe.com/api/events/list"""
SAYS_NOTHING = frozenset({"invoice.payment_succeeded"})
"""The twin of `invoice.paid`."""
TOPICS = tuple(topic for topic in mapping.TOPICS if topic not in SAYS_NOTHING)


def base(settings: ConnectionSettings) -> str | None:
    del settings
    return API


def grant(base: str, api_key: str) -> Grant | None:
    """Return a restricted key opens the API by itself."""
    del base, api_key
    return None


def headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def address(base: str, sweep: Sweep, topics: Sequence[str]) -> str:
    """Return the address of a page of events, newest first; `after` is the last event of the page before."""
    query = [("limit", str(PAGE_SIZE)), ("created[gte]", str(sweep.start)), ("created[lte]", str(sweep.end))]
    query += [("types[]", topic) for topic in topics[:MAX_TYPES]]
    query += [("starting_after", sweep.after)] if sweep.after else []
    return f"{base}/v1/events?{urlencode(query)}"


def resumed(sweep: Sweep) -> Sweep:
    """Return the sweep for a later run: an event's id leads on for 30 days."""
    return sweep


def page(content: Mapping[str, Any], links: Mapping[str, str], sweep: Sweep) -> Page:
    """Return a page of events."""
    del links
    listed = content.get("data")
    events = [event for event in listed if isinstance(event, dict)] if isinstance(listed, list) else []
    told = [webhook(event) for event in events if is_event(event)]
    more = content.get("has_more") is True and events and isinstance(events[-1].get("id"), str)
    rest = replace(sweep, after=events[-1]["id"]) if more else None
    return Page(tuple(told), rest, len(events) - len(told))


def is_event(event: Mapping[str, Any]) -> bool:
    created = event.get("created")
    return (
        isinstance(event.get("id"), str)
        and isinstance(event.get("type"), str)
        and isinstance(created, int)
        and 0 <= created <= LAST_SECOND
    )


def webhook(event: Mapping[str, Any]) -> ListedEvent:
    """Return an event as the webhook that carries it: its id is the same, whichever comes first."""
    return ListedEvent(
        topic=event["type"],
        began=datetime.fromtimestamp(event["created"], UTC),
        body=written(event),
        is_test=event.get("livemode") is False,
    )
