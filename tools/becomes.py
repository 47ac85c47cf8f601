"""Say what webhooks become in Batch, read from the examples in events/ and from the presets. Maps nothing itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.texts import Refused

EXPECTATION = ".batch.json"
PRESETS, EXAMPLES_OF_PRESETS = "presets", "tests/sources/presets"
NAMELESS = "webhook"
"""The topic of a connection whose settings name none."""
ANY_OTHER = "any other topic"

Attributes = Mapping[str, Any]

# type that a preset states   a value of that type
VALUES: dict[str, Any] = {
    "text": "",
    "number": 0.0,
    "money_minor": 0.0,
    "integer": 0,
    "boolean": False,
    "list": [],
    "date": "",
}


@dataclass(frozen=True, slots=True)
class Becomes:
    """Hold what a webhook of a topic becomes: the profile's attributes, and each event's name and attributes."""

    topic: str
    profile: Attributes
    events: tuple[tuple[str, Attributes], ...]


def of_examples(folder: Path) -> list[Becomes]:
    """Return what the examples in a folder of events/ become. Raises Refused where there are none."""
    found = [of_example(path) for path in sorted(folder.glob("*.json")) if not path.match(f"*{EXPECTATION}")]
    if not found:
        raise Refused(f"there are no examples in {folder.name}")
    return found


def of_example(path: Path) -> Becomes:
    beside = path.with_suffix(EXPECTATION)
    if not beside.exists():
        raise Refused(f"{path.name} has no {beside.name} beside it")
    return written(read(path)["topic"], read(beside))


def written(topic: str, operations: Iterable[Mapping[str, Any]]) -> Becomes:
    """Return what a call to Batch writes."""
    profile: dict[str, Any] = {}
    events: list[tuple[str, Attributes]] = []
    for operation in operations:
        profile |= operation.get("attributes", {})
        events += [(event["name"], event["attributes"]) for event in operation.get("events", [])]
    return Becomes(topic, profile, tuple(events))


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


# ── Presets: their rules say it ─────────────────────────────────────────────────────────────────────────


def of_preset(path: Path) -> list[Becomes]:
    """Return what the rules of a preset make, with values of the right types. Raises Refused."""
    settings = read(path)
    rules = settings["mapping"]
    shown = shown_values(path)
    named = [topic for rule in rules for topic in rule.get("topics", ())]
    unnamed = not all(rule.get("topics") for rule in rules)
    others = [ANY_OTHER if named else NAMELESS] if unnamed else []
    return [of_rules(topic, rules, shown) for topic in [*sorted(set(named)), *others]]


def of_rules(topic: str, rules: Iterable[Mapping[str, Any]], shown: Attributes) -> Becomes:
    """Return all that the rules about a topic write. Which of them apply to one webhook is not asked."""
    about = [rule for rule in rules if topic in rule.get("topics", (topic,))]
    profile = {name: one for rule in about for name, one in rule.get("attributes", {}).items()}
    events = [
        (rule["event"]["name"], rule["event"].get("attributes", {})) for rule in about if "event" in rule
    ]
    return Becomes(
        topic, valued(profile, shown), tuple((name, valued(rules, shown)) for name, rules in events)
    )


def valued(rules: Attributes, shown: Attributes) -> dict[str, Any]:
    """Return attributes with a value of their type: as stated, else as an example shows, else a text."""
    return {name: value_of(rule) if is_stated(rule) else shown.get(name, "") for name, rule in rules.items()}


def is_stated(rule: Any) -> bool:
    return isinstance(rule, dict) and bool({"type", "fields", "values"} & rule.keys())


def value_of(rule: Mapping[str, Any]) -> Any:
    if "fields" in rule:
        return [valued(rule["fields"], {})]
    return VALUES[rule.get("type", "text")]


def shown_values(preset: Path) -> dict[str, Any]:
    """Return values of attributes in the examples of a preset, by name."""
    root = preset.parent.parent
    shown: dict[str, Any] = {}
    for one in (written("", [operation]) for operation in operations_of(root, preset.name)):
        shown |= one.profile
        for _, attributes in one.events:
            shown |= attributes
    return shown


def operations_of(root: Path, preset: str) -> Iterator[Mapping[str, Any]]:
    """Yield what Batch gets for the examples of a preset: those in events/custom, and those that stand with its
    tests."""
    for path in sorted((root / "events/custom").glob(f"*{EXPECTATION}")):
        example = read(path.with_name(path.name.replace(EXPECTATION, ".json")))
        if Path(example.get("settings", "")).name == preset:
            yield from read(path)
    beside = root / EXAMPLES_OF_PRESETS / preset
    if beside.exists():
        yield from (one["expected"] for one in read(beside))
