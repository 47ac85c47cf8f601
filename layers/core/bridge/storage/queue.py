"""Webhooks in SQS: the envelope, the queue, the delay queue and the dead-letter queue.

The only module that calls SQS and S3. A body is carried as text; a large one compressed; one that is still
too large lies in S3, and the message points to it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bridge.bounds import MAX_REASON_CHARACTERS, cut
from bridge.errors import (
    BatchUnavailable,
    Ignored,
    MappingFailed,
    NotStorable,
    Unavailable,
    is_permanent,
)
from bridge.observability import count, logger
from bridge.storage.deadline import Deadline, Timed
from bridge.webhook import MAX_BODY_BYTES, Webhook

if TYPE_CHECKING:
    from bridge.storage.traces import Traces

COMPRESS_OVER_BYTES = 48 * 1024
"""SQS bills every 64 KB begun as one request: a body over this is compressed to stay in the first."""
MAX_MESSAGE_BYTES = 240 * 1024
"""SQS took 256 KiB a message until 2025, and takes 1 MiB since; ten of these fit one Lambda invocation of 6 MB.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""
MAX_DELAY_SECONDS = 900
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html"""
SEND_TIMEOUT_SECONDS = 2
"""Shopify gives up after 5 seconds: the receiver must have answered before."""
MOST_MESSAGES = 60_000
"""In the queue, while something waits there for an outage: half of what FIFO looks through for groups that are free."""
DEPTH = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
MAX_BATCH_BYTES = 240 * 1024
"""Of all messages of one call, as of a single one."""
BODIES_CONFIG = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2})
DROP_VISIBILITY_SECONDS = 60
ENTRIES_PER_CALL = 10
NAME = re.compile(r"[\w.:/-]{1,128}", re.ASCII)
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""
MAX_KEYS_PER_DELETE = 1000
"""https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""

CARRIED = ("text", "base64", "zlib")
"""Encodings of a body that lies in the message itself."""
OPTIONAL = ("only", "retries", "waits", "confirm_key")
"""What an envelope has only where there is something to say."""
LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Failure:
    """Hold why a webhook is parked: a class of `errors.FAILURE_CLASSES` and a reason without values.

    `call` is the operation that Batch was sent for it, or would have been, where it came so far.
    """

    failure_class: str
    reason: str
    failed_at: datetime
    call: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """One message of the dead-letter queue: its envelope as it is, with what people ask for.

    `message` is its text, `sent_at` when it was put there.
    """

    envelope: Mapping[str, Any]
    failure: Failure
    receipt_handle: str
    message: str = ""
    sent_at: datetime = LONG_AGO

    @property
    def id(self) -> str:
        return str(self.envelope.get("id", ""))

    @property
    def source(self) -> str:
        return str(self.envelope.get("source", ""))

    @property
    def connection(self) -> str:
        return str(self.envelope.get("connection", ""))

    @property
    def writer(self) -> str:
        """Return the connection by which it came, such as `shopify/main`."""
        return f"{self.source}/{self.connection}"


