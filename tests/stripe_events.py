"""Stripe's sample events, changed at will, and what becomes of them. Asks nothing of the world."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from bridge.profiles import versions
from bridge.profiles.profile_change import Event, ProfileChange
from bridge.settings import ConnectionSettings
from bridge.webhook import Webhook
from functions.sources.stripe import mapping

EVENTS = Path(__file__).parent.parent / "events" / "stripe"
NOW = 1_788_000_000.0
SETTINGS = ConnectionSettings()
DAY = 86_400

Body = dict[str, Any]


def sample(name: str) -> Body:
    """The body of a sample event, to be changed at will."""
    body: Body = json.loads((EVENTS / f"{name}.json").read_text())["body"]
    return body


def about(name: str, /, **fields: Any) -> Body:
    """A sample event whose object has other fields."""
    body = sample(name)
    body["data"]["object"] |= fields
    return body


def with_price(body: Body, quantity: int | None = 1, **fields: Any) -> Body:
    """The event with another price, under both names that a price has."""
    item = body["data"]["object"]["items"]["data"][0]
    item["price"] |= fields
    item["quantity"] = quantity
    item["plan"] = body["data"]["object"]["plan"] = None
    return body


def with_items(body: Body, *items: Body) -> Body:
    body["data"]["object"]["items"]["data"] = list(items)
    return body


def item(unit_amount: int, interval: str = "month", name: str = "Pro", **fields: Any) -> Body:
    price = {
        "id": f"price_{name}_{unit_amount}_{interval}",
        "nickname": name,
        "currency": "eur",
        "billing_scheme": "per_unit",
        "unit_amount": unit_amount,
        "recurring": {"interval": interval, "interval_count": 1, "usage_type": "licensed"},
    }
    return {"price": price, "quantity": 1, **fields}


def updated(previous: Body, **fields: Any) -> Body:
    """An update of a running subscription."""
    body = about("customer.subscription.updated", **fields)
    body["data"]["previous_attributes"] = previous
    return body


def change(body: Body, settings: ConnectionSettings = SETTINGS) -> ProfileChange:
    content = json.dumps(body).encode()
    received_at = datetime.fromtimestamp(NOW, UTC)
    webhook = Webhook("id", "stripe", "main", body["type"], {}, content, received_at, "group")
    return mapping.to_change(webhook, settings)


def attributes(body: Body) -> dict[str, Any]:
    """What an empty profile gets of an event."""
    return versions.apply(versions.ProfileState(), change(body).groups)[1]


def events(body: Body) -> dict[str, dict[str, Any]]:
    """The events by name."""
    return {event.name: dict(event.attributes) for event in change(body).events}


def only_event(body: Body) -> Event:
    (event,) = change(body).events
    return event


@dataclass
class Profile:
    """A profile at Batch, as the operations leave it."""

    state: versions.ProfileState = field(default_factory=versions.ProfileState)
    attributes: dict[str, Any] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    def receive(self, bodies: Iterable[Body]) -> "Profile":
        for body in bodies:
            said = change(body)
            stored = versions.load(versions.dump(self.state))
            self.state, sent = versions.apply(stored, said.groups)
            self.attributes |= {name: as_sent(value) for name, value in sent.items()}
            self.events += [
                f"{event.time} {event.name} {sorted(event.attributes.items())}" for event in said.events
            ]
        return self

    @property
    def shown(self) -> dict[str, Any]:
        return {name: value for name, value in self.attributes.items() if value is not None}


def as_sent(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
