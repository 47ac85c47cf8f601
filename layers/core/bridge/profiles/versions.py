"""Decide which of a webhook's attributes are newer than what a profile has. Pure.

Providers promise no order. Every attribute remembers the version that wrote it, and an older version never
replaces a newer one: any shuffle of the same webhooks ends in the same profile. What a visitor states has versions
older than any of an owner.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bridge.bounds import bounded
from bridge.profiles.profile_change import AttributeGroup, Event, Value

MAX_SEEN = 100
"""Keys of events that a profile has had, the newest: two webhooks of one event come close to each other."""
MAX_EVENT_KEY_BYTES = 128
MAX_VERSION_CHARACTERS = 128
"""Of a version and a rank: what is cut sorts as before, but for two that differ behind it."""
MAX_ITEM_CHARACTERS = 300
"""Of an item of a list, as many as Batch takes."""
ATTRIBUTES = "attributes"
"""In `forgotten`, the attributes themselves; every other name is a group with members."""
CONSENTS = frozenset({"$email_marketing", "$sms_marketing"})
SUBSCRIBED = "subscribed"
UNSUBSCRIBED = "unsubscribed"
ADDRESSES = frozenset({"$email_address", "$phone_number"})
"""What a visitor may fill in, and never replace: of several visitors, the first one's value stays."""
VISITORS = "!"
"""Before the version of what a visitor states: it sorts before every digit, so before every version of an owner."""


@dataclass(frozen=True, slots=True)
class Member:
    """One of several of its kind, such as a subscription, as last stated."""

    version: str
    rank: str
    attributes: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class ProfileState:
    """Hold what is known of a profile: the version of each attribute, the members of its groups, events to be had once.

    Of a list that changes by its items, each item has a version too: `tags+vip` where it was added, `tags-vip`
    where it was removed. `others` are the keys under which an attribute was sent as its own name has another type.
    `consents` has the value of each consent as last written, `writers` the connections that wrote each attribute,
    the last one last. `fed_by` are all connections of which a webhook was of this profile, also where it wrote no
    attribute. `is_owners`: the custom id is a `user_id`, of the owner or of a visitor whose claim was taken.
    `addresses` has a digest of each address as Batch was last sent it, after `VISITORS` where a visitor stated it.
    `forgotten` has the newest version that `bridge.profiles.pruning` dropped of a group's members, or of the
    attributes: what is not known and no newer than that counts as outdated.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Mapping[str, Member]] = field(default_factory=dict)
    seen: tuple[str, ...] = ()
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    consents: Mapping[str, str] = field(default_factory=dict)
    writers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fed_by: tuple[str, ...] = ()
    is_owners: bool = False
    addresses: Mapping[str, str] = field(default_factory=dict)
    forgotten: Mapping[str, str] = field(default_factory=dict)


def apply(
    state: ProfileState, groups: Iterable[AttributeGroup], writer: str = ""
) -> tuple[ProfileState, dict[str, Value]]:
    """Return the state after the groups, and the attributes that Batch must be sent for it.

    `writer` is the connection that states them, such as `shopify/main`.
    """
    changes: dict[str, Value] = {}
    for group in groups:
        state, changed = apply_group(state, group)
        state = noted(state, changed, writer)
        for name, value in changed.items():
            is_cleared = name in changes and changes[name] is None
            changes[name] = merged([] if is_cleared else changes.get(name), value)
    return state, changes


def apply_group(state: ProfileState, group: AttributeGroup) -> tuple[ProfileState, dict[str, Value]]:
    if group.member is not None:
        return apply_member(state, group, group.member)
    newer: dict[str, Value] = {}
    versions = dict(state.versions)
    for name, value in group.attributes.items():
        version = version_of(group, name, value)
        fills = name in ADDRESSES and not group.replaces
        is_old = is_outdated(versions.get(name, ""), version, fills=fills)
        if is_old or is_forgotten(state, name, version):
            continue
        if isinstance(value, Mapping):
            newer |= changed_items(versions, name, value, version)
        else:
            newer[name] = with_newer_items(versions, name, value, version)
            versions[name] = version
    return replace(state, versions=versions), newer


def version_of(group: AttributeGroup, name: str, value: Value) -> str:
    """Return the version of one attribute of a group. A visitor may withdraw a consent as an owner may."""
    is_withdrawal = name in CONSENTS and value == UNSUBSCRIBED
    version = group.version[:MAX_VERSION_CHARACTERS]
    return version if group.provenance == "owner" or is_withdrawal else VISITORS + version


def is_forgotten(state: ProfileState, name: str, version: str) -> bool:
    """Return whether an attribute that is not known may have been dropped with a newer version."""
    return version <= state.forgotten.get(ATTRIBUTES, "") and name not in state.versions


def is_outdated(known: str, version: str, *, fills: bool) -> bool:
    """Return whether what is known of an attribute stays. What only `fills` replaces no other visitor's value."""
    if fills and known.startswith(VISITORS) and version.startswith(VISITORS):
        return known < version
    return known > version


