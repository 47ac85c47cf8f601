"""Stop messages that a function queued for a source that it may not send for, before anything of them is read. No I/O.

IAM lets a receiver send to the queue, and binds nothing of what it sends. SQS says who sent a message: for a function
`AROA...:NAME`, the id of its role and its session, which Lambda calls by the name of the function.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.errors import WrongSender
from bridge.storage.queue import body_key, envelope_in
from functions.deliver.delivery import Message

STOPPED_BEFORE = "it was stopped before, and is never sent again"


class Senders:
    """Of each function that sends for some sources alone, by its name: these sources.

    Others are held by IAM alone: retry, which sends what deliver has looked at before, and people.
    """

    def __init__(self, sources: Mapping[str, frozenset[str]]) -> None:
        self.sources = sources

    @classmethod
    def of(cls, text: str) -> Senders:
        """Return the functions of a text `NAME=source,source NAME=source`. Raises ValueError."""
        pairs = [entry.split("=") for entry in text.split()]
        return cls({function: frozenset(sources.split(",")) for function, sources in pairs})

    def check(self, message: Message) -> None:
        """Raises WrongSender for what its sender may not send, and for what was stopped for that before."""
        function = message.sender.partition(":")[2]
        own = self.sources.get(function)
        if own is None and WrongSender.failure_class not in message.body:
            return
        envelope = envelope_in(message.body)
        if own is not None and envelope.get("source") not in own:
            raise WrongSender(f"{function} queued it, and may not send for its source")
        if own is not None and has_a_foreign_body(envelope):
            raise WrongSender(f"{function} queued it, with a body that is another's")
        if was_stopped(envelope):
            raise WrongSender(STOPPED_BEFORE)


def has_a_foreign_body(envelope: Mapping[str, Any]) -> bool:
    """Return whether an envelope points to a body in S3 that is not its own."""
    own = body_key(envelope["source"], str(envelope.get("connection")), envelope["id"])
    return envelope.get("encoding") == "s3" and envelope.get("body") != own


def was_stopped(envelope: Mapping[str, Any]) -> bool:
    """Return whether an envelope comes from the dead-letter queue by another way than a retry, which leaves it
    there."""
    failure = envelope.get("failure")
    return isinstance(failure, dict) and failure.get("class") == WrongSender.failure_class
