"""A shop's orders against the ledger: no event is lost for good, and none is duplicated, whatever comes late."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.profiles.versions import MAX_SEEN, ProfileState
from bridge.providers.event_list import Sweep
from bridge.settings import ConnectionSettings
from bridge.storage.ledger import gone_row, profile_row
from functions.sources.shopify import event_list
from functions.sources.shopify.orders import TOPICS
from local.provider_stub import Reply
from tests.gaps.conftest import DAY, SHOP, Town, iso

PAID = {"financial_status": "paid"}
FULFILLED = {"fulfillment_status": "fulfilled"}


@pytest.fixture
def begun(town: Town) -> Town:
    """A shop that is compared, and of which all topics are known to arrive."""
    town.compare("shopify")
    for topic, changes in life(town):
        town.arrive("shopify", topic, town.order(1, **changes))
    town.later()
    town.compare("shopify")
    town.later()
    assert town.queued() == []
    return town


def life(town: Town) -> list[tuple[str, dict[str, Any]]]:
    """What happens to an order, and the topic that mentions it."""
    return [
        ("orders/create", {}),
        ("orders/paid", PAID),
        ("orders/fulfilled", FULFILLED | {"fulfillments": [{"created_at": iso(town.world.now)}]}),
        ("orders/cancelled", {"cancelled_at": iso(town.world.now)}),
    ]


def fed(town: Town) -> list[tuple[str, str]]:
    return [(webhook.topic, json.loads(webhook.body)["name"]) for webhook in town.queued()]


# ── What is missing ─────────────────────────────────────────────────────────────────────────────────────


def test_an_order_that_never_arrived_is_fed_as_far_as_it_has_come(begun: Town) -> None:
    placed = begun.world.now
    begun.order(2, **PAID)
    begun.later(600)
    begun.order(2, **FULFILLED, fulfillments=[{"created_at": iso(begun.world.now)}])
    fulfilled = begun.world.now
    begun.later(600)
    begun.order(2, note="called the customer")
    begun.later()
    report = begun.compare("shopify")
    assert (report.checked, report.missing, report.fed, report.error) == (3, 3, 3, "")
    begun.deliver_queue()
    events = {event["name"]: event for one in begun.world.operations[4:] for event in one.get("events", [])}
    assert {name: event["time"] for name, event in events.items()} == {
        "order_placed": iso(placed).replace("+00:00", "Z"),
        "order_paid": iso(placed).replace("+00:00", "Z"),
        "order_fulfilled": iso(fulfilled).replace("+00:00", "Z"),
    }


def test_a_step_that_never_arrived_is_fed_alone(begun: Town) -> None:
    begun.arrive("shopify", "orders/create", begun.order(2))
    begun.order(2, **PAID)
    begun.later()
    assert begun.compare("shopify").checked == 2
    assert fed(begun) == [("orders/paid", "#2")]


def test_an_event_older_than_a_day_goes_without_its_time(begun: Town) -> None:
    begun.order(2)
    begun.later(2 * DAY)
    begun.compare("shopify")
    begun.deliver_queue()
    [event] = begun.world.operations[-1]["events"]
    assert "time" not in event
    assert event["attributes"]["date(occurred_at)"] == "2026-09-10T16:00:00Z"


def test_all_that_arrived_is_not_missing(begun: Town) -> None:
    for topic, changes in life(begun):
        begun.arrive("shopify", topic, begun.order(2, customer=2, **changes))
    begun.later()
    report = begun.compare("shopify")
    assert (report.checked, report.missing) == (4, 0)


@pytest.mark.parametrize("first", ["fed", "real"])
def test_a_webhook_that_comes_late_doubles_nothing(begun: Town, first: str) -> None:
    late = [begun.webhook("shopify", topic, begun.order(2, **changes)) for topic, changes in life(begun)]
    begun.later()
    assert begun.compare("shopify").fed == 4
    queued = begun.queued()
    for webhook in [*queued, *late] if first == "fed" else [*late, *queued]:
        begun.world.deliver(webhook)
    assert {number for (_, label), number in begun.had.items() if label == "#2"} == {1}
    assert len([label for _, label in begun.had if label == "#2"]) == 4


def test_a_second_run_feeds_nothing_again_even_before_the_first_was_delivered(begun: Town) -> None:
    start = begun.world.now
    begun.order(2)
    begun.later()
    begun.compare("shopify")
    first = begun.queued()
    begun.compare("shopify", since=start)
    again = begun.queued()
    assert {webhook.id for webhook in again} <= {webhook.id for webhook in first}
    begun.world.deliver(*first)
    begun.world.deliver(*again)
    assert begun.had["order_placed", "#2"] == 1


def test_an_order_keeps_the_id_of_what_is_fed_when_it_changes(begun: Town) -> None:
    """SQS itself would drop the second within five minutes, and the ledger later: so what is sent is looked at."""
    start, queue = begun.world.now, begun.world.queue
    queue.client = sent = Recorder(queue.client)
    begun.order(2)
    begun.later()
    begun.compare("shopify")
    begun.order(2, note="changed")
    begun.later()
    begun.compare("shopify", since=start)
    before, after = map(queue.webhook, sent.bodies)
    assert (before.id, before.body == after.body) == (after.id, False)


class Recorder:
    """A client of SQS that keeps what it is told to send."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.bodies: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def send_message(self, **asked: Any) -> Any:
        self.bodies.append(asked["MessageBody"])
        return self.client.send_message(**asked)


