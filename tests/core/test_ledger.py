"""What the ledger remembers, and for how long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.errors import BatchUnavailable, Erased, Failed, NotStorable, ProfileBusy
from bridge.profiles import versions
from bridge.profiles.versions import ProfileState
from bridge.storage.ledger import (
    BATCH_READ_KEYS,
    BATCH_WRITE_ROWS,
    FINAL,
    LEASE_SECONDS,
    RECEIPT_DAYS,
    TRANSACTION_ROWS,
    Known,
    Ledger,
    Link,
    Receipt,
    fact_row,
    gone_row,
    link_row,
    profile_key,
    profile_row,
    receipt_row,
)
from tests.core.stand_ins import Calls, NotFound, out_of_reach, refused
from tests.owners import owners_group

RECEIVED = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
NOW = RECEIVED.timestamp()
STATE, _ = versions.apply(ProfileState(), [owners_group("customer", "2", {"first_name": "Ada"})])


def receipt(number: int = 1, **changes: Any) -> Receipt:
    made = Receipt(
        id=f"webhook-{number}",
        source="shopify",
        connection="main",
        topic="orders/paid",
        status="delivered",
        received_at=(RECEIVED + timedelta(seconds=number)).isoformat().replace("+00:00", "Z"),
        finished_at="2026-09-10T12:10:00Z",
        project="default",
        custom_id="ada",
        events=("order_paid",),
        attributes=("first_name", "orders_count"),
        references=("shopify:customer:1",),
        warnings=("string_cut:note",),
    )
    return replace(made, **changes)


def rows_in(world: Any) -> int:
    return int(world.ledger.client.scan(TableName=world.ledger.table, Select="COUNT")["Count"])


# ── Receipts ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_receipt_is_read_back_as_it_was_written(world: Any) -> None:
    world.ledger.commit([receipt_row(receipt())])
    assert world.ledger.receipt("webhook-1") == receipt()
    assert world.ledger.receipt("webhook-2") is None


def test_a_webhook_is_finished_once_it_was_delivered_or_ignored(world: Any) -> None:
    statuses = ["delivered", "ignored", "parked", "waiting", "retrying"]
    world.ledger.commit(
        [receipt_row(receipt(number, status=status)) for number, status in enumerate(statuses)]
    )
    asked = [f"webhook-{number}" for number in range(9)]
    assert world.ledger.known(asked) == Known(frozenset({"webhook-0", "webhook-1"}), frozenset())
    assert world.ledger.known([]) == Known(frozenset(), frozenset())
    assert {"delivered", "ignored"} == FINAL


def test_a_receipt_is_forgotten_35_days_after_the_webhook_came() -> None:
    row = receipt_row(receipt(0))
    assert int(row["expires_at"]["N"]) == RECEIVED.timestamp() + 35 * 24 * 3600
    assert RECEIPT_DAYS == 35


def test_a_profile_and_its_links_are_never_forgotten() -> None:
    for row in (profile_row("default", "ada", STATE), link_row("default", "shopify:customer:1", "ada")):
        assert "expires_at" not in row


def test_receipts_of_a_profile_come_newest_first(world: Any) -> None:
    numbers = [3, 1, 2, 150, 5]
    world.ledger.commit([receipt_row(receipt(number)) for number in numbers])
    world.ledger.commit([receipt_row(receipt(4, custom_id="grace")), receipt_row(receipt(6, custom_id=""))])
    world.ledger.commit([receipt_row(receipt(7, project="club"))])
    found = world.ledger.receipts_of("default", "ada")
    assert [one.id for one in found] == ["webhook-150", "webhook-5", "webhook-3", "webhook-2", "webhook-1"]
    assert [one.id for one in world.ledger.receipts_of("default", "ada", limit=2)] == [
        "webhook-150",
        "webhook-5",
    ]
    assert world.ledger.receipts_of("default", "nobody") == []


def test_all_receipts_come_newest_first_whosoever_they_are(world: Any) -> None:
    world.ledger.commit(
        [receipt_row(receipt(number, custom_id=f"person-{number % 2}")) for number in range(5)]
    )
    world.ledger.commit([profile_row("default", "ada", STATE), link_row("default", "reference", "ada")])
    assert [one.id for one in world.ledger.scan_receipts(3)] == ["webhook-4", "webhook-3", "webhook-2"]


def test_all_rows_of_a_profile_are_found_and_links_push_no_receipt_aside(world: Any) -> None:
    links = [link_row("default", f"shopify:order:{number}", "ada") for number in range(3)]
    facts = [fact_row("default", "shopify:order:1:total", "19.90", "ada")]
    others = [link_row("default", "shopify:order:9", "grace"), link_row("club", "shopify:order:1", "ada")]
    world.ledger.commit([*links, *facts, *others, receipt_row(receipt(1))])
    assert set(world.ledger.keys_of("default", "ada")) == {
        row["pk"]["S"] for row in (*links, *facts, receipt_row(receipt(1)))
    }
    assert [one.id for one in world.ledger.receipts_of("default", "ada", limit=1)] == ["webhook-1"]


def test_the_rows_of_a_profile_are_read_page_by_page_links_first(world: Any) -> None:
    links = [link_row("default", f"shopify:order:{number}", "ada") for number in range(3)]
    world.ledger.commit([*links, *(receipt_row(receipt(number)) for number in range(4))])
    pages, after = [], None
    while not pages or after:
        keys, after = world.ledger.page_at(profile_key("default", "ada"), after, limit=3)
        pages.append(keys)
    assert [len(page) for page in pages][:2] == [3, 3]
    assert {key.partition("#")[0] for key in pages[0]} == {"link"}
    assert [key for page in pages for key in page] == list(world.ledger.keys_of("default", "ada"))


def test_a_link_says_who_told_of_it_and_where_it_led_before(world: Any) -> None:
    moved = link_row("default", "shopify:customer:2", "ada", learnt_by="shopify/main", moved_from="eve")
    world.ledger.commit([moved, link_row("default", "shopify:customer:1", "ada")])
    assert world.ledger.known_links("default", ["shopify:customer:1", "shopify:customer:2"]) == {
        "shopify:customer:1": Link("ada"),
        "shopify:customer:2": Link("ada", "shopify/main", "eve"),
    }


def test_an_erased_profile_is_leased_to_nobody_until_its_time_has_passed(world: Any) -> None:
    world.ledger.commit([gone_row("default", "ada", NOW + 100)])
    with pytest.raises(Erased) as caught:
        world.ledger.lease("default", "ada", "one", NOW + 99)
    assert caught.value.until == NOW + 100
    assert world.ledger.state("default", "ada") == ProfileState()
    assert world.ledger.lease("default", "ada", "one", NOW + 101) == ProfileState()


def test_a_link_that_has_run_out_leads_nowhere_even_before_dynamodb_deletes_it(world: Any) -> None:
    world.ledger.commit([link_row("default", "shopify:order:1", "ada", NOW)])
    assert world.ledger.links("default", ["shopify:order:1"], NOW) == {"shopify:order:1": "ada"}
    assert world.ledger.links("default", ["shopify:order:1"], NOW + 1) == {}


def test_a_receipt_holds_no_value_that_a_source_sent() -> None:
    kept = {
        "id",
        "source",
        "connection",
        "topic",
        "status",
        "received_at",
        "finished_at",
        "project",
        "custom_id",
    }
    kept |= {"events", "attributes", "references", "warnings", "failure_class", "reason", "owed"}
    assert set(Receipt.__slots__) == kept, "does the new field hold names and ids alone? then add it here"


# ── Writing and reading many ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", [0, 1, BATCH_WRITE_ROWS, BATCH_WRITE_ROWS + 1, 2 * BATCH_READ_KEYS + 1])
def test_any_number_of_rows_is_written_and_read(world: Any, number: int) -> None:
    world.ledger.commit([receipt_row(receipt(index)) for index in range(number)])
    assert rows_in(world) == number
    assert len(world.ledger.known(f"webhook-{index}" for index in range(number)).finished) == number


def test_rows_are_written_25_at_a_time() -> None:
    client = Calls()
    Ledger("table", client).commit([receipt_row(receipt(index)) for index in range(60)])
    assert [len(call["RequestItems"]["table"]) for call in client.of("batch_write_item")] == [25, 25, 10]


def test_of_two_rows_of_one_key_the_last_is_written(world: Any) -> None:
    world.ledger.commit([receipt_row(receipt(status="waiting")), receipt_row(receipt(status="delivered"))])
    assert world.ledger.receipt("webhook-1") == receipt()


def test_a_key_asked_for_twice_is_read_once(world: Any) -> None:
    world.ledger.commit([receipt_row(receipt())])
    assert world.ledger.known(["webhook-1", "webhook-1"]).finished == {"webhook-1"}


def test_what_dynamodb_left_unwritten_is_written_again() -> None:
    rows = [receipt_row(receipt(index)) for index in range(3)]
    left = {"table": [{"PutRequest": {"Item": rows[2]}}]}
    client = Calls({"batch_write_item": [{"UnprocessedItems": left}, {"UnprocessedItems": {}}]})
    Ledger("table", client).commit(rows)
    first, second = client.of("batch_write_item")
    assert len(first["RequestItems"]["table"]) == 3
    assert second["RequestItems"] == left


def test_what_dynamodb_left_unread_is_read_again() -> None:
    row = receipt_row(receipt())
    left = {"table": {"Keys": [{"pk": {"S": "webhook#webhook-1"}}]}}
    answers = [
        {"Responses": {}, "UnprocessedKeys": left},
        {"Responses": {"table": [row]}, "UnprocessedKeys": {}},
    ]
    client = Calls({"batch_get_item": answers})
    assert Ledger("table", client).receipt("webhook-1") == receipt()
    assert client.of("batch_get_item")[1]["RequestItems"] == left


Operation = Callable[[Ledger], object]
UNPROCESSED: dict[str, tuple[dict[str, Any], Operation]] = {
    "batch_write_item": (
        {"UnprocessedItems": {"table": [{"PutRequest": {"Item": receipt_row(receipt())}}]}},
        lambda ledger: ledger.commit([receipt_row(receipt())]),
    ),
    "batch_get_item": (
        {"Responses": {}, "UnprocessedKeys": {"table": {"Keys": [{"pk": {"S": "webhook#webhook-1"}}]}}},
        lambda ledger: ledger.receipt("webhook-1"),
    ),
}


@pytest.mark.parametrize("operation", UNPROCESSED)
def test_a_dynamodb_that_never_processes_is_out_of_reach_within_seconds(operation: str) -> None:
    answer, act = UNPROCESSED[operation]
    client, slept = Calls({operation: answer}), list[float]()
    with pytest.raises(BatchUnavailable):
        act(Ledger("table", client, slept.append))
    assert slept == sorted(slept)
    assert 1 < sum(slept) < 5
    assert len(client.of(operation)) == len(slept) + 1


# ── Refusals for good ───────────────────────────────────────────────────────────────────────────────────

# what DynamoDB answers                                               is for good
REFUSALS = {
    "ValidationException": True,
    "ItemCollectionSizeLimitExceededException": True,
    "SerializationException": True,
    "ProvisionedThroughputExceededException": False,
    "ThrottlingException": False,
    "AccessDeniedException": False,
    "ResourceNotFoundException": False,
    "InternalServerError": False,
    "TransactionConflictException": False,
}


def refusal(code: str, *reasons: str) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "CancellationReasons": [{"Code": reason} for reason in reasons]}
    return ClientError(answer, "Any")


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_for_good_is_told_apart_from_an_outage(code: str) -> None:
    names = ("batch_get_item", "batch_write_item", "update_item", "query", "transact_write_items")
    broken = Ledger("table", Pages(dict.fromkeys(names, refusal(code))))
    for action in (
        lambda: broken.known(["webhook-1"]),
        lambda: broken.commit([receipt_row(receipt())]),
        lambda: broken.lease("default", "ada", "one", NOW),
        lambda: broken.take_turn(ROW, "one", NOW, NOW + 60),
        lambda: broken.receipts_of("default", "ada"),
        lambda: broken.remember_kinds("default", {"size": "string"}),
    ):
        with pytest.raises(NotStorable if REFUSALS[code] else BatchUnavailable):
            action()


@pytest.mark.parametrize(
    ("reasons", "error"),
    [
        (("None", "ValidationError"), NotStorable),
        (("ItemCollectionSizeLimitExceeded",), NotStorable),
        (("None", "TransactionConflict"), BatchUnavailable),
    ],
)
def test_of_a_transaction_the_reason_of_each_row_counts(
    reasons: tuple[str, ...], error: type[Failed]
) -> None:
    broken = refusal("TransactionCanceledException", *reasons)
    with pytest.raises(error):
        Ledger("table", Calls({"transact_write_items": broken})).remember_kinds("default", {"a": "string"})


def test_what_was_just_written_is_what_is_read() -> None:
    client = Calls({"batch_get_item": {"Responses": {}}})
    Ledger("table", client).known(["webhook-1"])
    [call] = client.of("batch_get_item")
    assert call["RequestItems"]["table"]["ConsistentRead"] is True


# ── Links ───────────────────────────────────────────────────────────────────────────────────────────────


def test_links_lead_from_a_sources_own_ids_to_the_profile(world: Any) -> None:
    world.ledger.commit(
        [
            link_row("default", "shopify:customer:1", "ada"),
            link_row("default", "odd#reference:é", "grace"),
            link_row("club", "shopify:customer:2", "joan"),
        ]
    )
    asked = ["shopify:customer:1", "odd#reference:é", "shopify:customer:2", "shopify:customer:3"]
    assert world.ledger.links("default", asked) == {"shopify:customer:1": "ada", "odd#reference:é": "grace"}
    assert world.ledger.links("club", asked) == {"shopify:customer:2": "joan"}
    assert world.ledger.links("default", []) == {}


def test_facts_are_told_to_later_webhooks_of_the_same_project(world: Any) -> None:
    world.ledger.commit(
        [
            fact_row("default", "shopify:order:1:total", "19.90", "ada"),
            fact_row("club", "a#b", "1", "joan"),
        ]
    )
    assert world.ledger.facts("default", ["shopify:order:1:total", "a#b"]) == {
        "shopify:order:1:total": "19.90"
    }
    assert world.ledger.facts("club", ["a#b"]) == {"a#b": "1"}
    assert world.ledger.facts("club", []) == {}


# ── Leases ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_profile_that_nobody_holds_is_leased_with_what_is_known_of_it(world: Any) -> None:
    assert world.ledger.lease("default", "ada", "one", NOW) == ProfileState()
    world.ledger.commit([profile_row("default", "ada", STATE)])
    assert world.ledger.lease("default", "ada", "two", NOW) == STATE


def test_a_profile_that_another_holds_is_busy_until_the_lease_runs_out(world: Any) -> None:
    world.ledger.lease("default", "ada", "one", NOW)
    for later in (0, 1, LEASE_SECONDS):
        with pytest.raises(ProfileBusy):
            world.ledger.lease("default", "ada", "two", NOW + later)
    world.ledger.lease("default", "ada", "two", NOW + LEASE_SECONDS + 0.5)
    with pytest.raises(ProfileBusy):
        world.ledger.lease("default", "ada", "one", NOW + LEASE_SECONDS + 1)


def test_who_holds_a_profile_may_hold_it_longer(world: Any) -> None:
    world.ledger.lease("default", "ada", "one", NOW)
    world.ledger.lease("default", "ada", "one", NOW + 50)
    with pytest.raises(ProfileBusy):
        world.ledger.lease("default", "ada", "two", NOW + LEASE_SECONDS + 1)


def test_a_lease_is_of_one_profile_in_one_project(world: Any) -> None:
    world.ledger.lease("default", "ada", "one", NOW)
    world.ledger.lease("default", "grace", "two", NOW)
    world.ledger.lease("club", "ada", "two", NOW)


def test_writing_a_profile_gives_its_lease_back(world: Any) -> None:
    world.ledger.lease("default", "ada", "one", NOW)
    world.ledger.commit([profile_row("default", "ada", STATE)])
    assert world.ledger.lease("default", "ada", "two", NOW + 1) == STATE


def test_taking_a_lease_forgets_nothing_of_the_profile(world: Any) -> None:
    world.ledger.commit([profile_row("default", "ada", STATE)])
    world.ledger.lease("default", "ada", "one", NOW)
    assert world.ledger.lease("default", "ada", "two", NOW + LEASE_SECONDS + 1) == STATE


class OneCallAtATime:
    """A client whose calls are each whole, as DynamoDB's are; moto's threads get in between its check and its write."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self.client, name)

        def call(**arguments: Any) -> Any:
            with self.lock:
                return operation(**arguments)

        return call if callable(operation) and name != "exceptions" else operation


