"""Begin erasures whose time has come, and remind of those that wait for a person.

Those of a shop that still speaks are handed over to a person.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bridge.observability import alarm
from bridge.storage import erasures
from bridge.storage.connections import Connections
from bridge.storage.erasures import BEGUN, UNDECIDED, Erasure
from bridge.storage.ledger import Ledger
from bridge.storage.queue import WebhookQueue
from functions.deliver.erasure import request

STILL_SPEAKS = "webhooks of this shop have come since: a new app may have replaced the old one"


def look_after(
    ledger: Ledger,
    queue: WebhookQueue,
    connections: Connections,
    now: datetime,
    has_time: Callable[[], bool],
) -> int:
    """Do what is due of each erasure that waits; returns how many there are. Raises BatchUnavailable, Unavailable.

    What was begun is asked for again each round, until it is done: the same request is done once.
    """
    waiting = reminded = 0
    for erasure in erasures.every(ledger):
        if not has_time():
            break
        waiting += erasure.is_open
        if erasure.is_due(now):
            begin(erasure, ledger, queue, connections, now)
        elif erasure.status == BEGUN:
            queue.send(request.carrying_out(erasure, now))
        elif erasure.status == UNDECIDED and erasure.reminders_due(now) > erasure.reminders:
            reminded += erasures.remind(ledger, erasure, erasure.reminders_due(now))
    if reminded:
        alarm("erasure_reminder", erasures=str(reminded))
    return waiting


def begin(
    erasure: Erasure, ledger: Ledger, queue: WebhookQueue, connections: Connections, now: datetime
) -> None:
    """Begin an erasure that was announced; but ask a person first where the shop has spoken since."""
    source, _, name = erasure.connection.partition("/")
    if connections.known(source, name).alive_at > erasure.since:
        if erasures.hand_over(ledger, erasure, STILL_SPEAKS):
            alarm("erasure_needs_decision", connection=erasure.connection, erasure=erasure.id)
    elif erasures.begin(ledger, erasure):
        queue.send(request.carrying_out(erasure, now))