# ── What is left alone ──────────────────────────────────────────────────────────────────────────────────


def test_orders_of_before_the_first_run_are_left_alone(town: Town) -> None:
    town.order(1, **PAID)
    town.later()
    town.compare("shopify")
    town.order(1, **FULFILLED)
    town.arrive("shopify", "orders/create", town.order(2))
    town.later()
    assert town.compare("shopify").missing == 0


def test_steps_of_a_known_order_of_before_the_first_run_are_left_alone_even_on_request(begun: Town) -> None:
    """Before, the ledger did not keep which events a profile had had of it."""
    row = begun.world.ledger.client.get_item(
        TableName=begun.world.ledger.table, Key={"pk": {"S": "gaps#shopify#main"}}
    )["Item"]
    kept = json.loads(row["progress"]["S"]) | {"first": int(begun.world.now) + 1}
    begun.world.ledger.take_turn("gaps#shopify#main", "me", begun.world.now, begun.world.now + 1)
    begun.world.ledger.keep_turn("gaps#shopify#main", "me", json.dumps(kept))
    begun.arrive("shopify", "orders/create", begun.order(2))
    begun.order(2, **PAID)
    begun.order(3)
    begun.later()
    begun.compare("shopify")
    assert fed(begun) == [("orders/create", "#3")]


def test_a_step_whose_webhook_is_parked_is_not_fed(begun: Town) -> None:
    begun.arrive("shopify", "orders/create", begun.order(2))
    begun.world.batch.refuse = lambda operation: True
    begun.arrive("shopify", "orders/paid", begun.order(2, **PAID))
    assert [parked.envelope["topic"] for parked in begun.world.parked()] == ["orders/paid"]
    begun.later()
    assert begun.compare("shopify").missing == 0


def test_nothing_is_fed_of_somebody_who_was_erased(begun: Town) -> None:
    begun.arrive("shopify", "orders/create", begun.order(2, customer=2))
    [owner] = begun.world.ledger.links("default", ["shopify:order:2"]).values()
    begun.world.ledger.commit([gone_row("default", owner, begun.world.now + 35 * DAY)])
    begun.order(2, customer=2, **PAID)
    begun.later()
    assert begun.compare("shopify").missing == 0


