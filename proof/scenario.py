"""Decide what is sent: lives, repeats, replays, claims, forgeries, broken bodies, and erasures at the end.

The same seed at the same moment decides the same.

Reads the examples, and no clock.
"""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cli.sample import Sample
from proof import broken, claims, erasures, forgeries
from proof.expected import Expected, profile_of
from proof.lives import LIVES, SHARES, Life
from proof.templates import Customer, Filled, changed, template

TRUE, REPEAT, IGNORED, BROKEN, FORGED = "true", "repeat", "ignored", "broken", "forged"
REPLAYED, ERASURE, LATE = "replayed", "erasure", "late"

STEP_SECONDS = 600
"""Between two things that happen to a person."""
OLDEST_SECONDS = 6 * 3600
"""How long ago the first happened, at most: Batch takes the time of events of 24 hours."""
WINDOW = 150
"""One life is spread over so many webhooks, so that many are under way at once and none takes long."""
SHUFFLED = 0.5
REPEATED = 0.15
LARGE_EVERY = 400
LARGE_BYTES = 300_000
"""More than SQS is given, also when compressed: such a body lies in S3 meanwhile."""
MOST_OVER_LIMIT = 3

# kind       how many for each hundred true webhooks
PER_HUNDRED = {IGNORED: 3, BROKEN: 6, FORGED: 10, REPLAYED: 5}
CLAIMS_PER_HUNDRED = 2
"""People who say at a form or in a cart that they are somebody else."""
ERASURES_PER_HUNDRED = 1
MOST_ERASURES = 20
"""Each looks through all that is parked."""
TIDY_EVERY = 3
"""One request in three is for a deleted record; the second of a plan is the first of them."""

# source, how a topic begins   topics under which its body may never be read, as nothing in it is of their kind
NEVER_READ_AS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("shopify", "orders/"): (
        "shop/redact",
        "customers/redact",
        "customers/delete",
        "customers/merge",
        "customers_email_marketing_consent/update",
        "app/uninstalled",
    ),
    ("shopify", "customers/"): ("shop/redact", "customers/redact", "customers/delete", "app/uninstalled"),
    ("woocommerce", "order."): ("customer.updated", "customer.created"),
}

# source   topic and body of what is authentic, and of no interest
OF_NO_INTEREST: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "shopify": ("products/update", {"id": 1, "title": "Teapot"}),
    "stripe": ("payout.paid", {"object": "event", "type": "payout.paid", "data": {"object": {"id": "po_1"}}}),
    "woocommerce": ("product.updated", {"id": 1, "name": "Teapot"}),
}


@dataclass(frozen=True, slots=True)
class Posting:
    """Something to post. `webhook` numbers what is the same webhook; `copies` are sent at the same instant.

    `way` says how it is forged or broken; `other` is the body that a forger puts in place of the signed one.
    """

    kind: str
    webhook: int
    sample: Sample
    copies: int = 1
    way: str = ""
    other: Sample | None = None
    custom_id: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """All postings in the order of sending, and the profiles that must stand there in the end.

    `erasures` are sent once all before them has ended, and `late` once these have. Of those who are `erased`, the
    profile must stand there until then, and not afterwards.
    """

    postings: tuple[Posting, ...]
    profiles: Mapping[str, Expected]
    erasures: tuple[Posting, ...] = ()
    late: tuple[Posting, ...] = ()
    erased: frozenset[str] = frozenset()

    def of_kind(self, kind: str) -> list[Posting]:
        return [posting for posting in (*self.postings, *self.erasures, *self.late) if posting.kind == kind]


