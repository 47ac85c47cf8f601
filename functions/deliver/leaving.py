"""Mark a connection as left by its tool, and have everybody erased who became known by it: one request for each."""

from __future__ import annotations

from collections.abc import Callable

from bridge import normalise, roster
from bridge.connections import Connections
from bridge.errors import BatchUnavailable, Unfinished
from bridge.ledger import ERASED_SECONDS, Ledger
from bridge.observability import alarm, count, logger
from bridge.queue import WebhookQueue
from functions.deliver import requests
from functions.deliver.job import Job

LEFT = "connection marked inactive"


class LeavingDesk:
    """Grants what a webhook asks of its connection. Every step may be done twice: one that fails goes on.

    `has_time` is asked between two pages of people; `clock` returns Unix seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        queue: WebhookQueue,
        connections: Connections,
        has_time: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self.ledger = ledger
        self.queue = queue
        self.connections = connections
        self.has_time = has_time
        self.clock = clock

    def grant(self, job: Job) -> str:
        """Do what is asked, and say what was done. Raises Unfinished, BatchUnavailable, Unavailable."""
        asked = self.erase_everybody(job) if job.change.connection == "erase" else None
        self.mark_left(job)
        return LEFT if asked is None else f"{asked} people are being erased, {LEFT}"

    def mark_left(self, job: Job) -> None:
        """Note it, and ring the alarm, once."""
        source, name = job.webhook.source, job.webhook.connection
        if self.connections.known(source, name).inactive_since:
            return
        logger.warning("connection inactive", source=source, connection=name)
        count("ConnectionInactive")
        alarm("connection_left", source=source, connection=name)
        since = normalise.timestamp(job.webhook.received_at) or ""
        if not self.connections.inactivate(source, name, since):
            raise BatchUnavailable("the ledger cannot be written")

    def erase_everybody(self, job: Job) -> int:
        """Put a request on the queue for each person, page by page; returns for how many."""
        webhook, project = job.webhook, job.settings.project
        done, after = roster.progress(self.ledger, webhook.id)
        asked: set[str] = set()
        while True:
            custom_ids, after = roster.page(self.ledger, project, webhook.source, webhook.connection, after)
            for custom_id in custom_ids:
                if custom_id not in asked:
                    self.queue.send(requests.forget(project, custom_id, webhook.id, webhook.received_at))
                    asked.add(custom_id)
            if not after:
                self.ledger.delete([roster.progress_key(webhook.id)])
                return done + len(asked)
            until = self.clock() + ERASED_SECONDS
            self.ledger.commit([roster.progress_row(webhook.id, done + len(asked), after, until)])
            if not self.has_time():
                raise Unfinished("the people of this connection are being looked for")
