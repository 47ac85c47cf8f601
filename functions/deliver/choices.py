"""What a connection's owner changes of a mapping's outcome: names, what is left out, what is added. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from jmespath.exceptions import JMESPathError

from bridge import expressions, normalise
from bridge.errors import MalformedBody, MappingFailed
from bridge.profile import AttributeGroup, Attributes, Event, ProfileChange, Value, present
from bridge.settings import ConnectionSettings
from bridge.strict_json import json_value
from bridge.webhook import Webhook

OF_VISITORS = re.compile(r"\b(note_attributes|note|client_reference_id|custom_fields)\b")
"""Fields of Shopify and Stripe that whoever has the cart or the address of a payment link can set."""


def chosen(change: ProfileChange, settings: ConnectionSettings, webhook: Webhook) -> ProfileChange:
    """The change as the settings want it. Raises MappingFailed where an expression cannot be answered."""
    if not (settings.events or settings.attributes or settings.prefix or settings.added_attributes):
        return change
    groups = (*change.groups, *added(change, settings, webhook))
    completed = change.completed
    return replace(
        change,
        groups=tuple(replace(group, attributes=attributes(group.attributes, settings)) for group in groups),
        events=events(change.events, settings),
        completed=completed and (lambda known: events(completed(known), settings)),
    )


def events(mapped: tuple[Event, ...], settings: ConnectionSettings) -> tuple[Event, ...]:
    """The events under the names of the connection, without those that it leaves out."""
    named = [(event, settings.events.get(event.name, event.name)) for event in mapped]
    return tuple(replace(event, name=settings.prefix + name) for event, name in named if name is not None)


def attributes(mapped: Attributes, settings: ConnectionSettings) -> dict[str, Value]:
    """The profile attributes under the names of the connection, without those that it leaves out."""
    named = {key: settings.attributes.get(key, key) for key in mapped}
    return {prefixed(name, settings.prefix): mapped[key] for key, name in named.items() if name is not None}


def prefixed(key: str, prefix: str) -> str:
    """The key with the prefix in front of its name; Batch's own attributes keep theirs."""
    if not prefix or key.startswith("$"):
        return key
    wrapper, bracket, name = key.rpartition("(")
    return f"{wrapper}{bracket}{prefix}{name}"


def added(
    change: ProfileChange, settings: ConnectionSettings, webhook: Webhook
) -> tuple[AttributeGroup, ...]:
    """The attributes that the settings read off the body, as new as the webhook's event, else as its receipt."""
    if not settings.added_attributes:
        return ()
    found = {key: search(path, webhook.body) for key, path in settings.added_attributes.items()}
    time = next((event.time for event in change.events if event.time), webhook.received_at)
    typed = {key for key, path in settings.added_attributes.items() if OF_VISITORS.search(path)}
    owned = present({key: value for key, value in found.items() if key not in typed})
    visited = present({key: found[key] for key in found if key in typed})
    groups = (
        AttributeGroup("added", normalise.sortable(time), owned),
        AttributeGroup("added", normalise.sortable(time), visited, provenance="visitor"),
    )
    return tuple(group for group in groups if group.attributes)


def search(expression: str, body: bytes) -> Any:
    """What the expression finds in a JSON body. Raises MappingFailed."""
    try:
        return expressions.search(expression, json_value(body))
    except JMESPathError as error:
        raise MappingFailed(f"added_attributes: {type(error).__name__}") from None
    except MalformedBody:
        raise MappingFailed("added_attributes: the body is not JSON") from None
