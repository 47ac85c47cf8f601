"""Watch the shapes of webhooks as they are delivered, and tell people where a field that a mapping reads is gone.

One row `shape#SOURCE/CONNECTION/TOPIC` of the ledger's table for each. It is a help to people: whatever goes wrong
here costs a look, never a delivery. Once a shape is known, no webhook costs a call to DynamoDB, and few are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from bridge.bounds import bounded
from bridge.errors import BatchUnavailable, MalformedBody, NotStorable, ProfileBusy
from bridge.observability import logger
from bridge.providers.payload_schema import Models, Seen, Shape
from bridge.storage.connections import Connections, text_in
from bridge.storage.ledger import Ledger
from bridge.webhook import Webhook, json_object
from functions.deliver.delivery import TEST_EVENT, Delivery
from functions.deliver.schema_drift.fields import (
    GONE,
    Versions,
    drifts,
    dump,
    is_restless,
    load,
    newest,
    observed,
)

LOOK_AT_EVERY = 50
"""Of the webhooks whose shape is known, the first of each minute is looked at, and every how-manieth."""
AGAIN_AFTER_SECONDS = 60
MAX_BODY_BYTES = 256 * 1024
"""Larger ones are not looked at: reading them a second time takes too long."""


MAX_VERSION_BYTES = 64
"""Of an API version, which is in a header that nobody signs; what is longer is known by its digest."""


class Reading(Protocol):
    """A source's mapping that says what it reads."""

    def reads(self, topic: str) -> Models:
        """Return the models of a topic; none where nothing is to be watched."""

    def api_version(self, webhook: Webhook, content: Mapping[str, Any]) -> str | None:
        """Return the tool's API version, "" where it has none; None where the webhook is not to be watched."""


class Place(NamedTuple):
    """Hold whose shape it is."""

    source: str
    connection: str
    topic: str

    @property
    def key(self) -> str:
        return f"shape#{self.source}/{self.connection}/{bounded(self.topic)}"


@dataclass(slots=True)
class Known:
    """Hold what this process knows of a shape. `told`: what is noted with its connection; None where that is not
    known."""

    versions: Versions
    revision: int
    webhooks: int = 0
    restless: bool = False
    changed: bool = False
    look_at: float = 0
    write_at: float = 0
    tell_at: float = 0
    told: tuple[str, ...] | None = ()


