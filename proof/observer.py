"""Wait until everything that was accepted has come to an end, and read what came of it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from bridge.storage.ledger import FINAL, PARKED, WAITING, Receipt, receipt_of
from proof.expected import event_key
from proof.target import Target

LOOK_EVERY_SECONDS = 1.0
ROWS_A_LOOK = 500
PATIENCE_SECONDS = 720
"""Without any progress: more than the longest delay of a delivery, and thrice what a killed one holds its webhooks
for."""
CALLS_EVERY_SECONDS = 5.0
CALLS_A_LOOK = 1500
UPDATE = "/profiles/update"
TAKEN = 202


@dataclass(frozen=True, slots=True)
class Call:
    """One call that the sandbox got: when (RFC 3339), what befell it, and digests of the events that it mentioned.

    `is_answered`: Batch took it and said so; it may have taken it and not been able to say so.
    """

    time: str
    fault: str
    is_answered: bool
    events: frozenset[str]


@dataclass(slots=True)
class Calls:
    """The calls of a run, read from the sandbox's log bit by bit, as it forgets the oldest."""

    client: httpx.AsyncClient
    sandbox_url: str
    seen: dict[str, Call] = field(default_factory=dict)
    since: str = ""

    async def watch(self) -> None:
        """Read until cancelled."""
        while True:
            await asyncio.sleep(CALLS_EVERY_SECONDS)
            await self.read(CALLS_A_LOOK)

    async def read(self, limit: int) -> None:
        answer = await self.client.get(f"{self.sandbox_url}/sandbox/calls", params={"limit": limit})
        for one in answer.json():
            if one["time"] >= self.since and one["route"].endswith(UPDATE):
                key = f"{one['time']} {digest(str(one['body']))}"
                if key not in self.seen:
                    self.seen[key] = call_of(one)


def call_of(one: Mapping[str, Any]) -> Call:
    operations = one["body"] if isinstance(one["body"], list) else []
    events = frozenset(
        digest(operation["identifiers"]["custom_id"] + event_key(event))
        for operation in operations
        for event in operation.get("events", ())
    )
    is_answered = one["answer"]["status"] == TAKEN
    return Call(one["time"], one["fault"] or "", is_answered, events)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


async def settled(ground: Target, ids: Iterable[str], may_wait: Collection[str] = ()) -> dict[str, Receipt]:
    """Return the receipts of these webhooks, once each has a final one and the queues are empty, or nothing moves
    any more.

    Those that `may_wait` name nobody: they may lie in the delay queue for a day, which is nothing to wait for.
    """
    pending = list(dict.fromkeys(ids))
    receipts: dict[str, Receipt] = {}
    moved_at, last = time.monotonic(), (-1, -1)
    while time.monotonic() < moved_at + PATIENCE_SECONDS:
        looked, others = pending[:ROWS_A_LOOK], pending[ROWS_A_LOOK:]
        receipts |= await asyncio.to_thread(receipts_of, ground, looked)
        still = [one for one in looked if not is_final(receipts.get(one))]
        pending = [*others, *still]
        resting = {one for one in pending if one in may_wait and is_waiting(receipts.get(one))}
        queued = await asyncio.to_thread(ground.waiting) - len(resting)
        if len(resting) == len(pending) and queued <= 0:
            break
        if (len(pending), queued) != last:
            moved_at, last = time.monotonic(), (len(pending), queued)
        if still or not looked:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
    return receipts


def receipts_of(ground: Target, ids: list[str]) -> dict[str, Receipt]:
    """Return those of the webhooks that have a receipt."""
    rows = ground.stack.ledger.read([f"webhook#{one}" for one in ids])
    return {receipt.id: receipt for receipt in map(receipt_of, rows.values())}


def is_final(receipt: Receipt | None) -> bool:
    return receipt is not None and (receipt.status in FINAL or receipt.status == PARKED)


def is_waiting(receipt: Receipt | None) -> bool:
    return receipt is not None and receipt.status == WAITING


async def profiles_of(client: httpx.AsyncClient, sandbox_url: str, since: str) -> dict[str, Any]:
    """Return the profiles that are in the sandbox since then (RFC 3339), by custom id."""
    answer = await client.get(f"{sandbox_url}/sandbox/profiles")
    return {one["custom_id"]: one for one in answer.json() if one["created_at"] >= since}
