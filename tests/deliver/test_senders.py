"""A function sends for its own sources alone: what it queues for another is parked for good, and never mapped."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.errors import FAILURE_CLASSES, WrongSender
from bridge.storage.archive import Archive
from bridge.storage.queue import Failure, Parked, body_key
from bridge.webhook import Webhook
from functions.deliver.delivery import message_of
from functions.deliver.erasure import request
from functions.deliver.poison_messages import Invocation
from functions.deliver.senders import STOPPED_BEFORE, Senders
from functions.retry.rounds import Archived, DeadLetters, Filter, Order, Report, retry_round
from functions.sources.registry import SOURCE_PACKAGES
from tests.world import NOW, World, record

SENDERS = Senders.of(
    "stack-Shopify-1=shopify stack-Forms-2=typeform,form stack-Gaps-3=shopify,stripe w=bridge"
)
EVERY = (*SOURCE_PACKAGES, request.SOURCE)
AT = datetime.fromtimestamp(NOW, UTC)
ANYBODY = "AROAEXAMPLE:somebody"


def role(function: str) -> str:
    """A function as SQS names it."""
    return f"AROAEXAMPLE:{function}"


def invoke(world: World, *records: dict[str, Any]) -> list[str]:
    """One invocation of deliver; returns what stays in the queue."""
    left = lambda: 30.0  # noqa: E731
    return Invocation(world.pipeline, world.ledger, world.queue, lambda: world.now, left, SENDERS).run(
        records
    )


def sent(world: World, webhook: Webhook, function: str) -> dict[str, Any]:
    return record(world.queue, webhook, sender=role(function))


def sent_again(message: str) -> dict[str, Any]:
    """A message of the dead-letter queue, put on the webhooks queue as it is."""
    attributes = {"MessageGroupId": "g", "SenderId": ANYBODY, "ApproximateReceiveCount": "1"}
    attributes["SentTimestamp"] = str(int(NOW * 1000))
    return {"messageId": "again", "receiptHandle": "again", "body": message, "attributes": attributes}


def stopped(world: World) -> Any:
    """The one message that is parked for its sender."""
    [parked] = world.parked()
    assert parked.failure.failure_class == "wrong_sender"
    return parked


def whole_queue(world: World, failure_class: str = "wrong_sender") -> list[Parked]:
    """All that is parked with a class; it stays there."""
    found: list[Parked] = []
    world.queue.drop_parked(lambda page: found.extend(page) or [], lambda: True)  # type: ignore[func-returns-value]
    return [parked for parked in found if parked.failure.failure_class == failure_class]


@pytest.fixture
def order(shopify: Callable[..., Webhook]) -> Webhook:
    return shopify("orders/create", 1001, id=1001, email="ada@example.com", name="#1001")


@pytest.fixture
def seen(world: World) -> list[str]:
    """The sources of what was mapped; nothing is made of it."""
    mapped: list[str] = []

    def mapper(webhook: Webhook, settings: Any) -> Any:
        mapped.append(webhook.source)
        raise ValueError

    world.mappers, world.checks = dict.fromkeys(SOURCE_PACKAGES, mapper), {}
    return mapped


# ── Who may send what ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("function", SENDERS.sources)
def test_a_function_sends_for_its_own_sources_and_for_no_other(
    world: World, order: Webhook, seen: list[str], function: str
) -> None:
    own = SENDERS.sources[function]
    foreign = [replace(order, id=source, source=source) for source in EVERY if source not in own]
    assert invoke(world, *(sent(world, forged, function) for forged in foreign)) == []
    assert {parked.failure.reason for parked in whole_queue(world)} == {
        f"{function} queued it, and may not send for its source"
    }
    assert len(whole_queue(world)) == len(foreign) == len(EVERY) - len(own)
    assert (seen, world.batch.calls, world.ledger.scan_receipts(100)) == ([], [], [])
    invoke(world, *(sent(world, replace(order, id=source, source=source), function) for source in own))
    assert len(whole_queue(world, "wrong_sender")) == len(foreign)
    assert set(seen) == own - {request.SOURCE}


@pytest.mark.parametrize(
    "sender",
    [
        role("stack-Retry-4"),
        role("stack-Deliver-5"),
        role("ada@example.com"),
        "AIDAEXAMPLE",
        "123456789012",
        "AROAEXAMPLE:stack-Shopify-1-of-another-stack",
    ],
)
def test_whoever_is_held_to_no_source_sends_as_iam_lets_them(
    world: World, order: Webhook, seen: list[str], sender: str
) -> None:
    invoke(world, record(world.queue, order, sender=sender))
    assert seen == ["shopify"]


def test_neighbours_are_delivered_also_those_of_the_same_customer(world: World, order: Webhook) -> None:
    forged = sent(world, replace(order, id="forged"), "stack-Forms-2")
    genuine = sent(world, order, "stack-Shopify-1")
    assert invoke(world, forged, genuine) == []
    receipt = world.ledger.receipt(order.id)
    assert receipt is not None
    assert receipt.status == "delivered"
    assert stopped(world).id == "message-forged"


def test_one_that_came_back_often_is_stopped_like_any_other(
    world: World, order: Webhook, seen: list[str]
) -> None:
    forged = record(world.queue, order, receive_count=999, sender=role("stack-Forms-2"))
    assert invoke(world, forged) == []
    stopped(world)
    assert seen == []


@pytest.mark.parametrize("change", [{"id": 5}, {"group": ""}, {"source": ["shopify"]}, {"retries": "x"}])
def test_what_is_nearly_an_envelope_is_no_way_around(
    world: World, order: Webhook, seen: list[str], change: dict[str, Any]
) -> None:
    envelope = json.loads(world.queue.envelope(order)) | change
    forged = sent(world, order, "stack-Forms-2") | {"body": json.dumps(envelope)}
    assert invoke(world, forged) == []
    stopped(world)
    assert seen == []


def test_a_body_in_s3_is_the_webhooks_own(world: World, order: Webhook, seen: list[str]) -> None:
    world.queue.s3.put_object(Bucket=world.queue.bucket, Key="bodies/stripe/main/of-another", Body=b"{}")
    own = body_key(order.source, order.connection, order.id)
    world.queue.s3.put_object(Bucket=world.queue.bucket, Key=own, Body=order.body)
    envelope = json.loads(world.queue.envelope(order)) | {"encoding": "s3"}
    genuine, forged = (
        sent(world, order, "stack-Shopify-1") | {"body": json.dumps(envelope | {"body": key})}
        for key in (own, "bodies/stripe/main/of-another")
    )
    invoke(world, forged)
    assert (seen, stopped(world).envelope["encoding"]) == ([], "text")
    invoke(world, genuine)
    assert seen == ["shopify"]


def test_without_a_sender_nothing_is_delivered_and_nothing_leaves_the_queue(
    world: World, order: Webhook, seen: list[str]
) -> None:
    unsigned = sent(world, order, "stack-Shopify-1")
    del unsigned["attributes"]["SenderId"]
    with pytest.raises(KeyError, match="SenderId"):
        invoke(world, unsigned)
    assert (seen, world.parked()) == ([], [])


def test_a_text_that_names_no_sources_is_refused() -> None:
    with pytest.raises(ValueError, match="unpack"):
        Senders.of("stack-Shopify-1 stack-Forms-2=form")


# ── What is stopped ─────────────────────────────────────────────────────────────────────────────────────


def test_it_rings_and_says_which_function_and_nothing_of_the_message(
    world: World, order: Webhook, log: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    invoke(world, sent(world, order, "stack-Forms-2"))
    said = capsys.readouterr().out + log.getvalue()
    assert '"cause":"wrong_sender"' in said
    assert '"NeedsAttention":[1]' in said
    assert "stack-Forms-2" in said
    assert "ada@example.com" not in said
    assert order.id not in said


def test_what_it_says_of_itself_harms_nobody_who_reads_it(world: World, order: Webhook) -> None:
    odd = {"topic": "\x1b[31m", "connection": "a" * 3000, "retries": "x", "received_at": 7, "headers": []}
    envelope = json.loads(world.queue.envelope(order)) | odd
    invoke(world, sent(world, order, "stack-Forms-2") | {"body": json.dumps(envelope)})
    kept = stopped(world).envelope
    assert (kept["topic"], kept["connection"], kept["headers"]) == ("-", "-", {})
    assert (kept["id"], kept["group"]) == (f"message-{order.id}", order.group)
    assert kept["body"] == order.body.decode()
    assert "retries" not in kept


class Narrow:
    """A client of SQS that takes short messages alone, or none."""

    def __init__(self, client: Any, longest: int) -> None:
        self.client = client
        self.longest = longest

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def send_message(self, **asked: Any) -> Any:
        if len(asked["MessageBody"]) > self.longest:
            code = "InvalidParameterValue" if self.longest else "ServiceUnavailable"
            raise ClientError({"Error": {"Code": code}}, "SendMessage")
        return self.client.send_message(**asked)


def test_one_that_is_too_long_for_the_dead_letter_queue_is_parked_without_its_body(
    world: World, order: Webhook
) -> None:
    world.queue.client = Narrow(world.queue.client, 1000)
    assert invoke(world, sent(world, replace(order, body=b"x" * 2000), "stack-Forms-2")) == []
    assert stopped(world).envelope["body"] == ""


def test_while_the_dead_letter_queue_is_away_it_waits_longer_and_longer(
    world: World, order: Webhook, seen: list[str]
) -> None:
    world.queue.client = Narrow(world.queue.client, 0)
    forged = record(world.queue, order, receive_count=4, sender=role("stack-Forms-2"))
    assert invoke(world, forged) == [forged["messageId"]]
    assert (seen, world.parked()) == ([], [])


# ── Nothing sends it again ──────────────────────────────────────────────────────────────────────────────


def rounds(world: World, archive: Archive, **order: Any) -> list[Report]:
    """Rounds over both places, with every filter that could take it."""
    [parked] = world.parked() or [replace(stopped_in(archive))]
    filters = ({}, {"classes": FAILURE_CLASSES}, {"classes": ("wrong_sender",)}, {"ids": (parked.id,)})
    return [
        retry_round(place, Filter.of(given), Order(**order), lambda: True)
        for given in filters
        for place in (DeadLetters(world.queue), Archived(archive, world.queue))
    ]


def stopped_in(archive: Archive) -> Any:
    [[parked]] = archive.pages()
    assert parked.failure.failure_class == "wrong_sender"
    return parked


@pytest.mark.parametrize("is_archived", [False, True], ids=["parked", "archived"])
def test_no_retry_sends_it_again_by_whatever_filter(
    world: World, order: Webhook, seen: list[str], *, is_archived: bool
) -> None:
    invoke(world, sent(world, order, "stack-Forms-2"))
    archive = Archive(world.queue.bucket, world.queue.s3)
    if is_archived:
        parked = stopped(world)
        archive.keep(parked)
        world.queue.drop_parked(lambda page: page, lambda: True)
    assert [report.retried for report in rounds(world, archive)] == [0] * 8
    assert [report.webhooks for report in rounds(world, archive, dry_run=True, with_envelopes=True)] == [
        []
    ] * 8
    listed = [report.webhooks for report in rounds(world, archive, dry_run=True)]
    assert sum(map(len, listed)) == 3
    assert seen == []


def test_one_that_is_moved_back_by_hand_is_stopped_again(
    world: World, order: Webhook, seen: list[str]
) -> None:
    invoke(world, sent(world, order, "stack-Forms-2"))
    parked = stopped(world)
    invoke(world, sent_again(parked.message))
    assert {one.failure.reason for one in world.parked()} == {parked.failure.reason, STOPPED_BEFORE}
    assert seen == []


def test_who_merely_speaks_of_it_is_not_stopped(world: World, order: Webhook) -> None:
    speaking = replace(order, body=order.body.replace(b"#1001", b"wrong_sender"))
    invoke(world, record(world.queue, speaking, sender=ANYBODY))
    assert world.parked() == []


def test_a_webhook_parked_for_another_reason_may_be_moved_back_by_hand(world: World, order: Webhook) -> None:
    world.queue.park(order, Failure("mapping_failed", "a reason", AT))
    [parked] = world.parked()
    SENDERS.check(message_of(sent_again(parked.message)))
    with pytest.raises(WrongSender):
        SENDERS.check(message_of(sent_again(parked.message.replace("mapping_failed", "wrong_sender"))))
