"""How a webhook travels through SQS and S3, and what comes out at the other end."""

from __future__ import annotations

import base64
import json
import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BatchUnavailable, Ignored, MappingFailed, Unavailable
from bridge.storage.queue import (
    COMPRESS_OVER_BYTES,
    MAX_DELAY_SECONDS,
    MAX_MESSAGE_BYTES,
    NAME,
    Failure,
    Parked,
    WebhookQueue,
    deduplication_id,
    envelope_in,
)
from bridge.storage.traces import Traces
from bridge.webhook import MAX_BODY_BYTES, Webhook
from tests.core.stand_ins import Calls, out_of_reach, refused

RECEIVED = datetime(2026, 9, 10, 12, 0, 0, 123456, tzinfo=UTC)
REFUSED = Failure("rejected_by_batch", "Batch refused event:order_paid", RECEIVED)
BROKEN = [out_of_reach(), refused("SendMessage")]
TEXTS = st.text()
Choose = Callable[[list[Parked]], list[Parked]]


def webhook(body: bytes = b"{}", **changes: Any) -> Webhook:
    made = Webhook(
        id="0123456789abcdef0123456789abcdef",
        source="shopify",
        connection="main",
        topic="orders/paid",
        headers={"x-shopify-api-version": "2026-04"},
        body=body,
        received_at=RECEIVED,
        group="fedcba9876543210fedcba9876543210",
    )
    return replace(made, **changes)


def offline(**answers: Any) -> WebhookQueue:
    """A queue whose SQS and S3 stand in."""
    return WebhookQueue(
        "queue", "dead-letters", "waiting", "bodies", client=Calls(answers), s3_client=Calls(answers)
    )


def noise(size: int) -> bytes:
    """Bytes that do not compress, the same every time."""
    return random.Random(size).randbytes(size)


def messages(world: Any, url: str) -> list[dict[str, Any]]:
    answer = world.queue.client.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"], VisibilityTimeout=0
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


# ── The envelope ────────────────────────────────────────────────────────────────────────────────────────


@given(body=st.binary() | TEXTS.map(lambda text: text.encode(errors="surrogatepass")))
def test_any_body_comes_out_as_it_went_in(body: bytes) -> None:
    queue = offline()
    assert queue.webhook(queue.envelope(webhook(body))) == webhook(body)


@given(
    topic=TEXTS,
    headers=st.dictionaries(TEXTS, TEXTS),
    only=st.lists(TEXTS).map(tuple),
    retries=st.integers(0, 99),
    waits=st.integers(0, 99),
    received_at=st.datetimes(timezones=st.just(UTC)),
)
def test_all_that_is_known_of_a_webhook_comes_out_as_it_went_in(**known: Any) -> None:
    queue = offline()
    assert queue.webhook(queue.envelope(webhook(**known))) == webhook(**known)


@given(TEXTS)
def test_a_message_is_plain_ascii_which_sqs_always_takes(text: str) -> None:
    message = offline().envelope(webhook(text.encode(errors="replace"), topic=text, headers={"x": text}))
    assert message.isascii()
    assert message.isprintable()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b'{"id": 1}', "text"),
        ("Zoë 🎉".encode(), "text"),
        (b"", "text"),
        (b"\xff\xfe", "base64"),
        (b"a" * COMPRESS_OVER_BYTES, "text"),
        (b"a" * (COMPRESS_OVER_BYTES + 1), "zlib"),
        (b"\xff" * (COMPRESS_OVER_BYTES + 1), "zlib"),
        (b"\x00" * COMPRESS_OVER_BYTES, "zlib"),
    ],
)
def test_a_body_travels_as_text_where_it_can_and_compressed_where_it_is_large(
    body: bytes, encoding: str
) -> None:
    queue = offline()
    message = queue.envelope(webhook(body))
    assert json.loads(message)["encoding"] == encoding
    assert queue.webhook(message).body == body
    assert queue.s3.made == []


@pytest.mark.parametrize("character", ["a", "é", "漢", "🎉", '"', "\\", "\x00", "\x7f", "\u2028"])
def test_no_body_that_compresses_goes_to_s3_however_much_its_characters_grow(character: str) -> None:
    queue = offline()
    body = (character * COMPRESS_OVER_BYTES).encode()[:COMPRESS_OVER_BYTES]
    message = queue.envelope(webhook(body.decode(errors="ignore").encode()))
    assert len(message) <= MAX_MESSAGE_BYTES
    assert queue.s3.made == []


