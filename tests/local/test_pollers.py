"""Queues feed functions as Lambda's event source mappings do."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from moto.sqs import models

from local import moto_fifo
from local.lineage import header_of, invocations, merged, name_of, trace_header
from local.moto_fifo import SqsFifoQueue
from local.pollers import Poller, failures, keep_schedule, rate_seconds
from local.runtime import FunctionFailed
from local.template import EventSource, FunctionSettings, Schedule

moto_fifo.install()


SETTINGS = FunctionSettings("Function", "arn", "handler", 1, 128, {})


class Handler:
    """Stands in for a function: answers with what a test gives, and remembers what it was asked."""

    def __init__(self, *answers: object, processes: int = 1) -> None:
        self.answers = list(answers)
        self.environments = [SimpleNamespace()] * processes
        self.asked: list[Any] = []
        self.traces: list[str] = []
        self.settings = SETTINGS
        self.dropped = 0

    async def invoke(self, payload: bytes, trace: str = "") -> bytes:
        self.traces.append(trace)
        self.asked.append(json.loads(payload))
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer(self.asked[-1]["Records"])
        return json.dumps(answer).encode()

    @property
    def batches(self) -> list[list[str]]:
        return [[record["body"] for record in event["Records"]] for event in self.asked]


def make_queue() -> SqsFifoQueue:
    queue = models.SQSBackend("eu-west-1", "123456789012").create_queue(
        "queue.fifo", FifoQueue="true", VisibilityTimeout=1
    )
    assert isinstance(queue, SqsFifoQueue)
    return queue


def send(queue: SqsFifoQueue, *bodies: str, group: str = "g") -> None:
    for body in bodies:
        message = models.Message(body, body)
        message.group_id, message.deduplication_id = group, body
        message.mark_sent()
        queue.add_message(message)


def poll(
    queue: SqsFifoQueue, handler: Handler, until: Callable[[], bool], reports: bool = True, batch: int = 10
) -> None:
    """Run a poller until a condition holds."""

    async def whole() -> None:
        source = EventSource("queue.fifo", "Function", batch, 0, reports, None)
        task = asyncio.create_task(Poller(source, queue, "eu-west-1", handler).run())  # type: ignore[arg-type]
        await eventually(until)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(whole())


def eventually(condition: Callable[[], bool]) -> Awaitable[None]:
    async def wait() -> None:
        while not condition():  # noqa: ASYNC110 - a condition of any kind has no event
            await asyncio.sleep(0.01)

    return asyncio.wait_for(wait(), 10)


def test_what_a_function_dealt_with_is_deleted() -> None:
    queue, handler = make_queue(), Handler()
    send(queue, "1", "2", "3")
    poll(queue, handler, lambda: not queue.held)
    assert handler.batches == [["1", "2", "3"]]


def test_batches_are_no_larger_than_the_template_says() -> None:
    queue, handler = make_queue(), Handler()
    send(queue, "1", "2", "3")
    poll(queue, handler, lambda: not queue.held, batch=2)
    assert handler.batches == [["1", "2"], ["3"]]


def test_a_record_says_what_lambda_says() -> None:
    queue, handler = make_queue(), Handler()
    send(queue, "body")
    poll(queue, handler, lambda: not queue.held)
    [record] = handler.asked[0]["Records"]
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == "arn:aws:sqs:eu-west-1:123456789012:queue.fifo"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["MessageGroupId"] == "g"
    assert (record["messageId"], record["body"]) == ("body", "body")


def rounds(may_loop: bool) -> tuple[Handler, SqsFifoQueue]:
    """Let a function send what it gets to the queue it came from, 20 times or until it is stopped."""
    queue, handler = make_queue(), Handler()
    handler.settings = replace(SETTINGS, may_loop=may_loop)

    def again(records: list[Any]) -> None:
        if len(handler.asked) < 20:
            trace_header.set(quote(handler.traces[-1], safe="-=;:"))  # as botocore does
            send(queue, str(len(handler.asked)))

    handler.answers = [again] * 20
    send(queue, "0")
    poll(queue, handler, lambda: len(handler.asked) == 20 or handler.dropped > 0)
    return handler, queue


def test_a_chain_of_invocations_is_stopped_after_16_and_its_message_is_not_lost() -> None:
    handler, queue = rounds(may_loop=False)
    assert (len(handler.asked), handler.dropped) == (16, 1)
    assert len(queue.held) == 1


def test_a_chain_goes_on_where_the_template_lets_the_function_loop() -> None:
    handler, queue = rounds(may_loop=True)
    assert (len(handler.asked), handler.dropped) == (20, 0)
    assert not queue.held


def test_a_batch_has_the_longest_chain_of_its_messages() -> None:
    long, short = header_of(header_counts(7), "F"), header_of(header_counts(2), "F")
    assert invocations(merged(["", short, long, "Root=1-a;Sampled=0"]), "F") == 8


def header_counts(count: int) -> dict[str, int]:
    return {name_of("F"): count}


def test_only_what_is_reported_as_failed_comes_again_after_its_visibility() -> None:
    queue = make_queue()
    handler = Handler({"batchItemFailures": [{"itemIdentifier": "2"}]})
    send(queue, "1", "2", "3")
    poll(queue, handler, lambda: not queue.held)
    assert handler.batches == [["1", "2", "3"], ["2"]]


def test_a_failed_invocation_brings_the_whole_batch_again() -> None:
    queue, handler = make_queue(), Handler(FunctionFailed("Runtime.ExitError", ""))
    send(queue, "1", "2")
    poll(queue, handler, lambda: not queue.held)
    assert handler.batches == [["1", "2"], ["1", "2"]]


def test_without_partial_responses_an_answer_means_all_is_done() -> None:
    queue = make_queue()
    handler = Handler({"batchItemFailures": [{"itemIdentifier": "1"}]})
    send(queue, "1")
    poll(queue, handler, lambda: not queue.held, reports=False)
    assert len(handler.asked) == 1


def test_a_new_message_is_taken_at_once() -> None:
    queue, handler = make_queue(), Handler()

    async def whole() -> float:
        source = EventSource("queue.fifo", "Function", 10, 0, True, None)
        task = asyncio.create_task(Poller(source, queue, "eu-west-1", handler).run())  # type: ignore[arg-type]
        await asyncio.sleep(0.2)
        started = asyncio.get_running_loop().time()
        await asyncio.to_thread(send, queue, "1")
        await eventually(lambda: bool(handler.asked))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return asyncio.get_running_loop().time() - started

    assert asyncio.run(whole()) < 0.5


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (b"null", set()),
        (b"{}", set()),
        (b'{"batchItemFailures": []}', set()),
        (b'{"batchItemFailures": null}', set()),
        (b'{"batchItemFailures": [{"itemIdentifier": "a"}]}', {"a"}),
        (b'{"batchItemFailures": [{"itemIdentifier": "unknown"}]}', {"a", "b"}),
        (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', {"a", "b"}),
        (b'{"batchItemFailures": [{"itemIdentifier": null}]}', {"a", "b"}),
        (b'{"batchItemFailures": [{"id": "a"}]}', {"a", "b"}),
        (b'{"batchItemFailures": "a"}', {"a", "b"}),
        (b'"text"', {"a", "b"}),
        (b"no JSON", {"a", "b"}),
    ],
)
def test_a_report_that_makes_no_sense_fails_the_whole_batch(answer: bytes, failed: set[str]) -> None:
    assert failures(answer, ["a", "b"]) == failed


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("rate(1 minute)", 60),
        ("rate(15 minutes)", 900),
        ("rate(2 hours)", 7200),
        ("rate(1 day)", 86400),
        ("cron(0 1 * * ? *)", None),
    ],
)
def test_rates_are_read(expression: str, seconds: int | None) -> None:
    assert rate_seconds(expression) == seconds


def test_a_schedule_that_is_no_rate_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(keep_schedule(Schedule("Nightly", "Function", "cron(0 1 * * ? *)", "{}"), {}))
    assert "Nightly" in capsys.readouterr().out
