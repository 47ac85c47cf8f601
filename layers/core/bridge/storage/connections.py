"""Say what is known of each connection: when it last spoke, what it was refused for, whether it still stands.

One row `connection#SOURCE/NAME` of the ledger's table for each, found together through its index. Holds names and
times, no values. Whatever is noted is a help to people: where DynamoDB is out of reach, it is not noted.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bridge.errors import Unavailable

ALL_CONNECTIONS = "connections"
"""In place of a profile, the place of these rows in the index."""
MAX_TOPICS = 100
"""Of a connection, in its row of at most 400 kB: a tool of any kind may name as many as it likes."""
MAX_TOPIC_CHARACTERS = 100
MAX_DRIFTS = 20
"""Of a topic, in its connection's row."""
NOTE_EVERY_SECONDS = 60
"""What is noted again and again is written once in so long; what happens meanwhile is counted in memory."""
BATCH_READ_KEYS = 100
SEEN, REFUSED, REFUSED_AT, INACTIVE = "seen ", "refused ", "refused_at ", "inactive_since"
DRIFTED, WARNED, UNNAMED = "drifted ", "warned ", "unnamed "
MAX_UNNAMED = 10
"""Of a connection, in its row: to a public form anybody may add a box."""
ALIVE = "alive_at"
CONNECTED, WATCHED, FINDINGS = "connected_at", "watched", "findings"
NEWEST_SECRET, OLDER_SECRET, ROTATED = "newest_secret_at", "older_secret_at", "rotated_at"
NEWER_SCHEME, OLDER_SCHEME = "newer_scheme_at", "older_scheme_at"


@dataclass(frozen=True, slots=True)
class Known:
    """Hold what is known of one connection; times are RFC 3339 in UTC.

    `topics`: topic → when it was last dealt with. `refused`: reason → how often, and `refused_at` when last.
    `drifts`: topic → its fields that are gone or changed, each as `SINCE KIND PATH`.
    `alive_at`: when it last received a webhook that shows the tool to be there, so none that it sends as it leaves.
    `warned`: kind of a warning that a setting can answer → how often.
    `unnamed`: boxes of a plain form that may be consent and that no setting named, each as `NAME=CHANNEL`.
    `watched` is what the monitor remembers of it, as JSON, and `findings` the problems that it finds.
    While it has several secrets: when the newest and when an older one last proved a webhook, and since when.
    """

    source: str
    name: str
    first_seen: str = ""
    topics: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    refused_at: Mapping[str, str] = field(default_factory=dict)
    inactive_since: str = ""
    alive_at: str = ""
    newest_secret_at: str = ""
    older_secret_at: str = ""
    rotated_at: str = ""
    connected_at: str = ""
    watched: str = ""
    findings: tuple[str, ...] = ()
    drifts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warned: Mapping[str, int] = field(default_factory=dict)
    unnamed: tuple[str, ...] = ()

    @property
    def last_seen(self) -> str:
        """Return when it last spoke; empty where it never has."""
        return max(self.topics.values(), default="")


