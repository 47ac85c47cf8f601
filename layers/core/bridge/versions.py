"""Decide which of a webhook's attributes are newer than what a profile has. Pure.

Providers promise no order. Every attribute remembers the version that wrote it, and an older version never
replaces a newer one: any shuffle of the same webhooks ends in the same profile.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from bridge.profile import AttributeGroup, Value


@dataclass(frozen=True, slots=True)
class Member:
    """One of several of its kind, such as a subscription, as last stated."""

    version: str
    rank: str
    attributes: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class ProfileState:
    """What is known of a profile: the version of each attribute, and the members of its groups."""

    versions: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Mapping[str, Member]] = field(default_factory=dict)


def apply(state: ProfileState, groups: Iterable[AttributeGroup]) -> tuple[ProfileState, dict[str, Value]]:
    """The state after the groups, and the attributes that Batch must be sent for it."""
    changes: dict[str, Value] = {}
    for group in groups:
        state, changed = apply_group(state, group)
        changes |= changed
    return state, changes


def apply_group(state: ProfileState, group: AttributeGroup) -> tuple[ProfileState, dict[str, Value]]:
    if group.member is not None:
        return apply_member(state, group, group.member)
    newer = {
        name: value
        for name, value in group.attributes.items()
        if state.versions.get(name, "") <= group.version
    }
    versions = {**state.versions, **dict.fromkeys(newer, group.version)}
    return ProfileState(versions, state.members), newer


def apply_member(
    state: ProfileState, group: AttributeGroup, name: str
) -> tuple[ProfileState, dict[str, Value]]:
    members = state.members.get(group.name, {})
    if name in members and members[name].version > group.version:
        return state, {}
    stated = Member(group.version, group.rank, dict(group.attributes))
    updated = {**members, name: stated}
    before, after = leading(members), leading(updated)
    changes: dict[str, Value] = {}
    if after is not None and (after is stated or after is not before):
        gone = set(before.attributes) - set(after.attributes) if before else ()
        changes = {**dict.fromkeys(sorted(gone)), **after.attributes}
    return ProfileState(state.versions, {**state.members, group.name: updated}), changes


def leading(members: Mapping[str, Member]) -> Member | None:
    """The member that the profile shows: the one of greatest rank; of two, the one whose name sorts last."""
    name = max(members, key=lambda name: (members[name].rank, name), default=None)
    return None if name is None else members[name]


def dump(state: ProfileState) -> str:
    """The state as JSON; attributes of one version stand together, to stay within a kilobyte."""
    by_version: dict[str, list[str]] = {}
    for name, version in sorted(state.versions.items()):
        by_version.setdefault(version, []).append(name)
    members = {
        group: {name: [one.version, one.rank, dict(one.attributes)] for name, one in named.items()}
        for group, named in state.members.items()
    }
    return json.dumps({"versions": by_version, "members": members}, separators=(",", ":"), default=number)


def number(value: object) -> float:
    """Money as JSON knows it."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


def load(text: str | None) -> ProfileState:
    """The state of `dump`; none is the empty one."""
    if not text:
        return ProfileState()
    stored = json.loads(text)
    versions = {name: version for version, names in stored["versions"].items() for name in names}
    members = {
        group: {
            name: Member(version, rank, attributes) for name, (version, rank, attributes) in named.items()
        }
        for group, named in stored["members"].items()
    }
    return ProfileState(versions, members)
