"""Look through all that is parked, in the dead-letter queue and in the archive, for what a request to erase takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile

from bridge.bounds import bounded
from bridge.profiles import identity, ownership
from bridge.storage.archive import Archive
from bridge.storage.ledger import Receipt, profile_key
from bridge.storage.queue import Parked
from bridge.storage.traces import Traces, message_groups
from functions.deliver.context import Context
from functions.deliver.delivery import Delivery
from functions.deliver.erasure import request
from functions.deliver.erasure.reach import NAMED, Target, scope_of

PARKED_WEBHOOKS = ("", "parked webhooks")
"""Held as a profile is while one delivery looks through them: what it has in hand, no other would see."""
NOT_WHOLE = "not all parked webhooks could be looked at in time"

Choose = Callable[[list[Parked]], list[Parked]]


class Search:
    """One look through what is parked, page by page."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.ledger = context.ledger
        self.queue = context.queue

    def drop(self, delivery: Delivery, targets: Iterable[Target]) -> tuple[int, bool]:
        """Delete the parked webhooks of a person; returns how many, and whether all were looked at.

        Raises ProfileBusy, Unavailable.
        """
        project, scope, reached = delivery.settings.project, scope_of(delivery), list(targets)
        traces = self.traces(delivery, reached)
        named = {bounded(reference) for reference in delivery.change.person.references}
        extents = {target.custom_id: target.extent for target in reached}

        def is_theirs(receipt: Receipt | None) -> bool:
            if receipt is None or receipt.project != project:
                return False
            extent = extents.get(receipt.custom_id)
            return bool(extent) and (extent != NAMED or not named.isdisjoint(receipt.references))

        def choose(page: list[Parked]) -> list[Parked]:
            near = [one for one in page if not scope or one.writer == scope]
            receipts = self.ledger.receipts_by_id(one.id for one in near)
            return [one for one in near if is_theirs(receipts.get(one.id)) or self.queue.is_of(one, traces)]

        return self.drop_chosen(choose)

    def drop_of_connection(self, connection: str) -> tuple[int, bool]:
        """Delete all parked webhooks of a connection; returns how many, and whether all were looked at.

        Raises ProfileBusy, Unavailable.
        """
        return self.drop_chosen(lambda page: [one for one in page if one.writer == connection])

    def drop_chosen(self, choose: Choose) -> tuple[int, bool]:
        """Delete what is chosen of each page, with its body and its receipt."""
        self.ledger.lease(*PARKED_WEBHOOKS, self.context.owner, self.context.clock())
        try:
            parked, is_all_of_queue = self.queue.drop_parked(choose, self.context.has_time)
            archive = Archive(self.queue.bucket, self.queue.s3)
            archived, is_all_of_archive = archive.drop(choose, self.context.has_time)
            dropped = [*parked, *archived]
            self.queue.delete_bodies(
                sorted((one.source, one.connection, one.id) for one in dropped if one.id)
            )
            self.ledger.delete(f"webhook#{one.id}" for one in dropped if one.id)
        finally:
            self.ledger.delete([profile_key(*PARKED_WEBHOOKS)])
        return len(dropped), is_all_of_queue and is_all_of_archive

    # ── By what they are known ──────────────────────────────────────────────────────────────────────────

    def traces(self, delivery: Delivery, targets: list[Target]) -> Traces:
        """Return by what a parked webhook is known as the person's where no receipt tells."""
        scope, own = scope_of(delivery), [target for target in targets if target.is_own]
        email = self.email(delivery, own)
        places = {scope} if scope else {place for target in own for place in target.feeders}
        references = [*self.references(delivery, targets)]
        groups = {group for place in places for group in message_groups(*place_of(place), references, email)}
        groups |= {delivery.webhook.group} if delivery.webhook.source != request.SOURCE else set()
        digests = {
            target.custom_id
            for target in own
            if target.extent != NAMED and ownership.DIGEST.fullmatch(target.custom_id)
        }
        whole = [target for target in own if target.extent != NAMED]
        return Traces(
            frozenset(groups),
            email,
            frozenset(digests.union(*(target.addresses for target in whole))),
            frozenset(references),
            frozenset(target.custom_id for target in whole) - digests,
        )

    def email(self, delivery: Delivery, own: list[Target]) -> str:
        """Return the request's e-mail where it is the person's for certain: its profile is theirs alone."""
        email = delivery.change.person.email or ""
        digest = identity.email_sha256(email)
        is_theirs = any(target.custom_id == digest and target.extent != NAMED for target in own)
        return email if is_theirs else ""

    def references(self, delivery: Delivery, targets: list[Target]) -> Iterator[str]:
        """Yield the ids of the tools that are the person's: those named, and those that lead to their profiles.

        An order that leads to somebody else's profile is theirs; the customer's own id is never another's.
        """
        project, named = delivery.settings.project, delivery.change.person.references
        known = self.ledger.links(project, named[1:], self.context.clock())
        own = {target.custom_id for target in targets if target.is_own}
        yield from named[:1]
        yield from (one for one in named[1:] if one not in known or known[one] in own)
        prefix = f"link#{project}#"
        for target in targets:
            if target.is_own and target.extent != NAMED:
                keys = self.ledger.keys_of(project, target.custom_id)
                first = takewhile(lambda key: not key.startswith("webhook#"), keys)
                yield from (key.removeprefix(prefix) for key in first if key.startswith(prefix))


def place_of(connection: str) -> tuple[str, str]:
    """Return `shopify/main` as source and name."""
    source, _, name = connection.partition("/")
    return source, name
