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
from functions.deliver.delivery import Job, Outcome

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


class KeptKinds:
    """The kinds that stand in the ledger. A process reads each once, as it never changes.

    `settled` are keys with types, by project and event (of a profile: ""), of which is known that they agree: they
    spare what always comes any closer look.
    """

    def __init__(self, ledger: Ledger, max_names: int = MAX_NAMES) -> None:
        self.ledger = ledger
        self.max_names = max_names
        self.standing: dict[Place, str] = {}
        self.settled: defaultdict[Place, set[tuple[str, Any]]] = defaultdict(set)

    # ── Before sending ──────────────────────────────────────────────────────────────────────────────────

    def agree(self, jobs: Sequence[Job], leased: Mapping[tuple[str, str], ProfileState]) -> None:
        """Have jobs send every name with one kind; what one is about to send counts for those after it.

        `leased` are the profiles before all of them. Raises BatchUnavailable.
        """
        unsettled = [job for job in jobs if not self.is_settled(job)]
        if not unsettled and not any(state.others for state in leased.values()):
            return
        states, found = dict(leased), self.read(unsettled)
        for job in jobs:
            state = states[job.profile]
            if state.others or not self.is_settled(job):
                self.agree_one(job, state, found)
                states[job.profile] = sent_as(state, job.origins)

    def is_settled(self, job: Job) -> bool:
        """Whether all that the job sends is known to agree."""
        project, attributes = job.settings.project, job.attributes
        marks = set(zip(attributes, map(type, attributes.values()), strict=True))
        return marks <= self.settled[project, ""] and all(
            kinds.items() <= self.settled[project, event["name"]]
            for event, kinds in zip(job.events, job.event_kinds, strict=True)
        )

    def read(self, jobs: Iterable[Job]) -> dict[Place, str | None]:
        """Read what this process does not know yet, and settle what agrees; returns what stands nowhere, as None."""
        shapes = [shape for job in jobs for shape in shapes_of(job)]
        unknown = {shape.place for shape in shapes if shape.kind} - self.standing.keys()
        for project in {project for project, _ in unknown}:
            kinds = self.ledger.kinds(project, sorted(path for of, path in unknown if of == project))
            self.standing |= {(project, path): kind for path, kind in kinds.items()}
        for shape in shapes:
            if shape.kind in (None, self.standing.get(shape.place)):
                self.settled[shape.holder].add(shape.mark)
        return dict.fromkeys(unknown - self.standing.keys())

    def agree_one(self, job: Job, state: ProfileState, found: dict[Place, str | None]) -> None:
        """Rewrite what a job sends, and note the kinds that are new with it; `found` has those of earlier jobs."""
        project = job.settings.project
        known = self.known(project, found)
        job.attributes, job.origins = agreed_attributes(job.attributes, state.others, known, job.warnings)
        job.events = [agreed_event(event, known, job.warnings) for event in job.events]
        for part, path, kind in kinds_of(job):
            if (project, path) not in self.standing:
                job.kinds.setdefault(part, {})[path] = kind
                found[project, path] = kind

    def known(self, project: str, found: dict[Place, str | None]) -> Known:
        """Tells the kind of a path; of a name that is made up meanwhile, by asking the ledger."""

        def kind(path: str) -> str | None:
            place = project, path
            if place not in self.standing and place not in found:
                kinds = self.ledger.kinds(project, [path])
                found[place] = kinds.get(path)
                self.standing |= {(project, path): kind for path, kind in kinds.items()}
            return self.standing.get(place) or found[place]

        return kind

    # ── After sending ───────────────────────────────────────────────────────────────────────────────────

    def remember(self, jobs: Sequence[Job]) -> None:
        """Remember the kinds of what Batch took. After a refusal all is read anew: Batch may know it otherwise."""
        refused = {(job.profile, part) for job in jobs for part in job.refused}
        taken: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for job in jobs:
            if job.outcome is Outcome.DELIVERED or job.refused:
                for part, kinds in job.kinds.items():
                    taken[job.settings.project] |= kinds if (job.profile, part) not in refused else {}
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


def shapes_of(job: Job) -> Iterator[Shape]:
    """All that a job sends, as it was fitted."""
    project = job.settings.project
    for key, value in job.attributes.items():
        yield Shape((project, bare(key)), attribute_kind(key, value), (project, ""), (key, type(value)))
    for event, kinds in zip(job.events, job.event_kinds, strict=True):
        name = event["name"]
        for path, kind in kinds.items():
            yield Shape((project, event_path(name, path)), kind, (project, name), (path, kind))


def kinds_of(job: Job) -> Iterator[tuple[str, str, str]]:
    """Each part of what a job sends, as it is called where Batch refuses it, with paths and their kinds."""
    for key, value in job.attributes.items():
        if kind := attribute_kind(key, value):
            yield f"attribute:{job.origins.get(key, key)}", bare(key), kind
    for event in job.events:
        for path, kind in event_kinds(event).items():
            yield f"event:{event['name']}", path, kind
