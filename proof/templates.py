"""An example of `events/` as a template: another person's webhook, and the call that a person wrote beside it.

What Batch must receive is told by the `.batch.json` files alone, so it does not depend on the code that is proven.
Reads files; fills without I/O.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cli.sample import Sample
from proof.lives import NAMES, PLACES, ROLES

EVENTS = Path(__file__).parent.parent / "events"
EMAIL = re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
MOMENT = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")
UNIX = re.compile(r"(?<![\w.\"])1[78]\d{8}(?![\w.])")
"""Stripe's times, in seconds."""
OCCURRED_AT = "date(occurred_at)"
CREATED = ("created_at", "date_created_gmt")
"""When an order was made: all that is said about it later says the same."""
TOLD_AT = ("created", "updated_at", "occurredAt", "date_modified_gmt")
SHORTEST_NUMBER = 10
USER_ID_KEY = '"user_id"'
HIDDEN_KEY = '"account_note"'

Operation = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Customer:
    """A person who does not exist. `key` is theirs alone, and all their names come from it."""

    key: str

    @property
    def local_part(self) -> str:
        return f"proof.{self.key}"

    @property
    def user_id(self) -> str:
        return f"proof-{self.key}"

    def name(self, role: str, old: str) -> str:
        """Return a name in the shape of an old one; the same for the same role."""
        return shaped(old, random.Random(f"{self.key} {role}"))  # noqa: S311 - not for security


@dataclass(frozen=True, slots=True)
class Filled:
    """A webhook of a customer, and what Batch must be told for it."""

    sample: Sample
    operation: Operation


@dataclass(frozen=True, slots=True)
class Template:
    """An example, taken apart. `anchor` is when it happened, `created` when its order was made, in Unix seconds."""

    name: str
    sample: Sample
    expectation: str
    local_parts: tuple[str, ...]
    user_id: str | None
    names: tuple[tuple[str, str], ...]
    moments: frozenset[int]
    anchor: int
    created: int | None
    pattern: re.Pattern[str]

    @property
    def by_user_id(self) -> bool:
        """Return whether the profile has an account id for its name, not an e-mail."""
        return self.user_id is not None

    def filled(
        self,
        customer: Customer,
        at: int,
        created: int | None = None,
        order: str = "1",
        *,
        unnamed: bool = False,
    ) -> Filled:
        """Return the webhook as this customer's, at that moment (Unix seconds), about an order made at `created`."""
        renamed = self.renamed(customer, order, at)
        moved = {self.created: created} if self.created and created else {}

        def at_now(moment: int) -> int:
            return moved.get(moment, moment + at - self.anchor)

        text = self.sample.body.decode()
        body = in_time(self.replaced(text, renamed), self.moments, at_now, self.sample.source)
        if unnamed:
            body = body.replace(USER_ID_KEY, HIDDEN_KEY)
        told = in_time(self.replaced(self.expectation, renamed), self.moments, at_now, "")
        [operation] = json.loads(told)
        named = self.by_user_id and not unnamed
        if not operation["identifiers"]["custom_id"].startswith(f"{self.sample.source}:"):
            operation["identifiers"] = {
                "custom_id": customer.user_id if named else hashed(self.email(customer))
            }
        return Filled(changed(self.sample, body.encode()), operation)

    def email(self, customer: Customer) -> str:
        return f"{customer.local_part}@{domain(self.sample.body.decode(), self.local_parts)}"

    def renamed(self, customer: Customer, order: str, at: int) -> dict[str, str]:
        """Return old names with their new ones."""
        new = dict.fromkeys(self.local_parts, customer.local_part)
        if self.user_id:
            new[self.user_id.lower()] = customer.user_id
        for old, role in self.names:
            meant = role.replace("#", order)
            whose = f"{self.name} {at} {old}" if meant == "!" else meant
            new[old.lower()] = customer.name(whose, old)
        return new

    def replaced(self, text: str, renamed: Mapping[str, str]) -> str:
        return self.pattern.sub(lambda match: renamed[match[0].lower()], text)


@cache
def template(source: str, name: str) -> Template:
    """Return the template of `events/{source}/{name}.json`."""
    path = EVENTS / source / f"{name}.json"
    sample = Sample.load(path)
    text = sample.body.decode()
    expectation = path.with_suffix(".batch.json").read_text(encoding="utf-8")
    [operation] = json.loads(expectation)
    custom_id = operation["identifiers"]["custom_id"]
    emails = {match.lower().replace("%40", "@") for match in EMAIL.findall(text)}
    named = sorted({one.partition("@")[0] for one in emails if hashed(one) == custom_id})
    is_known = custom_id.startswith(f"{source}:") or re.fullmatch(r"[0-9a-f]{64}", custom_id) is not None
    parts = tuple(named) if named else tuple(sorted({one.partition("@")[0] for one in emails}))
    user_id = None if is_known else str(custom_id)
    names = tuple(dict(names_in(sample, text)).items())
    body = body_object(text)
    moments = frozenset(moments_in(text, source))
    return Template(
        name=name,
        sample=sample,
        expectation=expectation,
        local_parts=parts,
        user_id=user_id,
        names=names,
        moments=moments,
        anchor=anchor(operation, body, moments),
        created=made_at(sample, body),
        pattern=words(parts, user_id, names),
    )


