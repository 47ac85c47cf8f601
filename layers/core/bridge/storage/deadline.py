"""Let no call to AWS begin that may outlast the invocation: clients are kept from one invocation to the next.

A call that is refused for that looks like an outage to whoever makes it, and is handled as one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError

BACKOFF_SECONDS = 1.0
"""What botocore waits at most before it tries once more.
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/retries.html"""


class OutOfTime(BotoCoreError):
    """The slowest answer would come after the end of the invocation."""

    fmt = "no time is left for a call"


class Deadline:
    """Hold how long the invocation that is running may still take; without end where none was told."""

    def __init__(self) -> None:
        self.seconds_left: Callable[[], float] = lambda: math.inf


class Timed:
    """A client of AWS whose calls raise OutOfTime where the slowest answer would come too late."""

    def __init__(self, client: Any, deadline: Deadline) -> None:
        self.client = client
        self.deadline = deadline
        self.longest_seconds = longest_seconds(client.meta.config)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if name not in self.client.meta.method_to_api_mapping:
            return found

        def call(**arguments: Any) -> Any:
            if self.deadline.seconds_left() < self.longest_seconds:
                raise OutOfTime
            return found(**arguments)

        return call


def longest_seconds(config: Any) -> float:
    """Return how long a call of a client takes at most, with all its tries."""
    tries = config.retries["total_max_attempts"]
    seconds: float = tries * (config.connect_timeout + config.read_timeout) + (tries - 1) * BACKOFF_SECONDS
    return seconds
