"""What a round over the dead-letter queue moves, and what it leaves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.errors import Unavailable
from bridge.storage.queue import Failure, Parked, WebhookQueue
from bridge.webhook import Webhook
from functions.retry import handler as retry
from functions.retry.rounds import DeadLetters, Filter, Order, Report, retry_round
from tests.core.stand_ins import Calls, out_of_reach, refused

RECEIVED = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
FAILED = datetime(2026, 9, 10, 12, 5, tzinfo=UTC)
BODY = b'{"email": "ada@example.com"}'


def webhook(number: int, source: str = "shopify", **changes: Any) -> Webhook:
    made = Webhook(
        id=f"webhook-{number}",
        source=source,
        connection="main",
        topic="orders/paid",
        headers={"content-type": "application/json"},
        body=BODY,
        received_at=RECEIVED,
        group=f"group-{number}",
    )
    return replace(made, **changes)


def park(world: Any, number: int, failure_class: str = "mapping_failed", source: str = "shopify") -> None:
    world.queue.park(webhook(number, source), Failure(failure_class, "a reason", FAILED))


def round_of(
    world: Any, *, dry_run: bool = False, has_time: Callable[[], bool] = lambda: True, **wanted: Any
) -> Report:
    return retry_round(DeadLetters(world.queue), Filter.of(wanted), Order(dry_run=dry_run), has_time)


def queued(world: Any) -> list[Webhook]:
    answer = world.queue.client.receive_message(
        QueueUrl=world.queue.url, MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [world.queue.webhook(message["Body"]) for message in answer.get("Messages", [])]


def left(world: Any) -> set[str]:
    return {parked.id for parked in world.queue.receive_parked(visibility_seconds=0)}


@pytest.fixture
def four(world: Any) -> Any:
    """Two sources, three classes."""
    park(world, 1, "mapping_failed")
    park(world, 2, "batch_unavailable")
    park(world, 3, "batch_unavailable", source="stripe")
    park(world, 4, "rejected_by_batch", source="stripe")
    return world


# ── Filters ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wanted", "moved"),
    [
        ({}, {1, 2, 3, 4}),
        ({"classes": []}, {1, 2, 3, 4}),
        ({"classes": ["batch_unavailable"]}, {2, 3}),
        ({"classes": ["batch_unavailable", "mapping_failed"]}, {1, 2, 3}),
        ({"sources": ["stripe"]}, {3, 4}),
        ({"ids": ["webhook-4", "webhook-9"]}, {4}),
        ({"classes": ["batch_unavailable"], "sources": ["shopify"]}, {2}),
        ({"classes": ["identity_unknown"]}, set()),
    ],
)
def test_a_filter_moves_what_it_names_and_leaves_the_rest_to_be_seen(
    four: Any, wanted: dict[str, Any], moved: set[int]
) -> None:
    report = round_of(four, **wanted)
    names = {f"webhook-{number}" for number in moved}
    assert {found.id for found in queued(four)} == names
    assert left(four) == {f"webhook-{number}" for number in {1, 2, 3, 4} - moved}
    assert (report.retried, report.left, report.more) == (len(moved), 4 - len(moved), False)
    assert {found["id"] for found in report.webhooks} == names


def test_what_is_retried_counts_its_round_and_keeps_all_else(four: Any) -> None:
    round_of(four, ids=["webhook-1"])
    assert queued(four) == [webhook(1, retries=1)]


def test_a_report_tells_what_people_ask_for_and_no_body(four: Any) -> None:
    [found] = round_of(four, ids=["webhook-3"]).webhooks
    assert found == {
        "id": "webhook-3",
        "source": "stripe",
        "connection": "main",
        "topic": "orders/paid",
        "received_at": RECEIVED.isoformat(),
        "retries": None,
        "class": "batch_unavailable",
        "reason": "a reason",
        "failed_at": FAILED.isoformat(),
    }


def test_a_dry_run_lists_and_changes_nothing(four: Any) -> None:
    report = round_of(four, dry_run=True, sources=["stripe"])
    assert {found["id"] for found in report.webhooks} == {"webhook-3", "webhook-4"}
    assert (report.retried, report.left) == (0, 4)
    assert queued(four) == []
    assert left(four) == {"webhook-1", "webhook-2", "webhook-3", "webhook-4"}


def test_more_than_a_page_is_moved_in_one_round(world: Any) -> None:
    for number in range(23):
        park(world, number, "mapping_failed" if number % 2 else "batch_unavailable")
    report = round_of(world, classes=["batch_unavailable"])
    assert (report.retried, report.left, report.more) == (12, 11, False)


@pytest.mark.parametrize("unknown", ["class", "failure_class", "id"])
def test_an_unknown_filter_is_refused_by_name_before_anything_moves(
    four: Any, function: Any, unknown: str
) -> None:
    with pytest.raises(ValueError, match=f"^unknown filter: {unknown}$"):
        function({"filter": {unknown: ["x"], "ids": ["webhook-1"]}})
    assert queued(four) == []


@pytest.mark.parametrize("values", ["mapping_failed", None, {"mapping_failed": True}, 7])
def test_a_filter_that_is_no_list_is_refused_by_name(four: Any, values: object) -> None:
    with pytest.raises(ValueError, match=r"^not a list: classes$"):
        round_of(four, classes=values)


# ── Time and trouble ────────────────────────────────────────────────────────────────────────────────────


def test_when_time_runs_out_the_round_says_that_more_may_be_left(world: Any) -> None:
    for number in range(15):
        park(world, number)
    clock = iter([True, False])
    report = round_of(world, has_time=lambda: next(clock))
    assert (report.retried, report.more) == (10, True)
    assert len(left(world)) == 5


def test_without_any_time_nothing_is_touched(four: Any) -> None:
    report = round_of(four, has_time=lambda: False)
    assert report == Report(more=True)
    assert len(left(four)) == 4


def test_what_fails_again_at_once_is_not_tried_twice_in_a_round(world: Any) -> None:
    park(world, 1)
    rounds: list[int] = []

    class FailsAgain(WebhookQueue):
        def retry(self, parked: Sequence[Parked]) -> list[Parked]:
            rounds.append(1)
            stay = super().retry(parked)
            park(world, 1, "rejected_by_batch")
            return stay

    given = world.queue
    failing = FailsAgain(given.url, given.dead_letter_url, client=given.client)
    report = retry_round(DeadLetters(failing), Filter(), Order(), lambda: len(rounds) < 5)
    assert (len(rounds), report.retried, report.left) == (1, 1, 1)
    assert left(world) == {"webhook-1"}


@pytest.mark.parametrize("broken", [out_of_reach(), refused("SendMessage")], ids=["network", "refused"])
def test_when_the_queue_refuses_the_round_ends_and_what_it_kept_is_seen_again(broken: Exception) -> None:
    envelopes = [
        json.loads(WebhookQueue(client=Calls()).envelope(webhook(number, source)))
        for number, source in enumerate(["stripe", "shopify"])
    ]
    received = {
        "Messages": [
            {"Body": json.dumps(one), "ReceiptHandle": f"handle-{one['source']}"} for one in envelopes
        ]
    }
    calls = Calls({"receive_message": received, "send_message_batch": broken})
    queue = WebhookQueue("queue", "dead-letters", client=calls)
    with pytest.raises(Unavailable):
        retry_round(DeadLetters(queue), Filter(sources=("shopify",)), Order(), lambda: True)
    assert calls.of("delete_message_batch") == []
    [call] = calls.of("change_message_visibility_batch")
    assert [entry["ReceiptHandle"] for entry in call["Entries"]] == ["handle-stripe"]


@pytest.mark.parametrize(
    "stray", ["text", "{}", '{"id": "webhook-9"}', "[]", '{"id": 9, "group": "x", "source": "y"}']
)
def test_a_message_that_is_no_webhook_is_left_alone_and_stops_no_round(four: Any, stray: str) -> None:
    four.queue.park_message(stray, "stray")
    report = round_of(four)
    assert (report.retried, report.left) == (4, 1)
    [parked] = four.queue.receive_parked(visibility_seconds=0)
    assert (parked.id, parked.envelope) == ("", {})


# ── The function ────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Context:
    """Lambda's context; `calls` times there is time left."""

    aws_request_id: str = "request-1"
    calls: int = 99

    def get_remaining_time_in_millis(self) -> int:
        self.calls -= 1
        return 60_000 if self.calls >= 0 else 10_000


