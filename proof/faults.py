"""Break things while webhooks are under way: outages of Batch, and functions that die."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from proof.target import DELIVER

# what the sandbox is asked to do     seconds until it is asked for the next
OUTAGES: Sequence[tuple[Mapping[str, Any], float]] = (
    ({"status": 503, "seconds": 4}, 12),
    ({"status": 429, "retry_after": 2, "count": 10}, 8),
    ({"delay_seconds": 1.5, "count": 6}, 8),
    ({"drop_connection": True, "count": 6}, 8),
    ({"status": 500, "count": 5}, 8),
    ({"apply_then_drop": True, "count": 1}, 10),
    ({"reset_mid_body": True, "count": 1}, 10),
)
FIRST_SECONDS = 1.0
BETWEEN_KILLS_SECONDS = (2.0, 6.0)
LESS_OFTEN = 4
"""What a killed delivery held comes back after three minutes: it is killed every fourth time at most."""


@dataclass(slots=True)
class Faults:
    """Hold what was broken, through the stack's and the sandbox's own routes. `kills` have the stack's own Unix
    time."""

    client: httpx.AsyncClient
    stack_url: str
    sandbox_url: str
    chance: random.Random
    outages: int = 0
    kills: list[tuple[float, str]] = field(default_factory=list)

    async def break_batch(self) -> None:
        """Cause one outage after the other, until cancelled; leaves none behind."""
        try:
            await asyncio.sleep(FIRST_SECONDS)
            while True:
                for fault, pause in self.chance.sample(OUTAGES, len(OUTAGES)):
                    await self.client.post(f"{self.sandbox_url}/sandbox/faults", json=dict(fault))
                    self.outages += 1
                    await asyncio.sleep(pause)
        finally:
            await self.client.delete(f"{self.sandbox_url}/sandbox/faults")

    async def kill_functions(self, functions: Sequence[str]) -> None:
        """Kill one function after the other, until cancelled."""
        others = [name for name in functions if name != DELIVER]
        number = 0
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            is_deliver = DELIVER in functions and (number % LESS_OFTEN == 1 or not others)
            name = DELIVER if is_deliver else self.chance.choice(others)
            number += 1
            answer = await self.client.post(f"{self.stack_url}/_local/functions/{name}/kill")
            self.kills.append((answer.json()["at"], name))
            await asyncio.sleep(self.chance.uniform(*BETWEEN_KILLS_SECONDS))
