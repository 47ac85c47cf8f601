"""Every way a webhook can end other than delivered, grouped by what must happen next. No I/O.

BridgeError
├── Refused                  the sender is answered 4xx or 5xx, nothing is queued
│   ├── InvalidSignature     401  not proven to come from its source
│   ├── UnknownConnection    404  no such source or connection
│   ├── MalformedBody        400  authentic, but not what this provider sends
│   ├── BodyTooLarge         413  over 6 MB
│   ├── InvalidLink          404  a link to confirm a consent that was not made here
│   ├── ExpiredLink          410  such a link after its 7 days
│   └── Unavailable          503  a secret or the queue is out of reach: the provider repeats
├── Ignored                  200  authentic, and nothing to do
│   └── Erased                    of a person who was erased: nothing is kept of it
└── Failed                   accepted, but not delivered
    ├── MappingFailed        parked: fix the mapping, then retry
    ├── NotStorable          parked: AWS refuses for good to keep what it says, now and whenever it is asked again
    ├── TopicUnconfirmed     parked: the signed body does not allow the topic of an unsigned header
    ├── WrongSender          parked for good: the function that queued it may not send for its source
    ├── RejectedByBatch      parked: Batch refuses what was sent
    ├── IdentityUnknown      waits for a webhook that says whose it is
    ├── BadCredentials       waits for the Batch keys to be put right
    ├── BatchUnavailable     waits for Batch
    │   └── NoTimeLeft            this delivery ends before Lambda ends it: comes back in a moment
    ├── ProviderUnavailable  waits for the API of a source, which has to tell more
    ├── ProfileBusy          another delivery holds this profile: comes back in a moment
    └── Unfinished           more to do than one delivery has time for: comes back in a moment

Messages are made of constants, names of fields and counts: never of a value that a source sent.
"""

from __future__ import annotations

from collections.abc import Mapping


class BridgeError(Exception):
    """Root of the tree above; `reason` is a short constant phrase, safe to log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(BridgeError):
    """The sender gets `status` with `{"error": code}`."""

    status = 400
    code = "refused"


class InvalidSignature(Refused):
    """Not proven to come from its source; `reason` is one of `signatures.REASONS`."""

    status = 401
    code = "invalid_signature"


class UnknownConnection(Refused):
    """No secret of this name exists."""

    status = 404
    code = "unknown_connection"


class MalformedBody(Refused):
    """Authentic, but not what this provider sends."""

    status = 400
    code = "malformed_body"


class BodyTooLarge(Refused):
    """The body is over `webhook.MAX_BODY_BYTES`."""

    status = 413
    code = "body_too_large"


class InvalidLink(Refused):
    """No link that this connection has made."""

    status = 404
    code = "invalid_link"


class ExpiredLink(Refused):
    """A link of this connection that is older than `consent_links.VALID_FOR`."""

    status = 410
    code = "expired_link"


class Unavailable(Refused):
    """A secret or the queue is out of reach; a 503 makes the provider repeat."""

    status = 503
    code = "unavailable"


class Ignored(BridgeError):
    """Authentic, and nothing to do: a ping, a topic without a mapping, a test order."""


class Erased(Ignored):
    """Of a person who was erased, and is not written to until a moment in Unix seconds."""

    def __init__(self, until: float) -> None:
        super().__init__("erased person")
        self.until = until


class Failed(BridgeError):
    """Accepted but not delivered; `failure_class` names what a person has to look at."""

    failure_class = ""


class MappingFailed(Failed):
    """The mapping could not read the body; `reason` names fields and error types."""

    failure_class = "mapping_failed"


class TopicUnconfirmed(Failed):
    """The topic is in a header that nobody signs, and the signed body says otherwise, or does not confirm it."""

    failure_class = "topic_unconfirmed"


class WrongSender(Failed):
    """A function of the stack queued it for a source that it may not send for; nothing retries it."""

    failure_class = "wrong_sender"


class NotStorable(Failed):
    """DynamoDB, SQS or S3 refuses it for good: no outage, and no use in asking again."""

    failure_class = "mapping_failed"


class RejectedByBatch(Failed):
    """Batch refused the operation, or a part of it."""

    failure_class = "rejected_by_batch"


class IdentityUnknown(Failed):
    """Nothing says yet which profile this webhook belongs to."""

    failure_class = "identity_unknown"


class BadCredentials(Failed):
    """Batch answered 401 or 403, or its keys are missing; `retry_after_seconds` where the next try has a time."""

    failure_class = "bad_credentials"

    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class BatchUnavailable(Failed):
    """429, 5xx, a timeout or a broken connection; `retry_after_seconds` where Batch named a time."""

    failure_class = "batch_unavailable"

    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class NoTimeLeft(BatchUnavailable):
    """Raised where what is left of the invocation is too little for one more call and for writing down its outcome."""


class ProviderUnavailable(Failed):
    """The API of a source did not answer, and its webhook does not tell enough without it; `retry_after_seconds`
    where it named a time."""

    failure_class = "batch_unavailable"

    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class ProfileBusy(Failed):
    """Another delivery is writing to the same profile at this moment."""

    failure_class = "batch_unavailable"


class Unfinished(Failed):
    """A part is done and written down; the rest is for the next delivery."""

    failure_class = "batch_unavailable"


# AWS's code                                  what is wrong with the request itself
PERMANENT: Mapping[str, str] = {
    "ValidationException": "a row over 400 kB, a key over 2,048 bytes, an empty key",
    "ValidationError": "the same, of one row in a transaction",
    "ItemCollectionSizeLimitExceededException": "too much under one key",
    "ItemCollectionSizeLimitExceeded": "the same, of one row in a transaction",
    "SerializationException": "JSON that DynamoDB cannot read",
    "InvalidMessageContents": "characters that SQS does not take",
    "InvalidParameterValue": "a message or a name that is too long",
    "InvalidParameterValueException": "the same, as other versions of the protocol say it",
    "BatchRequestTooLong": "messages that are too long together",
    "AWS.SimpleQueueService.BatchRequestTooLong": "the same, as other versions of the protocol say it",
    "KeyTooLongError": "a name that S3 does not take",
    "EntityTooLarge": "a body that S3 does not take",
}


def is_permanent(error: Exception) -> bool:
    """Return whether AWS will refuse the same request whenever it is made: an error of botocore, by its code."""
    response = getattr(error, "response", None) or {}
    codes = {response.get("Error", {}).get("Code")}
    codes |= {reason.get("Code") for reason in response.get("CancellationReasons") or ()}
    return not codes.isdisjoint(PERMANENT)


FAILURE_CLASSES = tuple(
    failure.failure_class
    for failure in (
        MappingFailed,
        RejectedByBatch,
        BadCredentials,
        BatchUnavailable,
        IdentityUnknown,
        TopicUnconfirmed,
        WrongSender,
    )
)
