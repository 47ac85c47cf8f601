"""Send webhooks through the queue again: parked ones by a filter, waiting ones when their time has come.

Reads no body: an envelope goes back as it came. What was parked long ago is archived.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.errors import BatchUnavailable, Unavailable
from bridge.observability import count, logger
from bridge.storage.archive import Archive
from bridge.storage.queue import MOST_MESSAGES, Failure, WebhookQueue, envelope_in
from functions.retry.archiving import archive_old
from functions.retry.rounds import MOST_LEFT, Archived, DeadLetters, Filter, Order, Report, retry_round

queue = WebhookQueue(
    os.environ["QUEUE_URL"],
    dead_letter_url=os.environ["DEAD_LETTER_QUEUE_URL"],
    left_behind_url=os.environ["LEFT_BEHIND_QUEUE_URL"],
)
archive = Archive(os.environ["BODIES_BUCKET"])

SPARE_SECONDS = 25
"""Before Lambda's timeout, a round ends and says that more may be left: to show ten thousand messages again takes a
thousand calls."""
SCHEDULE = "schedule"
MAX_PER_SECOND = 50
"""Unless told otherwise: a sixth of what Batch takes of one project."""
RELEASED_PER_SECOND = 200
"""Of what was set aside in an outage, so that it is back in fewer days than it took to gather."""
RELEASE_ABOVE = 1000
"""Fewer than these in the dead-letter queue are left to the rounds of every quarter of an hour."""
ROOM = MOST_MESSAGES // 2
"""A round on the schedule fills the queue no further: while an outage lasts, deliver would set it all aside again."""
ALWAYS_RETRIED = 100
"""In each round, however full the queue: what waits for another project."""
ROOM_READ_EVERY_SECONDS = 5
LOOKED_AT_IN_VAIN = 300
"""What the rounds of every minute hold at the most: they are for what was set aside."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Forward the records of the delay queue, retry what `filter` names (see `Filter`), or archive.

    An event has `filter`, `dry_run`, `archived` (look into the archive instead), `limit`, `per_second`, `by`,
    `with_envelopes`, all optional, and is answered with a `Report`; one with `archive` has old ones archived. With
    `left_behind`, what the waiting queue gave up is parked first; one with `release` is for much that was set aside in
    an outage, and does nothing where there is little. Raises ValueError for an unknown filter, Unavailable.
    """
    logger.append_keys(request_id=context.aws_request_id)
    if "Records" in event:
        return {"batchItemFailures": forward(event["Records"])}
    if event.get("archive"):
        archived = archive_old(queue, archive, datetime.now(UTC), has_time(context))
        count("WebhooksArchived", archived)
        return {"archived": archived}
    if event.get("release") and queue.depth(queue.dead_letter_url) < RELEASE_ABOVE:
        return Report().as_json()
    wanted = Filter.of(event.get("filter") or {})
    if event.get("left_behind"):
        park_left_behind(has_time(context))
    place = Archived(archive, queue) if event.get("archived") else DeadLetters(queue)
    report = retry_round(place, wanted, order_of(event), has_time(context))
    logger.info("retry round ended", retried=report.retried, left=report.left, more=report.more)
    count("WebhooksRetried", report.retried)
    return report.as_json()


def park_left_behind(has_time: Callable[[], bool]) -> None:
    """Park what the waiting queue gave up, so that people see it and a round retries it. Raises Unavailable."""
    failure = Failure(
        BatchUnavailable.failure_class, "the waiting queue gave it up", failed_at=datetime.now(UTC)
    )
    if parked := queue.park_left_behind(failure, has_time):
        logger.warning("left behind webhooks parked", parked=parked)
        count("WebhooksLeftBehind", parked)


def order_of(event: Mapping[str, Any]) -> Order:
    """Return how the event wants its round to go. Raises ValueError where a number is none."""
    is_release, dry_run = bool(event.get("release")), bool(event.get("dry_run"))
    is_scheduled = not event.get("by") and not dry_run
    per_second = event.get("per_second") or (RELEASED_PER_SECOND if is_release else MAX_PER_SECOND)
    return Order(
        dry_run=dry_run,
        by=str(event.get("by") or SCHEDULE),
        limit=int(event.get("limit") or 0),
        pace=paced(float(per_second)),
        with_envelopes=bool(event.get("with_envelopes")),
        has_room=room_of(queue) if is_scheduled else lambda _: True,
        most_left=LOOKED_AT_IN_VAIN if is_release else MOST_LEFT,
    )


def room_of(
    webhooks: WebhookQueue, clock: Callable[[], float] = time.monotonic, package: float = ROOM
) -> Callable[[Report], bool]:
    """Return what says whether the queue has room for more, as it was a few seconds ago. Raises Unavailable."""
    depth, read_again_at = 0, -math.inf

    def has_room(report: Report) -> bool:
        nonlocal depth, read_again_at
        if clock() >= read_again_at:
            depth, read_again_at = webhooks.depth(webhooks.url), clock() + ROOM_READ_EVERY_SECONDS
        return depth < package or report.retried < ALWAYS_RETRIED

    return has_room


def paced(
    per_second: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Callable[[], None]:
    """Return what waits so that no more than so many go in a second. Raises ValueError for less than one in ten
    seconds."""
    if not 0.1 <= per_second <= 1000:  # noqa: PLR2004 - the bounds in the message
        raise ValueError("per_second is from 0.1 to 1000")
    next_at = clock()

    def pace() -> None:
        nonlocal next_at
        now = clock()
        if now < next_at:
            sleep(next_at - now)
        next_at = max(now, next_at) + 1 / per_second

    return pace


def has_time(context: Any) -> Callable[[], bool]:
    """Return whether the invocation may go on."""
    return lambda: context.get_remaining_time_in_millis() > SPARE_SECONDS * 1000


def forward(records: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Move waiting webhooks back to the queue; returns those that could not be moved. What is no webhook is parked."""
    failures = []
    for record in records:
        envelope = envelope_in(record["body"])
        try:
            if envelope:
                queue.forward(envelope)
            else:
                queue.park_message(record["body"], record["messageId"])
        except Unavailable:
            failures.append({"itemIdentifier": record["messageId"]})
    return failures
