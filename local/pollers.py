"""Feed functions from queues as Lambda's event source mappings do, and invoke those that have a schedule."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from local.lineage import MAX_INVOCATIONS, header_of, invocations, merged
from local.moto_fifo import Message, SqsFifoQueue
from local.runtime import Function, FunctionFailed
from local.template import EventSource, Schedule

RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


class Poller:
    """Receives from one queue, invokes one function, and deletes what it dealt with."""

    def __init__(self, source: EventSource, queue: SqsFifoQueue, region: str, function: Function) -> None:
        self.source = source
        self.queue = queue
        self.region = region
        self.function = function

    @property
    def workers(self) -> int:
        """Return how many batches are in hand at once: as many as there are processes, or fewer if the template says
        so."""
        return min(
            len(self.function.environments), self.source.max_concurrency or len(self.function.environments)
        )

    async def run(self) -> None:
        """Poll until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self.workers):
                group.create_task(self.work())

    async def work(self) -> None:
        loop, changed = asyncio.get_running_loop(), asyncio.Event()
        self.queue.listeners.append(lambda: tell(loop, changed))
        while True:
            changed.clear()
            messages = self.queue.receive(self.source.batch_size, self.queue.visibility_timeout)
            if messages:
                await self.deliver(await self.filled(messages))
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), self.queue.seconds_to_next())

    async def filled(self, messages: list[Message]) -> list[Message]:
        """Return more messages, where the mapping waits for a window to fill its batch."""
        missing = self.source.batch_size - len(messages)
        if not self.source.window_seconds or not missing:
            return messages
        await asyncio.sleep(self.source.window_seconds)
        return messages + self.queue.receive(missing, self.queue.visibility_timeout)

    async def deliver(self, messages: Sequence[Message]) -> None:
        """Invoke the function, and delete what it does not report as failed; the rest shows up again by itself.

        A chain that is too long is not invoked where the function's recursive loop detection is on.
        """
        lineage = merged(message.trace_header for message in messages)
        settings = self.function.settings
        if not settings.may_loop and invocations(lineage, settings.name) >= MAX_INVOCATIONS:
            self.function.dropped += 1
            print(f"{settings.name}: stopped as a recursive loop; set RecursiveLoop", flush=True)
            return
        payload = json.dumps({"Records": [self.record(message) for message in messages]}).encode()
        try:
            answer = await self.function.invoke(payload, header_of(lineage, settings.name))
        except FunctionFailed:
            return
        failed = (
            failures(answer, [message.id for message in messages]) if self.source.reports_failures else set()
        )
        for message in messages:
            if message.id not in failed:
                with contextlib.suppress(
                    Exception
                ):  # a handle that is no longer valid: somebody forgot everything
                    self.queue.delete_message(message.receipt_handle)

    def record(self, message: Message) -> dict[str, Any]:
        """Return a message as a function gets it."""
        attributes = {
            "ApproximateReceiveCount": str(message.approximate_receive_count),
            "SentTimestamp": str(message.sent_timestamp),
            "SenderId": message.sender_id,
            "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
            "MessageGroupId": message.group_id,
            "MessageDeduplicationId": message.deduplication_id,
            "SequenceNumber": message.sequence_number,
            "AWSTraceHeader": message.trace_header or None,
        }
        return {
            "messageId": message.id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": {name: value for name, value in attributes.items() if value is not None},
            "messageAttributes": {},
            "md5OfBody": message.body_md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": self.queue.queue_arn,
            "awsRegion": self.region,
        }


def tell(loop: asyncio.AbstractEventLoop, changed: asyncio.Event) -> None:
    """Wake a worker, from whichever thread changed the queue."""
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(changed.set)


def failures(answer: bytes, sent: Sequence[str]) -> set[str]:
    """Return the messages that a function reports as failed: all of them where its report makes no sense.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    try:
        report = json.loads(answer)
        failed = {entry["itemIdentifier"] for entry in (report or {}).get("batchItemFailures") or []}
    except (ValueError, AttributeError, KeyError, TypeError):
        return set(sent)
    return failed if failed <= set(sent) else set(sent)


async def keep_schedule(schedule: Schedule, functions: Mapping[str, Function]) -> None:
    """Invoke a function at the schedule's rate, until cancelled."""
    seconds = rate_seconds(schedule.expression)
    if seconds is None:
        print(f"{schedule.name}: {schedule.expression} is no rate, and is not kept locally", flush=True)
        return
    while True:
        await asyncio.sleep(seconds)
        with contextlib.suppress(FunctionFailed):
            await functions[schedule.function].invoke(schedule.payload.encode())


def rate_seconds(expression: str) -> int | None:
    """Return the seconds of `rate(15 minutes)`; None for anything else."""
    rate = RATE.fullmatch(expression.strip())
    return int(rate[1]) * SECONDS[rate[2]] if rate else None
