"""Judge what of a profile belongs to one connection: what an erasure takes, and what it has to leave. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace

from bridge.profiles.profile_change import Value
from bridge.profiles.versions import CONSENTS, UNSUBSCRIBED, ProfileState

DIGEST = re.compile(r"[0-9a-f]{64}")
ITEM = re.compile(r"[+-].*", re.DOTALL)
"""What follows the name of a list in the version of one of its items: `tags+vip`."""


def is_of_connection_alone(
    custom_id: str, state: ProfileState, connection: str, told_by: Iterable[str]
) -> bool:
    """Return whether a connection such as `shopify/main` is the only source that fed a profile, and named it too.

    What names a profile is the e-mail's digest or an id of the source's own; any other custom id is a `user_id`, so
    that the profile is the owner's.
    """
    source = connection.partition("/")[0]
    is_named_by_source = bool(DIGEST.fullmatch(custom_id)) or custom_id.startswith(f"{source}:")
    if state.is_owners or not is_named_by_source:
        return False
    return feeders(state, told_by) <= {connection}


def feeders(state: ProfileState, told_by: Iterable[str]) -> set[str]:
    """Return the connections of which anything is known to have been of a profile, whatever it wrote there."""
    writers = {writer for written_by in state.writers.values() for writer in written_by}
    return {*state.fed_by, *writers, *filter(None, told_by)}


def names_of_others(name: str, state: ProfileState) -> tuple[str, ...]:
    """Return an attribute's name with the keys under which it was sent too, as its own has another type."""
    return (name, *state.others.get(name, ()))


def last_written(state: ProfileState, connection: str) -> list[str]:
    """Return the attributes whose value is a connection's: those that it wrote last, whoever wrote them before.

    A list that changes by its items holds what each connection added: it is theirs who had any part in it.
    """
    lists = {ITEM.sub("", key) for key in state.versions if ITEM.search(key)}
    return [
        name
        for name, writers in sorted(state.writers.items())
        if writers[-1] == connection or (connection in writers and name in lists)
    ]


def written_alone(state: ProfileState, connection: str) -> list[str]:
    """Return the attributes, but for consents, that no other connection ever wrote."""
    return [
        name
        for name, writers in sorted(state.writers.items())
        if writers == (connection,) and name not in CONSENTS
    ]


def emptying(state: ProfileState, names: Iterable[str]) -> dict[str, Value]:
    """Return what Batch is sent so that attributes are gone: null, and for a consent that it is withdrawn."""
    keys = dict.fromkeys(key for name in names for key in names_of_others(name, state))
    return {key: UNSUBSCRIBED if key in CONSENTS else None for key in keys}


def without(state: ProfileState, names: Collection[str], connection: str) -> ProfileState:
    """Return the state after attributes were emptied on a connection's behalf.

    Whoever states such an attribute next writes it anew; a consent stays withdrawn for what is older than that.
    """
    gone = set(names) - CONSENTS
    withdrawn = {name: UNSUBSCRIBED for name in names if name in CONSENTS}
    writers = {
        name: tuple(writer for writer in written_by if writer != connection)
        for name, written_by in state.writers.items()
    }
    members = {group: held for group, held in state.members.items() if not is_emptied(group, state, gone)}
    return replace(
        state,
        versions={key: version for key, version in state.versions.items() if ITEM.sub("", key) not in gone},
        members=members,
        others={name: keys for name, keys in state.others.items() if name not in gone},
        consents={**state.consents, **withdrawn},
        addresses={name: digest for name, digest in state.addresses.items() if name not in gone},
        writers={name: others for name, others in writers.items() if others and name not in gone},
    )


def is_emptied(group: str, state: ProfileState, gone: Collection[str]) -> bool:
    """Return whether all that the members of a group state is gone."""
    return all(name in gone for member in state.members[group].values() for name in member.attributes)


def attribute_names(state: ProfileState) -> set[str]:
    """Return the attributes that a profile was ever given, under all their keys."""
    of_members = {
        name for members in state.members.values() for one in members.values() for name in one.attributes
    }
    elsewhere = {key for keys in state.others.values() for key in keys}
    return {ITEM.sub("", name) for name in state.versions} | of_members | elsewhere
