"""Give moto's queues what SQS promises and moto 5 does not: order within a group, a lock on a group in flight,
de-duplication for five minutes whatever became of the first message, receipt handles of a FIFO queue that end with the
visibility timeout, and no Docker when a message arrives.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeAlias

from moto.core.utils import camelcase_to_underscores, unix_time_millis
from moto.sqs import models as sqs_models
from moto.sqs.exceptions import ReceiptHandleIsInvalid, SQSException

from local.callers import sender
from local.lineage import trace_header

DEDUPLICATION_MILLISECONDS = 5 * 60 * 1000
LONGEST_NAP_SECONDS = 20.0

models: Any = sqs_models
Message: TypeAlias = Any


class ReceiptHandleExpired(ReceiptHandleIsInvalid):
    """A FIFO queue neither deletes nor hides a message once its visibility timeout is over.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
    """

    def __init__(self) -> None:
        SQSException.__init__(self, "InvalidParameterValue", "Reason: The receipt handle has expired.")


class SqsFifoQueue(models.Queue):  # type: ignore[misc]
    """A queue of moto's, standard or FIFO. Safe to use from several threads.

    `listeners` are called, from any thread, whenever there may be something new to receive.
    """

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        self.held: dict[str, Message] = {}
        self.unready: dict[str, Message] = {}
        self.handles: dict[str, str] = {}
        self.accepted: dict[tuple[str | None, str], float] = {}
        self.listeners: list[Callable[[], None]] = []
        self.changes = 0
        super().__init__(*arguments, **attributes)

    # What moto itself reads and writes.

    @property
    def _messages(self) -> list[Message]:
        return list(self.held.values())

    @_messages.setter
    def _messages(self, messages: Iterable[Message]) -> None:
        self.held = {message.id: message for message in messages}
        self.unready = {}
        self.handles = {}

    @property
    def messages(self) -> list[Message]:
        """Return those that are neither delayed nor in flight."""
        waiting = self.waiting()
        return [message for message in self.held.values() if message.id not in waiting]

    @property
    def approximate_number_of_messages(self) -> int:
        return len(self.held) - len(self.waiting())

    @property
    def approximate_number_of_messages_delayed(self) -> int:
        now = unix_time_millis()
        return sum(message.delayed_until > now for message in self.waiting().values())

    @property
    def approximate_number_of_messages_not_visible(self) -> int:
        now = unix_time_millis()
        return sum(message.visible_at > now for message in self.waiting().values())

    def add_message(self, message: Message) -> None:
        """Take a message in with its sender's id and trace header, unless it repeats one of the last five minutes."""
        message.trace_header = trace_header.get()
        message.sender_id = sender.get() or message.sender_id
        with self._messages_lock:
            if self.fifo_queue and self.is_repeat(message):
                return
            self.hold(message)
        self.tell()

    def delete_message(self, receipt_handle: str) -> None:
        """Let go of the message that the handle was given for; doing so again is fine.

        Raises ReceiptHandleExpired of a FIFO queue, once its visibility timeout is over.
        """
        if receipt_handle in self.deleted_messages:
            return
        with self._messages_lock:
            message = self.handled(receipt_handle)
            self.deleted_messages.add(receipt_handle)
            self.let_go(message)
        self.tell()

    # What SQS promises.

    def receive(self, count: int, visibility_seconds: int, wait_seconds: float = 0) -> list[Message]:
        """Return at most `count` messages, hidden from others for so long; waits until there is one."""
        give_up_at = time.monotonic() + wait_seconds
        with self._messages_lock:
            while True:
                taken = self.take(count, visibility_seconds)
                left = give_up_at - time.monotonic()
                if taken or left <= 0:
                    return taken
                self._messages_lock.wait(min(left, self.seconds_to_next()))

    def take(self, count: int, visibility_seconds: int) -> list[Message]:
        waiting = self.waiting()
        locked = {message.group_id for message in waiting.values()} if self.fifo_queue else set()
        taken: list[Message] = []
        for message in list(self.held.values()):
            if len(taken) == count:
                break
            if message.id in waiting or (self.fifo_queue and message.group_id in locked):
                continue
            if self.is_worn_out(message):
                self.let_go(message)
                self.dead_letter_queue.redrive(message)
                continue
            message.mark_received(visibility_seconds)
            self.handles[message.receipt_handle] = message.id
            self.unready[message.id] = message
            taken.append(copy.copy(message))
        return taken

    def change_visibility(self, receipt_handle: str, seconds: int) -> None:
        """Hide a message for so long from now, or show it at once."""
        with self._messages_lock:
            message = self.handled(receipt_handle)
            message.visible_at = unix_time_millis() + int(seconds) * 1000 if int(seconds) else 0.0
            self.unready[message.id] = message
        self.tell()

    def held_messages(self) -> list[Message]:
        """Return all messages, also those in flight, oldest first; none is received by that."""
        with self._messages_lock:
            return list(self.held.values())

    def redrive(self, message: Message) -> None:
        """Take a message over from the queue whose dead letters these are."""
        with self._messages_lock:
            self.hold(message)
        self.tell()

    def forget(self) -> None:
        """Drop all messages, and the memory of those accepted."""
        with self._messages_lock:
            self._messages = []
            self.accepted.clear()
        self.tell()

    def seconds_to_next(self) -> float:
        """Return how long until time alone makes something receivable, at most `LONGEST_NAP_SECONDS`."""
        now = unix_time_millis()
        times = [max(message.visible_at, message.delayed_until) for message in self.waiting().values()]
        return min(LONGEST_NAP_SECONDS, max(0.001, (min(times, default=float("inf")) - now) / 1000))

    def waiting(self) -> dict[str, Message]:
        """Return the messages that are in flight or delayed."""
        now = unix_time_millis()
        with self._messages_lock:
            self.unready = {
                message.id: message
                for message in self.unready.values()
                if message.visible_at > now or message.delayed_until > now
            }
            return self.unready

    def is_repeat(self, message: Message) -> bool:
        """Return whether its de-duplication id was accepted within five minutes, in the scope that the queue has."""
        now = unix_time_millis()
        scope = message.group_id if self.deduplication_scope == "messageGroup" else None
        key = (scope, message.deduplication_id)
        if now - self.accepted.get(key, 0.0) < DEDUPLICATION_MILLISECONDS:
            return True
        self.accepted.pop(key, None)
        self.accepted[key] = now
        self.forget_older_than(now - DEDUPLICATION_MILLISECONDS)
        return False

    def forget_older_than(self, oldest: float) -> None:
        """Drop what is too old. The memory is in order of time: only its start can be."""
        while self.accepted and next(iter(self.accepted.values())) < oldest:
            del self.accepted[next(iter(self.accepted))]

    def is_worn_out(self, message: Message) -> bool:
        """Return whether it was received as often as the redrive policy allows."""
        return (
            self.dead_letter_queue is not None
            and message.approximate_receive_count >= self.redrive_policy["maxReceiveCount"]
        )

    def hold(self, message: Message) -> None:
        self.held[message.id] = message
        if message.delayed_until:
            self.unready[message.id] = message

    def let_go(self, message: Message) -> None:
        self.held.pop(message.id, None)
        self.unready.pop(message.id, None)
        for handle in message.all_receipt_handles:
            self.handles.pop(handle, None)

    def handled(self, receipt_handle: str) -> Message:
        message = self.held.get(self.handles.get(receipt_handle, ""))
        if message is None:
            raise ReceiptHandleIsInvalid
        is_newest = receipt_handle == message.receipt_handle
        if self.fifo_queue and not (is_newest and message.visible_at > unix_time_millis()):
            raise ReceiptHandleExpired
        return message

    def tell(self) -> None:
        """Wake those who wait: in `receive`, and the listeners."""
        with self._messages_lock:
            self.changes += 1
            self._messages_lock.notify_all()
        for listener in self.listeners:
            listener()


def receive_message(
    self: Any,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Message]:
    messages: list[Message] = self.get_queue(queue_name).receive(
        count, visibility_timeout, wait_seconds_timeout
    )
    for message in messages:
        models._filter_message_attributes(message, message_attribute_names or [])  # noqa: SLF001
    return messages


def change_message_visibility(
    self: Any, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    self.get_queue(queue_name).change_visibility(receipt_handle, visibility_timeout)


def install() -> None:
    """Let moto make its queues of this kind from now on, in this process."""
    models.Queue = SqsFifoQueue
    models.camelcase_to_underscores = cache(camelcase_to_underscores)
    models.SQSBackend.receive_message = receive_message
    models.SQSBackend.change_message_visibility = change_message_visibility