class Connections:
    """The rows of one table; `clock` returns Unix seconds."""

    def __init__(self, table: str, client: Any = None, clock: Callable[[], float] = time.time) -> None:
        self.table = table
        self.clock = clock
        self._client = client
        self.pending: dict[tuple[str, str, str], int] = {}
        self.written: dict[tuple[str, str, str], float] = {}
        self.takes_older: dict[tuple[str, str], bool] = {}

    @property
    def client(self) -> Any:
        """Return the client, made at first use: most of what a receiver receives needs nothing noted."""
        if self._client is None:
            self._client = boto3.client(
                "dynamodb",
                config=Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1}),
            )
        return self._client

    def saw(self, source: str, connection: str, topic: str, received_at: str = "") -> None:
        """Note that a webhook of this topic was dealt with, about once a minute.

        One that was received after the tool had left makes the connection active again.
        """
        if len(topic) <= MAX_TOPIC_CHARACTERS and self.is_due(source, connection, SEEN + topic):
            alive = {ALIVE: received_at} if received_at else {}
            row = self.update(source, connection, {SEEN + topic: self.now} | alive)
            if "" < text_in(row, INACTIVE) < received_at:
                self.reactivate(source, connection, received_at)
            self.forget_oldest(source, connection, row, SEEN, MAX_TOPICS)

    def forget_oldest(
        self, source: str, connection: str, row: Mapping[str, Any], prefix: str, most: int
    ) -> None:
        """Forget of the names that begin so those noted longest ago, where there are too many. Best effort."""
        noted = sorted((value["S"], name) for name, value in below(row, prefix))
        names = {f"#t{number}": prefix + name for number, (_, name) in enumerate(noted[:-most])}
        if not names:
            return
        with contextlib.suppress(ClientError, BotoCoreError):
            self.client.update_item(
                TableName=self.table,
                Key={"pk": {"S": connection_key(source, connection)}},
                UpdateExpression="REMOVE " + ", ".join(names),
                ExpressionAttributeNames=names,
            )

    def refused(self, source: str, connection: str, reason: str) -> None:
        """Count that something was refused; told about once a minute."""
        key = (source, connection, REFUSED + reason)
        self.pending[key] = self.pending.get(key, 0) + 1
        if self.is_due(*key):
            counts = {REFUSED + reason: self.pending.pop(key)}
            self.update(source, connection, {REFUSED_AT + reason: self.now}, counts)

    def warned(self, source: str, connection: str, kind: str) -> None:
        """Count a warning that a setting can answer; told about once a minute."""
        key = (source, connection, WARNED + kind)
        self.pending[key] = self.pending.get(key, 0) + 1
        if self.is_due(*key):
            self.update(source, connection, {}, {WARNED + kind: self.pending.pop(key)})

    def left_unnamed(self, source: str, connection: str, boxes: Sequence[str]) -> None:
        """Note boxes that may be consent and that no setting names, of one webhook a minute; none with an e-mail."""
        kept = [box for box in boxes if "@" not in box and len(box) <= MAX_TOPIC_CHARACTERS][:MAX_UNNAMED]
        if kept and self.is_due(source, connection, UNNAMED):
            row = self.update(source, connection, {UNNAMED + box: self.now for box in kept})
            self.forget_oldest(source, connection, row, UNNAMED, MAX_UNNAMED)

    def proved(self, source: str, connection: str, *, newest: bool) -> None:
        """Note which of several secrets proved a webhook: the newest, or an older one; about once a minute."""
        name = NEWEST_SECRET if newest else OLDER_SECRET
        if self.is_due(source, connection, name):
            self.update(source, connection, {name: self.now})

    def used_newer_scheme(self, source: str, connection: str) -> None:
        """Note that the tool signs by its newer scheme; about once a minute."""
        if self.is_due(source, connection, NEWER_SCHEME):
            self.update(source, connection, {NEWER_SCHEME: self.now})

    def takes_older_scheme(self, source: str, connection: str) -> bool:
        """Return whether the tool never signed by its newer scheme, as known a minute ago. Raises Unavailable."""
        if self.is_due(source, connection, OLDER_SCHEME):
            row = self.update(source, connection, {OLDER_SCHEME: self.now})
            if not row:
                del self.written[source, connection, OLDER_SCHEME]
                raise Unavailable("how the tool has signed before cannot be read")
            self.takes_older[source, connection] = not text_in(row, NEWER_SCHEME)
        return self.takes_older.get((source, connection), False)

    def rotated(self, source: str, connection: str) -> None:
        """Note that it has got a new secret beside an older one."""
        self.update(source, connection, {ROTATED: self.now})

    def connected(self, source: str, connection: str) -> None:
        """Note that somebody has just stored its first secret."""
        self.update(source, connection, {CONNECTED: self.now})

    def judge(self, source: str, connection: str, watched: str, findings: Sequence[str]) -> None:
        """Note what the monitor remembers of it, and the problems that it finds."""
        self.update(source, connection, {WATCHED: watched, FINDINGS: "\n".join(findings)})

    def drifted(self, source: str, connection: str, topic: str, fields: Sequence[str]) -> bool:
        """Note which fields of a topic are gone or changed, each as `SINCE KIND PATH`; says whether it was noted."""
        return bool(self.update(source, connection, {DRIFTED + topic: "\n".join(fields[:MAX_DRIFTS])}))

    def inactivate(self, source: str, connection: str, since: str = "") -> bool:
        """Note that the tool says it will send no more; says whether it was noted.

        Whatever comes of it next is noted at once: it says that the tool is back.
        """
        self.written = {
            key: moment for key, moment in self.written.items() if key[:2] != (source, connection)
        }
        return bool(self.update(source, connection, {INACTIVE: since or self.now}))

    def reactivate(self, source: str, connection: str, received_at: str) -> None:
        """Forget that the tool had left, if that was before this moment."""
        try:
            self.client.update_item(
                TableName=self.table,
                Key={"pk": {"S": connection_key(source, connection)}},
                UpdateExpression=f"REMOVE {INACTIVE}",
                ConditionExpression=f"{INACTIVE} < :received",
                ExpressionAttributeValues={":received": {"S": received_at}},
            )
        except (ClientError, BotoCoreError):
            return

    @property
    def now(self) -> str:
        return datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    def is_due(self, source: str, connection: str, what: str) -> bool:
        """Return whether this was not written just now; says yes once."""
        key, now = (source, connection, what), self.clock()
        if now < self.written.get(key, 0) + NOTE_EVERY_SECONDS:
            return False
        if len(self.written) > MAX_TOPICS * MAX_TOPICS:
            self.written.clear()
        self.written[key] = now
        return True

    def update(
        self, source: str, connection: str, texts: Mapping[str, str], counts: Mapping[str, int] | None = None
    ) -> Mapping[str, Any]:
        """Set texts and add to counts, best effort; returns the row as it is then, nothing where it was not written."""
        sets = {f"#s{number}": name for number, name in enumerate(texts)}
        adds = {f"#a{number}": name for number, name in enumerate(counts or {})}
        values = {f":{place[1:]}": {"S": texts[name]} for place, name in sets.items()}
        values |= {f":{place[1:]}": {"N": str((counts or {})[name])} for place, name in adds.items()}
        told = [f"{place} = :{place[1:]}" for place in sets]
        expression = "SET profile = :all, received_at = :name, first_seen = if_not_exists(first_seen, :now)"
        expression += "".join(f", {one}" for one in told)
        if adds:
            expression += " ADD " + ", ".join(f"{place} :{place[1:]}" for place in adds)
        values |= {
            ":all": {"S": ALL_CONNECTIONS},
            ":name": {"S": f"{source}/{connection}"},
            ":now": {"S": self.now},
        }
        names = {"ExpressionAttributeNames": sets | adds} if sets or adds else {}
        try:
            answer = self.client.update_item(
                TableName=self.table,
                Key={"pk": {"S": connection_key(source, connection)}},
                UpdateExpression=expression,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                **names,
            )
        except (ClientError, BotoCoreError):
            return {}
        row: Mapping[str, Any] = answer.get("Attributes", {})
        return row

    def known(self, source: str, connection: str) -> Known:
        """Return what is known of one connection; nothing where it has never spoken. Raises Unavailable."""
        found = list(self.read([connection_key(source, connection)]))
        return found[0] if found else Known(source, connection)

    def all(self) -> list[Known]:
        """Return all connections that ever spoke or were refused, by name. Raises Unavailable."""
        try:
            pages = self.client.get_paginator("query").paginate(
                TableName=self.table,
                IndexName="by_profile",
                KeyConditionExpression="profile = :all",
                ExpressionAttributeValues={":all": {"S": ALL_CONNECTIONS}},
            )
            keys = [row["pk"]["S"] for page in pages for row in page["Items"]]
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("what is known of connections cannot be read") from error
        return sorted(self.read(keys), key=lambda known: (known.source, known.name))

    def read(self, keys: Iterable[str]) -> Iterator[Known]:
        wanted = list(keys)
        try:
            for start in range(0, len(wanted), BATCH_READ_KEYS):
                pending: Any = {
                    self.table: {
                        "Keys": [{"pk": {"S": key}} for key in wanted[start : start + BATCH_READ_KEYS]]
                    }
                }
                while pending:
                    answer = self.client.batch_get_item(RequestItems=pending)
                    yield from map(known_in, answer["Responses"].get(self.table, []))
                    pending = answer.get("UnprocessedKeys")
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("what is known of connections cannot be read") from error


