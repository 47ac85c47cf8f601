"""Say how far a connection has been compared, as its row in the ledger keeps it. Values only: no I/O, no clock."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bridge.providers.event_list import Sweep

DAY_SECONDS = 86_400
OLDEST_SECONDS = 30 * DAY_SECONDS
"""Nothing older is compared: receipts are kept for 35 days, and Stripe lists 30."""
LEARNING_SECONDS = 7 * DAY_SECONDS
"""How far the first run looks back for topics that arrive; it feeds nothing of that time."""
GRACE_SECONDS = 900
"""What is newer may still be on its way."""


@dataclass(frozen=True, slots=True)
class Progress:
    """All times are Unix seconds.

    Nothing that began before `since` is fed. `first` is when this was first compared: of what began later, the ledger
    knows each event that a profile has had. Everything up to `done` was compared; `sweep` is where a run had to
    stop. `topics` have been seen to arrive; `doubted` are others of which the sweep has found something. `stated` is
    the start that the settings name, once it was heeded.
    """

    project: str
    since: int
    first: int
    done: int
    sweep: Sweep | None = None
    topics: tuple[str, ...] = ()
    doubted: tuple[str, ...] = ()
    stated: int | None = None

    def reaching(self, asked: int | None, stated: int | None, now: int) -> Progress:
        """Return the progress with the start that somebody asks for, or that the settings name anew."""
        if asked is not None:
            return self.rewound(asked, now)
        if stated is None or stated == self.stated:
            return self
        heeded = replace(self, stated=stated)
        return heeded.rewound(stated, now) if stated < self.since else replace(heeded, since=stated)

    def rewound(self, since: int, now: int) -> Progress:
        oldest = max(since, now - OLDEST_SECONDS)
        return replace(
            self, since=min(since, self.since), done=min(oldest, self.done), sweep=None, doubted=()
        )

    def next_sweep(self, now: int) -> Sweep | None:
        """Return what is to be compared now; none where nothing is old enough."""
        if self.sweep:
            return self.sweep
        start, end = max(self.done, now - OLDEST_SECONDS), now - GRACE_SECONDS
        return Sweep(start, end) if start < end else None

    def learning(self, came: Iterable[str]) -> Progress:
        """Return the progress with topics that have been seen to arrive."""
        return replace(self, topics=tuple(sorted({*self.topics, *came})))

    def after_page(self, sweep: Sweep, rest: Sweep | None, doubted: Iterable[str]) -> Progress:
        """Return the progress once a page of a sweep is dealt with; `rest` is what it leaves.

        A sweep that ends begins anew where something of it is of a topic that only later pages showed to arrive.
        """
        left = tuple(sorted({*self.doubted, *doubted}))
        if rest is None and set(left) & set(self.topics):
            return replace(self, sweep=Sweep(min(self.done, sweep.start), sweep.end), doubted=())
        if rest is None:
            return replace(self, sweep=None, done=sweep.end, doubted=())
        return replace(self, sweep=rest, doubted=left)

    def dump(self) -> str:
        content = {name: getattr(self, name) for name in self.__slots__}
        content["sweep"] = self.sweep and [self.sweep.start, self.sweep.end, self.sweep.after]
        return json.dumps(content, separators=(",", ":"))


def load(text: str, project: str, now: int) -> Progress:
    """Return the progress of `dump`. It begins now where nothing was compared before, or for another project, whose
    profiles know nothing of the time before."""
    stored = json.loads(text) if text else {}
    if stored.get("project") != project:
        return Progress(project, since=now, first=now, done=now - LEARNING_SECONDS)
    sweep = stored.pop("sweep")
    topics, doubted = tuple(stored.pop("topics")), tuple(stored.pop("doubted"))
    return Progress(**stored, sweep=Sweep(*sweep) if sweep else None, topics=topics, doubted=doubted)
