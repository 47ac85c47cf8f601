"""Keep one type for every name of a project: what Batch took first stays, and what comes later is made to agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from bridge.batch.attribute_types import (
    Known,
    agreed_attributes,
    agreed_event,
    attribute_kind,
    event_kinds,
    event_path,
)
from bridge.batch.limits import bare
from bridge.errors import BatchUnavailable, NotStorable
from bridge.observability import logger
from bridge.profiles.versions import ProfileState, sent_as
from bridge.storage.ledger import Ledger
from functions.deliver.delivery import Delivery, Outcome

Place: TypeAlias = tuple[str, str]
"""A project and a name of its profiles, or a path in an event."""

MAX_NAMES = 50_000
"""In the memory of a process: whoever fills in a form may send any names."""


class Shape(NamedTuple):
    """Something that is sent: where, of which kind if of any, and how `settled` knows it."""

    place: Place
    kind: str | None
    holder: Place
    mark: tuple[str, Any]


class TypeRegistry:
    """The kinds that are in the ledger. A process reads each once, as it never changes.

    `settled` are keys with types, by project and event (of a profile: ""), of which is known that they agree: they
    spare what always comes any closer look.
    """

    def __init__(self, ledger: Ledger, max_names: int = MAX_NAMES) -> None:
        self.ledger = ledger
        self.max_names = max_names
        self.standing: dict[Place, str] = {}
        self.settled: defaultdict[Place, set[tuple[str, Any]]] = defaultdict(set)

    # ── Before sending ──────────────────────────────────────────────────────────────────────────────────

    def agree(self, deliveries: Sequence[Delivery], leased: Mapping[tuple[str, str], ProfileState]) -> None:
        """Have deliveries send every name with one kind; what one is about to send counts for those after it.

        `leased` are the profiles before all of them. Raises BatchUnavailable.
        """
        unsettled = [delivery for delivery in deliveries if not self.is_settled(delivery)]
        if not unsettled and not any(state.others for state in leased.values()):
            return
        states, found = dict(leased), self.read(unsettled)
        for delivery in deliveries:
            state = states[delivery.profile]
            if state.others or not self.is_settled(delivery):
                self.agree_one(delivery, state, found)
                states[delivery.profile] = sent_as(state, delivery.origins)

    def is_settled(self, delivery: Delivery) -> bool:
        """Return whether all that the delivery sends is known to agree."""
        project, attributes = delivery.settings.project, delivery.attributes
        marks = set(zip(attributes, map(type, attributes.values()), strict=True))
        return marks <= self.settled[project, ""] and all(
            kinds.items() <= self.settled[project, event["name"]]
            for event, kinds in zip(delivery.events, delivery.event_kinds, strict=True)
        )

    def read(self, deliveries: Iterable[Delivery]) -> dict[Place, str | None]:
        """Read what this process does not know yet, and settle what agrees; returns what stands nowhere, as None."""
        schemas = [shape for delivery in deliveries for shape in shapes_of(delivery)]
        unknown = {shape.place for shape in schemas if shape.kind} - self.standing.keys()
        for project in {project for project, _ in unknown}:
            kinds = self.ledger.kinds(project, sorted(path for of, path in unknown if of == project))
            self.standing |= {(project, path): kind for path, kind in kinds.items()}
        for shape in schemas:
            if shape.kind in (None, self.standing.get(shape.place)):
                self.settled[shape.holder].add(shape.mark)
        return dict.fromkeys(unknown - self.standing.keys())

    def agree_one(self, delivery: Delivery, state: ProfileState, found: dict[Place, str | None]) -> None:
        """Rewrite what a delivery sends, and note the kinds that are new with it; `found` has those of earlier
        deliveries."""
        project = delivery.settings.project
        known = self.known(project, found)
        delivery.attributes, delivery.origins = agreed_attributes(
            delivery.attributes, state.others, known, delivery.warnings
        )
        delivery.events = [agreed_event(event, known, delivery.warnings) for event in delivery.events]
        for part, path, kind in kinds_of(delivery):
            if (project, path) not in self.standing:
                delivery.kinds.setdefault(part, {})[path] = kind
                found[project, path] = kind

    def known(self, project: str, found: dict[Place, str | None]) -> Known:
        """Return the kind of a path; of a name that is made up meanwhile, by asking the ledger."""

        def kind(path: str) -> str | None:
            place = project, path
            if place not in self.standing and place not in found:
                kinds = self.ledger.kinds(project, [path])
                found[place] = kinds.get(path)
                self.standing |= {(project, path): kind for path, kind in kinds.items()}
            return self.standing.get(place) or found[place]

        return kind

    # ── After sending ───────────────────────────────────────────────────────────────────────────────────

    def remember(self, deliveries: Sequence[Delivery]) -> None:
        """Remember the kinds of what Batch took. After a refusal all is read anew: Batch may know it otherwise."""
        refused = {(delivery.profile, part) for delivery in deliveries for part in delivery.refused}
        taken: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for delivery in deliveries:
            if delivery.outcome is Outcome.DELIVERED or delivery.refused:
                for part, kinds in delivery.kinds.items():
                    taken[delivery.settings.project] |= (
                        kinds if (delivery.profile, part) not in refused else {}
                    )
        if refused or len(self.standing) > self.max_names:
            self.standing.clear()
            self.settled.clear()
        for project, kinds in taken.items():
            self.write(project, kinds)

    def write(self, project: str, kinds: Mapping[str, str]) -> None:
        """Write kinds down. Where that fails, the next delivery that sends these names does it."""
        try:
            self.ledger.remember_kinds(project, kinds)
        except (BatchUnavailable, NotStorable) as error:
            logger.warning("attribute types not stored", project=project, reason=error.reason)


def shapes_of(delivery: Delivery) -> Iterator[Shape]:
    """Yield all that a delivery sends, as it was fitted."""
    project = delivery.settings.project
    for key, value in delivery.attributes.items():
        yield Shape((project, bare(key)), attribute_kind(key, value), (project, ""), (key, type(value)))
    for event, kinds in zip(delivery.events, delivery.event_kinds, strict=True):
        name = event["name"]
        for path, kind in kinds.items():
            yield Shape((project, event_path(name, path)), kind, (project, name), (path, kind))


def kinds_of(delivery: Delivery) -> Iterator[tuple[str, str, str]]:
    """Yield each part of what a delivery sends, as it is called where Batch refuses it, with paths and their kinds."""
    for key, value in delivery.attributes.items():
        if kind := attribute_kind(key, value):
            yield f"attribute:{delivery.origins.get(key, key)}", bare(key), kind
    for event in delivery.events:
        for path, kind in event_kinds(event).items():
            yield f"event:{event['name']}", path, kind