@pytest.mark.parametrize("extra", [0, 1])
def test_the_limit_is_that_of_the_message_as_it_is_sent(extra: int) -> None:
    queue = offline()
    body = noise(170_000)
    size = len(queue.envelope(webhook(body, topic="")))
    message = queue.envelope(webhook(body, topic="t" * (MAX_MESSAGE_BYTES - size + extra)))
    assert len(message) <= MAX_MESSAGE_BYTES
    assert (json.loads(message)["encoding"], len(queue.s3.made)) == (("s3", 1) if extra else ("zlib", 0))
    assert extra or len(message.encode()) == MAX_MESSAGE_BYTES


def test_a_body_that_is_too_large_all_the_same_lies_in_s3(world: Any) -> None:
    body = noise(400_000)
    message = world.queue.envelope(webhook(body))
    content = json.loads(message)
    assert content["encoding"] == "s3"
    assert len(message) < 1000
    assert world.queue.s3.get_object(Bucket="bridge-test-bodies", Key=content["body"])["Body"].read() == body
    assert world.queue.webhook(message) == webhook(body)


def test_the_same_large_webhook_is_kept_once(world: Any) -> None:
    body = noise(400_000)
    assert world.queue.envelope(webhook(body)) == world.queue.envelope(webhook(body))
    assert world.queue.s3.list_objects_v2(Bucket="bridge-test-bodies")["KeyCount"] == 1


@pytest.mark.parametrize("broken", [out_of_reach(), refused("PutObject")])
def test_when_s3_refuses_a_large_body_it_is_not_stored(broken: Exception) -> None:
    queue = offline(put_object=broken)
    with pytest.raises(Unavailable):
        queue.send(webhook(noise(400_000)))
    assert queue.client.made == []


@pytest.mark.parametrize("broken", [out_of_reach(), refused("GetObject")])
def test_while_s3_does_not_give_a_body_its_webhook_waits(broken: Exception) -> None:
    queue = offline(get_object=broken)
    with pytest.raises(BatchUnavailable):
        queue.webhook(queue.envelope(webhook(noise(400_000))))


def spoil(**changes: Any) -> str:
    content = json.loads(offline().envelope(webhook())) | changes
    return json.dumps({name: value for name, value in content.items() if value is not ...})


@pytest.mark.parametrize(
    "message",
    [
        "",
        "text",
        "null",
        "[]",
        "7",
        "{}",
        "[" * 100_000,
        *(spoil(**{name: ...}) for name in ("id", "source", "topic", "headers", "body", "encoding", "group")),
        spoil(received_at="yesterday"),
        spoil(received_at=7),
        spoil(encoding="rot13"),
        spoil(encoding="base64", body="é"),
        spoil(encoding="zlib", body="AAAA"),
        spoil(encoding="zlib", body=base64.b64encode(zlib.compress(b"a" * 99)[:-5]).decode()),
        spoil(encoding="zlib", body=base64.b64encode(zlib.compress(b"a" * (MAX_BODY_BYTES + 1))).decode()),
        spoil(body=7),
        spoil(body=None),
        spoil(body="\ud800"),
        spoil(only=7),
    ],
)
def test_a_message_that_is_no_webhook_of_ours_is_told_apart(message: str) -> None:
    queue = offline()
    with pytest.raises(MappingFailed):
        queue.webhook(message)
    assert queue.s3.made == []


# ── Sending ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_webhook_is_sent_in_its_customers_group_under_its_own_id(world: Any) -> None:
    world.queue.send(webhook(retries=2, waits=1))
    [message] = messages(world, world.queue.url)
    assert message["Attributes"]["MessageGroupId"] == webhook().group
    assert message["Attributes"]["MessageDeduplicationId"] == f"{webhook().id}-2-1"
    assert world.queue.webhook(message["Body"]) == webhook(retries=2, waits=1)


