"""Say what a connection's owner changes of a mapping's outcome: names, what is left out, what is added. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from jmespath.exceptions import JMESPathError

from bridge import expressions
from bridge.errors import MalformedBody, MappingFailed
from bridge.profiles import normalise
from bridge.profiles.profile_change import AttributeGroup, Attributes, Event, ProfileChange, Value, present
from bridge.settings import ConnectionSettings
from bridge.strict_json import json_value
from bridge.webhook import Webhook

WORD = re.compile(r"\w+")


def overridden(change: ProfileChange, settings: ConnectionSettings, webhook: Webhook) -> ProfileChange:
    """Return the change as the settings want it. Raises MappingFailed where an expression cannot be answered."""
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
    """Return the events under the names of the connection, without those that it leaves out."""
    named = [(event, settings.events.get(event.name, event.name)) for event in mapped]
    return tuple(replace(event, name=settings.prefix + name) for event, name in named if name is not None)


def attributes(mapped: Attributes, settings: ConnectionSettings) -> dict[str, Value]:
    """Return the profile attributes under the names of the connection, without those that it leaves out."""
    named = {key: settings.attributes.get(key, key) for key in mapped}
    return {prefixed(name, settings.prefix): mapped[key] for key, name in named.items() if name is not None}


def prefixed(key: str, prefix: str) -> str:
    """Return the key with the prefix in front of its name; Batch's own attributes keep theirs."""
    if not prefix or key.startswith("$"):
        return key
    wrapper, bracket, name = key.rpartition("(")
    return f"{wrapper}{bracket}{prefix}{name}"


def added(
    change: ProfileChange, settings: ConnectionSettings, webhook: Webhook
) -> tuple[AttributeGroup, ...]:
    """Return the attributes that the settings read off the body, as new as the webhook's event, else as its receipt."""
    if not settings.added_attributes:
        return ()
    content = body_of(webhook)
    found = {key: search(path, content) for key, path in settings.added_attributes.items()}
    owned = {key for key, path in settings.added_attributes.items() if is_owners(change, path, content)}
    version = normalise.sortable(
        next((event.time for event in change.events if event.time), webhook.received_at)
    )
    by_owner = present({key: value for key, value in found.items() if key in owned})
    by_visitor = present({key: value for key, value in found.items() if key not in owned})
    groups = (
        AttributeGroup("added", version, by_owner, provenance="owner"),
        AttributeGroup("added", version, by_visitor, provenance="visitor"),
    )
    return tuple(group for group in groups if group.attributes)


def is_owners(change: ProfileChange, expression: str, content: Any) -> bool:
    """Return whether an owner states what the expression finds: it names no field of a visitor, and finds the same
    without."""
    words = set(WORD.findall(expression))
    if change.body_provenance != "owner" or not words.isdisjoint(change.visitor_fields):
        return False
    try:
        return bool(
            search(expression, content) == search(expression, without(content, change.visitor_fields))
        )
    except MappingFailed:
        return False


def without(content: Any, names: Collection[str]) -> Any:
    """Return a JSON value without the fields of these names, wherever they stand."""
    if isinstance(content, dict):
        return {name: without(inner, names) for name, inner in content.items() if name not in names}
    return [without(inner, names) for inner in content] if isinstance(content, list) else content


def body_of(webhook: Webhook) -> Any:
    """Return what a JSON body says. Raises MappingFailed."""
    try:
        return json_value(webhook.body)
    except MalformedBody:
        raise MappingFailed("added_attributes: the body is not JSON") from None


def search(expression: str, content: Any) -> Any:
    """Return what the expression finds in a JSON value. Raises MappingFailed."""
    try:
        return expressions.search(expression, content)
    except JMESPathError as error:
        raise MappingFailed(f"added_attributes: {type(error).__name__}") from None
