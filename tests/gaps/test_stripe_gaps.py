"""Stripe's events against the ledger: what has no receipt is fed, and is a repeat where it comes after all."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.storage.ledger import Receipt, receipt_row
from functions.gaps.progress import GRACE_SECONDS
from functions.sources.stripe import event_list, mapping
from local.provider_stub import Reply
from tests.gaps.conftest import DAY, HOUR, Town, iso
from tests.world import NOW


@pytest.fixture
def begun(town: Town) -> Town:
    """A connection that is compared, and of which one topic is known to arrive."""
    assert town.compare("stripe").checked == 0
    town.arrive("stripe", "customer.created", town.event(1))
    town.later()
    assert town.compare("stripe").checked == 1
    town.later()
    return town


def test_all_topics_that_say_something_are_listed_and_stripe_takes_so_many() -> None:
    silent = {"invoice.payment_succeeded"}
    assert set(event_list.TOPICS) == set(mapping.TOPICS) - silent
    assert len(event_list.TOPICS) <= event_list.MAX_TYPES


def test_an_event_without_a_receipt_is_fed_and_reaches_its_profile(begun: Town) -> None:
    begun.event(2, data={"object": {"id": "cus_lost", "object": "customer", "email": "lost@example.com"}})
    begun.later()
    report = begun.compare("stripe")
    assert (report.checked, report.missing, report.fed, report.error) == (1, 1, 1, "")
    assert report.gap_rate == 1
    assert begun.deliver_queue() == 1
    [operation] = begun.world.operations[1:]
    assert operation["attributes"]["$email_address"] == "lost@example.com"
    [event] = operation["events"]
    assert (event["name"], event["time"]) == ("billing_customer_created", "2026-09-10T16:00:00Z")


def test_what_is_fed_is_the_webhook_itself_so_that_it_is_a_repeat_when_it_comes_late(begun: Town) -> None:
    lost = begun.event(2)
    begun.later()
    begun.compare("stripe")
    [fed] = begun.queued()
    came = begun.webhook("stripe", "customer.created", lost)
    assert (fed.id, fed.group) == (came.id, came.group)
    calls = len(begun.world.operations)
    begun.world.deliver(fed)
    begun.world.deliver(came)
    assert len(begun.world.operations) == calls + 1


def test_a_second_run_finds_nothing_new(begun: Town) -> None:
    begun.event(2)
    begun.later()
    begun.compare("stripe")
    begun.deliver_queue()
    begun.later()
    report = begun.compare("stripe")
    assert (report.checked, report.missing, report.fed) == (0, 0, 0)
    assert begun.queued() == []


def test_what_happened_before_the_first_run_is_never_fed(town: Town) -> None:
    town.arrive("stripe", "customer.created", town.event(1))
    town.event(2)
    town.later(DAY)
    for _ in range(3):
        report = town.compare("stripe")
        assert (report.checked, report.missing, report.fed) == (0, 0, 0)
        town.later(DAY)


def test_what_is_but_minutes_old_may_still_be_on_its_way(begun: Town) -> None:
    begun.event(2)
    begun.later(GRACE_SECONDS - 60)
    assert begun.compare("stripe").missing == 0
    begun.later(120)
    assert begun.compare("stripe").missing == 1


def test_a_topic_of_which_nothing_ever_arrived_is_not_compared(begun: Town) -> None:
    """The destination in Stripe may not ask for it."""
    begun.event(2, "invoice.paid")
    begun.later()
    report = begun.compare("stripe")
    assert (report.missing, report.unknown, report.fed) == (0, 1, 0)


def test_a_topic_may_turn_out_to_arrive_on_a_later_page(town: Town) -> None:
    town.provider.most["stripe"] = 3
    town.compare("stripe")
    town.arrive("stripe", "customer.created", town.event(1))
    for number in range(2, 12):
        town.event(number)
    town.later()
    report = town.compare("stripe")
    assert (report.checked, report.missing, report.unknown, report.more) == (11, 10, 0, False)
    assert town.deliver_queue() == 10


def test_topics_that_arrived_in_the_week_before_are_known_from_the_first_run(town: Town) -> None:
    town.arrive("stripe", "customer.created", town.event(1))
    town.later(DAY)
    town.compare("stripe")
    town.event(2)
    town.later()
    assert town.compare("stripe").missing == 1


def test_the_settings_may_name_the_topics(begun: Town) -> None:
    begun.settings["stripe"] = {"compare_topics": ["invoice.paid"]}
    begun.event(2)
    begun.event(3, "invoice.paid")
    begun.later()
    assert begun.compare("stripe").fed == 1
    assert [webhook.topic for webhook in begun.queued()] == ["invoice.paid"]
    assert begun.provider.calls[-1].count("types%5B%5D") == 1


@pytest.mark.parametrize("status", ["parked", "waiting", "retrying", "ignored", "delivered"])
def test_what_waits_or_is_parked_is_not_missing(begun: Town, status: str) -> None:
    came = begun.webhook("stripe", "customer.created", begun.event(2))
    receipt = Receipt(
        came.id, "stripe", "main", came.topic, status, iso(begun.world.now), iso(begun.world.now)
    )
    begun.world.ledger.commit([receipt_row(receipt)])
    begun.later()
    report = begun.compare("stripe")
    assert (report.checked, report.missing) == (1, 0)


def test_events_of_test_mode_are_left_out_unless_the_connection_wants_them(begun: Town) -> None:
    begun.event(2, livemode=False)
    begun.later()
    assert begun.compare("stripe", dry_run=True).missing == 0
    begun.settings["stripe"] = {"test_events": True}
    assert begun.compare("stripe", dry_run=True).missing == 1


def test_many_pages_are_read_while_more_happens(begun: Town) -> None:
    begun.provider.most["stripe"] = 7
    numbers = iter(range(1000, 2000))
    begun.provider.on_page = lambda: begun.event(next(numbers)) and None
    for number in range(2, 52):
        begun.event(number)
    begun.later()
    report = begun.compare("stripe")
    assert (report.checked, report.missing) == (50, 50)
    begun.provider.on_page = lambda: None
    begun.deliver_queue()
    begun.later()
    happened_meanwhile = len(begun.provider.events) - 51
    assert begun.compare("stripe").missing == happened_meanwhile


def test_a_run_that_ends_in_time_goes_on_the_next_time(begun: Town) -> None:
    begun.provider.most["stripe"] = 10
    for number in range(2, 41):
        begun.event(number)
    begun.later()
    begun.has_time = lambda: False
    checked = missing = rounds = 0
    while (report := begun.compare("stripe")).more:
        checked, missing, rounds = checked + report.checked, missing + report.missing, rounds + 1
        begun.later(60)
    assert (checked + report.checked, missing + report.missing, rounds) == (39, 39, 3)
    assert begun.deliver_queue() == 39


def test_a_run_feeds_no_more_than_its_share(begun: Town) -> None:
    begun.most_fed = 5
    begun.provider.most["stripe"] = 5
    for number in range(2, 22):
        begun.event(number)
    begun.later()
    report = begun.compare("stripe")
    assert (report.fed, report.more) == (5, True)


def test_a_look_feeds_nothing_and_forgets(begun: Town) -> None:
    begun.event(2)
    begun.later()
    for _ in range(2):
        report = begun.compare("stripe", dry_run=True)
        assert (report.missing, report.fed) == (1, 0)
    assert begun.queued() == []
    assert begun.compare("stripe").fed == 1


def test_somebody_may_go_back_in_time_but_not_beyond_30_days(town: Town) -> None:
    start = town.world.now
    town.event(1)
    town.later(25 * DAY)
    town.arrive("stripe", "customer.created", town.event(2))
    town.event(3)
    town.later(10 * DAY)
    town.compare("stripe")
    report = town.compare("stripe", since=start)
    assert (report.checked, report.missing, report.fed) == (2, 1, 1)


def test_the_day_in_the_settings_is_gone_back_to_once(town: Town) -> None:
    town.arrive("stripe", "customer.created", town.event(1))
    town.event(2)
    town.later(3 * DAY)
    assert town.compare("stripe").fed == 0
    town.settings["stripe"] = {"compare_since": "2026-09-10"}
    assert town.compare("stripe").fed == 1
    calls = len(town.provider.calls)
    assert town.compare("stripe").fed == 0
    assert len(town.provider.calls) == calls


# ── A provider in trouble ───────────────────────────────────────────────────────────────────────────────


def test_it_waits_as_long_as_it_is_asked_to(begun: Town) -> None:
    begun.provider.refusals = [Reply(429, {}, {"Retry-After": "3"}), Reply(503, {})]
    begun.event(2)
    begun.later()
    assert begun.compare("stripe").missing == 1
    assert begun.slept == [3.0, 1.0]


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (Reply(401, {}), "the provider answered 401 to the connection's API key"),
        (Reply(403, {}), "the provider answered 403 to the connection's API key"),
        (Reply(429, {}, {"Retry-After": "3600"}), "the provider answered 429"),
        (Reply(500, {}), "the provider answered 500"),
        (Reply(301, {}, {"Location": "https://evil.example.com"}), "the provider answered 301"),
        (Reply(200, ["no object"]), "the provider answered no JSON object"),
    ],
)
def test_a_refusal_is_told_and_the_next_run_makes_up_for_it(begun: Town, refusal: Reply, reason: str) -> None:
    begun.provider.refusals = [refusal] * 4
    begun.event(2)
    begun.later()
    assert begun.compare("stripe").error == reason
    begun.provider.refusals = []
    assert begun.compare("stripe").missing == 1


def test_a_place_that_leads_nowhere_any_more_is_given_up(begun: Town) -> None:
    begun.provider.most["stripe"] = 2
    for number in range(2, 8):
        begun.event(number)
    begun.later()
    begun.has_time = lambda: False
    begun.compare("stripe")
    begun.provider.events.pop("evt_000006")
    assert begun.compare("stripe").error == "the provider answered 400"
    begun.has_time = lambda: True
    assert begun.compare("stripe").error == ""
    assert begun.deliver_queue() >= 5


def test_two_runs_never_compare_the_same_connection(begun: Town) -> None:
    begun.later()
    begun.event(2)
    begun.later()
    second: list[Any] = []

    def run_again() -> None:
        begun.provider.on_page = lambda: None
        second.append(begun.compare("stripe"))

    begun.provider.on_page = run_again
    assert begun.compare("stripe").missing == 1
    assert [report.error for report in second] == ["another run holds this row"]


NONSENSE = (
    *("text", 7, None, {}, {"id": 5}, {"id": "evt_1", "type": "customer.created", "created": "now"}),
    {"id": "evt_1", "type": "customer.created", "created": int(NOW), "data": None},
)


@pytest.mark.parametrize("event", NONSENSE, ids=repr)
def test_nonsense_in_a_list_is_counted_and_passed_over(begun: Town, event: Any) -> None:
    begun.provider.refusals = [Reply(200, {"data": [event, begun.event(2)], "has_more": False})]
    begun.later()
    begun.arrive("stripe", "customer.created", begun.event(3))
    begun.later()
    report = begun.compare("stripe")
    assert (report.error, report.unreadable) == ("", int(isinstance(event, dict)))


def test_a_list_without_an_end_is_read_for_as_long_as_time_allows(begun: Town) -> None:
    begun.later(HOUR)
    times = iter([True] * 5 + [False] * 100)
    begun.has_time = lambda: next(times)
    begun.provider.refusals = [Reply(200, {"data": [begun.event(2)], "has_more": True}) for _ in range(50)]
    assert begun.compare("stripe").more
