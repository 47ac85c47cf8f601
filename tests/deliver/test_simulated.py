"""The stand-ins for AWS in memory do what moto does."""

from __future__ import annotations

import os
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.errors import Erased, ProfileBusy
from bridge.profiles.versions import ProfileState
from bridge.storage.ledger import (
    LEASE_SECONDS,
    AddressConsent,
    Attempts,
    Ledger,
    gone_row,
    link_row,
    profile_row,
    tries_row,
)
from tests.simulated import SimulatedDynamo, SimulatedSqs
from tests.simulation import Time
from tests.world import NOW

STATE = ProfileState(versions={"first_name": "2"})


def told_by(ledger: Ledger) -> list[Any]:
    """What a ledger answers to the same questions, in order."""
    told: list[Any] = []

    def ask(call: Any) -> None:
        try:
            told.append(call())
        except (ProfileBusy, Erased) as error:
            told.append((type(error), error.reason))

    ask(lambda: ledger.lease("default", "ada", "one", NOW))
    ask(lambda: ledger.lease("default", "ada", "two", NOW + 1))
    ask(lambda: ledger.lease("default", "ada", "one", NOW + 2))
    ask(lambda: ledger.commit([profile_row("default", "ada", STATE), link_row("default", "x:1", "ada")]))
    ask(lambda: ledger.lease("default", "ada", "two", NOW + 3))
    ask(lambda: ledger.lease("default", "ada", "one", NOW + 3 + LEASE_SECONDS))
    ask(lambda: ledger.lease("default", "ada", "one", NOW + 4 + LEASE_SECONDS))
    ask(lambda: ledger.commit([gone_row("default", "ada", NOW + 500)]))
    ask(lambda: ledger.lease("default", "ada", "one", NOW + 400))
    ask(lambda: ledger.lease("default", "ada", "one", NOW + 501))
    ask(lambda: ledger.links("default", ["x:1", "x:2"]))
    ask(lambda: ledger.commit([tries_row("message-1", Attempts(3, 2), NOW)]))
    ask(lambda: ledger.tries(["message-1", "message-2"]))
    ask(lambda: ledger.delete(["link#default#x:1", "link#default#nothing"]))
    ask(lambda: ledger.links("default", ["x:1"]))
    ask(lambda: ledger.add_customer("shop#email#a", "first", "default", "ada"))
    ask(lambda: ledger.add_customer("shop#email#a", "second", "default", "ben", NOW + 500))
    ask(lambda: ledger.customers_of(["shop#email#a", "shop#email#b"]))
    ask(lambda: ledger.read(["address#shop#email#a"]))
    for consent, version in (
        ("unsubscribed", "3"),
        ("unsubscribed", "2"),
        ("subscribed", "3"),
        ("subscribed", "4"),
        ("unsubscribed", "4"),
    ):
        stated = AddressConsent("email#a", consent, version)
        ask(lambda stated=stated: ledger.keep_consent("default", stated, "ada", "shopify/main", NOW))
        ask(lambda: ledger.consents_of("default", ["email#a", "email#b"]))
        ask(lambda: ledger.read(["consent#default#email#a"]))
    return told


def test_the_ledger_is_told_the_same_by_either(world: Any) -> None:
    assert told_by(Ledger("ledger", SimulatedDynamo())) == told_by(world.ledger)


def test_the_stand_in_knows_no_other_update() -> None:
    with pytest.raises(AssertionError):
        SimulatedDynamo().update_item(UpdateExpression="SET x = :x")


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def sqs(time: Time) -> SimulatedSqs:
    return SimulatedSqs(time)


def send(sqs: SimulatedSqs, group: str, body: str) -> None:
    sqs.send_message(
        QueueUrl=os.environ["QUEUE_URL"], MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body
    )


def receive(sqs: SimulatedSqs, count: int = 10, seconds: int = 30) -> list[Any]:
    found = sqs.receive_message(
        QueueUrl=os.environ["QUEUE_URL"], MaxNumberOfMessages=count, VisibilityTimeout=seconds
    )
    return [(message["Body"], message["ReceiptHandle"]) for message in found["Messages"]]


def test_a_group_is_locked_while_one_of_it_is_hidden_and_keeps_its_order(
    sqs: SimulatedSqs, time: Time
) -> None:
    for group, body in (("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")):
        send(sqs, group, body)
    [(first, _), (second, handle)] = receive(sqs, count=2)
    assert (first, second) == ("a1", "a2")
    assert [body for body, _ in receive(sqs)] == ["b1"]
    sqs.delete_message(QueueUrl=os.environ["QUEUE_URL"], ReceiptHandle=handle)
    assert receive(sqs) == []
    time.sleep(30)
    assert sorted(body for body, _ in receive(sqs)) == ["a1", "a3", "b1"]


def test_a_repeat_within_five_minutes_is_dropped_whatever_became_of_the_first(
    sqs: SimulatedSqs, time: Time
) -> None:
    send(sqs, "a", "a1")
    [(_, handle)] = receive(sqs)
    sqs.delete_message(QueueUrl=os.environ["QUEUE_URL"], ReceiptHandle=handle)
    send(sqs, "a", "a1")
    assert receive(sqs) == []
    time.sleep(300)
    send(sqs, "a", "a1")
    assert [body for body, _ in receive(sqs)] == ["a1"]


def test_an_old_receipt_handle_is_good_for_nothing(sqs: SimulatedSqs, time: Time) -> None:
    send(sqs, "a", "a1")
    [(_, old)] = receive(sqs)
    time.sleep(30)
    [(_, new)] = receive(sqs)
    with pytest.raises(ClientError):
        sqs.delete_message(QueueUrl=os.environ["QUEUE_URL"], ReceiptHandle=old)
    time.sleep(30)
    with pytest.raises(ClientError):
        sqs.delete_message(QueueUrl=os.environ["QUEUE_URL"], ReceiptHandle=new)
    assert len(receive(sqs)) == 1
    assert old != new


def test_fifo_looks_at_the_oldest_messages_alone(sqs: SimulatedSqs, time: Time) -> None:
    queue = sqs.queue(os.environ["QUEUE_URL"])
    queue.looks_at = 3
    for number in range(5):
        send(sqs, f"group-{number}", f"message-{number}")
    taken = receive(sqs)
    assert [body for body, _ in taken] == ["message-0", "message-1", "message-2"]
    assert (receive(sqs), queue.next_at()) == ([], time.now + 30)
    sqs.delete_message(QueueUrl=os.environ["QUEUE_URL"], ReceiptHandle=taken[1][1])
    assert [body for body, _ in receive(sqs)] == ["message-3"]