@dataclass(slots=True)
class Planner:
    """Draws a plan. `tag` makes all names of this run its own: two runs never mention the same webhook."""

    sources: Sequence[str]
    chance: random.Random
    tag: str
    now: int
    customers: int = 0
    webhooks: int = 0

    def customer(self) -> Customer:
        self.customers += 1
        return Customer(f"{self.tag}x{self.customers:x}")

    def number(self) -> int:
        self.webhooks += 1
        return self.webhooks - 1

    def source(self) -> str:
        return self.chance.choices(self.sources, [SHARES[one] for one in self.sources])[0]

    def life(self, source: str, life: Life) -> list[Filled]:
        """Return the webhooks of one person, in the order in which things happened."""
        customer = self.customer()
        first = self.now - OLDEST_SECONDS + self.chance.randint(0, STEP_SECONDS)
        made: dict[str, int] = {}
        steps = []
        for place, step in enumerate(life.steps):
            name, _, order = step.partition("@")
            order, at = order or "1", first + place * STEP_SECONDS
            one = template(source, name)
            if one.created:
                made.setdefault(order, at)
            steps.append(one.filled(customer, at, made.get(order), order, unnamed=life.unnamed))
        return steps

    def a_life(self) -> list[Filled]:
        source = self.source()
        return self.life(source, self.chance.choice(LIVES[source]))

    def placed(self, count: int, near: float) -> list[float]:
        """Return where the webhooks of a life stand among all; in half of the lives in another order than they
        happened."""
        places = sorted(near + self.chance.random() * WINDOW for _ in range(count))
        if self.chance.random() < SHUFFLED:
            self.chance.shuffle(places)
        return places

    def repeats(self, posting: Posting, place: float) -> Iterator[tuple[float, Posting]]:
        """Yield the posting itself, and sometimes once more: at the same instant, right behind it, or later."""
        drawn = self.chance.random() / REPEATED
        again = replace(posting, kind=REPEAT)
        if drawn < 1 / 3:
            yield place, replace(posting, copies=self.chance.randint(2, 3))
            return
        yield place, posting
        if drawn < 2 / 3:
            yield place + 0.001, again
        elif drawn < 1:
            yield place + self.chance.random() * 4 * WINDOW, again

    def true(self, filled: Filled) -> Posting:
        number = self.number()
        is_large = filled.sample.source == "shopify" and number % LARGE_EVERY == LARGE_EVERY // 2
        return Posting(
            TRUE,
            number,
            padded(filled.sample, self.chance) if is_large else filled.sample,
            custom_id=filled.operation["identifiers"]["custom_id"],
        )

    def ignored(self) -> Posting:
        """Return what nobody maps; or a test event of Stripe's."""
        known = [source for source in OF_NO_INTEREST if source in self.sources]
        if not known or ("stripe" in known and self.chance.random() < 1 / 3):
            return Posting(IGNORED, self.number(), self.test_event())
        source = self.chance.choice(known)
        topic, body = OF_NO_INTEREST[source]
        content = json.dumps({**body, "proof": self.customer().key}).encode()
        return Posting(
            IGNORED, self.number(), Sample(source, topic, {}, "application/json", content, settings=None)
        )

    def test_event(self) -> Sample:
        source = "stripe" if "stripe" in self.sources else self.source()
        sample = self.life(source, self.chance.choice(LIVES[source]))[0].sample
        return changed(sample, sample.body.replace(b'"livemode":true', b'"livemode":false'))

    def broken(self, place: int) -> Posting:
        """Return a right signature over a body that is not right."""
        sample = self.a_life()[0].sample
        way = "over_limit" if place < MOST_OVER_LIMIT else self.chance.choice(broken.ways(sample.source))
        body = broken.WAYS[way](sample.body, self.chance)
        return Posting(BROKEN, self.number(), changed(sample, body), way=way)

    def replayed(self, posting: Posting) -> Posting | None:
        """Return the bytes and the signature of a true webhook under a topic that nobody signed, if there is one."""
        sample = posting.sample
        topics = [
            topic
            for (source, start), never in NEVER_READ_AS.items()
            if source == sample.source and sample.topic.startswith(start)
            for topic in never
        ]
        if not topics:
            return None
        return Posting(REPLAYED, self.number(), replace(sample, topic=self.chance.choice(topics)))

    def claim(self, victim: str) -> Filled | None:
        """Return what a visitor sends who claims to be the person of another profile, if a source has visitors."""
        sources = [source for source in claims.CLAIMS if source in self.sources]
        if not sources:
            return None
        source = self.chance.choice(sources)
        example, claim = claims.CLAIMS[source]
        at = self.now - STEP_SECONDS
        filled = template(source, example).filled(self.customer(), at, at)
        return replace(filled, sample=changed(filled.sample, claim(filled.sample.body, victim)))

    def forged(self) -> Posting:
        """Return a forged posting for a person whom no true webhook names."""
        source = self.source()
        life = self.chance.choice(LIVES[source])
        one, other = (self.life(source, life)[0].sample for _ in range(2))
        way = self.chance.choice(forgeries.ways(source))
        return Posting(FORGED, self.number(), one, way=way, other=other)


def padded(sample: Sample, chance: random.Random) -> Sample:
    """Return the same webhook with much that nothing reads."""
    content = json.loads(sample.body) | {"proof_padding": chance.randbytes(LARGE_BYTES).hex()}
    return changed(sample, json.dumps(content, ensure_ascii=False).encode())