class WebhookQueue:
    """The queues of one stack, by their URLs; a function is given those that it may use."""

    def __init__(
        self,
        url: str = "",
        dead_letter_url: str = "",
        waiting_url: str = "",
        bucket: str = "",
        client: Any = None,
        s3_client: Any = None,
        left_behind_url: str = "",
    ) -> None:
        self.url = url
        self.dead_letter_url = dead_letter_url
        self.waiting_url = waiting_url
        self.left_behind_url = left_behind_url
        self.bucket = bucket
        self.client = client or boto3.client(
            "sqs",
            config=Config(
                connect_timeout=1,
                read_timeout=SEND_TIMEOUT_SECONDS,
                retries={"total_max_attempts": 2},
                parameter_validation=False,
            ),
        )
        self._s3_client = s3_client
        self.deadline: Deadline | None = None

    def within(self, deadline: Deadline) -> WebhookQueue:
        """Let no call begin that may outlast an invocation."""
        self.deadline, self.client = deadline, Timed(self.client, deadline)
        return self

    def depth(self, url: str) -> int:
        """Return about how many messages a queue holds, those on their way too. Raises Unavailable."""
        try:
            answer = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=list(DEPTH))
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("the queue does not tell how much it holds") from error
        return sum(int(answer["Attributes"].get(name, 0)) for name in DEPTH)

    @property
    def s3(self) -> Any:
        """Return the client, made at first use: only bodies of hundreds of kilobytes need it."""
        if self._s3_client is None:
            client = boto3.client("s3", config=BODIES_CONFIG)
            self._s3_client = Timed(client, self.deadline) if self.deadline else client
        return self._s3_client

    def send(self, webhook: Webhook) -> None:
        """Store a webhook. Raises Unavailable: then it is not stored."""
        self.put(self.envelope(webhook), webhook.group, f"{webhook.id}-{webhook.retries}-{webhook.waits}")

    def wait(self, webhook: Webhook, delay_seconds: int) -> None:
        """Put a webhook aside until something may be known of whose it is. Raises Unavailable, NotStorable."""
        try:
            self.client.send_message(
                QueueUrl=self.waiting_url,
                MessageBody=self.envelope(replace(webhook, waits=webhook.waits + 1)),
                DelaySeconds=min(delay_seconds, MAX_DELAY_SECONDS),
            )
        except (ClientError, BotoCoreError) as error:
            raise failure_of(error, "the waiting room refuses the webhook") from error

    def park(self, webhook: Webhook, failure: Failure) -> None:
        """Put a webhook in the dead-letter queue, with its reason. Raises Unavailable.

        Where SQS refuses that for good, without the call to Batch and what else is long beside the body.
        """
        deduplication = f"{webhook.id}-{webhook.retries}-{failure.failure_class}"
        try:
            self.put_aside(self.envelope(webhook, failure), webhook.id, deduplication)
        except NotStorable:
            headers = {name: value for name, value in webhook.headers.items() if value == cut(value)}
            bare = replace(webhook, topic=cut(webhook.topic), headers=headers)
            self.put_aside(self.envelope(bare, replace(failure, call=None)), webhook.id, deduplication)

    def park_message(self, message: str, name: str) -> None:
        """Put any message in the dead-letter queue as it is. Raises Unavailable."""
        digest = hashlib.sha256(message.encode(errors="surrogatepass")).hexdigest()
        try:
            self.put_aside(message, name, digest)
        except NotStorable as error:
            raise Unavailable(error.reason) from error

    def put_aside(self, message: str, group: str, deduplication: str) -> None:
        """Put a message in the dead-letter queue. Raises Unavailable, NotStorable."""
        try:
            self.client.send_message(
                QueueUrl=self.dead_letter_url,
                MessageBody=message,
                MessageGroupId=name_in_sqs(group),
                MessageDeduplicationId=name_in_sqs(deduplication),
            )
        except (ClientError, BotoCoreError) as error:
            raise failure_of(error, "the dead-letter queue refuses the webhook") from error

    def finish(self, receipt_handles: Sequence[str]) -> None:
        """Delete messages of the queue that are done. Best effort: Lambda deletes them too when an invocation ends."""
        entries = [{"ReceiptHandle": handle} for handle in receipt_handles]
        self.in_batches("delete_message_batch", self.url, entries)

    def in_batches(self, operation: str, url: str, entries: Sequence[Mapping[str, Any]]) -> None:
        """Make one call for every ten entries, and again for those that SQS itself failed at. Best effort.

        An answer of 200 may name entries that failed; these are counted, whosever fault it was.
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html
        """
        for start in range(0, len(entries), ENTRIES_PER_CALL):
            wanted = {
                str(number): {"Id": str(number), **entry}
                for number, entry in enumerate(entries[start : start + ENTRIES_PER_CALL])
            }
            failed = self.failed(operation, url, list(wanted.values()))
            again = [wanted[place] for place, (_, is_ours) in failed.items() if not is_ours]
            if again:
                failed = {place: why for place, why in failed.items() if why[1]}
                failed |= self.failed(operation, url, again)
            tell_failed(operation, [code for code, _ in failed.values()])

    def failed(
        self, operation: str, url: str, entries: Sequence[Mapping[str, Any]]
    ) -> dict[str, tuple[str, bool]]:
        """Make one call; returns the entries that failed: SQS's code, and whether it was the caller's fault."""
        try:
            answer = getattr(self.client, operation)(QueueUrl=url, Entries=entries) or {}
        except (ClientError, BotoCoreError) as error:
            return {entry["Id"]: (type(error).__name__, True) for entry in entries}
        return {
            one["Id"]: (str(one.get("Code")), bool(one.get("SenderFault")))
            for one in answer.get("Failed", ())
        }

    def park_unopened(self, message: str, name: str, failure: Failure) -> dict[str, Any]:
        """Put a message in the dead-letter queue with its reason, without a look at its body; returns the envelope,
        empty where it is none of ours. Raises Unavailable."""
        envelope = envelope_in(message)
        if not envelope:
            self.park_message(message, name)
            return {}
        parked = json.dumps(envelope | {"failure": described(failure)}, separators=(",", ":"))
        deduplication = f"{envelope['id']}-{envelope.get('retries', 0)}-{failure.failure_class}"
        try:
            self.put_aside(parked, envelope["id"], deduplication)
        except NotStorable:
            self.park_message(message, name)
        return envelope

    def park_stopped(self, message: str, name: str, group: str, failure: Failure) -> None:
        """Put a message of a sender whom nothing is believed in the dead-letter queue. Raises Unavailable, NotStorable.

        It never lies there without its failure, for which it is not retried. It gets the id and the group that SQS
        gave it, and keeps only what is read without harm; its body where that fits.
        """
        envelope = envelope_in(message)
        bare = {
            "id": name,
            "group": group,
            **names_in(envelope),
            "headers": {},
            "received_at": failure.failed_at.isoformat(),
            "encoding": "text",
            "body": "",
            "failure": described(failure),
        }
        deduplication = f"{name}-{failure.failure_class}"
        try:
            self.put_aside(json_of(bare | body_in(envelope)), name, deduplication)
        except NotStorable:
            self.put_aside(json_of(bare), name, deduplication)

    def park_left_behind(self, failure: Failure, has_time: Callable[[], bool]) -> int:
        """Move what the waiting queue gave up to the dead-letter queue; returns how many. Raises Unavailable.

        `has_time` is asked between two pages of ten.
        """
        moved = 0
        while has_time():
            try:
                answer = self.client.receive_message(QueueUrl=self.left_behind_url, MaxNumberOfMessages=10)
                for message in (page := answer.get("Messages", [])):
                    self.park_unopened(message["Body"], message["MessageId"], failure)
                    self.client.delete_message(
                        QueueUrl=self.left_behind_url, ReceiptHandle=message["ReceiptHandle"]
                    )
            except (ClientError, BotoCoreError) as error:
                raise Unavailable("the queue of what was left behind cannot be read") from error
            moved += len(page)
            if not page:
                break
        return moved

    def postpone(self, delays: Mapping[str, int]) -> None:
        """Hide messages of the queue for so many seconds, by receipt handle. Best effort: else the queue's own
        visibility timeout holds."""
        entries = [
            {"ReceiptHandle": handle, "VisibilityTimeout": seconds} for handle, seconds in delays.items()
        ]
        self.in_batches("change_message_visibility_batch", self.url, entries)

    def envelope(self, webhook: Webhook, failure: Failure | None = None) -> str:
        """Return the message that carries a webhook. Raises Unavailable where S3 is needed and refuses."""
        content = {
            "id": webhook.id,
            "source": webhook.source,
            "connection": webhook.connection,
            "topic": webhook.topic,
            "headers": dict(webhook.headers),
            "received_at": webhook.received_at.isoformat(),
            "group": webhook.group,
            **{name: value for name in OPTIONAL if (value := getattr(webhook, name))},
        }
        for told in told_failures(failure):
            content |= told
            for encoded in encoded_bodies(webhook.body):
                message = json.dumps(content | encoded, separators=(",", ":"))
                if len(message) <= MAX_MESSAGE_BYTES:
                    return message
        return json.dumps(content | {"encoding": "s3", "body": self.store_body(webhook)})

    def store_body(self, webhook: Webhook) -> str:
        """Keep a body in S3; returns its key. The same webhook has the same key."""
        key = body_key(webhook.source, webhook.connection, webhook.id)
        try:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=webhook.body)
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("the bucket refuses the body") from error
        return key

    def webhook(self, message: str) -> Webhook:
        """Return the webhook of a message.

        Raises MappingFailed for what is no envelope, BatchUnavailable for S3, Ignored where the body was deleted.
        """
        try:
            content = json.loads(message)
            return Webhook(
                id=content["id"],
                source=content["source"],
                connection=content["connection"],
                topic=content["topic"],
                headers=content["headers"],
                body=self.decoded_body(content["encoding"], content["body"]),
                received_at=datetime.fromisoformat(content["received_at"]),
                group=content["group"],
                only=tuple(content.get("only", ())),
                retries=content.get("retries", 0),
                waits=content.get("waits", 0),
                confirm_key=content.get("confirm_key", ""),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, zlib.error) as error:
            raise MappingFailed("the message is no webhook of ours") from error

    def decoded_body(self, encoding: str, body: str) -> bytes:
        if encoding == "text":
            return body.encode()
        if encoding == "base64":
            return base64.b64decode(body)
        if encoding == "zlib":
            return decompressed(base64.b64decode(body))
        if encoding != "s3":
            raise ValueError("no such encoding")
        try:
            content: bytes = self.s3.get_object(Bucket=self.bucket, Key=body)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["Error"].get("Code") == "NoSuchKey":
                raise Ignored("its body was deleted") from error
            raise BatchUnavailable("the bucket does not give the body") from error
        return content

    def receive_parked(self, visibility_seconds: int) -> list[Parked]:
        """Return up to ten messages of the dead-letter queue, hidden from others meanwhile. Raises Unavailable."""
        try:
            answer = self.client.receive_message(
                QueueUrl=self.dead_letter_url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=visibility_seconds,
                WaitTimeSeconds=1,
                AttributeNames=["SentTimestamp"],
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("the dead-letter queue cannot be read") from error
        return [parked(message) for message in answer.get("Messages", [])]

    def release_parked(self, parked: Iterable[Parked]) -> None:
        """Show messages of the dead-letter queue to others again. Best effort: else they show up by themselves."""
        entries = [{"ReceiptHandle": one.receipt_handle, "VisibilityTimeout": 0} for one in parked]
        self.in_batches("change_message_visibility_batch", self.dead_letter_url, entries)

    def drop_parked(
        self, choose: Callable[[list[Parked]], list[Parked]], has_time: Callable[[], bool]
    ) -> tuple[list[Parked], bool]:
        """Delete what is chosen of the dead-letter queue; returns it, and whether all was looked at.

        `choose` is given a page of ten, between two of which `has_time` is asked. Raises Unavailable.
        """
        held, dropped = dict[str, Parked](), list[Parked]()
        try:
            while page := self.receive_parked(DROP_VISIBILITY_SECONDS) if has_time() else None:
                held |= {one.receipt_handle: one for one in page}
                for one in choose(page):
                    self.delete_parked(one)
                    dropped.append(held.pop(one.receipt_handle))
        finally:
            self.release_parked(held.values())
        return dropped, page is not None

    def is_of(self, parked: Parked, traces: Traces) -> bool:
        """Return whether a parked webhook is the person's, by its envelope or by its body. Raises Unavailable."""
        return traces.leads_to(parked.envelope.get("group")) or self.names(parked, traces)

    def names(self, parked: Parked, traces: Traces) -> bool:
        """Return whether a parked webhook's body names the person; one that cannot be read does not."""
        encoding, body = parked.envelope.get("encoding"), parked.envelope.get("body")
        if not traces.can_be_named or not isinstance(encoding, str) or not isinstance(body, str):
            return False
        try:
            return traces.is_named_in(self.decoded_body(encoding, body), *place_in(parked))
        except (ValueError, zlib.error, Ignored):
            return False
        except BatchUnavailable as error:
            raise Unavailable(error.reason) from error

    def forget_body(self, webhook: Webhook) -> None:
        """Delete what S3 may hold of a webhook that is done with. Best effort: the bucket forgets it in the end."""
        if len(webhook.body) > COMPRESS_OVER_BYTES:
            with contextlib.suppress(Unavailable):
                self.delete_bodies([(webhook.source, webhook.connection, webhook.id)])

    def delete_bodies(self, webhooks: Iterable[tuple[str, str, str]]) -> None:
        """Delete what S3 may hold of webhooks, given as source, connection and id. Raises Unavailable."""
        keys = [{"Key": body_key(*webhook)} for webhook in webhooks]
        try:
            for start in range(0, len(keys), MAX_KEYS_PER_DELETE):
                chunk = keys[start : start + MAX_KEYS_PER_DELETE]
                answer = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": chunk, "Quiet": True})
                if answer.get("Errors"):
                    raise Unavailable("the bucket keeps a body")
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("the bucket cannot be written") from error

    def retry(self, parked: Sequence[Parked]) -> list[Parked]:
        """Send parked webhooks through the queue again, then take them off the dead-letter queue; returns those that
        SQS did not take. Raises Unavailable where it takes none."""
        stay: list[Parked] = []
        for chunk in chunks([(one, json_of(self.retried(one.envelope))) for one in parked]):
            failed = self.forward_all([message for _, message in chunk])
            sent = [one for place, (one, _) in enumerate(chunk) if place not in failed]
            stay += [one for place, (one, _) in enumerate(chunk) if place in failed]
            entries = [{"ReceiptHandle": one.receipt_handle} for one in sent]
            self.in_batches("delete_message_batch", self.dead_letter_url, entries)
        return stay

    def forward_all(self, messages: Sequence[str]) -> set[int]:
        """Put envelopes on the queue in one call; returns the places of those that failed. Raises Unavailable."""
        envelopes = [json.loads(message) for message in messages]
        entries = [
            {
                "Id": str(place),
                "MessageBody": message,
                "MessageGroupId": envelope["group"],
                "MessageDeduplicationId": deduplication_id(envelope),
            }
            for place, (message, envelope) in enumerate(zip(messages, envelopes, strict=True))
        ]
        try:
            answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries) or {}
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("the queue refuses the webhooks") from error
        failed = answer.get("Failed", ())
        tell_failed("send_message_batch", [str(one.get("Code")) for one in failed])
        return {int(one["Id"]) for one in failed}

    def retried(self, envelope: Mapping[str, Any]) -> dict[str, Any]:
        """Return a parked envelope as it goes through the queue again."""
        kept = {name: value for name, value in envelope.items() if name not in ("failure", "waits")}
        return kept | {"retries": kept.get("retries", 0) + 1}

    def delete_parked(self, parked: Parked) -> None:
        """Take a message off the dead-letter queue. Raises Unavailable."""
        try:
            self.client.delete_message(QueueUrl=self.dead_letter_url, ReceiptHandle=parked.receipt_handle)
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("the dead-letter queue does not let go of the webhook") from error

    def forward(self, envelope: Mapping[str, Any]) -> None:
        """Put an envelope on the queue as it is. Raises Unavailable."""
        self.put(json_of(envelope), envelope["group"], deduplication_id(envelope))

    def put(self, message: str, group: str, deduplication: str) -> None:
        try:
            self.client.send_message(
                QueueUrl=self.url,
                MessageBody=message,
                MessageGroupId=group,
                MessageDeduplicationId=deduplication,
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("the queue refuses the webhook") from error


def json_of(envelope: Mapping[str, Any]) -> str:
    """Return an envelope as its message."""
    return json.dumps(envelope, separators=(",", ":"))


def chunks(messages: Sequence[tuple[Parked, str]]) -> Iterator[list[tuple[Parked, str]]]:
    """Yield as many messages as one call takes."""
    chunk: list[tuple[Parked, str]] = []
    for one in messages:
        held = sum(len(message) for _, message in chunk)
        if len(chunk) == ENTRIES_PER_CALL or (chunk and held + len(one[1]) > MAX_BATCH_BYTES):
            yield chunk
            chunk = []
        chunk.append(one)
    if chunk:
        yield chunk


def failure_of(error: Exception, reason: str) -> Unavailable | NotStorable:
    """Return what an error of SQS means for the webhook."""
    return NotStorable("SQS refuses it for good") if is_permanent(error) else Unavailable(reason)


def name_in_sqs(name: str) -> str:
    """Return the name of a group or the id of a message, as long and of such characters as SQS takes."""
    return name if NAME.fullmatch(name) else hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()


def tell_failed(operation: str, codes: Sequence[str]) -> None:
    """Log and count entries that SQS failed at."""
    if codes:
        logger.warning(
            "SQS failed for some entries", operation=operation, codes=sorted(set(codes)), entries=len(codes)
        )
        count("QueueEntriesFailed", len(codes), operation=operation)


def described(failure: Failure) -> dict[str, str]:
    """Return a failure as it travels in an envelope."""
    return {
        "class": failure.failure_class,
        "reason": cut(failure.reason, MAX_REASON_CHARACTERS),
        "failed_at": failure.failed_at.isoformat(),
    }


def body_key(source: str, connection: str, webhook_id: str) -> str:
    """Return where a body lies in S3."""
    return f"bodies/{source}/{connection}/{webhook_id}"


def encoded_bodies(body: bytes) -> Iterator[dict[str, str]]:
    """Yield the ways in which a body travels in JSON, the plainest first: as text where it is UTF-8, compressed
    where large."""
    if len(body) <= COMPRESS_OVER_BYTES:
        try:
            yield {"encoding": "text", "body": body.decode()}
        except UnicodeDecodeError:
            yield {"encoding": "base64", "body": base64.b64encode(body).decode()}
    yield {"encoding": "zlib", "body": base64.b64encode(zlib.compress(body)).decode()}


def told_failures(failure: Failure | None) -> Iterator[dict[str, Any]]:
    """Yield what an envelope says about a failure: with the call to Batch if that fits, else without."""
    if failure is None:
        yield {}
        return
    if failure.call:
        yield {"failure": {**described(failure), "call": failure.call}}
    yield {"failure": described(failure)}


def decompressed(packed: bytes) -> bytes:
    """Return what was compressed. Raises ValueError where it is more than the receiver takes, zlib.error where it is
    not ours."""
    inflating = zlib.decompressobj()
    content = inflating.decompress(packed, MAX_BODY_BYTES + 1)
    if len(content) > MAX_BODY_BYTES or not inflating.eof:
        raise ValueError("the body is larger than the receiver takes, or has no end")
    return content


def deduplication_id(envelope: Mapping[str, Any]) -> str:
    """Return what SQS takes for the same message within five minutes: the same webhook in the same round."""
    return f"{envelope['id']}-{envelope.get('retries', 0)}-{envelope.get('waits', 0)}"


def parked(message: Mapping[str, Any]) -> Parked:
    """Return a message of the dead-letter queue; one without a failure was moved there by SQS itself."""
    envelope = envelope_in(message["Body"])
    try:
        failure = Failure(
            failure_class=envelope["failure"]["class"],
            reason=envelope["failure"]["reason"],
            failed_at=datetime.fromisoformat(envelope["failure"]["failed_at"]),
            call=envelope["failure"].get("call"),
        )
    except (KeyError, TypeError, ValueError):
        failure = Failure(
            MappingFailed.failure_class, "delivery broke off too often", datetime.fromtimestamp(0, UTC)
        )
    sent_at = int(message.get("Attributes", {}).get("SentTimestamp", 0)) / 1000
    return Parked(
        envelope, failure, message["ReceiptHandle"], message["Body"], datetime.fromtimestamp(sent_at, UTC)
    )


def names_in(envelope: Mapping[str, Any]) -> dict[str, str]:
    """Return what an envelope says of its webhook, in names that SQS would take; a dash for what is none."""
    said = {name: envelope.get(name) for name in ("source", "connection", "topic")}
    return {
        name: text if isinstance(text, str) and NAME.fullmatch(text) else "-" for name, text in said.items()
    }


def body_in(envelope: Mapping[str, Any]) -> dict[str, str]:
    """Return the body in an envelope, but for one that lies elsewhere."""
    carried = {name: envelope.get(name) for name in ("encoding", "body")}
    is_carried = carried["encoding"] in CARRIED and isinstance(carried["body"], str)
    return {name: str(text) for name, text in carried.items()} if is_carried else {}


def envelope_in(message: str) -> dict[str, Any]:
    """Return the envelope in a message, without a look at its body; empty where the message is none of ours."""
    try:
        content = json.loads(message)
        is_ours = all(isinstance(content[name], str) and content[name] for name in ("id", "source", "group"))
        deduplication_id(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return content if is_ours else {}


def place_in(parked: Parked) -> tuple[str, str]:
    """Return the source and the connection of a parked webhook, as its envelope has them."""
    return str(parked.envelope.get("source", "")), str(parked.envelope.get("connection", ""))