def words(
    local_parts: tuple[str, ...], user_id: str | None, names: tuple[tuple[str, str], ...]
) -> re.Pattern[str]:
    """Return what has to be replaced: local parts before their @, all else as whole words."""
    before_at = [rf"(?<![\w.+-]){re.escape(one)}(?=@|%40)" for one in local_parts]
    others = [*([user_id] if user_id else []), *(old for old, _ in names)]
    whole = [rf"(?<![0-9A-Za-z]){re.escape(one)}(?![0-9A-Za-z])" for one in sorted(others, key=len)[::-1]]
    return re.compile("|".join([*before_at, *whole]) or r"(?!)", re.IGNORECASE)


def names_in(sample: Sample, text: str) -> Iterator[tuple[str, str]]:
    """Yield the names of things in a body, with the role of each."""
    body = body_object(text)
    for (source, topic), places in PLACES.items():
        if source == sample.source and sample.topic.startswith(topic):
            for place, role in places.items():
                if (found := at_place(body, place)) is not None:
                    yield str(found).rpartition("/")[2], role
            break
    for old in dict.fromkeys(re.findall(NAMES.get(sample.source, r"(?!)"), text)):
        yield old, next((role for start, role in ROLES.items() if old.startswith(start)), "!")


def at_place(body: Any, place: str) -> Any:
    """Return what stands at `customer.id`, if it names anything: 0 is a guest."""
    for part in place.split("."):
        body = body.get(part) if isinstance(body, dict) else None
    return body if isinstance(body, str | int) and body else None


def body_object(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def shaped(old: str, chance: random.Random) -> str:
    """Return another name of the same shape: digits for digits, and of short numbers more of them."""
    if old.isdecimal():
        length = max(len(old), SHORTEST_NUMBER)
        return str(chance.randint(1, 9)) + "".join(str(chance.randint(0, 9)) for _ in range(length - 1))
    if old.startswith("#"):
        return f"#{chance.randint(10**9, 10**10)}"
    start = re.match(r"(?:[a-z]+_)+", old)
    kept = start[0] if start else ""
    letters = "0123456789abcdef"
    return kept + "".join(chance.choice(letters) if one.isalnum() else one for one in old[len(kept) :])


# ── Times ───────────────────────────────────────────────────────────────────────────────────────────────────


def seconds_of(text: str) -> int:
    """Return the Unix second of a moment; one without an offset is in UTC."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def moments_in(text: str, source: str) -> Iterator[int]:
    yield from (seconds_of(found) for found in MOMENT.findall(text))
    if source == "stripe":
        yield from (int(found) for found in UNIX.findall(text))


def in_time(text: str, moments: frozenset[int], at_now: Any, source: str) -> str:
    """Return the text with each of these moments moved, written as before."""

    def written(match: re.Match[str]) -> str:
        second = seconds_of(match[0])
        if second not in moments:
            return match[0]
        moved = datetime.fromisoformat(match[0].replace("Z", "+00:00")) + timedelta(
            seconds=at_now(second) - second
        )
        head = moved.isoformat(sep=match[0][10])[:19]
        return head + match[0][19:]

    text = MOMENT.sub(written, text)
    return UNIX.sub(lambda match: str(at_now(int(match[0]))), text) if source == "stripe" else text


def anchor(operation: Operation, body: Mapping[str, Any], moments: frozenset[int]) -> int:
    """Return when it happened: its last event, else what the body says of itself, else its last moment."""
    told = [
        event.get("time") or event["attributes"].get(OCCURRED_AT) for event in operation.get("events", ())
    ]
    seconds = [seconds_of(one) for one in told if one]
    stated = [body[name] for name in TOLD_AT if body.get(name)]
    known = [one for one in seconds if one in moments]
    if known:
        return max(known)
    if stated:
        return stated[0] if isinstance(stated[0], int) else seconds_of(stated[0])
    return max(moments, default=0)


def made_at(sample: Sample, body: Mapping[str, Any]) -> int | None:
    """Return when the order that a body is about was made."""
    if not sample.topic.startswith(("orders/", "order.")):
        return None
    return next((seconds_of(body[name]) for name in CREATED if body.get(name)), None)


# ── Who ─────────────────────────────────────────────────────────────────────────────────────────────────────


def hashed(email: str) -> str:
    """Return what Batch's documentation advises for a custom id, written here once more, as an independent check."""
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()


def domain(text: str, local_parts: tuple[str, ...]) -> str:
    """Return the domain of the first of the addresses; where a body has none, that of all the others."""
    for match in EMAIL.findall(text):
        local_part, _, host = match.lower().replace("%40", "@").partition("@")
        if local_part in local_parts:
            return str(host)
    return "example.com"


def changed(sample: Sample, body: bytes) -> Sample:
    """Return the sample with another body."""
    return Sample(sample.source, sample.topic, sample.headers, sample.content_type, body, sample.settings)