def plan(webhooks: int, seed: int, now: int, sources: Sequence[str] = tuple(LIVES)) -> Scenario:
    """Return a plan of at least so many true webhooks, for a run that begins at `now` (Unix seconds).

    Each source lives each of its lives at least once where the number allows it.
    """
    planner = Planner(sources, random.Random(seed), f"{seed:x}t{now:x}", now)  # noqa: S311 - not for security
    placed: list[tuple[float, Posting]] = []
    profiles: dict[str, Expected] = {}
    lives = list(drawn_lives(planner, webhooks))
    for filled in lives:
        profile = profile_of(filled)
        profiles[profile.custom_id] = profile
        near = planner.webhooks
        for place, one in zip(planner.placed(len(filled), near), filled, strict=True):
            placed += planner.repeats(planner.true(one), place)
    placed += [*replays(planner, placed, webhooks), *visitors(planner, profiles, webhooks)]
    placed += [(planner.chance.random() * webhooks, one) for one in disturbances(planner, webhooks)]
    placed.sort(key=lambda pair: pair[0])
    postings = tuple(posting for _, posting in placed)
    asked = tuple(asked_for(planner, lives, webhooks))
    erased = frozenset(posting.custom_id for posting in asked if posting.way == erasures.ERASE)
    for posting in asked:
        if posting.way == erasures.TIDY:
            profiles[posting.custom_id] = erasures.tidied(profiles[posting.custom_id])
    return Scenario(postings, profiles, asked, tuple(late_of(planner, erased, postings)), erased)


def asked_for(planner: Planner, lives: Sequence[Sequence[Filled]], webhooks: int) -> list[Posting]:
    """Return the shop's requests to erase some of its customers, and to tidy up after some."""
    known = [found for life in lives if (found := erasures.shopper(life))]
    count = min(webhooks * ERASURES_PER_HUNDRED // 100, MOST_ERASURES, len(known))
    ways = [erasures.TIDY if number % TIDY_EVERY == 1 else erasures.ERASE for number in range(count)]
    return [
        Posting(ERASURE, planner.number(), erasures.request(way, one), way=way, custom_id=one.custom_id)
        for way, one in zip(ways, planner.chance.sample(known, count), strict=True)
    ]


def late_of(planner: Planner, erased: Collection[str], sent: Sequence[Posting]) -> Iterator[Posting]:
    """Yield what the shop says once more of people who are erased: all that it said before, as new webhooks."""
    for one in sent:
        if one.kind == TRUE and one.custom_id in erased:
            again = changed(one.sample, one.sample.body + b" ")
            yield Posting(LATE, planner.number(), again, custom_id=one.custom_id)


def replays(
    planner: Planner, placed: Sequence[tuple[float, Posting]], webhooks: int
) -> list[tuple[float, Posting]]:
    """Return true webhooks sent again under other topics, before or after the webhook itself."""
    true = [posting for _, posting in placed if posting.kind == TRUE]
    chosen = [planner.chance.choice(true) for _ in range(webhooks * PER_HUNDRED[REPLAYED] // 100)]
    found = [replayed for posting in chosen if (replayed := planner.replayed(posting))]
    return [(planner.chance.random() * webhooks, posting) for posting in found]


def visitors(
    planner: Planner, profiles: dict[str, Expected], webhooks: int
) -> Iterator[tuple[float, Posting]]:
    """Yield visitors who claim to be people of this plan; each gets a profile of their own, and changes no other."""
    victims = list(profiles)
    for _ in range(webhooks * CLAIMS_PER_HUNDRED // 100):
        filled = planner.claim(planner.chance.choice(victims))
        if filled:
            profile = profile_of([filled])
            profiles[profile.custom_id] = profile
            yield planner.chance.random() * webhooks, replace(planner.true(filled), way=claims.CLAIM)


def drawn_lives(planner: Planner, webhooks: int) -> Iterator[list[Filled]]:
    """Yield every life once, in an order by chance; then lives by chance, until there are enough webhooks."""
    every = [(source, life) for source in planner.sources for life in LIVES[source]]
    planner.chance.shuffle(every)
    count = 0
    while count < webhooks:
        source, life = every.pop() if every else (planner.source(), None)
        filled = planner.life(source, life or planner.chance.choice(LIVES[source]))
        count += len(filled)
        yield filled


def disturbances(planner: Planner, webhooks: int) -> Iterator[Posting]:
    """Yield what comes between: of no interest, broken, forged."""
    for _ in range(webhooks * PER_HUNDRED[IGNORED] // 100):
        yield planner.ignored()
    for place in range(webhooks * PER_HUNDRED[BROKEN] // 100):
        yield planner.broken(place)
    for _ in range(webhooks * PER_HUNDRED[FORGED] // 100):
        yield planner.forged()