def test_a_repeat_within_five_minutes_is_one_message_but_a_retry_is_another(world: Any) -> None:
    for sent in (webhook(), webhook(), webhook(retries=1), webhook(waits=1), webhook(waits=1)):
        world.queue.send(sent)
    counted = world.queue.client.get_queue_attributes(QueueUrl=world.queue.url, AttributeNames=["All"])
    assert counted["Attributes"]["ApproximateNumberOfMessages"] == "3"


def test_a_webhook_and_its_envelope_have_the_same_deduplication_id() -> None:
    queue = offline()
    sent = webhook(retries=3, waits=2)
    queue.send(sent)
    queue.forward(json.loads(queue.envelope(sent)))
    first, second = queue.client.of("send_message")
    assert first == second
    assert deduplication_id(json.loads(queue.envelope(webhook()))) == f"{webhook().id}-0-0"


def test_a_webhook_that_waits_counts_its_rounds_and_is_delayed(world: Any) -> None:
    world.queue.wait(webhook(), 0)
    [message] = messages(world, world.queue.waiting_url)
    assert world.queue.webhook(message["Body"]) == webhook(waits=1)


def test_no_delay_is_longer_than_sqs_allows() -> None:
    queue = offline()
    queue.wait(webhook(), 10 * MAX_DELAY_SECONDS)
    [call] = queue.client.of("send_message")
    assert (call["QueueUrl"], call["DelaySeconds"]) == ("waiting", MAX_DELAY_SECONDS)


ACTIONS: dict[str, Callable[[WebhookQueue], None]] = {
    "send": lambda queue: queue.send(webhook()),
    "wait": lambda queue: queue.wait(webhook(), 5),
    "park": lambda queue: queue.park(webhook(), REFUSED),
    "park_message": lambda queue: queue.park_message("text", "message-1"),
    "forward": lambda queue: queue.forward(json.loads(queue.envelope(webhook()))),
}


@pytest.mark.parametrize("broken", BROKEN, ids=["network", "refused"])
@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_what_sqs_refuses_is_unavailable(action: Callable[[WebhookQueue], None], broken: Exception) -> None:
    with pytest.raises(Unavailable):
        action(offline(send_message=broken))


def test_a_hanging_queue_leaves_the_door_time_to_answer() -> None:
    config = WebhookQueue("queue").client.meta.config
    tries = config.retries["total_max_attempts"]
    assert tries * (config.connect_timeout + config.read_timeout) < 10


# ── Postponing ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("number", "chunks"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])]
)
def test_messages_are_postponed_ten_at_a_time(number: int, chunks: list[int]) -> None:
    queue = offline()
    delays = {f"handle-{index}": index for index in range(number)}
    queue.postpone(delays)
    calls = queue.client.of("change_message_visibility_batch")
    assert [len(call["Entries"]) for call in calls] == chunks
    entries = [entry for call in calls for entry in call["Entries"]]
    assert {entry["ReceiptHandle"]: entry["VisibilityTimeout"] for entry in entries} == delays
    for call in calls:
        assert len({entry["Id"] for entry in call["Entries"]}) == len(call["Entries"])


def test_postponing_is_worth_no_failure_and_goes_on_after_one() -> None:
    queue = offline(change_message_visibility_batch=[refused("ChangeMessageVisibilityBatch")])
    queue.postpone({f"handle-{index}": 5 for index in range(20)})
    assert len(queue.client.made) == 2


def entries_in(calls: list[dict[str, Any]]) -> list[list[str]]:
    return [[entry["ReceiptHandle"] for entry in call["Entries"]] for call in calls]


def failing(*ids: str, is_ours: bool) -> dict[str, Any]:
    return {"Failed": [{"Id": one, "SenderFault": is_ours, "Code": "AnyCode"} for one in ids]}


BATCHES: dict[str, tuple[str, Callable[[WebhookQueue], None]]] = {
    "postpone": (
        "change_message_visibility_batch",
        lambda queue: queue.postpone({f"handle-{number}": 5 for number in range(3)}),
    ),
    "finish": (
        "delete_message_batch",
        lambda queue: queue.finish([f"handle-{number}" for number in range(3)]),
    ),
    "release_parked": (
        "change_message_visibility_batch",
        lambda queue: queue.release_parked(
            [replace(parked_in("{}")[0], receipt_handle=f"handle-{number}") for number in range(3)]
        ),
    ),
}


