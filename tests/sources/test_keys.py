"""No key is made from nothing: bodies that lack their ids share neither a place in the queue nor a profile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

from bridge.errors import BridgeError
from bridge.profiles.profile_change import ProfileChange
from bridge.settings import checked
from bridge.webhook import Routing
from cli.fields import REMOVED, Body, Path, altered, body_in, values
from cli.sample import Sample
from cli.trial import Trial
from functions.sources.registry import settings_model
from tests.sources.test_every_source import EXAMPLES, each_example

NAMES_AN_OBJECT = re.compile(r"(?i)(id|ids|token|uuid|guid|gid|uri|number|name|key|email|customer)$")
FROM_NOTHING = re.compile(r"(?<![A-Za-z0-9])(None|null|undefined)(?![A-Za-z0-9])")


def trial_of(sample: Sample) -> Trial:
    stored = dict(sample.settings or {})
    return Trial(sample, "main", stored, checked(stored, settings_model(sample.source)))


def lacking(body: Body) -> Iterator[bytes]:
    """Yield the body without each field by which it may name an object, without all of them, and with null there."""
    paths = [path for path, _ in values(body.content)]
    named = dict.fromkeys(
        path[: depth + 1] for path in paths for depth, name in enumerate(path) if is_name(name)
    )
    groups: list[Iterable[Path]] = [[path] for path in named]
    groups += [[path for path in named if path[-1] == name] for name in {path[-1] for path in named}]
    groups += [list(named), [path for path in named if "id" in path[-1].lower()]]
    for removed in groups:
        for instead in (REMOVED, None) if "json" in body.content_type else (REMOVED,):
            yield body.write(without(body.content, removed, instead))


def is_name(name: str) -> bool:
    return NAMES_AN_OBJECT.search(name) is not None


def without(content: Any, removed: Iterable[Path], instead: Any) -> Any:
    """Return the content without what stands at these paths, objects too."""
    whole = set(removed)
    changes = {path: instead for path, _ in values(content) if any(path[: len(one)] == one for one in whole)}
    return altered(content, changes)


def keys_of(summary: Routing, change: ProfileChange | None) -> list[str]:
    """Return all by which the queue or the ledger tells one from another."""
    keys = [summary.customer, summary.idempotency_key]
    if change is not None:
        person = change.person
        keys += [person.user_id, person.claimed_user_id, person.source_id, person.customer]
        keys += [*person.references, *person.visit_references, *change.moves, *change.recall, *change.awaits]
        keys += [*change.remember, *(event.once for event in change.events)]
        keys += [key for group in change.groups for key in (group.member, group.version)]
    return [key for key in keys if key]


def read(trial: Trial, body: bytes, content_type: str) -> list[str]:
    """Return the keys of a body; none of one that is refused, and those of the queue where it cannot be mapped."""
    try:
        request = trial.request(body, content_type)
        summary = trial.summary(request)
    except (BridgeError, ValueError):
        return []
    try:
        change = trial.change(replace(trial.webhook(request, summary), id="webhook-1"))
    except (BridgeError, ValueError):
        change = None
    return keys_of(summary, change)


@each_example
def test_no_key_is_made_from_what_is_not_there(path: Any) -> None:
    sample = Sample.load(path)
    trial, body = trial_of(sample), body_in(sample.content_type, sample.body)
    made = {key for bare in lacking(body) for key in read(trial, bare, body.content_type)}
    assert not [key for key in made if FROM_NOTHING.search(key)]


@each_example
def test_two_bodies_without_an_id_do_not_share_a_place_in_the_queue(path: Any) -> None:
    """Unless it is one that the bodies name, they are each in a line of their own."""
    sample = Sample.load(path)
    trial, body = trial_of(sample), body_in(sample.content_type, sample.body)
    paths = [path for path, _ in values(body.content) if any(map(is_name, path))]
    bare = without(body.content, paths, REMOVED)
    if not isinstance(bare, dict):
        return
    lines = [lines_of(trial, body.write(noted(bare, note)), body.content_type) for note in ("a", "b")]
    assert not lines[0] & lines[1]


def noted(content: Any, note: str) -> Any:
    """Return the content with a note in each of its objects."""
    if isinstance(content, dict):
        return {name: noted(inner, note) for name, inner in content.items()} | {"note": [note]}
    return [noted(inner, note) for inner in content] if isinstance(content, list) else content


def lines_of(trial: Trial, body: bytes, content_type: str) -> set[str]:
    """Return the line in the queue; none of a body that is refused, or whose line is named by what it does say."""
    try:
        line = trial.summary(trial.request(body, content_type)).customer
    except (BridgeError, ValueError):
        return set()
    is_named = (
        line == "shop" or line.rpartition(":")[2].lower() in unquote_plus(body.decode("latin-1")).lower()
    )
    return set() if is_named else {line}


def test_the_net_covers_every_example() -> None:
    assert len(EXAMPLES) > 100