def test_a_profile_with_more_events_than_the_ledger_keeps_is_left_alone(begun: Town) -> None:
    begun.arrive("shopify", "orders/create", begun.order(2, customer=2))
    [owner] = begun.world.ledger.links("default", ["shopify:order:2"]).values()
    state = ProfileState(seen=tuple(f"shopify:order:{number}:order_paid" for number in range(MAX_SEEN)))
    begun.world.ledger.commit([profile_row("default", owner, state)])
    begun.later()
    assert begun.compare("shopify").missing == 0


def test_an_order_that_names_nobody_is_left_alone(begun: Town) -> None:
    begun.order(2, customer=2)
    nobody = {"customer": None, "email": "", "contact_email": None, "note_attributes": []}
    begun.provider.orders[2] |= nobody
    begun.later()
    assert begun.compare("shopify").missing == 0


def test_test_orders_are_left_out_unless_the_connection_wants_them(begun: Town) -> None:
    begun.order(2, test=True)
    begun.later()
    assert begun.compare("shopify", dry_run=True).missing == 0
    begun.settings["shopify"] = SHOP | {"test_events": True}
    assert begun.compare("shopify", dry_run=True).missing == 1


def test_topics_that_never_arrive_are_left_out(town: Town) -> None:
    town.compare("shopify")
    town.arrive("shopify", "orders/paid", town.order(1, **PAID))
    town.order(2, **PAID)
    town.later()
    report = town.compare("shopify")
    assert (report.fed, report.unknown) == (1, 2)
    assert fed(town) == [("orders/paid", "#2")]


def test_another_project_begins_anew(begun: Town) -> None:
    """Its profiles know of none of the orders: each of them would be sent again."""
    begun.settings["shopify"] = SHOP | {"project": "staging"}
    report = begun.compare("shopify")
    assert (report.missing, report.fed) == (0, 0)


# ── The shop's list ─────────────────────────────────────────────────────────────────────────────────────


def test_many_pages_are_read_at_the_pace_that_shopify_wants_while_orders_change(begun: Town) -> None:
    begun.provider.most["shopify"] = 1
    for number in range(2, 72):
        begun.order(number, customer=number)
        begun.later(1)
    begun.later()
    changing = iter(range(2, 72))
    begun.provider.on_page = lambda: begun.order(next(changing, 71), note="changed") and None
    report = begun.compare("shopify")
    begun.provider.on_page = lambda: None
    begun.later()
    later = begun.compare("shopify")
    assert (report.error, later.error) == ("", "")
    begun.deliver_queue()
    assert {label for name, label in begun.had if name == "order_placed"} >= {f"#{n}" for n in range(2, 72)}
    assert set(begun.had.values()) == {1}


def test_a_full_bucket_is_waited_for(begun: Town) -> None:
    begun.provider.bucket = 40.0
    begun.provider.leaked_at = begun.world.now
    begun.order(2)
    begun.world.now += 0.1
    begun.provider.refusals = [Reply(429, {}, {"Retry-After": "2.0"})]
    begun.later()
    assert begun.compare("shopify").missing == 1
    assert 2.0 in begun.slept


def test_a_run_that_ends_in_time_goes_on_where_it_stopped(begun: Town) -> None:
    begun.provider.most["shopify"] = 2
    for number in range(2, 9):
        begun.order(number, customer=number)
        begun.later(1)
    begun.later()
    begun.has_time = lambda: False
    missing = 0
    while (report := begun.compare("shopify")).more:
        missing += report.missing
    begun.deliver_queue()
    assert missing + report.missing >= 7
    assert all(begun.had["order_placed", f"#{number}"] == 1 for number in range(2, 9))


def test_an_app_of_the_dev_dashboard_gets_its_token_first(begun: Town) -> None:
    begun.keys["shopify"] = "local:shpss_local"
    begun.order(2)
    begun.later()
    assert begun.compare("shopify").missing == 1
    begun.keys["shopify"] = "local:wrong"
    begun.later()
    assert begun.compare("shopify").error == "the provider answered 401 to the connection's API key"


