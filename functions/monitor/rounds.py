"""One round over all connections: judge each, note what is wrong with it, count it, and ring for what is new."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from bridge.errors import Unavailable
from bridge.observability import Cause, alarm, count, logger
from bridge.settings import ConnectionSettings, InvalidSettings, checked
from bridge.storage.connections import Connections, Known
from bridge.storage.parameters import Parameters
from functions.monitor.silence import (
    FIELD_CHANGED,
    FIELD_GONE,
    NEVER_SEEN,
    REFUSING,
    SILENT,
    TOPIC_MISSING,
    Memory,
    findings,
    remembered,
)
from functions.sources.registry import SOURCE_PACKAGES, settings_model

# kind of finding   the cause that it rings for once, when it is new
CAUSES: dict[str, Cause] = {
    SILENT: "connection_silent",
    REFUSING: "connection_refusing",
    NEVER_SEEN: "connection_never_seen",
    TOPIC_MISSING: "topic_missing",
    FIELD_GONE: "field_gone",
    FIELD_CHANGED: "field_changed",
}

# kind of finding   what counts the connections, topics or fields with it
METRICS = {
    SILENT: "ConnectionsSilent",
    REFUSING: "ConnectionsRefusing",
    NEVER_SEEN: "ConnectionsNeverSeen",
    TOPIC_MISSING: "TopicsMissing",
    FIELD_GONE: "FieldsDrifted",
    FIELD_CHANGED: "FieldsDrifted",
}


def watch(connections: Connections, parameters: Parameters, now: datetime) -> dict[str, list[str]]:
    """Return what is wrong, by connection. Raises Unavailable where the table cannot be read."""
    problems = {
        f"{known.source}/{known.name}": judged(known, connections, parameters, now)
        for known in connections.all()
        if known.source in SOURCE_PACKAGES
    }
    counts = Counter(METRICS[kind_of(finding)] for found in problems.values() for finding in found)
    for name in dict.fromkeys(METRICS.values()):
        count(name, counts[name])
    return {name: found for name, found in problems.items() if found}


def judged(known: Known, connections: Connections, parameters: Parameters, now: datetime) -> list[str]:
    """Return what is wrong with one connection, noted with it where that is new.

    Rings before it notes: a round that breaks off in between rings twice, never not at all.
    """
    before = Memory.of(known.watched)
    memory = remembered(known, before, now)
    found = list(findings(known, memory, settings_of(known, parameters), now))
    for kind in dict.fromkeys(kind_of(finding) for finding in found if finding not in known.findings):
        alarm(CAUSES[kind], source=known.source, connection=known.name)
    if memory != before or tuple(found) != known.findings:
        connections.judge(known.source, known.name, memory.dump(), found)
    for finding in found:
        logger.warning(
            "connection has a problem", source=known.source, connection=known.name, finding=finding
        )
    return found


def kind_of(finding: str) -> str:
    """Return the kind of a finding, without the topic or field that it names."""
    return finding.partition(" ")[0]


def settings_of(known: Known, parameters: Parameters) -> ConnectionSettings:
    """Return the connection's settings; the defaults where they are wrong or out of reach."""
    try:
        stored = parameters.read(known.source, known.name)
        found: ConnectionSettings = checked(stored, settings_model(known.source))
    except (Unavailable, InvalidSettings):
        return ConnectionSettings()
    return found
