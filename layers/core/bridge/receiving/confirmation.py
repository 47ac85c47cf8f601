"""Compare a topic that nobody signs with what the signed body says. Values only: no I/O, no clock.

Many tools sign the body alone: whoever has one body with its signature can send it again under any topic. So a
topic may only choose among the readings that the body itself allows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import MalformedBody
from bridge.settings import ConnectionSettings
from bridge.webhook import Routing, Webhook, json_object, webhook_id

ANOTHER_OBJECT = "the body is of another kind than the topic"
ONLY_AN_ID = "the body has an id alone, as a deletion does"
NOT_CONFIRMED = "the body does not confirm the topic"
SEEN_BEFORE = "the same body came under another topic before"

Fields = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Hold what a body says of its topic: `doubt` is why it does not allow it, empty where it does.

    `is_test`: a provider's test notification, which is ignored before any doubt.
    """

    doubt: str = ""
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class TopicCheck:
    """Hold how a source compares its topics with its bodies.

    `erasing` are topics that erase: the same webhook again is done again. `rivals`: topic → topics under which the
    same body must not have come before, as no field tells them apart, or as too much depends on it.
    """

    judge: Callable[[Webhook, ConnectionSettings], Verdict]
    erasing: frozenset[str] = frozenset()
    rivals: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def ids_under_rivals(self, webhook: Webhook) -> frozenset[str]:
        """Return the ids that this body had, had it come under a rival topic before."""
        return frozenset(
            webhook_id(webhook.source, webhook.connection, Routing(topic, ""), webhook.body)
            for topic in self.rivals.get(webhook.topic, ())
        )


def id_of_body(source: str, connection: str, body: bytes) -> str:
    """Return the id of a webhook whose topic is in doubt: the same for all topics that the same body comes under."""
    return webhook_id(source, connection, Routing("topic in doubt", ""), body)


def content_of(webhook: Webhook) -> dict[str, Any]:
    """Return the body as an object; empty where it is none, which confirms nothing."""
    try:
        return json_object(webhook.body)
    except MalformedBody:
        return {}


def kinds_by_field(fields_of_kinds: Mapping[str, str]) -> Fields:
    """Return, for each field, the kinds of objects that have it; given the names of each kind's fields, with spaces
    between them."""
    fields = {kind: frozenset(names.split()) for kind, names in fields_of_kinds.items()}
    return {
        name: frozenset(kind for kind, own in fields.items() if name in own)
        for name in frozenset[str]().union(*fields.values())
    }


def is_of_another_kind(content: Mapping[str, Any], kind: str, known: Fields) -> bool:
    """Return whether a field is in the body that objects of this kind do not have; unknown fields say nothing."""
    return any(name in known and kind not in known[name] for name in content)


def is_of_no_known_kind(
    content: Mapping[str, Any], kind: str, known: Fields, every_field: frozenset[str]
) -> bool:
    """Return whether no field is in the body that only this kind has, and one that this kind never has.

    A subscription may leave any field out, but adds none.
    """
    alone = frozenset({kind})
    has_its_own = any(known.get(name) == alone for name in content)
    return not has_its_own and not content.keys() <= every_field


def lacks(content: Mapping[str, Any], fields: frozenset[str]) -> bool:
    """Return whether one of the fields is missing that every body of a kind has."""
    return not fields <= content.keys()
