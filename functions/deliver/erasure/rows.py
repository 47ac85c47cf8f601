"""Delete a person's rows of the ledger, page by page, with the bodies of their webhooks."""

from __future__ import annotations

from collections import Counter
from itertools import islice, takewhile
from typing import Any

from bridge.bounds import bounded
from bridge.storage.ledger import (
    ERASED_SECONDS,
    RETRYING,
    WAITING,
    Receipt,
    Row,
    gone_row,
    link_key,
    profile_key,
    receipt_of,
)
from functions.deliver.context import Context
from functions.deliver.delivery import Delivery
from functions.deliver.erasure.reach import NAMED, WHOLE, Target, scope_of

PAGE_ROWS = 500
"""What a delivery reads and deletes between two looks at the clock."""
ON_THEIR_WAY = (WAITING, RETRYING)
"""Their bodies go when they arrive, and are let go."""


class Rows:
    """The rows that one request deletes. `until`, in Unix seconds, late webhooks find that the person is no more."""

    def __init__(self, context: Context, delivery: Delivery) -> None:
        self.ledger = context.ledger
        self.queue = context.queue
        self.until = context.clock() + ERASED_SECONDS
        self.project = delivery.settings.project
        self.connection = scope_of(delivery)
        references = delivery.change.person.references
        self.named = {bounded(reference) for reference in references}
        self.keys_named = {link_key(self.project, reference) for reference in references}
        self.nobody = f"erased by {delivery.webhook.id}"
        """Where links lead whose profile stays: a profile that is no more, and never was."""

    def delete_page(self, target: Target, after: Row | None) -> tuple[Counter[str], Row | None]:
        """Delete a page of a profile's rows; returns how many of each kind, and after which row to go on."""
        place = profile_key(self.project, target.custom_id)
        keys, after = self.ledger.page_at(place, after, PAGE_ROWS)
        rows = self.ledger.read(keys)
        gone = [row for row in rows.values() if self.goes(row, target)]
        links = [row for row in gone if kind_of(row) == "link"]
        receipts = [receipt_of(row) for row in gone if kind_of(row) == "webhook"]
        self.delete_bodies(receipts)
        self.bury(links, target)
        self.ledger.delete(row["pk"]["S"] for row in gone if kind_of(row) != "link")
        return Counter(map(kind_of, gone)), after

    def goes(self, row: Row, target: Target) -> bool:
        """Return whether a row of a profile goes."""
        if target.extent == WHOLE:
            return True
        if kind_of(row) == "webhook":
            receipt = receipt_of(row)
            if target.extent == NAMED:
                return not self.named.isdisjoint(receipt.references)
            return f"{receipt.source}/{receipt.connection}" == self.connection
        if row["pk"]["S"] in self.keys_named:
            return True
        is_of_connection = row.get("learnt_by", {}).get("S") == self.connection
        is_of_connection |= row["pk"]["S"].startswith(f"address#{self.project}#{self.connection}#")
        return target.extent != NAMED and is_of_connection

    def delete_bodies(self, receipts: list[Receipt]) -> None:
        """Delete the bodies of webhooks that are not on their way. Raises Unavailable."""
        done = [one for one in receipts if one.status not in ON_THEIR_WAY]
        self.queue.delete_bodies(sorted((one.source, one.connection, one.id) for one in done))

    def bury(self, links: list[Row], target: Target) -> None:
        """Have links lead to who is no more, for 35 days; but those that the request names, which go last."""
        gone = target.custom_id if target.extent == WHOLE else self.nobody
        kept = [self.buried(row, gone) for row in links if row["pk"]["S"] not in self.keys_named]
        self.ledger.commit([gone_row(self.project, gone, self.until), *kept] if kept else [])

    def buried(self, row: Row, custom_id: str) -> Row:
        """Return the row of a link to who is no more."""
        return {
            "pk": row["pk"],
            "custom_id": {"S": custom_id},
            "profile": {"S": profile_key(self.project, custom_id)},
            "received_at": row["received_at"],
            "expires_at": {"N": str(int(self.until))},
        }

    def delete_links(self, target: Target) -> Counter[str]:
        """Delete the links to a profile of which the connection told; returns how many."""
        counts = Counter[str]()
        of_profile = self.ledger.keys_of(self.project, target.custom_id)
        first = takewhile(lambda key: not key.startswith("webhook#"), of_profile)
        while keys := list(islice(first, PAGE_ROWS)):
            rows = self.ledger.read([key for key in keys if key.startswith("link#")])
            gone = [key for key, row in rows.items() if self.goes(row, target) and key not in self.keys_named]
            self.ledger.delete(gone)
            counts["link"] += len(gone)
        return counts


def kind_of(row: dict[str, Any]) -> str:
    """Return the kind of a row: `webhook`, `link` or `fact`."""
    return str(row["pk"]["S"].partition("#")[0])
