"""Post a plan as providers do: what is answered 5xx or not at all is posted again with the same body, signed anew."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from bridge.receiving.confirmation import id_of_body
from cli.sample import SignedRequest, signed
from proof.forgeries import WAYS, Lie
from proof.scenario import FORGED, REPLAYED, Posting

TIMEOUT_SECONDS = 40
"""API Gateway gives up after 30."""
CONNECTION = "main"
MOST_TRIES = 30
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 10.0
REPEATED_STATUSES = frozenset({429, 500, 502, 503, 504})
"""What providers repeat. https://docs.stripe.com/webhooks#automatic-retries"""

Clock = Callable[[], float]


@dataclass(slots=True)
class Sent:
    """One copy of a posting and what was answered at last; `status` is 0 where nothing ever was."""

    posting: Posting
    status: int = 0
    webhook_id: str = ""
    is_ignored: bool = False
    tries: int = 0
    began: float = 0.0
    ended: float = 0.0
    answered: list[float] = field(default_factory=list)
    """Seconds that each answer took."""

    @property
    def is_accepted(self) -> bool:
        """Return whether it was stored, as far as its sender knows."""
        return bool(self.webhook_id) and self.status < 400

    @property
    def is_let_in(self) -> bool:
        return 200 <= self.status < 400


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Hold where to post: the addresses and the secrets of the connections `main`, by source."""

    addresses: Mapping[str, str]
    secrets: Mapping[str, str]

    def request(self, posting: Posting, now: float) -> SignedRequest:
        """Return the posting as its provider, or its forger, would send it at that moment."""
        source = posting.sample.source
        address, secret = self.addresses[source], self.secrets[source]
        if posting.kind != FORGED:
            return signed(posting.sample, address, secret, now)
        return WAYS[posting.way](
            Lie(posting.sample, posting.other or posting.sample, address, secret, self.foreign(source), now)
        )

    def foreign(self, source: str) -> str:
        return next((secret for other, secret in self.secrets.items() if other != source), "of-nobody")


class Sender:
    """Posts through one client; `sleep` and `clock` are asyncio's and Unix time unless a test hands in others."""

    def __init__(self, endpoint: Endpoints, client: httpx.AsyncClient, clock: Clock = time.time) -> None:
        self.endpoint = endpoint
        self.client = client
        self.clock = clock
        self.sent: list[Sent] = []

    async def send_all(self, postings: Sequence[Posting], at_once: int) -> list[Sent]:
        """Post all of them, beginning in their order, with so many under way at once."""
        waiting = iter(postings)

        async def work() -> None:
            for posting in waiting:
                copies = [Sent(posting) for _ in range(posting.copies)]
                self.sent += copies
                await asyncio.gather(*(self.send(copy) for copy in copies))

        await asyncio.gather(*(work() for _ in range(at_once)))
        return self.sent

    async def send(self, sent: Sent) -> None:
        """Post until there is an answer that no provider would repeat."""
        sent.began = self.clock()
        for number in range(MOST_TRIES):
            sent.tries += 1
            started = self.clock()
            try:
                answer = await self.client.send(self.request(sent.posting))
            except httpx.TransportError:
                sent.status = 0
            else:
                sent.answered.append(self.clock() - started)
                read(sent, answer)
            if sent.status and sent.status not in REPEATED_STATUSES:
                break
            await asyncio.sleep(min(FIRST_PAUSE_SECONDS * 2**number, LONGEST_PAUSE_SECONDS))
        sent.ended = self.clock()

    def request(self, posting: Posting) -> httpx.Request:
        one = self.endpoint.request(posting, self.clock())
        return self.client.build_request("POST", one.url, headers=dict(one.headers), content=one.body)


def read(sent: Sent, answer: httpx.Response) -> None:
    sent.status = answer.status_code
    body = body_of(answer)
    sent.webhook_id = str(body.get("id", ""))
    if sent.webhook_id and sent.posting.kind == REPLAYED:
        sent.webhook_id = id_of_body(sent.posting.sample.source, CONNECTION, sent.posting.sample.body)
    sent.is_ignored = body.get("status") == "ignored"


def body_of(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