def test_of_many_who_reach_for_a_profile_at_once_one_gets_it(world: Any) -> None:
    got: list[str] = []
    ledger = Ledger(world.ledger.table, OneCallAtATime(world.ledger.client))

    def reach(owner: str) -> None:
        try:
            ledger.lease("default", "ada", owner, NOW)
            got.append(owner)
        except ProfileBusy:
            pass

    threads = [threading.Thread(target=reach, args=(f"owner-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


# ── Out of reach ────────────────────────────────────────────────────────────────────────────────────────


class Condition:
    ConditionalCheckFailedException = NotFound


# ── Turns ───────────────────────────────────────────────────────────────────────────────────────────────

ROW = "gaps#shopify#main"


def test_what_one_turn_leaves_the_next_one_reads(world: Any) -> None:
    ledger = world.ledger
    assert ledger.take_turn(ROW, "one", NOW, NOW + 60) == ""
    ledger.keep_turn(ROW, "one", "page 1")
    ledger.keep_turn(ROW, "one", "page 2")
    ledger.end_turn(ROW, "one")
    assert ledger.take_turn(ROW, "two", NOW, NOW + 60) == "page 2"


def test_a_turn_is_one_owners_until_it_ends_or_its_time_is_over(world: Any) -> None:
    ledger = world.ledger
    ledger.take_turn(ROW, "one", NOW, NOW + 60)
    with pytest.raises(ProfileBusy):
        ledger.take_turn(ROW, "two", NOW + 59, NOW + 90)
    ledger.take_turn(ROW, "two", NOW + 61, NOW + 90)
    for late in (lambda: ledger.keep_turn(ROW, "one", "late"), lambda: ledger.end_turn(ROW, "one")):
        with pytest.raises(ProfileBusy):
            late()
    ledger.end_turn(ROW, "two")
    assert ledger.take_turn(ROW, "three", NOW + 62, NOW + 90) == ""


def test_the_events_that_profiles_have_had_are_told_but_of_those_that_are_gone(world: Any) -> None:
    had = ProfileState(seen=("shopify:order:1:order_paid",))
    rows = [profile_row("default", name, had) for name in ("ada", "eva")]
    world.ledger.commit([*rows, gone_row("default", "eva", NOW + 60), profile_row("other", "bob", had)])
    found = world.ledger.seen("default", ["ada", "eva", "bob", "nobody"])
    assert found == {"ada": frozenset(had.seen)}


class Pages(Calls):
    """A client whose paginator gives pages until it breaks."""

    exceptions = Condition

    def get_paginator(self, operation: str) -> Any:
        broken = self.answers[operation]

        class Paginator:
            def paginate(self, **arguments: Any) -> Any:
                yield {"Items": []}
                raise broken

        return Paginator()


ACTIONS: dict[str, Callable[[Ledger], object]] = {
    "known": lambda ledger: ledger.known(["webhook-1"]),
    "links": lambda ledger: ledger.links("default", ["reference"]),
    "facts": lambda ledger: ledger.facts("default", ["name"]),
    "lease": lambda ledger: ledger.lease("default", "ada", "one", NOW),
    "commit": lambda ledger: ledger.commit([receipt_row(receipt())]),
    "receipt": lambda ledger: ledger.receipt("webhook-1"),
    "receipts_of": lambda ledger: ledger.receipts_of("default", "ada"),
    "scan_receipts": lambda ledger: ledger.scan_receipts(5),
    "keys_of": lambda ledger: list(ledger.keys_of("default", "ada")),
    "known_links": lambda ledger: ledger.known_links("default", ["reference"]),
    "page_at": lambda ledger: ledger.page_at("profile#default#ada"),
    "seen": lambda ledger: ledger.seen("default", ["ada"]),
    "take_turn": lambda ledger: ledger.take_turn("gaps#shopify#main", "one", NOW, NOW + 60),
    "keep_turn": lambda ledger: ledger.keep_turn("gaps#shopify#main", "one", "text"),
    "end_turn": lambda ledger: ledger.end_turn("gaps#shopify#main", "one"),
    "state": lambda ledger: ledger.state("default", "ada"),
    "delete": lambda ledger: ledger.delete(["webhook#1"]),
}


@pytest.mark.parametrize("broken", [out_of_reach(), refused("Query")], ids=["network", "refused"])
@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_while_dynamodb_is_out_of_reach_webhooks_wait(
    action: Callable[[Ledger], object], broken: Exception
) -> None:
    names = ("batch_get_item", "batch_write_item", "update_item", "query", "scan")
    with pytest.raises(BatchUnavailable):
        action(Ledger("table", Pages(dict.fromkeys(names, broken))))


# ── Types of names ──────────────────────────────────────────────────────────────────────────────────────


def test_the_type_of_a_name_is_kept_for_each_project_and_the_first_stays(world: Any) -> None:
    world.ledger.remember_kinds("default", {"size": "string", "order_paid.items.size": "integer"})
    world.ledger.remember_kinds("default", {"size": "boolean", "born": "date"})
    world.ledger.remember_kinds("outlet", {"size": "float"})
    assert world.ledger.kinds("default", ["size", "order_paid.items.size", "born", "new"]) == {
        "size": "string",
        "order_paid.items.size": "integer",
        "born": "date",
    }
    assert world.ledger.kinds("outlet", ["size", "born"]) == {"size": "float"}


def test_more_types_than_one_transaction_takes_are_remembered_in_several() -> None:
    client = Calls()
    Ledger("ledger", client).remember_kinds("default", {f"name_{number}": "string" for number in range(201)})
    sizes = [len(call["TransactItems"]) for call in client.of("transact_write_items")]
    assert sizes == [TRANSACTION_ROWS, TRANSACTION_ROWS, 1]


def test_types_of_names_without_dynamodb_are_unavailable() -> None:
    ledger = Ledger(
        "ledger", Calls({"transact_write_items": out_of_reach(), "batch_get_item": out_of_reach()})
    )
    with pytest.raises(BatchUnavailable):
        ledger.remember_kinds("default", {"size": "string"})
    with pytest.raises(BatchUnavailable):
        ledger.kinds("default", ["size"])
