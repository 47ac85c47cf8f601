"""What the deliver function promises of every webhook, whatever Batch, the ledger and the mappings do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bridge.errors import BatchUnavailable, Ignored, MappingFailed
from bridge.profiles.identity import email_sha256
from bridge.profiles.profile_change import Event, ProfileChange
from bridge.storage.parameters import Parameters
from bridge.webhook import Webhook
from tests.owners import owners_group, owners_person
from tests.world import record

ADA = {"id": 1, "email": "ada@example.com", "first_name": "Ada", "updated_at": "2026-09-10T10:00:00Z"}
GRACE = {"id": 2, "email": "grace@example.com", "first_name": "Grace", "updated_at": "2026-09-10T10:00:00Z"}


def order(number: int, customer: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"#{number}",
        "customer": customer,
        "created_at": "2026-09-10T10:00:00Z",
        "processed_at": "2026-09-10T10:01:00Z",
        "updated_at": "2026-09-10T10:02:00Z",
        "current_total_price": "10.00",
        "currency": "EUR",
    } | fields


def events_of(world: Any) -> list[str]:
    return [event["name"] for operation in world.operations for event in operation.get("events", [])]


def test_a_webhook_becomes_one_operation_of_its_profile(world: Any, shopify: Any) -> None:
    assert world.deliver(shopify("orders/paid", 1, **order(1001, ADA))) == []
    [operation] = world.operations
    assert operation["identifiers"] == {"custom_id": email_sha256("ada@example.com")}
    assert operation["attributes"]["last_order_total"] == 10.0
    assert operation["events"][0]["name"] == "order_paid"
    assert operation["events"][0]["time"] == "2026-09-10T10:01:00Z"


def test_a_batch_makes_one_call_with_one_operation_per_profile(world: Any, shopify: Any) -> None:
    world.deliver(
        shopify("customers/create", 1, **ADA),
        shopify("orders/create", 2, **order(1001, ADA)),
        shopify("orders/paid", 3, **order(1001, ADA)),
        shopify("orders/paid", 4, group="2", **order(1002, GRACE)),
    )
    assert [len(call) for call in world.batch.calls] == [2]
    assert [event["name"] for event in world.operations[0]["events"]] == [
        "customer_created",
        "order_placed",
        "order_paid",
    ]


def test_the_same_webhook_makes_one_event_within_a_batch_and_across_batches(world: Any, shopify: Any) -> None:
    webhook = shopify("orders/paid", 1, **order(1001, ADA))
    assert world.deliver(webhook, webhook) == []
    assert world.deliver(webhook) == []
    assert events_of(world) == ["order_paid"]


def test_a_repeat_is_known_also_where_its_event_has_no_key_of_its_own(world: Any, shopify: Any) -> None:
    def keyless(webhook: Webhook, settings: Any) -> ProfileChange:
        return ProfileChange(owners_person(email="ada@example.com"), events=(Event("form_submitted", None),))

    world.mappers["shopify"] = keyless
    webhook = shopify("orders/paid", 1)
    assert world.deliver(webhook, webhook) == []
    assert events_of(world) == ["form_submitted"]
    assert world.deliver(webhook) == []
    assert events_of(world) == ["form_submitted"]


def test_an_older_state_writes_no_attribute_but_sends_its_event(world: Any, shopify: Any) -> None:
    world.deliver(shopify("orders/paid", 1, **order(1001, ADA, financial_status="paid")))
    older = order(1001, ADA, updated_at="2026-09-10T10:00:00Z", financial_status="pending")
    world.deliver(shopify("orders/create", 2, **older))
    late = world.operations[-1]
    assert late["events"][0]["name"] == "order_placed"
    assert "last_order_status" not in late["attributes"]


def test_an_event_of_yesterday_goes_without_time_and_says_when_it_occurred(world: Any, shopify: Any) -> None:
    world.deliver(shopify("orders/paid", 1, **order(1001, ADA, processed_at="2026-09-09T12:00:00Z")))
    [event] = world.operations[0]["events"]
    assert "time" not in event
    assert event["attributes"]["date(occurred_at)"] == "2026-09-09T12:00:00Z"


def test_an_event_of_a_clock_ahead_happens_now(world: Any, shopify: Any) -> None:
    world.deliver(shopify("orders/paid", 1, **order(1001, ADA, processed_at="2026-09-10T12:00:30Z")))
    assert world.operations[0]["events"][0]["time"] == "2026-09-10T12:00:00Z"


def test_a_mapping_that_fails_parks_its_webhook_with_a_reason_without_values(
    world: Any, shopify: Any
) -> None:
    broken = shopify("orders/paid", 1, **order(1001, ADA, created_at="ada's birthday"))
    fine = shopify("orders/paid", 2, **order(1002, ADA))
    assert world.deliver(broken, fine) == []
    [parked] = world.parked()
    assert (parked.id, parked.failure.failure_class) == ("webhook-1", "mapping_failed")
    assert parked.failure.reason == "created_at: datetime_from_date_parsing"
    assert world.ledger.receipt("webhook-1").status == "parked"
    assert world.ledger.receipt("webhook-2").status == "delivered"


def test_a_mapping_with_a_bug_parks_its_webhook_and_names_the_line(world: Any, shopify: Any) -> None:
    def buggy(webhook: Webhook, settings: Any) -> ProfileChange:
        return {"ada@example.com": 1}["grace@example.com"]  # type: ignore[return-value]

    world.mappers["shopify"] = buggy
    world.deliver(shopify("orders/paid", 1, **order(1001, ADA)))
    [parked] = world.parked()
    assert parked.failure.reason.startswith("KeyError in test_pipeline.py line ")
    assert "example.com" not in parked.failure.reason


def test_after_the_mapping_is_mended_a_retry_delivers(world: Any, shopify: Any) -> None:
    mapper = world.mappers["shopify"]
    world.mappers["shopify"] = lambda webhook, settings: 1 / 0
    world.deliver(shopify("orders/paid", 1, **order(1001, ADA)))
    world.mappers["shopify"] = mapper
    [parked] = world.queue.receive_parked(60)
    world.queue.retry([parked])
    [message] = world.queue.client.receive_message(QueueUrl=world.queue.url)["Messages"]
    assert world.deliver(world.queue.webhook(message["Body"])) == []
    assert events_of(world) == ["order_paid"]
    assert world.ledger.receipt("webhook-1").status == "delivered"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503, json={"error_code": 2, "error_message": "MAINTENANCE_ERROR"}),
        httpx.Response(429, json={"error_code": 60, "error_message": "TOO_MANY_REQUESTS"}),
        httpx.Response(500, text="<html>"),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("gone"),
    ],
    ids=["503", "429", "500", "timeout", "refused"],
)
def test_while_batch_is_away_webhooks_stay_in_the_queue(
    world: Any, shopify: Any, answer: httpx.Response | Exception
) -> None:
    webhook = shopify("orders/paid", 1, **order(1001, ADA))
    world.batch.answers = [answer]
    assert world.deliver(webhook) == ["message-webhook-1"]
    assert world.parked() == []
    assert world.ledger.receipt("webhook-1").status == "retrying"
    assert world.deliver(webhook, receive_count=2) == []
    assert world.ledger.receipt("webhook-1").status == "delivered"
    assert world.operations[-1]["attributes"]["last_order_id"] == "1001"


def test_the_delay_grows_from_five_seconds_to_ten_minutes(world: Any, shopify: Any) -> None:
    delays = []
    for receive_count in (1, 2, 5, 20, 899):
        world.batch.answers = [httpx.Response(503)]
        world.deliver(shopify("orders/paid", 1, **order(1001, ADA)), receive_count=receive_count)
        delays += world.delays.values()
    assert [5 <= delays[0] <= 7, 10 <= delays[1] <= 13, 80 <= delays[2] <= 100] == [True] * 3
    assert all(480 <= delay <= 600 for delay in delays[3:])


def test_a_retry_after_header_is_honoured(world: Any, shopify: Any) -> None:
    world.batch.answers = [httpx.Response(429, headers={"retry-after": "90"})]
    world.deliver(shopify("orders/paid", 1, **order(1001, ADA)))
    assert 90 <= next(iter(world.delays.values())) <= 113


def test_before_sqs_gives_a_webhook_up_it_is_parked_with_its_class(world: Any, shopify: Any) -> None:
    world.batch.answers = [httpx.Response(503)] * 2
    webhook = shopify("orders/paid", 1, **order(1001, ADA))
    assert world.deliver(webhook, receive_count=900) == []
    world.now += timedelta(days=12, seconds=1).total_seconds()
    assert world.deliver(replace(webhook, id="webhook-2")) == []
    assert {parked.failure.failure_class for parked in world.parked()} == {"batch_unavailable"}


def test_wrong_keys_lose_nothing_and_the_right_ones_deliver(
    world: Any, shopify: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    webhook = shopify("orders/paid", 1, **order(1001, ADA))
    world.batch.answers = [httpx.Response(401)]
    assert world.deliver(webhook) == ["message-webhook-1"]
    assert '"BatchCredentialsRefused"' in capsys.readouterr().out
    assert world.deliver(webhook, receive_count=2) == []
    assert world.parked() == []


def test_refused_keys_are_read_anew_before_giving_up(world: Any, shopify: Any) -> None:
    world.secrets.cache.clock = lambda: world.now
    world.secrets.batch_keys("default")
    world.secrets.store("batch/default", {"rest_api_key": "new-key", "project_key": "project-key"})
    world.now += 31
    world.batch.answers = [httpx.Response(401)]
    assert world.deliver(shopify("orders/paid", 1, **order(1001, ADA))) == []
    assert world.batch.keys == ["Bearer rest-key", "Bearer new-key"]


def test_without_keys_webhooks_wait(world: Any, shopify: Any) -> None:
    world.secrets.store("batch/default", {"rest_api_key": "", "project_key": ""})
    assert world.deliver(shopify("orders/paid", 1, **order(1001, ADA))) == ["message-webhook-1"]
    assert world.batch.calls == []


def test_a_webhook_that_batch_refuses_is_parked_and_the_others_are_delivered(
    world: Any, shopify: Any
) -> None:
    world.batch.refuse = lambda operation: (
        operation.get("attributes", {}).get("last_order_id") == "1003"
        or any(event["attributes"].get("order_id") == "1003" for event in operation.get("events", []))
    )
    webhooks = [
        shopify("orders/paid", number, group=str(number % 3), **order(1000 + number, customer))
        for number, customer in enumerate([ADA, GRACE, ADA, GRACE, ADA], start=1)
    ]
    assert world.deliver(*webhooks) == []
    [parked] = world.parked()
    assert (parked.id, parked.failure.failure_class) == ("webhook-3", "rejected_by_batch")
    delivered = {
        number for number in range(1, 6) if world.ledger.receipt(f"webhook-{number}").status == "delivered"
    }
    assert delivered == {1, 2, 4, 5}


def test_a_partial_error_is_traced_to_its_webhook_and_only_that_part_is_retried(
    world: Any, shopify: Any
) -> None:
    world.batch.answers = [
        httpx.Response(
            202,
            json={
                "code": "SUCCESS_WITH_PARTIAL_ERRORS",
                "errors": [
                    {"category": "attribute", "bulk_index": 0, "attribute": "first_name", "reason": "Ada"}
                ],
            },
        )
    ]
    customer = shopify("customers/create", 1, **ADA)
    world.deliver(customer, shopify("orders/paid", 2, **order(1001, ADA)))
    [parked] = world.queue.receive_parked(60)
    assert parked.failure.reason == "Batch refused attribute:first_name"
    assert world.ledger.receipt("webhook-2").status == "delivered"
    world.queue.retry([parked])
    [message] = world.queue.client.receive_message(QueueUrl=world.queue.url)["Messages"]
    world.deliver(world.queue.webhook(message["Body"]))
    assert world.operations[-1] == {
        "identifiers": {"custom_id": email_sha256("ada@example.com")},
        "attributes": {"first_name": "Ada"},
    }


def test_a_partial_error_is_traced_to_the_profile_at_its_place_in_the_call(world: Any, shopify: Any) -> None:
    error = {"category": "attribute", "bulk_index": 1, "attribute": "first_name", "reason": "Grace"}
    world.batch.answers = [
        httpx.Response(202, json={"code": "SUCCESS_WITH_PARTIAL_ERRORS", "errors": [error]})
    ]
    world.deliver(shopify("customers/create", 1, **ADA), shopify("customers/create", 2, group="2", **GRACE))
    [parked] = world.parked()
    assert (parked.id, parked.envelope["only"]) == ("webhook-2", ["attribute:first_name"])
    assert world.ledger.receipt("webhook-1").status == "delivered"


def test_a_refused_event_is_traced_by_its_name(world: Any, shopify: Any) -> None:
    error = {"category": "event", "bulk_index": 0, "attribute": "order_paid", "reason": "too old"}
    world.batch.answers = [
        httpx.Response(202, json={"code": "SUCCESS_WITH_PARTIAL_ERRORS", "errors": [error]})
    ]
    world.deliver(shopify("customers/create", 1, **ADA), shopify("orders/paid", 2, **order(1001, ADA)))
    [parked] = world.parked()
    assert (parked.id, parked.envelope["only"]) == ("webhook-2", ["event:order_paid"])


def test_a_customer_that_stays_in_the_queue_keeps_its_order_and_blocks_no_other(
    world: Any, shopify: Any
) -> None:
    webhooks = [
        shopify("orders/paid", 1, **order(1001, ADA)),
        shopify("orders/updated", 2, **order(1001, ADA)),
        shopify("orders/paid", 3, group="2", **order(1002, GRACE)),
    ]
    world.ledger.lease("default", email_sha256("ada@example.com"), "another delivery", world.now)
    assert world.deliver(*webhooks) == ["message-webhook-1", "message-webhook-2"]
    assert max(world.delays.values()) <= 2
    world.now += 61
    assert world.deliver(*webhooks) == []
    assert sorted(events_of(world)) == ["order_paid", "order_paid"]


def test_nothing_overtakes_in_a_customers_lane_whosever_profile_it_is_about(world: Any, shopify: Any) -> None:
    lin = {"id": 3, "email": "lin@example.com", "updated_at": "2026-09-10T10:00:00Z"}
    world.ledger.lease("default", email_sha256("ada@example.com"), "another delivery", world.now)
    stay = world.deliver(
        shopify("orders/paid", 1, **order(1001, ADA)),
        shopify("orders/paid", 2, **order(1002, GRACE)),
        shopify("orders/paid", 3, group="2", **order(1003, lin)),
    )
    assert stay == ["message-webhook-1", "message-webhook-2"]
    told = {operation["identifiers"]["custom_id"] for operation in world.operations}
    assert told == {email_sha256("lin@example.com")}


def test_a_profile_is_given_back_after_each_delivery(world: Any, shopify: Any) -> None:
    world.batch.answers = [httpx.Response(503)]
    world.deliver(shopify("orders/paid", 1, **order(1001, ADA)))
    assert world.ledger.lease("default", email_sha256("ada@example.com"), "another", world.now)


def test_a_webhook_that_names_nobody_waits_for_one_that_does(world: Any, shopify: Any) -> None:
    def told_elsewhere(webhook: Webhook, settings: Any) -> ProfileChange:
        email = "ada@example.com" if webhook.topic == "customers/create" else None
        person = owners_person(
            None, email, "shopify:1", ("shopify:customer:1",), named_elsewhere=email is None
        )
        return ProfileChange(person, events=(Event("subscription_started", None),))

    world.mappers["shopify"] = told_elsewhere
    assert world.deliver(shopify("orders/paid", 1)) == []
    [envelope] = world.waiting()
    assert (envelope["id"], envelope["waits"]) == ("webhook-1", 1)
    assert world.ledger.receipt("webhook-1").failure_class == "identity_unknown"
    world.deliver(shopify("customers/create", 2))
    world.deliver(replace(shopify("orders/paid", 1), waits=1))
    assert {operation["identifiers"]["custom_id"] for operation in world.operations} == {
        email_sha256("ada@example.com")
    }


@pytest.mark.parametrize("place", ["dead_letter_url", "waiting_url"])
def test_what_can_neither_be_parked_nor_put_aside_stays_in_the_queue(
    world: Any, shopify: Any, place: str
) -> None:
    def told(webhook: Webhook, settings: Any) -> ProfileChange:
        if place == "dead_letter_url":
            raise MappingFailed("created_at: missing")
        return ProfileChange(owners_person(references=("shopify:customer:1",), named_elsewhere=True))

    world.mappers["shopify"] = told
    url = getattr(world.queue, place)
    setattr(world.queue, place, f"{url}-away")
    assert world.deliver(shopify("orders/paid", 1)) == ["message-webhook-1"]
    assert world.ledger.receipt("webhook-1").status == "retrying"
    setattr(world.queue, place, url)
    assert world.deliver(shopify("orders/paid", 1), receive_count=2) == []
    assert [one["id"] for one in world.waiting()] or [one.id for one in world.parked()] == ["webhook-1"]


def test_what_batch_took_and_the_ledger_could_not_note_comes_back_without_its_event_and_is_counted(
    world: Any, shopify: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    table, webhook = world.ledger.table, shopify("orders/paid", 1, **order(1001, ADA))

    def lose_the_ledger(operation: dict[str, Any]) -> bool:
        world.ledger.table = "away"
        return False

    world.batch.refuse = lose_the_ledger
    assert world.deliver(webhook) == []
    assert '"ReceiptsNotWritten":[1]' in capsys.readouterr().out
    world.batch.refuse = lambda operation: False
    world.ledger.table = table
    world.now += 61
    assert world.deliver(replace(webhook, only=("attributes",), waits=1)) == []
    assert events_of(world) == ["order_paid"]
    assert [len(one.get("attributes", {})) > 0 for one in world.operations] == [True, True]
    assert world.ledger.receipt("webhook-1").status == "delivered"


@pytest.mark.parametrize(
    ("settings", "status"), [({}, "delivered"), ({"identity": ["user_id", "email_sha256"]}, "parked")]
)
def test_after_a_day_it_falls_back_to_the_sources_id_or_is_parked(
    world: Any, shopify: Any, settings: dict[str, Any], status: str
) -> None:
    world.parameters.write("shopify", "main", settings)
    person = owners_person(source_id="shopify:1", references=("shopify:customer:1",), named_elsewhere=True)
    world.mappers["shopify"] = lambda webhook, settings: ProfileChange(person, events=(Event("x", None),))
    world.now += timedelta(hours=24).total_seconds()
    world.deliver(shopify("orders/paid", 1))
    receipt = world.ledger.receipt("webhook-1")
    assert (receipt.status, receipt.custom_id) == (status, "shopify:1" if status == "delivered" else "")


def test_the_first_resolution_of_a_customer_sticks(world: Any, shopify: Any) -> None:
    world.deliver(shopify("customers/create", 1, **ADA))
    world.deliver(shopify("customers/update", 2, **ADA | {"email": "countess@example.com"}))
    world.deliver(shopify("orders/paid", 3, **order(1001, {"id": 1})))
    assert {operation["identifiers"]["custom_id"] for operation in world.operations} == {
        email_sha256("ada@example.com")
    }


def test_test_orders_are_ignored_unless_the_connection_wants_them(world: Any, shopify: Any) -> None:
    world.deliver(shopify("orders/paid", 1, **order(1001, ADA, test=True)))
    assert (world.batch.calls, world.ledger.receipt("webhook-1").reason) == ([], "test event")
    world.parameters.cache.entries.clear()
    world.parameters.write("shopify", "main", {"test_events": True})
    world.deliver(shopify("orders/paid", 2, **order(1001, ADA, test=True)))
    assert events_of(world) == ["order_paid"]


def test_a_connection_can_go_to_another_project(world: Any, shopify: Any) -> None:
    world.parameters.write("shopify", "main", {"project": "outlet"})
    world.secrets.store("batch/outlet", {"rest_api_key": "outlet-key", "project_key": "outlet"})
    world.deliver(shopify("orders/paid", 1, **order(1001, ADA)))
    assert world.batch.keys == ["Bearer outlet-key"]


def test_what_a_mapping_ignores_leaves_a_receipt(world: Any, shopify: Any) -> None:
    def ignoring(webhook: Webhook, settings: Any) -> ProfileChange:
        raise Ignored("honeypot field was filled in")

    world.mappers["shopify"] = ignoring
    world.deliver(shopify("orders/paid", 1))
    assert world.ledger.receipt("webhook-1").reason == "honeypot field was filled in"


def test_a_message_that_is_no_webhook_is_parked_as_it_is(world: Any, shopify: Any) -> None:
    webhook = shopify("orders/paid", 1, **order(1001, ADA))
    stray = {
        "messageId": "stray",
        "receiptHandle": "stray",
        "body": "not an envelope",
        "attributes": {
            "MessageGroupId": "x",
            "SenderId": "AROAEXAMPLE:a-function",
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1789041600000",
        },
    }
    fine = world.queue.envelope(webhook)
    assert world.deliver_records([stray, stray | {"messageId": "fine", "body": fine}]) == []
    [parked] = world.parked()
    assert parked.failure.failure_class == "mapping_failed"
    assert events_of(world) == ["order_paid"]


def test_many_events_of_one_profile_go_in_several_calls(world: Any, shopify: Any) -> None:
    def many(webhook: Webhook, settings: Any) -> ProfileChange:
        person = owners_person(email="ada@example.com")
        return ProfileChange(person, events=tuple(Event(f"event_{n}", None) for n in range(4)))

    world.mappers["shopify"] = many
    world.deliver(*(shopify("orders/paid", number) for number in range(10)))
    assert [sum(len(one["events"]) for one in call) for call in world.batch.calls] == [12, 12, 12, 4]


def test_warnings_stand_on_the_receipt(world: Any, shopify: Any) -> None:
    world.deliver(shopify("customers/create", 1, **ADA | {"phone": "call me", "last_name": "L" * 301}))
    assert set(world.ledger.receipt("webhook-1").warnings) == {
        "value_dropped:$phone_number",
        "string_cut:last_name",
    }


def test_receipts_of_a_profile_are_found_newest_first(world: Any, shopify: Any) -> None:
    world.deliver(shopify("customers/create", 1, **ADA))
    later = shopify("orders/paid", 2, **order(1001, ADA))
    world.deliver(replace(later, received_at=later.received_at + timedelta(minutes=1)))
    found = world.ledger.receipts_of("default", email_sha256("ada@example.com"))
    assert [receipt.id for receipt in found] == ["webhook-2", "webhook-1"]


def test_lists_that_several_webhooks_change_travel_as_one_change(world: Any, shopify: Any) -> None:
    changes: dict[str, Any] = {
        "webhook-1": {"tags": None},
        "webhook-2": {"tags": {"$add": ["vip"]}},
        "webhook-3": {"tags": {"$add": ["new"], "$remove": ["vip"]}},
    }

    def listed(webhook: Webhook, settings: Any) -> ProfileChange:
        group = owners_group("tags", webhook.id, changes[webhook.id])
        return ProfileChange(owners_person(email="ada@example.com"), (group,))

    world.mappers["shopify"] = listed
    world.deliver(*(shopify("customers/update", number) for number in (1, 2, 3)))
    assert [operation["attributes"] for operation in world.operations] == [{"tags": ["new"]}]


MERGED = {
    "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/1",
    "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/2",
}


def test_a_merge_leads_the_other_customer_to_the_kept_profile(world: Any, shopify: Any) -> None:
    world.deliver(shopify("customers/create", 1, **ADA), shopify("customers/create", 2, group="2", **GRACE))
    person = owners_person(references=("shopify:customer:1",), named_elsewhere=True)
    mapper = world.mappers["shopify"]
    world.mappers["shopify"] = lambda *_: ProfileChange(person, moves=("shopify:customer:2",))
    world.deliver(shopify("customers/merge", 3, **MERGED))
    world.mappers["shopify"] = mapper
    world.deliver(shopify("orders/paid", 4, group="2", **order(1002, GRACE)))
    assert world.operations[-1]["identifiers"]["custom_id"] == email_sha256("ada@example.com")


def test_a_fact_that_one_webhook_tells_completes_another(world: Any, shopify: Any) -> None:
    def telling(webhook: Webhook, settings: Any) -> ProfileChange:
        person = owners_person(email="ada@example.com")
        if webhook.topic == "orders/create":
            return ProfileChange(person, remember={"shopify:order:1:total": "10.00"})
        wanted = ("shopify:order:1:total", "shopify:order:2:total")
        return ProfileChange(
            person, recall=wanted, completed=lambda known: (Event("order_refunded", None, dict(known)),)
        )

    world.mappers["shopify"] = telling
    world.deliver(shopify("orders/create", 1), shopify("refunds/create", 2))
    world.deliver(shopify("refunds/create", 3))
    told = [event["attributes"] for operation in world.operations for event in operation["events"]]
    assert [list(attributes.values()) for attributes in told] == [["10.00"], ["10.00"]]


def test_two_webhooks_that_tell_of_one_event_make_it_once(world: Any, shopify: Any) -> None:
    event = Event("checkout_completed", None, once="cs_1")
    world.mappers["shopify"] = lambda *_: ProfileChange(
        owners_person(email="ada@example.com"), events=(event,)
    )
    world.batch.answers = [httpx.Response(503)]
    world.deliver(shopify("orders/create", 1))
    world.deliver(shopify("orders/create", 1), shopify("orders/create", 2))
    world.deliver(shopify("orders/create", 3))
    assert events_of(world) == ["checkout_completed", "checkout_completed"]
    assert len(world.batch.calls) == 2


# ── Settings ────────────────────────────────────────────────────────────────────────────────────────────────


class CountingParameters(Parameters):
    """Counts how often the settings of a connection are asked for."""

    reads = 0

    def read(self, source: str, connection: str) -> dict[str, Any]:
        self.reads += 1
        return super().read(source, connection)


@pytest.mark.parametrize("is_closed", [False, True], ids=["called", "not called for a while"])
def test_settings_are_read_once_for_each_webhook(world: Any, shopify: Any, is_closed: bool) -> None:
    world.parameters = CountingParameters(world.parameters.stack, world.parameters.client)
    pipeline = world.pipeline()
    if is_closed:
        pipeline.breaker.trip("default", BatchUnavailable("away"))
    webhooks = [shopify("orders/paid", number, **order(1000 + number, ADA)) for number in (1, 2, 3)]
    stay = pipeline.run([record(world.queue, webhook, receive_count=2) for webhook in webhooks])
    assert (len(stay), len(world.batch.calls)) == ((3, 0) if is_closed else (0, 1))
    assert world.parameters.reads == len(webhooks)


@pytest.mark.parametrize("is_closed", [False, True], ids=["called", "not called for a while"])
def test_wrong_settings_park_their_webhooks_alone(world: Any, shopify: Any, is_closed: bool) -> None:
    world.parameters.write("shopify", "main", {"no_such_setting": 1})
    pipeline = world.pipeline()
    if is_closed:
        pipeline.breaker.trip("default", BatchUnavailable("away"))
    other = replace(shopify("orders/paid", 2, group="2", **order(1002, GRACE)), connection="other")
    webhooks = [shopify("orders/paid", 1, **order(1001, ADA)), other]
    stay = pipeline.run([record(world.queue, webhook, receive_count=2) for webhook in webhooks])
    assert [parked.failure.reason for parked in world.parked()] == ["the connection's settings are invalid"]
    assert (len(stay), len(world.batch.calls)) == ((1, 0) if is_closed else (0, 1))


def test_settings_that_cannot_be_read_leave_their_webhook_in_the_queue(world: Any, shopify: Any) -> None:
    world.parameters.client.put_parameter(
        Name=f"/{world.parameters.stack}/shopify/main", Value="no JSON", Type="String"
    )
    assert len(world.deliver(shopify("orders/paid", 1, **order(1001, ADA)))) == 1
    assert (world.parked(), world.batch.calls) == ([], [])
