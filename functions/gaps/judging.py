"""Find out which of the webhooks that should have come have left a trace in the ledger. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from bridge.profiles.versions import MAX_SEEN, event_key
from bridge.providers.event_list import ListedEvent
from bridge.storage.ledger import FINAL, Ledger
from bridge.webhook import Webhook


class Trace(Enum):
    """Hold what the ledger says of a webhook: it CAME, it is ABSENT, or that cannot be told, and it is left ALONE."""

    CAME = "came"
    ABSENT = "absent"
    ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Expected:
    """A webhook as it would have come, and what the list says of it."""

    told: ListedEvent
    webhook: Webhook


class Judge:
    """Judges webhooks of one project. `first` is when the connection was first compared, in Unix seconds.

    Every method raises BatchUnavailable where the ledger is out of reach.
    """

    def __init__(self, ledger: Ledger, project: str, first: int, now: float) -> None:
        self.ledger = ledger
        self.project = project
        self.first = first
        self.now = now

    def traces(self, expected: Sequence[Expected]) -> list[Trace]:
        """Return the trace of each webhook, in their order."""
        owners = self.ledger.links(
            self.project, (one.told.reference for one in expected if one.told.reference), self.now
        )
        seen = self.ledger.seen(self.project, dict.fromkeys(owners.values()))
        had = {
            one.webhook.id
            for one in expected
            if one.told.once and event_key(one.told.once) in seen.get(owner_of(one, owners), ())
        }
        came = had | self.with_receipt(one.webhook.id for one in expected if one.webhook.id not in had)
        return [self.trace(one, came, owner_of(one, owners), seen) for one in expected]

    def trace(self, one: Expected, came: set[str], owner: str, seen: dict[str, frozenset[str]]) -> Trace:
        if one.webhook.id in came:
            return Trace.CAME
        if not owner:
            return Trace.ABSENT
        knows_all = one.told.began.timestamp() >= self.first and len(seen.get(owner, ())) < MAX_SEEN
        if owner in seen and knows_all and not self.is_held(owner, one.told.topic):
            return Trace.ABSENT
        return Trace.ALONE

    def with_receipt(self, webhook_ids: Iterable[str]) -> set[str]:
        """Return those of the webhooks that have come, whatever became of them."""
        keys = [f"webhook#{webhook_id}" for webhook_id in webhook_ids]
        return {receipt.id for receipt in self.ledger.receipts_in(keys)}

    def is_held(self, custom_id: str, topic: str) -> bool:
        """Return whether a webhook of this topic waits or is parked for the profile: then it may be the one."""
        receipts = self.ledger.receipts_of(self.project, custom_id)
        return any(receipt.topic == topic and receipt.status not in FINAL for receipt in receipts)


def owner_of(one: Expected, owners: dict[str, str]) -> str:
    """Return whose profile the thing belongs to; empty where no webhook of it was ever delivered."""
    return owners.get(one.told.reference or "", "")