@pytest.mark.parametrize(("operation", "act"), BATCHES.values(), ids=BATCHES)
def test_what_fails_inside_an_answer_of_200_is_tried_again_where_that_helps_and_counted(
    operation: str, act: Callable[[WebhookQueue], None], capsys: pytest.CaptureFixture[str]
) -> None:
    queue = offline(**{operation: [failing("0", "2", is_ours=False), failing("1", is_ours=True)]})
    act(queue)
    first, second = entries_in(queue.client.of(operation))
    assert (first, second) == ([f"handle-{number}" for number in range(3)], ["handle-0", "handle-2"])
    assert '"QueueEntriesFailed":[1]' in capsys.readouterr().out


@pytest.mark.parametrize(("operation", "act"), BATCHES.values(), ids=BATCHES)
def test_what_the_caller_did_wrong_is_counted_and_not_tried_again(
    operation: str, act: Callable[[WebhookQueue], None], capsys: pytest.CaptureFixture[str]
) -> None:
    queue = offline(**{operation: [failing("0", "2", is_ours=True)]})
    act(queue)
    assert len(queue.client.of(operation)) == 1
    assert '"QueueEntriesFailed":[2]' in capsys.readouterr().out


def test_a_hundred_parked_messages_are_shown_again_in_ten_calls() -> None:
    queue = offline()
    queue.release_parked(parked_in(*["{}"] * 100))
    assert len(queue.client.of("change_message_visibility_batch")) == 10


@pytest.mark.parametrize("code", ["InvalidMessageContents", "InvalidParameterValue"])
def test_what_sqs_refuses_for_good_is_parked_without_what_is_long(code: str) -> None:
    refusal = ClientError({"Error": {"Code": code}}, "SendMessage")
    queue = offline(send_message=[refusal, {}])
    long = "x" * 9000
    queue.park(webhook(topic=long, headers={"a": long, "b": "c"}), replace(REFUSED, call={"events": long}))
    first, second = (json.loads(call["MessageBody"]) for call in queue.client.of("send_message"))
    assert len(first["topic"]) == 9000
    assert (len(second["topic"]), second["headers"]) == (128, {"b": "c"})
    assert "call" not in second["failure"]


def test_any_name_of_a_group_is_one_that_sqs_takes() -> None:
    queue = offline()
    for name in ("message-1", "x" * 500, "é", "", "a b"):
        queue.park_message("text", name)
    groups = [call["MessageGroupId"] for call in queue.client.of("send_message")]
    assert all(NAME.fullmatch(group) for group in groups)
    assert len(set(groups)) == 5
    assert groups[0] == "message-1"


def test_a_postponed_message_is_not_seen_meanwhile(world: Any) -> None:
    world.queue.send(webhook())
    [message] = world.queue.client.receive_message(QueueUrl=world.queue.url)["Messages"]
    world.queue.postpone({message["ReceiptHandle"]: 600})
    assert messages(world, world.queue.url) == []
    world.queue.postpone({message["ReceiptHandle"]: 0})
    assert len(messages(world, world.queue.url)) == 1


# ── The dead-letter queue ───────────────────────────────────────────────────────────────────────────────


def test_a_parked_webhook_is_found_with_its_reason(world: Any) -> None:
    world.queue.park(webhook(only=("event:order_paid",)), REFUSED)
    [parked] = world.queue.receive_parked(visibility_seconds=0)
    assert (parked.id, parked.failure) == (webhook().id, REFUSED)
    assert parked.envelope["only"] == ["event:order_paid"]


def test_a_large_webhook_is_parked_too(world: Any) -> None:
    body = noise(400_000)
    world.queue.park(webhook(body), REFUSED)
    [parked] = world.queue.receive_parked(60)
    world.queue.retry([parked])
    [message] = messages(world, world.queue.url)
    assert world.queue.webhook(message["Body"]) == webhook(body, retries=1)


def test_a_retried_webhook_leaves_the_dead_letter_queue_and_forgets_its_failure(world: Any) -> None:
    world.queue.park(webhook(waits=4, retries=1), REFUSED)
    [parked] = world.queue.receive_parked(visibility_seconds=60)
    world.queue.retry([parked])
    [message] = messages(world, world.queue.url)
    assert world.queue.webhook(message["Body"]) == webhook(retries=2)
    assert "failure" not in message["Body"]
    assert world.queue.receive_parked(visibility_seconds=0) == []


