"""Mark a connection as left by its tool; announce that its people are to be erased, and have each of them erased."""

from __future__ import annotations

from typing import Any

from bridge.errors import BatchUnavailable, Unfinished
from bridge.observability import alarm, count, logger
from bridge.profiles import normalise
from bridge.storage import erasures, profiles_of_connection, progress
from bridge.storage.connections import Connections
from bridge.storage.ledger import ERASED_SECONDS
from functions.deliver.context import Context
from functions.deliver.delivery import Delivery
from functions.deliver.erasure import request
from functions.deliver.erasure.search import NOT_WHOLE, Search, place_of

LEFT = "connection marked inactive"


class ConnectionErasure:
    """Grants what a webhook asks of its connection. Every step may be done twice: one that fails goes on."""

    def __init__(self, context: Context, connections: Connections) -> None:
        self.context = context
        self.ledger = context.ledger
        self.connections = connections

    def fulfil(self, delivery: Delivery) -> str:
        """Do what is asked, and say what was done. Raises Unfinished, ProfileBusy, BatchUnavailable, Unavailable."""
        if delivery.change.connection == "erase_now":
            return self.erase_everybody(delivery)
        announced = self.announce(delivery) if delivery.change.connection == "erase" else None
        self.mark_left(delivery)
        return LEFT if announced is None else f"{announced}, {LEFT}"

    def mark_left(self, delivery: Delivery) -> None:
        """Note it, and ring the alarm, once."""
        source, name = delivery.webhook.source, delivery.webhook.connection
        if self.connections.known(source, name).inactive_since:
            return
        logger.warning("connection inactive", source=source, connection=name)
        count("ConnectionInactive")
        alarm("connection_left", source=source, connection=name)
        since = normalise.timestamp(delivery.webhook.received_at) or ""
        if not self.connections.inactivate(source, name, since):
            raise BatchUnavailable("the ledger cannot be written")

    # ── A whole connection ──────────────────────────────────────────────────────────────────────────────

    def announce(self, delivery: Delivery) -> str:
        """Write down that everybody is to be erased, and when; the same wish again changes nothing."""
        webhook, settings = delivery.webhook, delivery.settings
        now = self.context.now
        erasure = erasures.of_shop(
            settings.project, webhook.writer, webhook.id, now, settings.shop_redact_hours
        )
        if not erasures.open_one(self.ledger, erasure):
            return "erasing everybody was announced before"
        alarm("erasure_announced", connection=webhook.writer, erasure=erasure.id, due=erasure.due)
        return f"everybody is to be erased from {erasure.due} on, unless somebody cancels it"

    def erase_everybody(self, delivery: Delivery) -> str:
        """Delete what is parked of the connection, then put a request on the queue for each person, page by page."""
        if not self.context.has_time():
            raise Unfinished("other erasures took the time of this delivery")
        stored = progress.load(self.ledger, delivery.webhook.id) or self.searched(delivery)
        asked = set[str]()
        while stored["after"] is not None:
            custom_ids, after = profiles_of_connection.page(
                self.ledger, delivery.settings.project, *place_of(delivery.change.scope), stored["after"]
            )
            for custom_id in custom_ids:
                if custom_id not in asked:
                    self.ask(delivery, custom_id)
                    asked.add(custom_id)
            stored |= {"after": after or None}
            if after and not self.context.has_time():
                self.save(delivery, stored | {"people": stored["people"] + len(asked)})
                raise Unfinished("the people of this connection are being looked for")
        progress.forget(self.ledger, delivery.webhook.id)
        erasures.finish(self.ledger, delivery.change.erasure, self.context.now)
        told = f"{stored['people'] + len(asked)} people are being erased, {stored['parked']} parked webhooks deleted"
        return told if stored["is_whole"] else f"{told}, {NOT_WHOLE}"

    def searched(self, delivery: Delivery) -> dict[str, Any]:
        """Delete the connection's parked webhooks, for all people at once; returns how far this has come then."""
        search = Search(self.context)
        parked, is_whole = search.drop_of_connection(delivery.change.scope)
        stored = {"parked": parked, "is_whole": is_whole, "people": 0, "after": ""}
        self.save(delivery, stored)
        return stored

    def ask(self, delivery: Delivery, custom_id: str) -> None:
        """Put the request for one person on the queue; the same person again is the same request."""
        webhook, project = delivery.webhook, delivery.settings.project
        wish = request.forget_of(project, custom_id, delivery.change.scope, webhook.id, webhook.received_at)
        self.context.queue.send(wish)

    def save(self, delivery: Delivery, stored: dict[str, Any]) -> None:
        progress.save(self.ledger, delivery.webhook.id, stored, self.context.clock() + ERASED_SECONDS)
