"""Keep parked webhooks in S3 once the dead-letter queue would forget them, until the bucket's lifecycle does.

One object `parked/GROUP/ID.json` for each: its envelope as it was. A body that lies in S3 itself goes along, as
its own place is emptied sooner.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from bridge.errors import Unavailable
from bridge.storage.queue import Parked, body_key, parked

PREFIX = "parked/"
ENVELOPE, BODY = ".json", ".body"
PAGE_SIZE = 10


class Archive:
    """The parked webhooks in one bucket. Every method raises Unavailable where S3 is out of reach."""

    def __init__(self, bucket: str, client: Any = None) -> None:
        self.bucket = bucket
        self._client = client

    @property
    def client(self) -> Any:
        """Return the client, made at first use: most rounds need none."""
        if self._client is None:
            self._client = boto3.client("s3")
        return self._client

    def keep(self, one: Parked) -> None:
        """Store a parked webhook; the same one again takes the place of the first."""
        place, message = place_of(one), one.message
        if one.envelope.get("encoding") == "s3":
            self.call(
                "copy_object",
                Key=place + BODY,
                CopySource={"Bucket": self.bucket, "Key": one.envelope["body"]},
            )
            message = json.dumps(dict(one.envelope) | {"body": place + BODY})
        self.call("put_object", Key=place + ENVELOPE, Body=message.encode(errors="surrogatepass"))

    def pages(self) -> Iterator[list[Parked]]:
        """Yield all of it, some at a time."""
        places = (key for key in self.keys() if key.endswith(ENVELOPE))
        while page := list(itertools.islice(places, PAGE_SIZE)):
            yield [self.read(key) for key in page]

    def read(self, key: str) -> Parked:
        message = self.call("get_object", Key=key)["Body"].read().decode(errors="surrogatepass")
        return parked({"Body": message, "ReceiptHandle": key})

    def restored(self, one: Parked) -> dict[str, Any]:
        """Return the envelope as it can go back to the queue: its body lies where bodies lie."""
        envelope = dict(one.envelope)
        if envelope.get("encoding") == "s3":
            key = body_key(envelope["source"], str(envelope.get("connection")), one.id)
            self.call("copy_object", Key=key, CopySource={"Bucket": self.bucket, "Key": envelope["body"]})
            envelope["body"] = key
        return envelope

    def delete(self, one: Parked) -> None:
        """Forget a parked webhook, with its body."""
        self.remove(one.receipt_handle.removesuffix(ENVELOPE))

    def drop(
        self, choose: Callable[[list[Parked]], list[Parked]], has_time: Callable[[], bool]
    ) -> tuple[list[Parked], bool]:
        """Forget those that are chosen; returns them, and whether all were looked at, a page at a time."""
        dropped: list[Parked] = []
        for page in self.pages():
            if not has_time():
                return dropped, False
            meant = choose(page)
            for one in meant:
                self.delete(one)
            dropped += meant
        return dropped, True

    def remove(self, place: str) -> None:
        for ending in (BODY, ENVELOPE):
            self.call("delete_object", Key=place + ending)

    def keys(self) -> Iterator[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=PREFIX)
        try:
            for page in pages:
                yield from (found["Key"] for found in page.get("Contents", []))
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("the archive cannot be read") from error

    def call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self.client, operation)(Bucket=self.bucket, **arguments)
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("the archive is out of reach") from error


def place_of(one: Parked) -> str:
    """Return where a parked webhook is kept; what is no webhook of ours lies together, under its digest."""
    if not one.id:
        return f"{PREFIX}unreadable/{hashlib.sha256(one.message.encode(errors='surrogatepass')).hexdigest()}"
    return f"{PREFIX}{one.envelope['group']}/{one.id}"
