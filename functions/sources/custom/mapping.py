"""Say what a webhook of any tool means, as the mapping in its connection's settings says. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from jmespath.exceptions import JMESPathError

from bridge.errors import Ignored, MappingFailed
from bridge.profiles import normalise
from bridge.profiles.profile_change import (
    AttributeGroup,
    Event,
    Person,
    ProfileChange,
    Provenance,
    Value,
    present,
)
from bridge.webhook import Webhook
from functions.sources.custom import expressions
from functions.sources.custom.body import document
from functions.sources.custom.expressions import is_true, moment_in, text_in
from functions.sources.custom.settings import Attribute, CustomSettings, EventRule, PersonRules, Rule

GROUP = "custom"
NO_NUMBER = Decimal("NaN")
"""Left out on the way to Batch, with a warning."""
YES, NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})

# attribute        what its value is
KINDS_OF_KEYS = {
    "$phone_number": "phone",
    "$language": "language",
    "$region": "region",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Part of a body, and the part of the settings that asks it; `name` is what a failure tells."""

    content: Any
    name: str

    def at(self, name: str) -> Place:
        return Place(self.content, f"{self.name}.{name}" if self.name else name)

    def find(self, name: str, expression: str | None) -> Any:
        """Return what the expression finds. Raises MappingFailed with the place of the expression, without values."""
        try:
            return expressions.found(expression, self.content)
        except JMESPathError as error:
            raise MappingFailed(f"{self.at(name).name}: {type(error).__name__}") from None

    def text(self, name: str, expression: str | None) -> str | None:
        return text_in(self.find(name, expression))

    def moment(self, name: str, expression: str | None) -> datetime | None:
        return moment_in(self.find(name, expression))


def to_change(webhook: Webhook, settings: CustomSettings) -> ProfileChange:
    """Return the profile change of a webhook. Raises Ignored, MappingFailed, MalformedBody."""
    return change_of(document(webhook.headers, webhook.body), webhook, settings)


def change_of(content: Any, webhook: Webhook, settings: CustomSettings) -> ProfileChange:
    """Return the same of a body that is read already."""
    whole = Place(content, "")
    rules = list(applicable(whole, webhook.topic, settings))
    if not rules:
        raise Ignored("no rule of the mapping applies")
    stated = whole.moment("time", settings.time) or webhook.received_at
    own = next(((place, rule.person) for place, rule in rules if rule.person), (whole, settings.person))
    groups = [group for place, rule in rules if (group := group_of(place, rule, stated, settings.provenance))]
    events = [event_of(place, rule.event, rule, stated) for place, rule in rules if rule.event]
    if not groups and not events:
        raise Ignored("nothing in it that the mapping asks for")
    return ProfileChange(
        person=person(own[0].at("person"), own[1], webhook.connection, settings.provenance),
        groups=tuple(groups),
        events=tuple(events),
        is_test=is_true(whole.find("test", settings.test)),
        body_provenance=settings.provenance,
    )


def applicable(whole: Place, topic: str, settings: CustomSettings) -> Iterator[tuple[Place, Rule]]:
    """Yield the rules that are about this webhook, with their places."""
    for number, rule in enumerate(settings.mapping):
        place = whole.at(f"mapping.{number}")
        if rule.topics and topic not in rule.topics:
            continue
        if rule.when is None or is_true(place.find("when", rule.when)):
            yield place, rule


