"""Say what a shop's list of orders says happened, as the webhooks that should have mentioned it. Pure.

Orders are listed over REST, which Shopify calls legacy, but serves to custom apps in every version up to 2026-10, and
without an end date: https://shopify.dev/docs/api/admin-rest/2026-10/resources/order
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from pydantic import ValidationError

from bridge.providers.event_list import Grant, ListedEvent, Page, Sweep, written
from bridge.settings import ConnectionSettings
from functions.sources.shopify.headers import HAPPENED
from functions.sources.shopify.orders import names_someone, once_key
from functions.sources.shopify.payloads import Order
from functions.sources.shopify.references import order_reference

API_VERSION = "2026-04"
PAGE_SIZE = 250
"""The most. https://shopify.dev/docs/api/admin-rest/usage/pagination"""
TOPICS = ("orders/create", "orders/paid", "orders/fulfilled", "orders/cancelled")
PAID = frozenset({"paid", "partially_refunded", "refunded"})


def base(settings: ConnectionSettings) -> str | None:
    """Return where the shop's API is; None where the settings do not say."""
    return f"https://{settings.shop_domain}" if settings.shop_domain else None


def grant(base: str, api_key: str) -> Grant | None:
    """Return how `CLIENT_ID:CLIENT_SECRET` of an app becomes a token; a token (`shpat_...`) needs nothing.

    https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/client-credentials-grant
    """
    client_id, colon, client_secret = api_key.partition(":")
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return Grant(f"{base}/admin/oauth/access_token", form) if colon else None


def headers(token: str) -> dict[str, str]:
    return {"X-Shopify-Access-Token": token}


def address(base: str, sweep: Sweep, topics: Sequence[str]) -> str:
    """Return the address of a page: with `page_info` Shopify takes nothing else but `limit`."""
    del topics
    query = {"limit": str(PAGE_SIZE)} | (
        {"page_info": sweep.after}
        if sweep.after
        else {
            "status": "any",
            "order": "updated_at asc",
            "updated_at_min": moment(sweep.start),
            "updated_at_max": moment(sweep.end),
        }
    )
    return f"{base}/admin/api/{API_VERSION}/orders.json?{urlencode(query, quote_via=quote)}"


def resumed(sweep: Sweep) -> Sweep:
    """Return the sweep for a later run: `start` has moved along, and a `page_info` does not live for long."""
    return replace(sweep, after="")


def page(content: Mapping[str, Any], links: Mapping[str, str], sweep: Sweep) -> Page:
    """Return a page of orders. Of the `Link` header only `page_info` is taken, never the address."""
    listed = content.get("orders")
    told: list[ListedEvent] = []
    unreadable, start = 0, sweep.start
    for stated in listed if isinstance(listed, list) else []:
        try:
            order = Order.model_validate(stated)
        except ValidationError:
            unreadable += 1
            continue
        told += webhooks(order, stated)
        start = max(start, int(order.updated_at.timestamp())) if order.updated_at else start
    after = parse_qs(urlsplit(links.get("next", "")).query).get("page_info")
    rest = replace(sweep, start=min(start, sweep.end), after=after[0]) if after else None
    return Page(tuple(told), rest, unreadable)


def webhooks(order: Order, stated: Mapping[str, Any]) -> Iterator[ListedEvent]:
    """Yield what must have been sent about an order, by its state now.

    Nothing of one that names nobody: a key without access to customers sees every order so.
    """
    if order.created_at is None or not names_someone(order):
        return
    body = written(stated)
    for topic, time in milestones(order, stated):
        yield ListedEvent(
            topic=topic,
            began=aware(order.created_at),
            body=body,
            headers={"x-shopify-topic": topic} | ({HAPPENED: aware(time).isoformat()} if time else {}),
            idempotency_key=f"listed:{topic}:{order.id}",
            reference=order_reference(order.id),
            once=once_key(topic, order.id),
            is_test=bool(order.test),
        )


def milestones(order: Order, stated: Mapping[str, Any]) -> Iterator[tuple[str, datetime | None]]:
    """Yield the topics that must have been sent, each with the time of its event where the order's own fields lack
    it."""
    yield "orders/create", None
    if order.financial_status in PAID:
        yield "orders/paid", None
    if order.fulfillment_status == "fulfilled":
        yield "orders/fulfilled", last_fulfilled(stated)
    if order.cancelled_at:
        yield "orders/cancelled", None


def last_fulfilled(stated: Mapping[str, Any]) -> datetime | None:
    """Return when the last parcel was made ready."""
    parcels = stated.get("fulfillments")
    times = [
        aware(datetime.fromisoformat(parcel["created_at"]))
        for parcel in (parcels if isinstance(parcels, list) else [])
        if isinstance(parcel, dict) and is_time(parcel.get("created_at"))
    ]
    return max(times, default=None)


def is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