def noted(state: ProfileState, changed: Mapping[str, Value], writer: str) -> ProfileState:
    """Return the state with the values of consents, and with the connection that wrote each changed attribute."""
    if not changed:
        return state
    consents = {name: str(value) for name, value in changed.items() if name in CONSENTS}
    writers = {
        name: (*(other for other in state.writers.get(name, ()) if other != writer), writer)
        for name in changed
        if writer
    }
    return replace(state, consents={**state.consents, **consents}, writers={**state.writers, **writers})


def fed(state: ProfileState, writer: str, *, is_owners: bool = False) -> ProfileState:
    """Return the state with a connection of which a webhook was of this profile."""
    fed_by = tuple(sorted({*state.fed_by, writer}))
    return replace(state, fed_by=fed_by, is_owners=state.is_owners or is_owners)


def reached(state: ProfileState, sent: Mapping[str, object]) -> ProfileState:
    """Return the state with the addresses among the attributes that Batch was sent."""
    stated = {name: address_digest(state, name, sent[name]) for name in ADDRESSES if name in sent}
    return replace(state, addresses={**state.addresses, **stated}) if stated else state


def address_digest(state: ProfileState, name: str, address: object) -> str:
    """Return the SHA-256 of an address, marked where a visitor stated it; empty for none."""
    digest = digest_of(address)
    is_visitors = digest and state.versions.get(name, "").startswith(VISITORS)
    return VISITORS + digest if is_visitors else digest


def digest_of(address: object) -> str:
    """Return the SHA-256 of an address as it is compared; empty for none."""
    if not isinstance(address, str) or not address.strip():
        return ""
    return hashlib.sha256(address.strip().lower().encode(errors="surrogatepass")).hexdigest()


def changed_items(
    versions: dict[str, str], name: str, value: Mapping[str, Value], version: str
) -> dict[str, Value]:
    """Return the items of `$add` and `$remove` that are newer than what is known of each; notes their versions."""
    changes: dict[str, Value] = {}
    for verb, sign, other in (("$add", "+", "-"), ("$remove", "-", "+")):
        newer = [item for item in items_in(value.get(verb)) if known_item(versions, name, item) <= version]
        for item in newer:
            versions.pop(item_key(name, other, item), None)
            versions[item_key(name, sign, item)] = version
        if newer:
            changes[verb] = newer
    return {name: changes} if changes else {}


def known_item(versions: Mapping[str, str], name: str, item: str) -> str:
    return max(versions.get(item_key(name, sign, item), "") for sign in "+-")


def item_key(name: str, sign: str, item: str) -> str:
    """Return the key under which the version of an item is known."""
    return f"{name}{sign}{item[:MAX_ITEM_CHARACTERS]}"


def with_newer_items(versions: dict[str, str], name: str, value: Value, version: str) -> Value:
    """Return a whole list with what was added to it and removed from it since; older items of it are forgotten.

    Null where no item is left: Batch has no empty lists.
    """
    items = [key for key in versions if key.startswith((f"{name}+", f"{name}-"))]
    newer = [key.removeprefix(name) for key in items if versions[key] > version]
    for key in items:
        if versions[key] <= version:
            del versions[key]
    if not newer:
        return value
    kept = [item for item in items_in(value) if item_key("", "-", item) not in newer]
    return [*kept, *(key[1:] for key in newer if key[0] == "+" and key[1:] not in kept)] or None


def items_in(value: Value) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return []
    return [str(item) for item in value]


def merged(earlier: Value, later: Value) -> Value:
    """Return one value for two that are sent together, where the later may only change the items of the earlier."""
    if not isinstance(later, Mapping) or earlier is None:
        return later
    adds, removes = items_in(later.get("$add")), items_in(later.get("$remove"))
    if not isinstance(earlier, Mapping):
        return [item for item in items_in(earlier) if item not in (*adds, *removes)] + adds or None
    changes = {
        "$add": [item for item in items_in(earlier.get("$add")) if item not in (*adds, *removes)] + adds,
        "$remove": [item for item in items_in(earlier.get("$remove")) if item not in (*adds, *removes)]
        + removes,
    }
    return {verb: items for verb, items in changes.items() if items}