@dataclass(slots=True)
class SchemaWatcher:
    """The shapes that a process knows; `clock` returns Unix seconds. Sources without a reading are not watched."""

    readings: Mapping[str, Reading]
    ledger: Ledger
    connections: Connections
    clock: Callable[[], float]
    known: dict[Place, Known] = field(default_factory=dict)
    schemas: dict[tuple[str, str], Shape] = field(default_factory=dict)
    read_again_at: float = 0

    def watch(self, deliveries: Iterable[Delivery]) -> None:
        """Look at the webhooks that came for the first time, and warn of what has changed. Raises nothing."""
        fresh = [
            (place_of(delivery), delivery)
            for delivery in deliveries
            if delivery.webhook.source in self.readings and is_fresh(delivery)
        ]
        if not fresh:
            return
        self.read({place for place, _ in fresh} - self.known.keys())
        for place, delivery in fresh:
            if place not in self.known or not self.is_wanted(self.known[place]):
                continue
            try:
                self.look(place, self.known[place], delivery)
            except MalformedBody:
                continue  # the mapping said so
            except Exception as error:  # noqa: BLE001 - whatever goes wrong costs a look, never a delivery
                logger.error("payload schema not checked", source=place.source, error=type(error).__name__)

    def is_wanted(self, known: Known) -> bool:
        """Return whether to look at the next webhook."""
        known.webhooks += 1
        now = self.clock()
        if not known.restless and known.webhooks < LOOK_AT_EVERY and now < known.look_at:
            return False
        known.webhooks, known.look_at = 0, now + AGAIN_AFTER_SECONDS
        return True

    def look(self, place: Place, known: Known, delivery: Delivery) -> None:
        reading, webhook = self.readings[place.source], delivery.read or delivery.webhook
        content = json_object(webhook.body)
        stated = reading.api_version(webhook, content)
        if stated is None:
            return
        version = bounded(stated, MAX_VERSION_BYTES)
        seen = self.shape(place).seen(content)
        versions = observed(known.versions, version, seen, datetime.fromtimestamp(self.clock(), UTC))
        if versions != known.versions:
            known.versions, known.changed = versions, True
        known.restless = is_restless(versions[version], seen)
        warn(delivery, versions[version], seen)
        self.tell(place, known, version)

    def shape(self, place: Place) -> Shape:
        """Return what is read of a topic, worked out once."""
        key = place.source, place.topic
        if key not in self.schemas:
            self.schemas[key] = Shape(self.readings[place.source].reads(place.topic))
        return self.schemas[key]

    def tell(self, place: Place, known: Known, version: str) -> None:
        """Note with the connection which fields are gone or changed, when that is news to it or to this process."""
        found = dict(drifts(newest(known.versions)))
        told = tuple(f"{habit.since} {habit.drift} {path}" for path, habit in found.items())
        if told == known.told or self.clock() < known.tell_at:
            return
        known.write_at = 0
        if self.connections.drifted(place.source, place.connection, place.topic, told):
            known.told = told
        else:
            known.tell_at = self.clock() + AGAIN_AFTER_SECONDS
        logger.warning(
            "fields of webhooks have changed" if told else "fields of webhooks are back to normal",
            source=place.source,
            connection=place.connection,
            topic=place.topic,
            api_version=version,
            fields=[f"{habit.drift}:{path}" for path, habit in found.items()],
        )

    # ── In the ledger ───────────────────────────────────────────────────────────────────────────────────

    def read(self, places: Iterable[Place]) -> None:
        """Read what earlier processes learnt; where that fails, try again in a minute."""
        watched = [place for place in places if self.readings[place.source].reads(place.topic)]
        if not watched or self.clock() < self.read_again_at:
            return
        try:
            rows = self.ledger.read([place.key for place in watched])
        except (BatchUnavailable, NotStorable) as error:
            self.read_again_at = self.clock() + AGAIN_AFTER_SECONDS
            logger.warning("payload schemas not read", reason=error.reason)
            return
        for place in watched:
            row = rows.get(place.key, {})
            known = Known(load(text_in(row, "shapes")), int(row.get("revision", {}).get("N", 0)))
            known.told = None if any(drifts(newest(known.versions))) else ()
            self.known[place] = known

    def keep(self) -> None:
        """Write what was learnt, each row at most once a minute, and at once where a field is gone or back."""
        for place, known in list(self.known.items()):
            if known.changed and self.clock() >= known.write_at:
                known.write_at = self.clock() + AGAIN_AFTER_SECONDS
                self.write(place, known)

    def write(self, place: Place, known: Known) -> None:
        """Write one row. Where another process wrote it meanwhile, that stays, and is read anew."""
        values = {
            ":shapes": {"S": dump(known.versions)},
            ":was": {"N": str(known.revision)},
            ":next": {"N": str(known.revision + 1)},
        }
        update = "SET shapes = :shapes, revision = :next"
        try:
            self.ledger.update(place.key, update, "attribute_not_exists(revision) OR revision = :was", values)
        except ProfileBusy:
            del self.known[place]
            self.read([place])
            if place in self.known:
                self.known[place].told = None
        except (BatchUnavailable, NotStorable) as error:
            logger.warning("payload schema not stored", reason=error.reason)
        else:
            known.revision, known.changed = known.revision + 1, False


def place_of(delivery: Delivery) -> Place:
    return Place(delivery.webhook.source, delivery.webhook.connection, delivery.webhook.topic)


def is_fresh(delivery: Delivery) -> bool:
    """Return whether its mapping was asked, and it was not looked at before. What a test sends may be of any shape."""
    webhook = delivery.webhook
    return (
        delivery.read is not None
        and delivery.message.receive_count == 1
        and not (webhook.retries or webhook.waits)
        and len(delivery.read.body) <= MAX_BODY_BYTES
        and delivery.reason != TEST_EVENT
    )


def warn(delivery: Delivery, fingerprint: Mapping[str, Any], seen: Seen) -> None:
    """Warn on the receipt of what is gone or changed in this webhook."""
    for path, habit in drifts(fingerprint):
        if path in seen:
            delivery.warnings.add("field_gone" if habit.drift == GONE else "field_changed", path)
