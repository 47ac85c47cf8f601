"""Move parked webhooks to the archive before the dead-letter queue forgets them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bridge.observability import logger
from bridge.storage.archive import Archive
from bridge.storage.queue import Parked, WebhookQueue
from functions.retry.rounds import VISIBILITY_SECONDS

ARCHIVE_AFTER = timedelta(days=10)
"""Of the 14 days that SQS keeps: a few rounds may fail.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""


def archive_old(queue: WebhookQueue, archive: Archive, now: datetime, has_time: Callable[[], bool]) -> int:
    """Archive what has lain in the queue for `ARCHIVE_AFTER`; returns how many. Stored first, then deleted.

    Raises Unavailable.
    """
    kept: dict[str, Parked] = {}
    archived = 0
    try:
        while page := queue.receive_parked(VISIBILITY_SECONDS) if has_time() else None:
            kept |= {parked.receipt_handle: parked for parked in page}
            for parked in page:
                if now - parked.sent_at < ARCHIVE_AFTER:
                    continue
                archive.keep(parked)
                queue.delete_parked(parked)
                del kept[parked.receipt_handle]
                archived += 1
                logger.info(
                    "webhook archived", webhook_id=parked.id, failure_class=parked.failure.failure_class
                )
    finally:
        queue.release_parked(kept.values())
    return archived
