"""Nothing that is parked expires unseen: it goes to the archive in time, and comes back from there."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.errors import Unavailable
from bridge.storage.archive import PREFIX, Archive
from bridge.storage.queue import MAX_MESSAGE_BYTES, Failure
from functions.retry.archiving import ARCHIVE_AFTER, archive_old
from functions.retry.rounds import Archived, Filter, Order, Report, retry_round
from tests.core.stand_ins import Calls, out_of_reach
from tests.retry.test_retry import BODY, FAILED, left, queued, webhook

LATER = timedelta(days=10, hours=1)
LARGE = random.Random(1).randbytes(2 * MAX_MESSAGE_BYTES)


@pytest.fixture
def archive(world: Any) -> Archive:
    return Archive(world.queue.bucket, world.queue.s3)


def park(world: Any, number: int, **changes: Any) -> None:
    world.queue.park(webhook(number, **changes), Failure("mapping_failed", "a reason", FAILED))


def archived(world: Any, archive: Archive, after: timedelta = LATER) -> int:
    return archive_old(world.queue, archive, datetime.now(UTC) + after, lambda: True)


def kept(archive: Archive) -> list[str]:
    return sorted(one.id for page in archive.pages() for one in page)


def round_of(world: Any, archive: Archive, order: Order | None = None, **wanted: Any) -> Report:
    return retry_round(Archived(archive, world.queue), Filter.of(wanted), order or Order(), lambda: True)


def keys(world: Any) -> set[str]:
    found = world.queue.s3.list_objects_v2(Bucket=world.queue.bucket).get("Contents", [])
    return {one["Key"] for one in found}


def test_what_lay_in_the_queue_for_ten_days_moves_to_the_archive(world: Any, archive: Archive) -> None:
    for number in range(13):
        park(world, number)
    assert archived(world, archive, ARCHIVE_AFTER - timedelta(hours=1)) == 0
    assert len(left(world)) == 10
    assert archived(world, archive) == 13
    assert left(world) == set()
    assert kept(archive) == sorted(f"webhook-{number}" for number in range(13))


def test_ten_days_leave_a_few_more_tries_before_sqs_forgets() -> None:
    assert timedelta(days=14) - ARCHIVE_AFTER >= timedelta(days=3)


def test_an_archived_webhook_comes_back_as_it_was(world: Any, archive: Archive) -> None:
    park(world, 1, only=("event:order_paid",))
    archived(world, archive)
    report = round_of(world, archive)
    assert (report.retried, report.left, report.more) == (1, 0, False)
    assert queued(world) == [webhook(1, only=("event:order_paid",), retries=1)]
    assert keys(world) == set()


def test_a_filter_takes_from_the_archive_what_it_names(world: Any, archive: Archive) -> None:
    for number, source in enumerate(["stripe", "shopify", "stripe"]):
        park(world, number, source=source)
    archived(world, archive)
    assert round_of(world, archive, sources=["stripe"]).retried == 2
    assert kept(archive) == ["webhook-1"]


def test_a_dry_run_over_the_archive_changes_nothing(world: Any, archive: Archive) -> None:
    park(world, 1)
    archived(world, archive)
    assert [one["id"] for one in round_of(world, archive, Order(dry_run=True)).webhooks] == ["webhook-1"]
    assert (kept(archive), queued(world)) == (["webhook-1"], [])


def test_a_body_in_s3_goes_along_and_comes_back(world: Any, archive: Archive) -> None:
    """Its own place is emptied after 35 days, the archive later."""
    park(world, 1, body=LARGE)
    [own_place] = keys(world)
    archived(world, archive)
    world.queue.s3.delete_object(Bucket=world.queue.bucket, Key=own_place)
    assert round_of(world, archive).retried == 1
    assert queued(world) == [webhook(1, body=LARGE, retries=1)]
    assert keys(world) == {own_place}


def test_what_is_no_webhook_is_kept_too(world: Any, archive: Archive) -> None:
    world.queue.park_message("no webhook of ours", "stray")
    assert archived(world, archive) == 1
    assert left(world) == set()
    [key] = keys(world)
    assert key.startswith(f"{PREFIX}unreadable/")
    assert round_of(world, archive) == Report(left=1)


def test_what_the_archive_refuses_stays_in_the_queue(world: Any) -> None:
    park(world, 1)
    broken = Archive("bucket", Calls({"put_object": out_of_reach()}))
    with pytest.raises(Unavailable):
        archived(world, broken)
    assert left(world) == {"webhook-1"}


def test_an_archiving_that_is_broken_off_after_storing_doubles_nothing(world: Any, archive: Archive) -> None:
    park(world, 1)
    client = world.queue.client

    class Dying:
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def delete_message(self, **_: Any) -> Any:
            raise out_of_reach()

    world.queue.client = Dying()
    with pytest.raises(Unavailable):
        archived(world, archive)
    world.queue.client = client
    assert (left(world), kept(archive)) == ({"webhook-1"}, ["webhook-1"])
    assert archived(world, archive) == 1
    assert (left(world), kept(archive)) == (set(), ["webhook-1"])


def test_what_is_meant_is_forgotten_with_its_body_and_the_rest_is_kept(world: Any, archive: Archive) -> None:
    for number in range(4):
        park(world, number, body=LARGE if number == 1 else BODY)
    archived(world, archive)
    dropped, is_whole = archive.drop(
        lambda page: [one for one in page if one.id in ("webhook-1", "webhook-3")], lambda: True
    )
    assert (sorted(one.id for one in dropped), is_whole) == (["webhook-1", "webhook-3"], True)
    assert {key for key in keys(world) if key.startswith(PREFIX)} == {
        "parked/group-0/webhook-0.json",
        "parked/group-2/webhook-2.json",
    }


def test_without_time_the_archive_is_not_looked_through_and_that_is_told(
    world: Any, archive: Archive
) -> None:
    park(world, 1)
    archived(world, archive)
    assert archive.drop(lambda page: page, lambda: False) == ([], False)
    assert kept(archive) == ["webhook-1"]