def person(place: Place, rules: PersonRules, connection: str, provenance: Provenance) -> Person:
    """Return whose webhook it is; the tool's own ids have the connection's name before them.

    Of a tool that hands on what visitors state, the user id is a claim too.
    """
    source_id = place.text("source_id", rules.source_id)
    references = [
        f"custom:{connection}:{kind}:{value}"
        for kind, expression in rules.references.items()
        if (value := place.text(f"references.{kind}", expression))
    ]
    user_id = place.text("user_id", rules.user_id)
    claimed = place.text("claimed_user_id", rules.claimed_user_id)
    is_owners = provenance == "owner"
    return Person(
        user_id=user_id if is_owners else None,
        email=place.text("email", rules.email),
        source_id=f"{connection}:{source_id}" if source_id else None,
        references=tuple(references),
        named_elsewhere=rules.named_elsewhere,
        claimed_user_id=claimed or (None if is_owners else user_id),
        user_id_signature=place.text("user_id_signature", rules.user_id_signature),
        provenance=provenance,
        customer=f"custom:{connection}:{source_id}" if source_id else None,
    )


def group_of(place: Place, rule: Rule, stated: datetime, provenance: Provenance) -> AttributeGroup | None:
    happened = place.moment("time", rule.time) or stated
    attributes = values(place.at("attributes"), rule.attributes)
    if not attributes:
        return None
    return AttributeGroup(GROUP, normalise.sortable(happened), attributes, provenance=provenance)


def event_of(place: Place, event: EventRule, rule: Rule, stated: datetime) -> Event:
    within = place.at("event")
    happened = within.moment("time", event.time) or place.moment("time", rule.time) or stated
    once = within.text("once", event.once)
    attributes = values(within.at("attributes"), event.attributes)
    return Event(event.name, happened, attributes, f"{event.name}:{once}" if once else None)


def values(place: Place, rules: Mapping[str, Attribute]) -> dict[str, Value]:
    """Return the attributes that are there."""
    return present({key: value(place.at(key), key, rule) for key, rule in rules.items()})


def value(place: Place, key: str, rule: Attribute) -> Value:
    """Return one attribute: what its path finds, or an object for each item of a list."""
    if rule.fields is not None:
        items = place.find("for_each", rule.for_each)
        listed = items if isinstance(items, list) else []
        return [values(Place(item, place.name), rule.fields) for item in listed if item is not None]
    content = place.find("path", rule.path)
    if rule.values is not None:
        return rule.values.get(written(content))
    return typed(place, key, rule, content)


def typed(place: Place, key: str, rule: Attribute, content: Any) -> Value:
    """Return the content as its type asks, else as its key does, else as it is."""
    kind = rule.type or KINDS_OF_KEYS.get(key) or ("date" if key.startswith("date(") else "")
    if content is None:
        return None
    if kind == "money_minor":
        amount = normalise.decimal(text_in(content))
        return normalise.major_units(amount, place.text("currency", rule.currency))
    if kind == "phone":
        text = text_in(content)
        return normalise.phone(text, place.text("country", rule.country)) or text
    read: Value = CONVERTERS[kind](content) if kind else content
    return read


def number(content: Any) -> Decimal:
    found = normalise.decimal(text_in(content))
    return NO_NUMBER if found is None else found


def integer(content: Any) -> Value:
    found = number(content)
    return int(found) if found.is_finite() else NO_NUMBER


def boolean(content: Any) -> bool | None:
    """Return a yes or a no, however it is written."""
    text = written(content).strip().lower()
    return True if text in YES else False if text in NO else None


def date(content: Any) -> str | None:
    """Return RFC 3339; what cannot be read stays as it is, for a warning."""
    return normalise.timestamp(moment_in(content)) or text_in(content)


def listed(content: Any) -> Value:
    """Return a list; a text with commas is several items."""
    if isinstance(content, str):
        return [item.strip() for item in content.split(",") if item.strip()]
    return content if isinstance(content, list) else [content]


def written(content: Any) -> str:
    """Return a value as JSON writes it, a text without its quotes."""
    if isinstance(content, bool):
        return "true" if content else "false"
    return text_in(content) or ""


CONVERTERS: Mapping[str, Callable[[Any], Value]] = {
    "text": text_in,
    "number": number,
    "integer": integer,
    "boolean": boolean,
    "date": date,
    "list": listed,
    "language": lambda content: normalise.language(text_in(content)),
    "region": lambda content: normalise.region(text_in(content)),
}
