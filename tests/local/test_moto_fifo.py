"""What SQS promises of FIFO queues holds for the local ones."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.sqs import models
from moto.sqs.exceptions import ReceiptHandleIsInvalid

from local import moto_fifo
from local.moto_fifo import DEDUPLICATION_MILLISECONDS, ReceiptHandleExpired, SqsFifoQueue

moto_fifo.install()
Make = Callable[..., "Queue"]


class Queue:
    """A queue as SQS's own calls see it."""

    def __init__(self, backend: models.SQSBackend, name: str) -> None:
        self.backend = backend
        self.name = name

    @property
    def inside(self) -> SqsFifoQueue:
        queue = self.backend.get_queue(self.name)
        assert isinstance(queue, SqsFifoQueue)
        return queue

    def send(self, body: str, group: str = "g", deduplication: str | None = None) -> None:
        self.backend.send_message(
            self.name,
            body,
            delay_seconds=0,
            group_id=group,
            deduplication_id=deduplication or f"{group}-{body}",
        )

    def receive(self, count: int = 10, visibility: int = 30, wait: int = 0) -> list[Any]:
        return self.backend.receive_message(self.name, count, wait, visibility)

    def bodies(self, count: int = 10, visibility: int = 30) -> list[str]:
        return [message.body for message in self.receive(count, visibility)]

    def delete(self, message: Any) -> None:
        self.backend.delete_message(self.name, message.receipt_handle)

    def show(self, message: Any, seconds: int = 0) -> None:
        self.backend.change_message_visibility(self.name, message.receipt_handle, seconds)


@pytest.fixture
def make() -> Iterator[Make]:
    backend = models.SQSBackend("eu-west-1", "123456789012")

    def fifo(name: str = "queue.fifo", **attributes: Any) -> Queue:
        backend.create_queue(name, FifoQueue="true", **attributes)
        return Queue(backend, name)

    # A queue looks its dead-letter queue up among all backends.
    before = models.sqs_backends["123456789012"]["eu-west-1"]
    models.sqs_backends["123456789012"]["eu-west-1"] = backend
    yield fifo
    models.sqs_backends["123456789012"]["eu-west-1"] = before


def test_a_group_comes_in_the_order_in_which_it_was_sent(make: Make) -> None:
    queue = make()
    for number in range(5):
        queue.send(str(number))
    assert queue.bodies(count=3) == ["0", "1", "2"]


def test_a_group_in_flight_is_locked_and_others_are_not(make: Make) -> None:
    queue = make()
    queue.send("a1", group="a")
    queue.send("a2", group="a")
    [first] = queue.receive(count=1)
    queue.send("b1", group="b")
    assert queue.bodies() == ["b1"]
    queue.delete(first)
    assert queue.bodies() == ["a2"]


def test_one_message_in_flight_locks_also_the_earlier_ones_of_its_group(make: Make) -> None:
    queue = make()
    queue.send("1")
    queue.send("2")
    first, second = queue.receive()
    queue.show(first)
    assert queue.bodies() == []
    queue.delete(second)
    assert queue.bodies() == ["1"]


def test_messages_that_show_up_again_together_keep_their_order(make: Make) -> None:
    queue = make()
    for number in range(5):
        queue.send(str(number))
    for message in reversed(queue.receive()):
        queue.show(message)
    assert queue.bodies() == ["0", "1", "2", "3", "4"]


def test_messages_whose_time_ran_out_together_keep_their_order(make: Make) -> None:
    queue = make()
    for number in range(3):
        queue.send(str(number))
    assert queue.bodies(visibility=1) == ["0", "1", "2"]
    assert queue.bodies() == []
    time.sleep(1.05)
    assert queue.bodies() == ["0", "1", "2"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=20), st.data())
def test_whatever_fails_each_group_is_dealt_with_in_order(groups: list[str], data: st.DataObject) -> None:
    backend = models.SQSBackend("eu-west-1", "123456789012")
    backend.create_queue("any.fifo", FifoQueue="true")
    queue = Queue(backend, "any.fifo")
    for number, group in enumerate(groups):
        queue.send(f"{number}", group)
    done: list[tuple[str, int]] = []
    while len(done) < len(groups):
        for message in (batch := queue.receive(count=data.draw(st.integers(1, 10)))):
            # A group stops at its first failure, as deliver does it.
            failed = data.draw(st.booleans()) or any(
                one.group_id == message.group_id for one in batch if hasattr(one, "failed")
            )
            if failed:
                message.failed = True
                continue
            done.append((message.group_id, int(message.body)))
            queue.delete(message)
        for message in batch:
            if hasattr(message, "failed"):
                queue.show(message)
    for group in "abc":
        numbers = [number for name, number in done if name == group]
        assert numbers == sorted(numbers)


def test_a_repeat_within_five_minutes_is_taken_and_dropped_even_after_the_first_was_deleted(
    make: Make,
) -> None:
    queue = make()
    queue.send("1", deduplication="same")
    queue.delete(*queue.receive())
    queue.send("2", deduplication="same")
    assert queue.bodies() == []


