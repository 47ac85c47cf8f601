"""Two copies of one webhook in a batch: a delivery died after it had sent the webhook on its next round.

The older copy shows up again after three minutes. SQS knows the names of messages for five, and drops what repeats one.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bridge.storage.queue import deduplication_id
from tests.world import MakeWebhook, World

Rounds = tuple[int, ...]


@pytest.mark.parametrize("waits", [(0, 1), (1, 0)])
def test_of_copies_that_wait_the_newest_goes_on_under_a_name_that_sqs_does_not_know(
    world: World, shopify: MakeWebhook, waits: Rounds
) -> None:
    refund = shopify(
        "customers/purchasing_summary", 1, customerId="gid://shopify/Customer/1", numberOfOrders=1
    )
    copies = [replace(refund, waits=number) for number in waits]
    known = {deduplication_id(json.loads(world.queue.envelope(copy))) for copy in copies}
    assert world.deliver(*copies) == []
    [waiting] = world.waiting() or world.waiting()
    assert deduplication_id(waiting) not in known


@pytest.mark.parametrize("retries", [(0, 1), (1, 0)])
def test_of_copies_that_are_parked_the_newest_is(world: World, shopify: MakeWebhook, retries: Rounds) -> None:
    unreadable = shopify("orders/paid", 1, id={"no": "id"})
    assert world.deliver(*(replace(unreadable, retries=number) for number in retries)) == []
    [parked] = world.parked()
    assert parked.envelope["retries"] == 1


def test_of_copies_that_are_delivered_one_is(world: World, shopify: MakeWebhook) -> None:
    order = shopify("orders/paid", 1, id=1, email="ada@example.com", created_at="2026-09-10T10:00:00Z")
    assert world.deliver(order, replace(order, waits=1)) == []
    assert [len(operation["events"]) for operation in world.operations] == [1]