@pytest.mark.parametrize("broken", BROKEN, ids=["network", "refused"])
def test_a_webhook_that_cannot_be_sent_again_stays_parked(broken: Exception) -> None:
    queue = offline(send_message_batch=broken)
    [parked] = parked_in(queue.envelope(webhook(), REFUSED))
    with pytest.raises(Unavailable):
        queue.retry([parked])
    assert queue.client.of("delete_message_batch") == []


def test_of_several_those_that_sqs_did_not_take_stay_parked_and_are_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    queue = offline(send_message_batch=failing("1", is_ours=False))
    parked = parked_in(*(queue.envelope(webhook(id=f"webhook-{number}"), REFUSED) for number in range(3)))
    assert [one.id for one in queue.retry(parked)] == ["webhook-1"]
    [call] = queue.client.of("delete_message_batch")
    assert len(call["Entries"]) == 2
    assert '"QueueEntriesFailed":[1]' in capsys.readouterr().out


@pytest.mark.parametrize(("size", "calls"), [(100, 3), (80_000, 13)])
def test_no_call_carries_more_than_sqs_takes(size: int, calls: int) -> None:
    queue = offline()
    message = queue.envelope(webhook(noise(size)), REFUSED)
    queue.retry(parked_in(*[message] * 25))
    sent = queue.client.of("send_message_batch")
    assert len(sent) == calls
    for call in sent:
        assert sum(len(entry["MessageBody"]) for entry in call["Entries"]) <= 256 * 1024


def parked_in(*bodies: str) -> list[Any]:
    received = {"Messages": [{"Body": body, "ReceiptHandle": "handle"} for body in bodies]}
    return offline(receive_message=received).receive_parked(60)


STRAYS = [
    "",
    "text",
    "null",
    "[]",
    "{}",
    "[" * 100_000,
    '{"id": "1"}',
    '{"id": "", "source": "shopify", "group": "1"}',
    '{"id": 1, "source": "shopify", "group": "1"}',
    '{"failure": "text"}',
    '{"failure": {"class": "mapping_failed"}}',
]


@pytest.mark.parametrize("body", STRAYS)
def test_a_stray_message_is_listed_and_hides_no_other(body: str) -> None:
    stray, own = parked_in(body, offline().envelope(webhook(), REFUSED))
    assert (stray.id, stray.envelope, stray.failure.failure_class) == ("", {}, "mapping_failed")
    assert own.id == webhook().id


@pytest.mark.parametrize(
    "failure",
    [
        None,
        "text",
        [],
        {},
        {"class": "x"},
        {"class": "x", "reason": "y"},
        {"class": "x", "reason": "y", "failed_at": "z"},
    ],
)
def test_a_webhook_that_sqs_itself_moved_away_is_listed_as_broken_off(failure: object) -> None:
    content = json.loads(offline().envelope(webhook()))
    [parked] = parked_in(json.dumps(content if failure is None else content | {"failure": failure}))
    assert parked.id == webhook().id
    assert (parked.failure.failure_class, parked.failure.reason) == (
        "mapping_failed",
        "delivery broke off too often",
    )


def test_reading_the_dead_letter_queue_out_of_reach_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        offline(receive_message=out_of_reach()).receive_parked(60)


def test_released_messages_are_seen_again_as_far_as_can_be(world: Any) -> None:
    for number in range(3):
        world.queue.park(webhook(id=f"webhook-{number}"), REFUSED)
    parked = world.queue.receive_parked(visibility_seconds=600)
    assert world.queue.receive_parked(visibility_seconds=600) == []
    world.queue.release_parked([replace(parked[0], receipt_handle="no such handle"), *parked[1:]])
    assert len(world.queue.receive_parked(visibility_seconds=0)) == 2


def test_an_envelope_is_read_without_its_body() -> None:
    queue = offline()
    message = queue.envelope(webhook(noise(400_000)))
    assert envelope_in(message)["id"] == webhook().id
    assert queue.s3.of("get_object") == []


# ── Erasing ─────────────────────────────────────────────────────────────────────────────────────────────


