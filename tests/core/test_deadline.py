"""No call to AWS begins that may outlast the invocation, and what is refused for that is an outage to its caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config

from bridge.errors import BatchUnavailable, NoTimeLeft, Unavailable
from bridge.storage.deadline import Deadline, OutOfTime, Timed, longest_seconds
from bridge.storage.ledger import Ledger
from bridge.storage.parameters import Parameters
from bridge.storage.queue import WebhookQueue
from bridge.storage.secrets import Secrets
from functions.deliver import handler
from functions.deliver.circuit_breaker import SETTLING_SECONDS
from tests.core.stand_ins import Calls


class Api(Calls):
    """A client that knows its operations and its timeouts, as those of boto3 do."""

    def __init__(self) -> None:
        super().__init__({"batch_get_item": {"Responses": {}}})
        real = boto3.client(
            "dynamodb", config=Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})
        )
        self.meta = real.meta


@pytest.mark.parametrize(("left", "is_made"), [(100.0, True), (7.0, True), (6.9, False), (0.0, False)])
def test_a_call_begins_only_if_its_slowest_answer_fits(left: float, is_made: bool) -> None:
    api, deadline = Api(), Deadline()
    deadline.seconds_left = lambda: left
    timed = Timed(api, deadline)
    if is_made:
        timed.batch_get_item(RequestItems={})
    else:
        with pytest.raises(OutOfTime):
            timed.batch_get_item(RequestItems={})
    assert len(api.made) == is_made


def test_where_no_deadline_was_told_every_call_is_made() -> None:
    api = Api()
    Timed(api, Deadline()).batch_get_item(RequestItems={})
    assert len(api.made) == 1


def late() -> Deadline:
    deadline = Deadline()
    deadline.seconds_left = lambda: 1.0
    return deadline


# what is asked with a second left                                       is to its caller
LATE: dict[str, tuple[Callable[[Deadline], Any], type[Exception]]] = {
    "ledger reads": (lambda end: Ledger("t").within(end).known(["1"]), NoTimeLeft),
    "ledger leases": (lambda end: Ledger("t").within(end).lease("default", "ada", "one", 1.0), NoTimeLeft),
    "ledger writes": (lambda end: Ledger("t").within(end).delete(["1"]), BatchUnavailable),
    "queue": (lambda end: WebhookQueue("q", "d").within(end).park_message("text", "name"), Unavailable),
    "bodies": (
        lambda end: WebhookQueue(bucket="b").within(end).delete_bodies([("a", "b", "c")]),
        Unavailable,
    ),
    "secrets": (lambda end: Secrets("stack").within(end).batch_keys("default"), Unavailable),
    "settings": (lambda end: Parameters("stack").within(end).read("shopify", "main"), Unavailable),
}


@pytest.mark.parametrize(("ask", "error"), LATE.values(), ids=LATE)
def test_what_there_is_no_time_for_is_an_outage(
    ask: Callable[[Deadline], Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        ask(late())


def test_every_client_of_deliver_knows_the_deadline() -> None:
    clients = [
        handler.ledger.client,
        handler.connections.client,
        handler.queue.client,
        handler.queue.s3,
        handler.secrets.client,
        handler.parameters.client,
    ]
    assert all(isinstance(client, Timed) and client.deadline is handler.deadline for client in clients)


def test_after_the_slowest_answer_of_batch_there_is_time_for_the_ledgers() -> None:
    assert longest_seconds(handler.ledger.client.meta.config) < SETTLING_SECONDS