def test_without_the_shops_address_it_says_so(begun: Town) -> None:
    begun.settings["shopify"] = {}
    assert begun.compare("shopify").error == "the setting shop_domain is missing"


@pytest.mark.parametrize(
    "domain",
    [
        "evil.example.com",
        "ada.myshopify.com.evil.example.com",
        "evil.example.com/.myshopify.com",
        "user@ada.myshopify.com",
        "ada.myshopify.com:8080",
        "ada.myshopify.com\n",
        "Ada.myshopify.com",
        "127.0.0.1",
        ".myshopify.com",
        "https://ada.myshopify.com",
    ],
)
def test_a_key_goes_to_a_shop_and_nowhere_else(domain: str) -> None:
    with pytest.raises(ValidationError):
        ConnectionSettings.model_validate({"shop_domain": domain})


def test_the_list_cannot_lead_anywhere_else() -> None:
    links = {"next": "https://evil.example.com/admin?page_info=abc%26status%3Dany&limit=250"}
    page = event_list.page({"orders": []}, links, Sweep(0, 10))
    assert page.rest
    address = event_list.address("https://ada.myshopify.com", page.rest, ())
    assert address.startswith("https://ada.myshopify.com/admin/api/")
    assert address.endswith("/orders.json?limit=250&page_info=abc%26status%3Dany")


@pytest.mark.parametrize("orders", [None, {}, "text", [None, 7, "x", {}, {"id": [1]}]], ids=repr)
def test_nonsense_in_a_list_is_counted_and_passed_over(orders: Any) -> None:
    page = event_list.page({"orders": orders}, {}, Sweep(0, 10))
    assert (page.told, page.rest) == ((), None)
    assert page.unreadable == (len(orders) if isinstance(orders, list) else 0)


@pytest.mark.parametrize("parcels", [None, {}, [None], [{"created_at": "never"}], [{"created_at": 5}]])
def test_a_parcel_without_a_time_leaves_it_to_the_order(parcels: Any) -> None:
    assert event_list.last_fulfilled({"fulfillments": parcels}) is None


def test_every_topic_that_is_compared_has_an_event_that_comes_once() -> None:
    assert all(TOPICS[topic].once for topic in event_list.TOPICS)


# ── Any of them may be lost, or late ────────────────────────────────────────────────────────────────────

NUMBERS = count(1000)
FATES = ("comes", "late", "lost")
Life = list[tuple[int, str]]
lives = st.lists(
    st.tuples(st.integers(1, 4), st.lists(st.sampled_from(FATES), min_size=4, max_size=4)),
    min_size=1,
    max_size=3,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives=lives, seed=st.integers(0, 1000), runs=st.integers(1, 2))
def test_whatever_is_lost_or_late_each_event_comes_once(
    begun: Town, lives: list[tuple[int, list[str]]], seed: int, runs: int
) -> None:
    late, expected = [], Counter[tuple[str, str]]()
    for steps, fates in lives:
        number = next(NUMBERS)
        for (topic, changes), fate in list(zip(life(begun), fates, strict=True))[:steps]:
            order = begun.order(number, customer=number, **changes)
            webhook = begun.webhook("shopify", topic, order)
            expected[str(TOPICS[topic].event), f"#{number}"] = 1
            if fate == "comes":
                begun.world.deliver(webhook)
            elif fate == "late":
                late.append(webhook)
            begun.later(1)
    begun.later()
    for _ in range(runs):
        assert begun.compare("shopify", since=begun.world.now - DAY).error == ""
    both = [*begun.queued(), *late]
    Random(seed).shuffle(both)
    for webhook in both:
        assert begun.world.deliver(replace(webhook)) == []
    begun.later()
    assert begun.compare("shopify").missing == 0
    labels = {label for _, label in expected}
    assert Counter({pair: n for pair, n in begun.had.items() if pair[1] in labels}) == expected
