"""Let a webhook that names nobody wait, round after round: `python -m tests.local.rounds FOLDER ROUNDS`.

Runs the template in that folder. Prints how often the webhook waited, and how many invocations were dropped. The delays
are skipped: a process of its own may reach into the stack's queues.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import httpx

from functions.sources.registry import signed
from local.application import Application, Options
from local.connections import Connection
from local.samples import body_of

SAMPLE = "events/stripe/customer.subscription.created.json"


async def rounds(folder: Path, most: int) -> tuple[int, int]:
    """Return how often the webhook waited, at most `most` times, and how many invocations were dropped."""
    path, waits = folder / "template.yaml", 0
    application = Application(
        Options(port=0, batch_port=0, directory=folder, template=path, sources=("stripe",))
    )
    async with application.running():
        waiting = application.queue(application.deployment.queue_name("WAITING_QUEUE_URL"))
        await send(application.connections[0])
        while waits < most and not dropped(application):
            for message in waiting.held_messages():
                waits = max(waits, json.loads(message.body)["waits"])
                message.delayed_until = 0
            waiting.tell()
            await asyncio.sleep(0.02)
        return waits, dropped(application)


CONTENT = json.loads(Path(SAMPLE).read_text(encoding="utf-8"))


async def send(connection: Connection) -> None:
    """Send a subscription of a customer of whom nothing is known."""
    CONTENT["body"]["data"]["object"]["metadata"] = {}
    body = body_of(CONTENT)
    headers, _ = signed(
        "stripe", CONTENT["topic"], body, connection.signing_secret, time.time(), connection.url
    )
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            connection.url, content=body, headers={"content-type": "application/json", **headers}
        )
        answer.raise_for_status()


def dropped(application: Application) -> int:
    return sum(function.dropped for function in application.functions.values())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(rounds(Path(sys.argv[1]), int(sys.argv[2])))))
