"""Say which fields of a webhook's body are used: at the endpoint, by the mapping, or by the connection's settings."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path as File
from typing import Any

from bridge.placeholders import WITHOUT_ID
from bridge.profiles.profile_change import Event, ProfileChange
from bridge.webhook import Request, Webhook
from cli.asked import asked
from cli.fields import Body, Path, body_in, place, values
from cli.trial import Trial
from cli.unused import Search
from functions.sources.registry import SETTINGS, SOURCE_PACKAGES

FAILED = "failed: "
DIGEST = re.compile(rf"(?<={WITHOUT_ID})[0-9a-f]{{64}}")
WORD = re.compile(r"(?=.*[A-Za-z])[\w.-]{2,30}")


@dataclass(frozen=True, slots=True)
class Usage:
    """Places such as `items[].sku`, in the body's order."""

    used: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def usage(trial: Trial, webhook: Webhook) -> Usage:
    """Return what the webhook's body is used for, where it came to something."""
    body = body_in(trial.sample.content_type, webhook.body)
    known = list(dict.fromkeys(path for path, _ in values(body.content)))
    names = asked(trial, webhook) if webhook.source in SETTINGS else set()
    candidates = {path for path in known if place(path) not in names}
    outcomes = Outcomes(trial, webhook, body)
    if outcomes.of(body.content) != outcomes.of_bytes(webhook.body, trial.sample.content_type):
        candidates.clear()  # written anew, it is another body: nothing can be said of it
    search = Search(body.content, outcomes.of, is_failure, words_of(webhook.source), worded(body.content))
    found = search.unused(known, candidates)
    return Usage(
        used=tuple(dict.fromkeys(place(path) for path in known if path not in found)),
        unused=tuple(dict.fromkeys(place(path) for path in known if path in found)),
    )


def worded(content: Any) -> set[Path]:
    """Return the paths of values that are words themselves: only there a word may be looked for."""
    return {
        path
        for path, value in values(content)
        for text in (value if isinstance(value, list) else [value])
        if isinstance(text, str) and WORD.fullmatch(text)
    }


def words_of(source: str) -> list[str]:
    """Return the words that a source's code knows, or that of the source alone in it: some are what it looks for in
    a body."""
    folder = File(next(iter(import_module(SOURCE_PACKAGES[source]).__path__)))
    own = folder / f"{source}.py"
    files = [own] if own.exists() else sorted(folder.glob("*.py"))
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    texts = (one.value for node in nodes for one in members(node) if isinstance(one, ast.Constant))
    return list(dict.fromkeys(text for text in texts if isinstance(text, str) and WORD.fullmatch(text)))


def members(node: ast.AST) -> Iterable[ast.AST | None]:
    """Return what a table, a set, a list or a comparison is made of."""
    match node:
        case ast.Dict(keys=keys):
            return keys
        case ast.Set(elts=elements) | ast.List(elts=elements) | ast.Tuple(elts=elements):
            return elements
        case ast.Compare(left=left, comparators=others):
            return (left, *others)
        case ast.MatchValue(value=value):
            return (value,)
    return ()


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Hold what comes of a webhook with another body, as a text that is the same where all of it is."""

    trial: Trial
    webhook: Webhook
    body: Body

    def of(self, content: Any) -> str:
        return self.of_bytes(self.body.write(content), self.body.content_type)

    def of_bytes(self, body: bytes, content_type: str) -> str:
        try:
            return " ".join(self.told(self.trial.request(body, content_type)))
        except Exception as error:  # noqa: BLE001 - whatever a mapping raises of a strange value is an outcome
            return f"{FAILED}{type(error).__name__}"

    def told(self, request: Request) -> Iterator[str]:
        """Yield how it is proven, what the endpoint reads, what the mapping makes of it."""
        yield repr(self.trial.is_proven(request))
        summary = self.trial.summary(request)
        # without an id, the key is a digest of all of the body
        yield DIGEST.sub("", repr(summary).replace(hashlib.sha256(request.body).hexdigest(), ""))
        queued = self.trial.webhook(request, summary)
        yield repr(whole(self.trial.change(replace(queued, id=self.webhook.id))))


def is_failure(outcome: str) -> bool:
    return outcome.startswith(FAILED)


def whole(change: ProfileChange) -> ProfileChange:
    """Return the change with the events that facts complete: where nothing is known, and where all is."""
    events: tuple[Event, ...] = change.events
    if change.completed:
        events += change.completed({}) + change.completed(dict.fromkeys(change.recall, "1"))
    return replace(change, events=events, completed=None)