def connection_key(source: str, connection: str) -> str:
    """Return the row of a connection."""
    return f"connection#{source}/{connection}"


def known_in(row: Mapping[str, Any]) -> Known:
    """Return what a row says."""
    source, _, name = row["pk"]["S"].removeprefix("connection#").partition("/")
    return Known(
        source,
        name,
        first_seen=text_in(row, "first_seen"),
        topics={topic: value["S"] for topic, value in below(row, SEEN)},
        refused={reason: int(value["N"]) for reason, value in below(row, REFUSED)},
        refused_at={reason: value["S"] for reason, value in below(row, REFUSED_AT)},
        inactive_since=text_in(row, INACTIVE),
        alive_at=text_in(row, ALIVE),
        newest_secret_at=text_in(row, NEWEST_SECRET),
        older_secret_at=text_in(row, OLDER_SECRET),
        rotated_at=text_in(row, ROTATED),
        connected_at=text_in(row, CONNECTED),
        watched=text_in(row, WATCHED),
        findings=tuple(text_in(row, FINDINGS).splitlines()),
        warned={kind: int(value["N"]) for kind, value in below(row, WARNED)},
        unnamed=tuple(sorted(box for box, _ in below(row, UNNAMED))),
        drifts={topic: tuple(value["S"].splitlines()) for topic, value in below(row, DRIFTED)},
    )


def text_in(row: Mapping[str, Any], name: str) -> str:
    return str(row.get(name, {}).get("S", ""))


def below(row: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    """Return the row's attributes whose names begin so, without that beginning."""
    return [(name.removeprefix(prefix), row[name]) for name in row if name.startswith(prefix)]
