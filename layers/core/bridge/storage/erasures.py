"""Keep the erasures that wait: of a whole shop for its time, of one person for somebody to decide on the rest.

One row `erasure#ID` of the ledger's table for each, found together through its index. A row is open until it is done or
cancelled; DynamoDB forgets it 35 days after that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal, TypeAlias

from bridge.errors import ProfileBusy
from bridge.profiles import normalise
from bridge.storage.ledger import Ledger, Row

Scope: TypeAlias = Literal["shop", "person"]
Status: TypeAlias = Literal["announced", "undecided", "begun", "done", "cancelled"]

ALL_ERASURES = "erasures"
"""In place of a profile, the place of these rows in the index."""
ANNOUNCED: Status = "announced"
"""Is begun once it is due, unless the tool spoke meanwhile."""
UNDECIDED: Status = "undecided"
"""Waits for a person to confirm or to cancel it."""
BEGUN: Status = "begun"
DONE: Status = "done"
CANCELLED: Status = "cancelled"
ENDED = (DONE, CANCELLED)
KEPT_DAYS = 35
LEGAL_DAYS = 30
"""https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance"""
REMINDER_DAYS = (7, 21)
ROWS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure that waits. `connection` is the one that asked, such as `shopify/main`; times are RFC 3339 in UTC.

    Of a person, `custom_id` is the profile of which a part is left. `asked_by` is the webhook that asked.
    """

    id: str
    scope: Scope
    project: str
    connection: str
    since: str
    asked_by: str
    status: Status = UNDECIDED
    due: str = ""
    why: str = ""
    custom_id: str = ""
    reminders: int = 0

    @property
    def decide_by(self) -> str:
        """Return when the law's time is over."""
        return normalise.timestamp(datetime.fromisoformat(self.since) + timedelta(days=LEGAL_DAYS)) or ""

    @property
    def is_open(self) -> bool:
        return self.status not in ENDED

    def is_due(self, now: datetime) -> bool:
        """Return whether an announced erasure has waited long enough."""
        return self.status == ANNOUNCED and datetime.fromisoformat(self.due) <= now

    def reminders_due(self, now: datetime) -> int:
        """Return how many reminders there should have been by now."""
        waited = now - datetime.fromisoformat(self.since)
        return sum(waited >= timedelta(days=days) for days in REMINDER_DAYS)


def of_shop(project: str, connection: str, asked_by: str, now: datetime, hours: float) -> Erasure:
    """Return the erasure of everybody whom a connection mentioned, due in so many hours."""
    return Erasure(
        id=erasure_id("shop", project, connection),
        scope="shop",
        project=project,
        connection=connection,
        since=normalise.timestamp(now) or "",
        asked_by=asked_by,
        status=ANNOUNCED,
        due=normalise.timestamp(now + timedelta(hours=hours)) or "",
    )


def of_person(
    project: str, custom_id: str, connection: str, asked_by: str, now: datetime, why: str
) -> Erasure:
    """Return what is left to decide of a profile, after a connection asked to erase the person."""
    return Erasure(
        id=erasure_id("person", project, connection, custom_id),
        scope="person",
        project=project,
        connection=connection,
        since=normalise.timestamp(now) or "",
        asked_by=asked_by,
        why=why,
        custom_id=custom_id,
    )


def erasure_id(*named: str) -> str:
    """Return the id of an erasure: the same for the same wish, so that it is never there twice."""
    return hashlib.sha256("\n".join(named).encode(errors="surrogatepass")).hexdigest()[:12]


def open_one(ledger: Ledger, erasure: Erasure) -> bool:
    """Write an erasure down, unless the same one is open already; says whether it was. Raises BatchUnavailable."""
    values = {
        ":all": {"S": ALL_ERASURES},
        ":since": {"S": erasure.since},
        ":status": {"S": erasure.status},
        ":content": {"S": content_of(erasure)},
        ":none": {"N": "0"},
        ":done": {"S": DONE},
        ":cancelled": {"S": CANCELLED},
    }
    update = (
        "SET profile = :all, received_at = :since, erasure_status = :status, erasure = :content,"
        " reminders = :none REMOVE expires_at"
    )
    condition = "attribute_not_exists(pk) OR erasure_status IN (:done, :cancelled)"
    return changed(ledger, erasure.id, update, condition, values)