def test_after_five_minutes_a_repeat_is_a_new_message(make: Make) -> None:
    queue = make()
    queue.send("1", deduplication="same")
    queue.send("2", deduplication="other")
    queue.inside.accepted = {
        key: when - DEDUPLICATION_MILLISECONDS for key, when in queue.inside.accepted.items()
    }
    queue.send("3", deduplication="same")
    assert queue.bodies() == ["1", "2", "3"]
    assert [name for _, name in queue.inside.accepted] == ["same"], "what is too old must be forgotten"


@pytest.mark.parametrize(("scope", "arrived"), [("queue", ["1"]), ("messageGroup", ["1", "2"])])
def test_repeats_are_looked_for_in_the_scope_that_the_queue_has(
    make: Make, scope: str, arrived: list[str]
) -> None:
    queue = make(DeduplicationScope=scope)
    queue.send("1", group="a", deduplication="same")
    queue.send("2", group="b", deduplication="same")
    assert queue.bodies() == arrived


def test_a_message_received_too_often_goes_to_the_dead_letters_and_its_group_goes_on(make: Make) -> None:
    dead = make("dead.fifo")
    policy = {"deadLetterTargetArn": dead.inside.queue_arn, "maxReceiveCount": 2}
    queue = make("alive.fifo", RedrivePolicy=policy)
    queue.send("1")
    queue.send("2")
    for _ in range(2):
        [message] = queue.receive(count=1)
        assert message.body == "1"
        queue.show(message)
    assert queue.bodies() == ["2"]
    assert dead.bodies() == ["1"]


def test_messages_in_flight_and_waiting_ones_are_counted_apart(make: Make) -> None:
    queue = make()
    for number in range(3):
        queue.send(str(number), group=str(number))
    queue.receive(count=1)
    attributes = queue.inside.attributes
    assert attributes["ApproximateNumberOfMessages"] == 2
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == 1


def test_a_delayed_message_of_a_standard_queue_comes_when_its_time_has_come() -> None:
    backend = models.SQSBackend("eu-west-1", "123456789012")
    backend.create_queue("standard")
    backend.send_message("standard", "later", delay_seconds=1)
    queue = Queue(backend, "standard")
    assert queue.bodies() == []
    assert queue.inside.seconds_to_next() == pytest.approx(1, abs=0.2)
    assert [message.body for message in queue.receive(wait=2)] == ["later"]


def test_who_waits_is_woken_by_a_new_message(make: Make) -> None:
    queue = make()
    heard = threading.Event()
    queue.inside.listeners.append(heard.set)
    threading.Timer(0.1, queue.send, ("1",)).start()
    started = time.monotonic()
    assert len(queue.receive(wait=5)) == 1
    assert time.monotonic() - started < 2
    assert heard.is_set()


def test_waiting_ends_without_a_message(make: Make) -> None:
    started = time.monotonic()
    assert make().receive(wait=1) == []
    assert time.monotonic() - started == pytest.approx(1, abs=0.5)


def test_a_handle_that_was_never_given_is_refused(make: Make) -> None:
    with pytest.raises(ReceiptHandleIsInvalid):
        make().inside.delete_message("unknown")


def test_deleting_twice_is_fine(make: Make) -> None:
    queue = make()
    queue.send("1")
    [message] = queue.receive()
    queue.delete(message)
    queue.delete(message)
    assert queue.inside.held == {}


@pytest.mark.parametrize("is_received_again", [False, True])
def test_once_its_visibility_timeout_is_over_a_message_is_neither_deleted_nor_hidden(
    make: Make, is_received_again: bool
) -> None:
    queue = make()
    queue.send("1")
    [message] = queue.receive()
    queue.show(message)
    again = queue.receive() if is_received_again else []
    for act in (queue.delete, queue.show):
        with pytest.raises(ReceiptHandleExpired):
            act(message)
    assert len(queue.inside.held) == 1
    for newest in again:
        queue.delete(newest)
    assert len(queue.inside.held) == (not is_received_again)


def test_of_a_batch_the_late_entries_fail_within_an_answer_that_succeeds(make: Make) -> None:
    queue = make()
    queue.send("1", group="a")
    queue.send("2", group="b")
    late, timely = queue.receive()
    queue.show(late)
    entries = [{"Id": str(n), "ReceiptHandle": one.receipt_handle} for n, one in enumerate((late, timely))]
    done, failed = queue.backend.delete_message_batch(queue.name, entries)
    assert (done, [entry["Id"] for entry in failed]) == (["1"], ["0"])


def test_forgetting_empties_the_queue_and_its_memory(make: Make) -> None:
    queue = make()
    queue.send("1", deduplication="same")
    queue.inside.forget()
    queue.send("2", deduplication="same")
    assert queue.bodies() == ["2"]
