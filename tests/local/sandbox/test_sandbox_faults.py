"""Faults that a tester asks for, one after the other."""

import time

import pytest

from local.sandbox.faults import EFFECTS, FaultQueue, read_fault


def fault(sandbox, **asked) -> None:
    """Ask for a fault."""
    response = sandbox.call("POST", "/sandbox/faults", json=asked)
    assert (response.status_code, response.json()) == (201, asked)


def statuses(sandbox, calls: int) -> list[int]:
    """Make calls and give their statuses."""
    return [sandbox.update(sandbox.one()).status_code for _ in range(calls)]


def profiles(sandbox) -> int:
    """Count the profiles."""
    return len(sandbox.call("GET", "/sandbox/profiles").json())


def test_a_status_is_answered_as_often_as_asked_and_nothing_applies(sandbox) -> None:
    fault(sandbox, status=503, count=2)
    response = sandbox.update(sandbox.one())
    assert response.json()["error_code"] == 2
    assert "retry-after" not in response.headers
    assert profiles(sandbox) == 0
    assert statuses(sandbox, 2) == [503, 202]


def test_a_status_may_say_when_to_come_back(sandbox) -> None:
    fault(sandbox, status=429, retry_after=7, count=1)
    assert sandbox.update(sandbox.one()).headers["retry-after"] == "7"


def test_a_fault_may_last_for_seconds(sandbox) -> None:
    fault(sandbox, status=500, seconds=60)
    assert statuses(sandbox, 3) == [500] * 3
    sandbox.now += 59.9
    assert statuses(sandbox, 1) == [500]
    sandbox.now += 0.1
    assert statuses(sandbox, 1) == [202]


def test_with_both_bounds_the_first_one_reached_ends_it(sandbox) -> None:
    fault(sandbox, status=500, count=2, seconds=10)
    fault(sandbox, status=503, count=2, seconds=10)
    assert statuses(sandbox, 3) == [500, 500, 503]
    sandbox.now += 10
    assert statuses(sandbox, 1) == [202]


def test_faults_work_one_after_the_other(sandbox) -> None:
    fault(sandbox, status=500, seconds=10)
    fault(sandbox, status=503, seconds=10)
    fault(sandbox, status=401, count=1)
    assert statuses(sandbox, 1) == [500]
    sandbox.now += 15
    assert statuses(sandbox, 1) == [503]
    sandbox.now += 5
    assert statuses(sandbox, 2) == [401, 202]


def test_a_delayed_call_is_answered_later_and_applies(sandbox) -> None:
    fault(sandbox, delay_seconds=0.05, count=1)
    started = time.monotonic()
    assert statuses(sandbox, 1) == [202]
    assert time.monotonic() - started >= 0.05
    assert sandbox.call("GET", "/sandbox/calls").json()[0]["fault"] == "delay_seconds"


def test_a_delay_goes_with_any_other_fault(sandbox) -> None:
    fault(sandbox, status=500, delay_seconds=0.01, count=1)
    assert statuses(sandbox, 2) == [500, 202]


def test_a_dropped_call_applies_nothing(sandbox) -> None:
    fault(sandbox, drop_connection=True, count=1)
    with pytest.raises(ConnectionResetError):
        sandbox.update(sandbox.one())
    assert profiles(sandbox) == 0
    [call] = sandbox.call("GET", "/sandbox/calls").json()
    assert (call["fault"], call["answer"]) == ("drop_connection", {"status": None, "body": None})


def test_a_call_can_apply_without_its_sender_knowing(sandbox) -> None:
    fault(sandbox, apply_then_drop=True, count=1)
    with pytest.raises(ConnectionResetError):
        sandbox.update(sandbox.one(events=[{"name": "seen"}]))
    assert sandbox.profile()["events"] == [{"name": "seen"}]


def test_an_answer_can_break_off_after_it_applied(sandbox) -> None:
    fault(sandbox, reset_mid_body=True, count=1)
    with pytest.raises(ConnectionResetError):
        sandbox.update(sandbox.one())
    assert profiles(sandbox) == 1


def test_partial_errors_refuse_the_first_part_of_every_operation(sandbox) -> None:
    fault(sandbox, partial_errors=True, count=1)
    errors = sandbox.errors(
        sandbox.one("ada", attributes={"city": "Paris", "age": 36}, events=[{"name": "seen"}]),
        sandbox.one("grace", events=[{"name": "seen"}, {"name": "paid"}]),
        sandbox.one("joan"),
    )
    assert [(error["bulk_index"], error["attribute"]) for error in errors] == [(0, "city"), (1, "seen")]
    assert sandbox.profile("ada")["attributes"] == {"age": 36}
    assert sandbox.profile("grace")["events"] == [{"name": "paid"}]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502, 503, 504])
def test_every_failing_status_can_be_asked_for(sandbox, status) -> None:
    fault(sandbox, status=status, count=1)
    response = sandbox.update(sandbox.one())
    assert response.status_code == status
    assert response.json().keys() == {"error_code", "error_message"}


NO_FAULTS = [
    [],
    {},
    {"count": 1},
    {"status": 503},
    {"status": 200, "count": 1},
    {"status": "503", "count": 1},
    {"status": True, "count": 1},
    {"status": 503, "count": 0},
    {"status": 503, "count": 1.5},
    {"status": 503, "count": True},
    {"status": 503, "seconds": -1},
    {"status": 503, "seconds": 100_000},
    {"status": 503, "drop_connection": True, "count": 1},
    {"drop_connection": False, "count": 1},
    {"drop_connection": True, "retry_after": 1, "count": 1},
    {"delay_seconds": 0, "count": 1},
    {"explode": True, "count": 1},
]


@pytest.mark.parametrize("asked", NO_FAULTS)
def test_what_is_no_fault_is_told_what_is(sandbox, asked) -> None:
    response = sandbox.call("POST", "/sandbox/faults", json=asked)
    assert response.status_code == 400
    assert all(effect in response.json()["error"] for effect in EFFECTS)
    assert sandbox.call("GET", "/sandbox/faults").json() == []


def test_a_body_that_is_not_json_is_no_fault(sandbox) -> None:
    assert sandbox.call("POST", "/sandbox/faults", content=b"{").status_code == 400


def test_the_line_of_faults_can_be_seen_and_cleared(sandbox) -> None:
    fault(sandbox, status=503, count=3)
    fault(sandbox, drop_connection=True, seconds=5)
    statuses(sandbox, 1)
    shown = [{"status": 503, "count": 2}, {"drop_connection": True, "seconds": 5}]
    assert sandbox.call("GET", "/sandbox/faults").json() == shown
    assert sandbox.call("DELETE", "/sandbox/faults").status_code == 204
    assert statuses(sandbox, 1) == [202]


def test_the_look_in_is_never_faulty(sandbox) -> None:
    fault(sandbox, status=503, count=1)
    assert sandbox.call("GET", "/sandbox").status_code == 200
    assert statuses(sandbox, 1) == [503]


def test_the_time_of_the_next_fault_starts_when_the_one_before_it_ends() -> None:
    queue = FaultQueue()
    queue.add(read_fault({"status": 500, "seconds": 10}), now=0)
    queue.add(read_fault({"status": 503, "seconds": 10}), now=5)
    assert [fault.status for fault in queue.active(now=19)] == [503]
    assert queue.active(now=20) == []