@pytest.fixture
def function(world: Any) -> Iterator[Callable[..., Any]]:
    """The handler, with the clients of moto."""
    before, retry.queue.client = retry.queue.client, world.queue.client
    yield lambda event, **context: retry.handler(event, Context(**context))
    retry.queue.client = before


def test_the_function_takes_a_filter_and_reports(four: Any, function: Any) -> None:
    report = function({"filter": {"classes": ["batch_unavailable"]}})
    assert (report["retried"], report["left"], report["more"]) == (2, 2, False)
    json.dumps(report)


@pytest.mark.parametrize("event", [{}, {"filter": None}, {"filter": {}}])
def test_without_a_filter_the_function_retries_all(four: Any, function: Any, event: dict[str, Any]) -> None:
    assert function(event)["retried"] == 4


def test_the_function_keeps_a_dry_run_dry(four: Any, function: Any) -> None:
    assert function({"filter": {}, "dry_run": True})["retried"] == 0
    assert queued(four) == []


def test_the_function_ends_its_round_before_lambda_does(four: Any, function: Any) -> None:
    assert function({}, calls=0)["more"] is True
    assert queued(four) == []


def records(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [{"messageId": f"message-{number}", "body": body} for number, body in enumerate(bodies)]
    }


def test_waiting_webhooks_go_back_to_the_queue_as_they_are(world: Any, function: Any) -> None:
    waited = webhook(1, waits=3, retries=2, only=("event:order_paid",))
    assert function(records(world.queue.envelope(waited))) == {"batchItemFailures": []}
    assert queued(world) == [waited]


