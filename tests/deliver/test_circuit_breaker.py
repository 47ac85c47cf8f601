"""When a project may be called, and by how many."""

from __future__ import annotations

import pytest

from bridge.errors import BadCredentials, BatchUnavailable, NoTimeLeft
from functions.deliver.circuit_breaker import CALL_SECONDS, MAX_UNDECIDED, CircuitBreaker, open_seconds
from tests.simulation import Time


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def breaker(time: Time) -> CircuitBreaker:
    return CircuitBreaker(time, time.sleep, profiles_per_second=60)


def enter(
    breaker: CircuitBreaker, project: str = "default", profiles: int = 1, seconds_left: float = 30
) -> None:
    breaker.enter(project, profiles, seconds_left)


def test_a_failure_closes_its_project_and_no_other(breaker: CircuitBreaker) -> None:
    breaker.trip("default", BatchUnavailable("Batch answered 503"))
    enter(breaker, "outlet")
    with pytest.raises(BatchUnavailable, match=r"^Batch answered 503$") as caught:
        enter(breaker)
    assert caught.value.retry_after_seconds is not None
    assert 5 <= caught.value.retry_after_seconds <= 6.25


def test_when_its_time_is_up_one_call_tells_whether_more_may_follow(
    breaker: CircuitBreaker, time: Time
) -> None:
    breaker.trip("default", BatchUnavailable("away"))
    time.sleep(6.25)
    enter(breaker)
    breaker.trip("default", BatchUnavailable("still away"))
    with pytest.raises(BatchUnavailable, match="still away"):
        enter(breaker)
    time.sleep(12.5)
    enter(breaker)
    breaker.reset("default")
    enter(breaker)


def test_it_stays_closed_for_longer_with_each_failure_in_a_row_up_to_a_minute_or_so() -> None:
    for failures, least in ((1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (5000, 60)):
        assert least <= open_seconds(BatchUnavailable("away"), failures) <= least * 1.25


def test_it_stays_closed_for_as_long_as_batch_asks_up_to_ten_minutes_or_so() -> None:
    for asked, least in ((90, 90), (600, 600), (86_400, 600), (1, 5)):
        assert least <= open_seconds(BatchUnavailable("busy", asked), 1) <= least * 1.25


def test_refused_keys_are_tried_again_when_they_may_be_read_again() -> None:
    for failures in (1, 2, 50):
        assert 30 <= open_seconds(BadCredentials("refused"), failures) <= 32


def test_processes_do_not_come_back_in_step() -> None:
    assert len({open_seconds(BatchUnavailable("away"), 5) for _ in range(20)}) > 10


def test_a_call_waits_for_what_the_one_before_it_has_used_up(breaker: CircuitBreaker, time: Time) -> None:
    began = time.now
    for _ in range(4):
        enter(breaker, profiles=30)
    assert time.now - began == pytest.approx(1.5)


def test_each_project_has_a_pace_of_its_own(breaker: CircuitBreaker, time: Time) -> None:
    began = time.now
    enter(breaker, "default", profiles=200)
    enter(breaker, "outlet", profiles=200)
    assert time.now == began


def test_a_call_that_may_not_end_in_time_is_not_begun(breaker: CircuitBreaker, time: Time) -> None:
    enter(breaker, profiles=60, seconds_left=CALL_SECONDS)
    began = time.now
    with pytest.raises(NoTimeLeft):
        enter(breaker, seconds_left=CALL_SECONDS + 0.9)
    assert time.now == began
    enter(breaker, seconds_left=CALL_SECONDS + 1)


def test_only_so_many_undecided_webhooks_are_remembered_the_newest(breaker: CircuitBreaker) -> None:
    breaker.note_undecided(f"webhook-{number}" for number in range(MAX_UNDECIDED + 5))
    breaker.note_undecided(["webhook-new"])
    assert len(breaker.undecided) == MAX_UNDECIDED
    assert {"webhook-new", f"webhook-{MAX_UNDECIDED}"} < set(breaker.undecided)