def unseen(state: ProfileState, events: Iterable[Event]) -> tuple[ProfileState, tuple[Event, ...]]:
    """Return the events that the profile has not had yet, and the state after them."""
    kept: list[Event] = []
    for event in events:
        if event.once is None:
            kept.append(event)
        elif (key := event_key(event.once)) not in state.seen:
            kept.append(event)
            state = replace(state, seen=(*state.seen, key)[-MAX_SEEN:])
    return state, tuple(kept)


def event_key(once: str) -> str:
    """Return what is remembered of an event that a profile gets once."""
    return bounded(once, MAX_EVENT_KEY_BYTES)


def sent_as(state: ProfileState, origins: Mapping[str, str]) -> ProfileState:
    """Return the state after attributes were sent under other keys than their own: `origins` has what these were."""
    others = dict(state.others)
    for key, origin in origins.items():
        others[origin] = tuple(dict.fromkeys((*others.get(origin, ()), key)))
    return replace(state, others=others) if origins else state


def apply_member(
    state: ProfileState, group: AttributeGroup, name: str
) -> tuple[ProfileState, dict[str, Value]]:
    members = state.members.get(group.name, {})
    mark = "" if group.provenance == "owner" else VISITORS
    name, version = bounded(name), mark + group.version[:MAX_VERSION_CHARACTERS]
    newest = members[name].version if name in members else state.forgotten.get(group.name, "")
    if newest > version:
        return state, {}
    stated = Member(version, group.rank[:MAX_VERSION_CHARACTERS], dict(group.attributes))
    updated = {**members, name: stated}
    before, after = leading(members), leading(updated)
    changes: dict[str, Value] = {}
    if after is not None and (after is stated or after is not before):
        gone = set(before.attributes) - set(after.attributes) if before else ()
        changes = {**dict.fromkeys(sorted(gone)), **after.attributes}
    if mark:
        changes = {name: value for name, value in changes.items() if not is_owners(state, name)}
    return replace(state, members={**state.members, group.name: updated}), changes


def leading(members: Mapping[str, Member]) -> Member | None:
    """Return the member that the profile shows: the one of greatest rank; of two, the one whose name sorts last.

    One that an owner states goes before all of visitors.
    """
    name = max(members, key=lambda name: (*precedence(members[name]), name), default=None)
    return None if name is None else members[name]


def precedence(member: Member) -> tuple[bool, str]:
    """Return what decides between members: who states it, then its rank."""
    return not member.version.startswith(VISITORS), member.rank


def is_owners(state: ProfileState, name: str) -> bool:
    """Return whether an owner stated what is known of an attribute that is no member's."""
    known = state.versions.get(name, "")
    return bool(known) and not known.startswith(VISITORS)


def dump(state: ProfileState) -> str:
    """Return the state as JSON; attributes of one version stand together, to stay within a kilobyte."""
    by_version: dict[str, list[str]] = {}
    for name, version in sorted(state.versions.items()):
        by_version.setdefault(version, []).append(name)
    members = {
        group: {name: [one.version, one.rank, dict(one.attributes)] for name, one in named.items()}
        for group, named in state.members.items()
    }
    content: dict[str, object] = {"versions": by_version, "members": members, "seen": state.seen}
    content |= {"others": dict(state.others)} if state.others else {}
    content |= {"consents": dict(state.consents)} if state.consents else {}
    content |= {"writers": by_writers(state)} if state.writers else {}
    content |= {"fed_by": state.fed_by} if state.fed_by else {}
    content |= {"is_owners": True} if state.is_owners else {}
    content |= {"addresses": dict(state.addresses)} if state.addresses else {}
    content |= {"forgotten": dict(state.forgotten)} if state.forgotten else {}
    return json.dumps(content, separators=(",", ":"), default=number)


def by_writers(state: ProfileState) -> dict[str, list[str]]:
    """Return the attributes that each set of connections wrote."""
    names: dict[str, list[str]] = {}
    for name, writers in sorted(state.writers.items()):
        names.setdefault("\n".join(writers), []).append(name)
    return names


def number(value: object) -> float:
    """Return money as JSON knows it."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


def load(text: str | None) -> ProfileState:
    """Return the state of `dump`; none is the empty one."""
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
    others = {key: tuple(sent) for key, sent in stored.get("others", {}).items()}
    writers = {
        name: tuple(wrote.split("\n")) for wrote, names in stored.get("writers", {}).items() for name in names
    }
    seen, consents = tuple(stored.get("seen", ())), stored.get("consents", {})
    fed_by, is_owners = tuple(stored.get("fed_by", ())), bool(stored.get("is_owners"))
    more = stored.get("addresses", {}), stored.get("forgotten", {})
    return ProfileState(versions, members, seen, others, consents, writers, fed_by, is_owners, *more)