def test_a_waiting_webhook_that_is_handed_over_twice_is_queued_once(world: Any, function: Any) -> None:
    envelope = world.queue.envelope(webhook(1, waits=1))
    function(records(envelope, envelope))
    assert len(queued(world)) == 1


def test_a_waiting_webhook_that_the_queue_refuses_stays_where_it_is(world: Any) -> None:
    envelopes = [world.queue.envelope(webhook(number, waits=1)) for number in range(3)]
    calls = Calls({"send_message": [{}, refused("SendMessage"), {}]})
    before, retry.queue.client = retry.queue.client, calls
    failures = retry.forward(records(*envelopes)["Records"])
    retry.queue.client = before
    assert failures == [{"itemIdentifier": "message-1"}]
    assert len(calls.of("send_message")) == 3


@pytest.mark.parametrize("stray", ["text", "{}", "null", '{"id": "webhook-9"}'])
def test_what_waits_and_is_no_webhook_is_parked_and_holds_up_no_other(
    world: Any, function: Any, stray: str
) -> None:
    assert function(records(stray, world.queue.envelope(webhook(1, waits=1)))) == {"batchItemFailures": []}
    assert [found.id for found in queued(world)] == ["webhook-1"]
    [parked] = world.queue.receive_parked(visibility_seconds=0)
    assert parked.envelope == {}


def left_behind(world: Any, *bodies: str) -> None:
    for body in bodies:
        world.queue.client.send_message(QueueUrl=world.queue.left_behind_url, MessageBody=body)


def test_what_the_waiting_queue_gave_up_is_parked_and_retried_by_the_schedule(
    world: Any, function: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = [webhook(number, waits=number) for number in range(1, 13)]
    left_behind(world, *(world.queue.envelope(one) for one in gone))
    report = function({"left_behind": True, "filter": {"classes": ["batch_unavailable"]}})
    assert report["retried"] == 12
    assert '"WebhooksLeftBehind":[12]' in capsys.readouterr().out


def test_people_see_what_the_waiting_queue_gave_up_and_why(world: Any, function: Any) -> None:
    left_behind(world, world.queue.envelope(webhook(1, waits=3)), "no webhook")
    function({"left_behind": True, "filter": {"ids": ["of none"]}})
    reasons = {parked.id: parked.failure.reason for parked in world.queue.receive_parked(0)}
    assert reasons["webhook-1"] == "the waiting queue gave it up"
    assert len(reasons) == 2


def test_what_was_left_behind_stays_where_the_dead_letter_queue_refuses_it(world: Any) -> None:
    page = {"Messages": [{"Body": "text", "MessageId": "1", "ReceiptHandle": "handle"}]}
    calls = Calls({"receive_message": [page], "send_message": [refused("SendMessage")]})
    queue = WebhookQueue("", "dead", left_behind_url="left", client=calls)
    with pytest.raises(Unavailable):
        queue.park_left_behind(Failure("batch_unavailable", "", FAILED), lambda: True)
    assert calls.of("delete_message") == []


def test_nothing_of_a_webhook_is_logged(
    four: Any, function: Any, log: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    function({})
    function(records("ada@example.com"))
    shown = "".join([*capsys.readouterr(), log.getvalue()])
    assert "retry round ended" in shown
    assert re.search(r'"WebhooksRetried":\[4(\.0)?\]', shown)
    assert "ada" not in shown


def test_what_may_be_an_attack_is_retried_only_by_its_class_or_its_id(world: Any) -> None:
    park(world, 1)
    park(world, 2, "topic_unconfirmed")
    park(world, 3, "topic_unconfirmed")
    assert round_of(world).retried == 1
    assert left(world) == {"webhook-2", "webhook-3"}
    assert round_of(world, sources=["shopify"], topics=["orders/paid"]).retried == 0
    assert round_of(world, ids=["webhook-2"]).retried == 1
    assert round_of(world, classes=["topic_unconfirmed"]).retried == 1
    assert left(world) == set()
