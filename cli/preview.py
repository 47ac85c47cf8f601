"""Say what a webhook would become, without a stack: the call to Batch, the warnings, and what nothing asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge import identity, limits, versions
from bridge.errors import BridgeError
from bridge.profile import ProfileChange
from bridge.settings import ConnectionSettings, InvalidSettings, checked
from bridge.webhook import Request, Source, Webhook, group_id, webhook_id
from cli.errors import CommandFailed
from cli.sample import Sample, read
from functions.sources import SETTINGS, room, settings_model


@dataclass(frozen=True, slots=True)
class Preview:
    """What Batch would be sent for a webhook alone; `unused` are the body's fields that no expression asked for."""

    topic: str
    call: list[dict[str, Any]]
    warnings: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    ignored: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "topic": self.topic,
            "call": self.call,
            "warnings": list(self.warnings),
            "unused": list(self.unused),
            "ignored": self.ignored,
        }


@dataclass(slots=True)
class Asked:
    """The places of a body that something asked for: `payload.email`, `items[].sku`."""

    places: set[str] = field(default_factory=set)

    def watched(self, content: Any, place: str = "") -> Any:
        """The same content, whose objects note what they are asked."""
        if isinstance(content, dict):
            return Watched(self, place, content)
        if isinstance(content, list):
            return [self.watched(item, f"{place}[]") for item in content]
        return content


class Watched(dict[str, Any]):
    """An object that notes which of its fields are asked for."""

    def __init__(self, asked: Asked, place: str, content: dict[str, Any]) -> None:
        self.asked = asked
        self.places = {name: f"{place}.{name}" if place else name for name in content}
        super().__init__({name: asked.watched(inner, self.places[name]) for name, inner in content.items()})

    def get(self, name: str, default: Any = None) -> Any:
        if name in self:
            self.asked.places.add(self.places[name])
        return super().get(name, default)

    def values(self) -> Any:
        self.asked.places.update(self.places.values())
        return super().values()

    def items(self) -> Any:
        self.asked.places.update(self.places.values())
        return super().items()


Watched.__name__ = "dict"
"""JMESPath tells types by their names."""


def preview(sample: Sample, connection: str, settings_file: Path | None) -> Preview:
    """What the webhook would become with these settings, or with those that the sample names. Raises CommandFailed."""
    stored = settings_in(settings_file) if settings_file else dict(sample.settings or {})
    try:
        settings = checked(stored, settings_model(sample.source))
    except InvalidSettings as error:
        raise CommandFailed(f"the settings are invalid: {error.reason}") from None
    source = next(one for one in room(sample.source, "handler").SOURCES if one.name == sample.source)
    webhook = queued(sample, source, connection, stored)
    if isinstance(webhook, str):
        return Preview(sample.topic, [], ignored=webhook)
    try:
        change, unused = mapped(webhook, settings)
    except BridgeError as error:
        return Preview(webhook.topic, [], ignored=error.reason)
    except ValidationError as error:
        raise CommandFailed(f"the mapping cannot read the body: {error.error_count()} faults") from None
    operation, warnings = operation_of(change, settings)
    return Preview(webhook.topic, [operation], warnings, unused)


def settings_in(path: Path) -> dict[str, Any]:
    stored, _ = read(path)
    if not isinstance(stored, dict):
        raise CommandFailed(f"{path} is not a JSON object")
    return stored


def queued(sample: Sample, source: Source, connection: str, stored: dict[str, Any]) -> Webhook | str:
    """The webhook as the door would queue it, or why it would not. Without its proof: a sample may be unsigned."""
    headers, _ = room(source.name, "signer").sign(
        source.name, sample.topic, sample.body, "preview", 0.0, **({"settings": stored} if stored else {})
    )
    known = {"content-type": sample.content_type, **sample.headers, **headers}
    lowered = {name.lower(): text for name, text in known.items()}
    request = Request(source.name, connection, lowered, {}, sample.body, settings=stored)
    try:
        summary = source.summarise(request)
    except BridgeError as error:
        return error.reason
    if summary.topic not in source.topics and not source.uses_settings:
        return "topic not mapped"
    return Webhook(
        id=webhook_id(source.name, connection, summary, sample.body),
        source=source.name,
        connection=connection,
        topic=summary.topic,
        headers={name: request.headers[name] for name in source.kept_headers if name in request.headers},
        body=sample.body,
        received_at=datetime.now(UTC),
        group=group_id(source.name, connection, summary.customer),
    )


def mapped(webhook: Webhook, settings: ConnectionSettings) -> tuple[ProfileChange, tuple[str, ...]]:
    """The change, and of a tool whose mapping is a setting, what it left unasked."""
    mapping = room(webhook.source, "mapping")
    if webhook.source not in SETTINGS:
        return mapping.to_change(webhook, settings), ()
    content = room(webhook.source, "body").document(webhook.headers, webhook.body)
    asked = Asked()
    watched = asked.watched(content)
    for name in ("topic", "id", "customer"):
        expression = getattr(settings, name)
        room(webhook.source, "expressions").found_text(expression, watched)
    change: ProfileChange = mapping.change_of(watched, webhook, settings)
    places = dict.fromkeys(leaves(content))
    return change, tuple(place for place in places if place not in asked.places)


def leaves(content: Any, place: str = "") -> Iterator[str]:
    """The places of all values in a body, an item of a list as `[]`."""
    if isinstance(content, dict):
        for name, inner in content.items():
            yield from leaves(inner, f"{place}.{name}" if place else name)
    elif isinstance(content, list) and any(isinstance(item, dict | list) for item in content):
        for item in content:
            yield from leaves(item, f"{place}[]")
    else:
        yield place


def operation_of(
    change: ProfileChange, settings: ConnectionSettings
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The operation for a profile of which nothing is known yet, and the warnings."""
    warnings, now = limits.Warnings(), datetime.now(UTC)
    try:
        custom_id = identity.custom_id(change.person, {}, settings.identity, may_wait=False)
    except BridgeError as error:
        raise CommandFailed(f"{error.reason}: no user id, no e-mail and no id of the tool's own") from None
    operation: dict[str, Any] = {"identifiers": {"custom_id": custom_id}}
    _, changes = versions.apply(versions.ProfileState(), change.groups)
    if attributes := limits.fit_attributes(changes, warnings):
        operation["attributes"] = attributes
    events = [limits.fit_event(event, now, warnings) for event in change.events]
    if fitted := [event for event in events if event]:
        operation["events"] = fitted
    return operation, limits.names(warnings.found)
