"""Requests that must not be let in, each made of a right one. Pure: the clock is a parameter."""

from __future__ import annotations

import secrets as chance
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from cli.sample import Sample, SignedRequest, signed, with_query

STALE_SECONDS = 900
"""Three times what is tolerated."""
ELSEWHERE = "nobody-connected-this"

# source   its provider signs the time too
TIMED = frozenset({"stripe", "hubspot", "wpforms", "google", "custom"})
# source   all that proves it is a token in the address, which says nothing of the body
BY_TOKEN = frozenset({"jotform", "webflow", "fillout", "form", "gravity", "elementor", "wufoo"})


@dataclass(frozen=True, slots=True)
class Lie:
    """Hold what a forger has: an address, the right secret (to spoil), another source's, and somebody else's body."""

    sample: Sample
    other: Sample
    address: str
    secret: str
    foreign_secret: str
    now: float

    def right(self, sample: Sample | None = None, secret: str | None = None, now: float = 0) -> SignedRequest:
        return signed(sample or self.sample, self.address, secret or self.secret, now or self.now)


def unsigned(lie: Lie) -> SignedRequest:
    """Return a request without all that depends on the secret."""
    one, two = lie.right(), lie.right(secret="another" + lie.secret)
    headers = {name: text for name, text in one.headers.items() if two.headers[name] == text}
    return SignedRequest(lie.address, headers, one.body)


def wrong_secret(lie: Lie) -> SignedRequest:
    return lie.right(secret=chance.token_hex(16))


def of_another_source(lie: Lie) -> SignedRequest:
    """Return a request signed with what another source of the same stack is signed with."""
    return lie.right(secret=lie.foreign_secret)


def of_another_connection(lie: Lie) -> SignedRequest:
    """Return a request that is right, but sent to a connection that nobody made."""
    one = lie.right()
    return replace(one, url=one.url.replace("/main", f"/{ELSEWHERE}", 1))


def tampered(lie: Lie) -> SignedRequest:
    """Return a right signature, and one more space in the body."""
    one = lie.right()
    return replace(one, body=one.body + b" ")


def replayed(lie: Lie) -> SignedRequest:
    """Return the right signature of one webhook with the body of another."""
    return replace(lie.right(), body=lie.other.body)


def stale(lie: Lie) -> SignedRequest:
    """Return a request that is right, but a quarter of an hour ago."""
    return lie.right(now=lie.now - STALE_SECONDS)


def from_the_future(lie: Lie) -> SignedRequest:
    return lie.right(now=lie.now + STALE_SECONDS)


def empty_signature(lie: Lie) -> SignedRequest:
    """Return the request with its headers and token there, and nothing in them."""
    one, bare = lie.right(), unsigned(lie)
    headers = {name: text if name in bare.headers else "" for name, text in one.headers.items()}
    has_token = one.url != lie.address
    return SignedRequest(with_query(lie.address, {"token": ""} if has_token else {}), headers, one.body)


ANY: Mapping[str, Callable[[Lie], SignedRequest]] = {
    "unsigned": unsigned,
    "empty_signature": empty_signature,
    "wrong_secret": wrong_secret,
    "of_another_source": of_another_source,
    "of_another_connection": of_another_connection,
}
OF_BODIES: Mapping[str, Callable[[Lie], SignedRequest]] = {"tampered": tampered, "replayed": replayed}
OF_TIME: Mapping[str, Callable[[Lie], SignedRequest]] = {"stale": stale, "from_the_future": from_the_future}

WAYS = {**ANY, **OF_BODIES, **OF_TIME}


def ways(source: str) -> tuple[str, ...]:
    """Return how a webhook of this source can be forged."""
    found = [*ANY, *(() if source in BY_TOKEN else OF_BODIES), *(OF_TIME if source in TIMED else ())]
    return tuple(found)