def theirs(queue: WebhookQueue, *groups: str, email: str = "") -> Choose:
    """What chooses of a page the webhooks of somebody who is known by groups, or by an e-mail."""
    traces = Traces(frozenset(groups), email)
    return lambda page: [one for one in page if queue.is_of(one, traces)]


def test_what_is_meant_is_deleted_from_the_dead_letter_queue_and_the_rest_is_seen_again(world: Any) -> None:
    for number in range(12):
        world.queue.park(webhook(id=f"webhook-{number}", group=f"group-{number}"), REFUSED)
    meant = theirs(world.queue, "group-3", "group-11", "group-5")
    dropped, is_whole = world.queue.drop_parked(meant, lambda: True)
    assert {parked.id for parked in dropped} == {"webhook-3", "webhook-11", "webhook-5"}
    assert is_whole
    left = [*world.queue.receive_parked(600), *world.queue.receive_parked(600)]
    assert len({parked.id for parked in left}) == 9
    counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    told = world.queue.client.get_queue_attributes(
        QueueUrl=world.queue.dead_letter_url, AttributeNames=counts
    )
    assert sum(int(told["Attributes"][name]) for name in counts) == 9


@pytest.mark.parametrize("size", [100, 100_000, 400_000])
def test_a_parked_webhook_that_names_the_person_is_theirs_however_its_body_travels(
    world: Any, size: int
) -> None:
    body = noise(size)
    world.queue.park(webhook(body + b'"Ada@Example.com"', id="webhook-1"), REFUSED)
    world.queue.park(webhook(body + b'"nada@example.com"', id="webhook-2"), REFUSED)
    dropped, _ = world.queue.drop_parked(theirs(world.queue, email="ada@example.com"), lambda: True)
    assert [parked.id for parked in dropped] == ["webhook-1"]


def test_a_parked_message_that_nobody_can_read_is_left_alone(world: Any) -> None:
    world.queue.park_message('{"body": "ada@example.com", "encoding": "rot13"}', "odd")
    world.queue.park_message("ada@example.com", "odder")
    assert world.queue.drop_parked(theirs(world.queue, email="ada@example.com"), lambda: True) == ([], True)


def test_no_more_of_the_dead_letter_queue_is_read_than_there_is_time_for() -> None:
    page = {"Messages": [{"Body": "{}", "ReceiptHandle": "1"}]}
    queue = offline(receive_message=page)
    answers = iter([True, True, False])
    assert queue.drop_parked(theirs(queue), lambda: next(answers)) == ([], False)
    assert len(queue.client.of("receive_message")) == 2


def test_a_message_whose_body_was_deleted_is_told_apart_from_one_that_s3_does_not_give(world: Any) -> None:
    message = world.queue.envelope(webhook(noise(400_000)))
    world.queue.delete_bodies([("shopify", "main", webhook().id)])
    with pytest.raises(Ignored):
        world.queue.webhook(message)
    with pytest.raises(BatchUnavailable):
        offline(get_object=refused("GetObject")).webhook(message)


def test_only_what_may_lie_in_s3_is_looked_for_there() -> None:
    queue = offline(delete_objects=out_of_reach())
    queue.forget_body(webhook(b"{}"))
    assert queue.s3.made == []
    queue.forget_body(webhook(noise(400_000)))
    assert len(queue.s3.of("delete_objects")) == 1


def test_bodies_of_webhooks_are_deleted_whether_s3_has_them_or_not(world: Any) -> None:
    world.queue.store_body(webhook(id="webhook-1"))
    world.queue.store_body(webhook(id="webhook-2"))
    world.queue.delete_bodies([("shopify", "main", "webhook-1"), ("shopify", "main", "none")])
    left = world.queue.s3.list_objects_v2(Bucket=world.queue.bucket)["Contents"]
    assert [one["Key"] for one in left] == ["bodies/shopify/main/webhook-2"]


@pytest.mark.parametrize("answer", [{"Errors": [{"Key": "1"}]}, refused("DeleteObjects"), out_of_reach()])
def test_a_body_that_cannot_be_deleted_is_told(answer: Any) -> None:
    with pytest.raises(Unavailable):
        offline(delete_objects=answer).delete_bodies([("shopify", "main", "webhook-1")])
