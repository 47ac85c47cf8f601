"""Know whether the queue holds so much that FIFO would soon look no further, and one outage stop every project.

SQS looks through the first 120,000 messages of a FIFO queue for groups that are free, and has no more than that in
flight. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from bridge.errors import Unavailable
from bridge.storage.queue import MOST_MESSAGES, WebhookQueue

READ_EVERY_SECONDS = 30


class Backlog:
    """One per process; `clock` returns Unix seconds. Asked only while something has to wait for an outage."""

    def __init__(
        self,
        queue: WebhookQueue,
        clock: Callable[[], float] = time.time,
        most_messages: float = MOST_MESSAGES,
    ) -> None:
        self.queue = queue
        self.clock = clock
        self.most_messages = most_messages
        self.read_again_at = 0.0
        self.messages = 0

    def is_too_long(self) -> bool:
        """Return whether what waits for an outage is to wait elsewhere; by what was read in the last half a minute."""
        if self.clock() >= self.read_again_at:
            self.read_again_at = self.clock() + READ_EVERY_SECONDS
            with contextlib.suppress(Unavailable):  # what was read before is the best guess
                self.messages = self.queue.depth(self.queue.url)
        return self.messages > self.most_messages
