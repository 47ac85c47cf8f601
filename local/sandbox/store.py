"""Keep the profiles of every project in memory, and one type for every name for ever."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from local.sandbox import limits
from local.sandbox.limits import Kind
from local.sandbox.rules import AttributeWrite, EventWrite, Flaw, Reading
from local.sandbox.times import rfc_3339
from local.sandbox.values import Refused


@dataclass(slots=True)
class Profile:
    """One profile: attributes keyed as sent, events as sent and in order of arrival."""

    project: str
    custom_id: str
    created_at: float
    updated_at: float
    attributes: dict[str, object] = field(default_factory=dict)
    events: list[dict[str, object]] = field(default_factory=list)
    event_receipts: list[dict[str, object]] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Give the look-in's view; what the sandbox adds stands beside `attributes` and `events`."""
        return {
            "custom_id": self.custom_id,
            "attributes": self.attributes,
            "events": self.events,
            "project": self.project,
            "created_at": rfc_3339(self.created_at),
            "updated_at": rfc_3339(self.updated_at),
            "event_receipts": self.event_receipts,
        }


class Store:
    """All profiles, the newest change last, and `revision`, which grows with every change."""

    def __init__(self) -> None:
        self.revision = 0
        self._profiles: dict[tuple[str, str], Profile] = {}
        self._kinds: dict[str, dict[str, Kind]] = {}
        self._blacklist: dict[tuple[str, str], float] = {}

    def forget(self) -> None:
        """Drop profiles, types and the blacklist."""
        self._profiles.clear()
        self._kinds.clear()
        self._blacklist.clear()
        self.revision += 1

    def profiles(self, project: str | None = None) -> Iterator[Profile]:
        """Give the profiles of one project or of all, the newest change first."""
        for profile in reversed(self._profiles.values()):
            if project is None or profile.project == project:
                yield profile

    def profile(self, custom_id: str, project: str | None = None) -> Profile | None:
        """Find a profile in one project, or in all: then the one that changed last."""
        projects = self._kinds if project is None else (project,)
        found = [self._profiles[key] for name in projects if (key := (name, custom_id)) in self._profiles]
        return max(found, key=lambda profile: profile.updated_at, default=None)

    def erase(self, project: str, custom_id: str, now: float) -> bool:
        """Delete a profile at once, refuse its id for a month, and say whether it was known."""
        self._blacklist[project, custom_id] = now + limits.BLACKLIST_SECONDS
        self.revision += 1
        return self._profiles.pop((project, custom_id), None) is not None

    def apply(self, project: str, reading: Reading, now: float) -> list[Flaw]:
        """Write what a reading accepted, attributes before events, and give what the store had to refuse."""
        if reading.custom_id is None or self._is_blacklisted(project, reading.custom_id, now):
            return []
        profile = self._touch(project, reading.custom_id, now)
        kinds = self._kinds.setdefault(project, {})
        flaws: list[Flaw] = []
        for attribute in reading.attributes:
            try:
                _write_attribute(profile.attributes, kinds, attribute)
            except Refused as refusal:
                flaws.append(Flaw("attribute", attribute.key, refusal.reason))
        for event in reading.events:
            flaws.extend(_write_event(profile, kinds, event, now))
        return flaws

    def _is_blacklisted(self, project: str, custom_id: str, now: float) -> bool:
        return bool(self._blacklist) and now < self._blacklist.get((project, custom_id), 0.0)

    def _touch(self, project: str, custom_id: str, now: float) -> Profile:
        profile = self._profiles.pop((project, custom_id), None) or Profile(project, custom_id, now, now)
        profile.updated_at = now
        self._profiles[project, custom_id] = profile
        self.revision += 1
        return profile


def _write_attribute(attributes: dict[str, object], kinds: dict[str, Kind], write: AttributeWrite) -> None:
    known = kinds.get(write.name)
    if known and write.kind and known != write.kind:
        raise Refused(f"the name has the type {known} for ever, this is {write.kind}")
    value = write.value
    if isinstance(value, dict):
        value = _changed_array(attributes.get(write.key), value)
    if write.kind is not None:
        kinds.setdefault(write.name, write.kind)
    if value is None:
        for key in (write.name, f"date({write.name})", f"url({write.name})"):
            attributes.pop(key, None)
        return
    attributes[write.key] = value


def _changed_array(existing: object, change: dict[str, list[str]]) -> list[str] | None:
    """Give the array after `$add` and `$remove`; an array without items is no attribute."""
    items: list[str] = list(existing) if isinstance(existing, list) else []
    kept = [item for item in items if item not in change.get("$remove", [])]
    kept.extend(item for item in dict.fromkeys(change.get("$add", [])) if item not in kept)
    if len(kept) > limits.MAX_ARRAY_ITEMS:
        raise Refused(f"the array would have more than {limits.MAX_ARRAY_ITEMS} items")
    return kept or None


def _write_event(profile: Profile, kinds: dict[str, Kind], event: EventWrite, now: float) -> list[Flaw]:
    flaws = [
        Flaw("event", path, f"the name has the type {kinds[path]} for ever, this is {kind}")
        for path, kind in event.kinds.items()
        if kinds.get(path, kind) != kind
    ]
    if flaws:
        return flaws
    kinds.update(event.kinds)
    profile.events.append(event.sent)
    time_sent = event.time is not None
    time = now if event.time is None else event.time
    profile.event_receipts.append(
        {"received_at": rfc_3339(now), "time": rfc_3339(time), "time_sent": time_sent}
    )
    return []