def begin(ledger: Ledger, erasure: Erasure) -> bool:
    """Note that an erasure is confirmed, or that its time has come; says whether it still waited."""
    values = {":to": {"S": BEGUN}, ":announced": {"S": ANNOUNCED}, ":undecided": {"S": UNDECIDED}}
    condition = "erasure_status IN (:announced, :undecided)"
    return changed(ledger, erasure.id, "SET erasure_status = :to", condition, values)


def cancel(ledger: Ledger, erasure: Erasure, now: datetime) -> bool:
    """End an erasure that still waits, without doing it; says whether it waited."""
    values = {
        ":to": {"S": CANCELLED},
        ":announced": {"S": ANNOUNCED},
        ":undecided": {"S": UNDECIDED},
        ":until": {"N": forgotten_at(now)},
    }
    update = "SET erasure_status = :to, expires_at = :until"
    return changed(ledger, erasure.id, update, "erasure_status IN (:announced, :undecided)", values)


def finish(ledger: Ledger, erasure_id: str, now: datetime) -> bool:
    """Note that an erasure is done, and keep nothing that says whose it was; says whether it was under way."""
    erasure = one(ledger, erasure_id)
    if erasure is None:
        return False
    values = {
        ":to": {"S": DONE},
        ":begun": {"S": BEGUN},
        ":until": {"N": forgotten_at(now)},
        ":content": {"S": content_of(replace(erasure, custom_id=""))},
    }
    update = "SET erasure_status = :to, expires_at = :until, erasure = :content"
    return changed(ledger, erasure_id, update, "erasure_status = :begun", values)


def hand_over(ledger: Ledger, erasure: Erasure, why: str) -> bool:
    """Have a person decide on an announced erasure; says whether it was still announced."""
    values = {
        ":to": {"S": UNDECIDED},
        ":announced": {"S": ANNOUNCED},
        ":content": {"S": content_of(replace(erasure, why=why))},
    }
    update = "SET erasure_status = :to, erasure = :content"
    return changed(ledger, erasure.id, update, "erasure_status = :announced", values)


def remind(ledger: Ledger, erasure: Erasure, reminders: int) -> bool:
    """Note how often somebody was reminded of an erasure; says whether that is new."""
    values = {":reminders": {"N": str(reminders)}, ":undecided": {"S": UNDECIDED}}
    condition = "erasure_status = :undecided AND reminders < :reminders"
    return changed(ledger, erasure.id, "SET reminders = :reminders", condition, values)


def changed(ledger: Ledger, erasure_id: str, update: str, condition: str, values: Mapping[str, Any]) -> bool:
    """Update a row; says whether the condition held. Raises BatchUnavailable."""
    try:
        ledger.update(erasure_key(erasure_id), update, condition, values)
    except ProfileBusy:
        return False
    return True


def one(ledger: Ledger, erasure_id: str) -> Erasure | None:
    """Return the erasure with an id, if there is one. Raises BatchUnavailable."""
    rows = ledger.read([erasure_key(erasure_id)])
    return next((erasure_in(row) for row in rows.values()), None)


def every(ledger: Ledger) -> Iterator[Erasure]:
    """Yield all erasures, the oldest first, a page at a time. Raises BatchUnavailable."""
    places = ledger.keys_at(ALL_ERASURES)
    while keys := list(islice(places, ROWS_AT_ONCE)):
        rows = ledger.read(keys)
        yield from (erasure_in(rows[key]) for key in keys if key in rows)


def erasure_key(erasure_id: str) -> str:
    """Return the key of an erasure's row."""
    return f"erasure#{erasure_id}"


def content_of(erasure: Erasure) -> str:
    """Return what of an erasure does not change, as JSON."""
    content = {name: value for name, value in asdict(erasure).items() if name not in ("status", "reminders")}
    return json.dumps(content, separators=(",", ":"))


def erasure_in(row: Row) -> Erasure:
    """Return the erasure in a row."""
    return Erasure(
        **json.loads(row["erasure"]["S"]),
        status=row["erasure_status"]["S"],
        reminders=int(row["reminders"]["N"]),
    )


def forgotten_at(now: datetime) -> str:
    """Return when DynamoDB may forget what ends now."""
    return str(int((now.astimezone(UTC) + timedelta(days=KEPT_DAYS)).timestamp()))
