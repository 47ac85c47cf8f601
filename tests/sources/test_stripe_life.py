"""Lives of Stripe's customers, sent as life sends them: shuffled and duplicated, through door and delivery."""

import copy
import json
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.webhook import Request, Webhook, group_id, webhook_id
from functions.sources.stripe import receiver
from tests.stripe_events import DAY, Body, about, sample

pytestmark = pytest.mark.slow

START = 1_785_839_401
AFTER_ALL_SECONDS = 120 * DAY
RECORDS_PER_INVOCATION = 7

# shape       subscription                                   invoice
SHAPES = {
    "basil": ("customer.subscription.created", "invoice.paid"),
    "before_basil": ("customer.subscription.created__before_basil", "invoice.paid__before_basil"),
}
# event                          day
TOLD = [
    ("billing_customer_created", 0),
    ("trial_started", 0),
    ("trial_ending", 11),
    ("subscription_started", 14),
    ("invoice_paid", 14),
    ("subscription_plan_changed", 20),
    ("subscription_past_due", 44),
    ("payment_failed", 44),
    ("subscription_renewed", 46),
    ("renewal_upcoming", 47),
    ("cancellation_scheduled", 50),
    ("subscription_cancelled", 74),
]


class Story:
    """One customer's events in one shape, each with an id of its own."""

    def __init__(self, shape: str) -> None:
        subscription, self.invoice = SHAPES[shape]
        self.subscription = about(subscription, id="sub_life", customer="cus_life", metadata={})
        self.subject = self.subscription["data"]["object"]
        self.told: list[Body] = []

    def tell(self, day: int, topic: str, body: Body, seconds: int = 0) -> None:
        created = START + day * DAY + seconds
        self.told.append(
            copy.deepcopy(body) | {"id": f"evt_{len(self.told)}", "type": topic, "created": created}
        )

    def tell_subscription(self, day: int, word: str, now: Body, previous: Body | None = None) -> None:
        self.subject |= now
        self.subscription["data"] = {"object": self.subject, "previous_attributes": previous or {}}
        self.tell(day, f"customer.subscription.{word}", self.subscription, seconds=1)

    def tell_invoice(self, day: int, word: str, **fields: Any) -> None:
        owner: Body = {"customer": "cus_life", "customer_email": "life@example.com", "metadata": {}}
        if "subscription" in sample(self.invoice)["data"]["object"]:
            owner |= {"subscription": "sub_life", "subscription_details": {"metadata": {}}}
        else:
            owner["parent"] = {"subscription_details": {"subscription": "sub_life", "metadata": {}}}
        self.tell(day, f"invoice.{word}", about(self.invoice, **(owner | fields)), seconds=2)


def life(shape: str) -> list[Body]:
    """Trial, active, upgrade, past due, recovered, cancellation scheduled, cancelled."""
    story = Story(shape)
    born = about("customer.created", id="cus_life", email="life@example.com", metadata={})
    story.tell(0, "customer.created", born)
    story.tell_subscription(0, "created", {"status": "trialing"})
    story.tell_invoice(0, "paid", id="in_0", amount_paid=0, billing_reason="subscription_create")
    story.tell_subscription(11, "trial_will_end", {})
    story.tell_subscription(14, "updated", {"status": "active"}, {"status": "trialing"})
    story.tell_invoice(14, "paid", id="in_1", billing_reason="subscription_update")
    story.tell_invoice(14, "payment_succeeded", id="in_1", billing_reason="subscription_update")
    before = copy.deepcopy(story.subject["items"])
    story.tell_subscription(20, "updated", {"items": upgraded(before), "plan": None}, {"items": before})
    story.tell_subscription(44, "updated", {"status": "past_due"}, {"status": "active"})
    story.tell_invoice(44, "payment_failed", id="in_2", amount_paid=0)
    story.tell_subscription(46, "updated", {"status": "active"}, {"status": "past_due"})
    story.tell_invoice(46, "paid", id="in_2", billing_reason="subscription_cycle")
    story.tell_invoice(46, "payment_succeeded", id="in_2", billing_reason="subscription_cycle")
    story.tell_invoice(47, "upcoming", id=None, billing_reason="upcoming")
    story.tell_subscription(50, "updated", {"cancel_at_period_end": True}, {"cancel_at_period_end": False})
    story.tell_subscription(74, "deleted", {"status": "canceled", "ended_at": START + 74 * DAY})
    return story.told


def upgraded(items: Body) -> Body:
    """The items with a plan that costs twice as much."""
    changed = copy.deepcopy(items)
    price = changed["data"][0]["price"]
    price |= {"id": "price_business", "nickname": "Business", "unit_amount": price["unit_amount"] * 2}
    price["unit_amount_decimal"] = str(price["unit_amount"])
    return changed


def webhook(world: Any, body: Body) -> Webhook:
    """The webhook as the receiver queues it."""
    content = json.dumps(body).encode()
    told = receiver.routing_of(Request("stripe", "main", {}, {}, content))
    return Webhook(
        id=webhook_id("stripe", "main", told, content),
        source="stripe",
        connection="main",
        topic=told.topic,
        headers={},
        body=content,
        received_at=datetime.fromtimestamp(world.now, UTC),
        group=group_id("stripe", "main", told.customer),
    )


def deliver(world: Any, bodies: Sequence[Body]) -> None:
    """Deliver in invocations of several records."""
    for first in range(0, len(bodies), RECORDS_PER_INVOCATION):
        chunk = bodies[first : first + RECORDS_PER_INVOCATION]
        assert world.deliver(*(webhook(world, body) for body in chunk)) == []


def live_through(world: Any, bodies: Sequence[Body]) -> None:
    """Deliver long after; then once more, as what waited for an e-mail comes back, and Stripe repeats itself."""
    world.now += AFTER_ALL_SECONDS
    deliver(world, bodies)
    deliver(world, bodies)


def shown(world: Any) -> dict[str, Any]:
    """The one profile's attributes at Batch in the end."""
    [_] = {operation["identifiers"]["custom_id"] for operation in world.operations}
    attributes: dict[str, Any] = {}
    for operation in world.operations:
        attributes |= operation.get("attributes", {})
    return {name: value for name, value in attributes.items() if value is not None}


def had(world: Any) -> list[tuple[int, str]]:
    """Each event that Batch had, with its day, in the order of days."""
    events = [event for operation in world.operations for event in operation.get("events", [])]
    moments = [datetime.fromisoformat(event["attributes"]["date(occurred_at)"]) for event in events]
    days = [int(moment.timestamp() - START) // DAY for moment in moments]
    return sorted((day, event["name"]) for day, event in zip(days, events, strict=True))


def by_day(told: Iterable[tuple[str, int]]) -> list[tuple[int, str]]:
    return sorted((day, name) for name, day in told)


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_life_shuffled_and_doubled_makes_each_event_once_and_ends_right(
    world: Any, shape: str, seed: int | None
) -> None:
    bodies = life(shape)
    if seed is not None:
        bodies = bodies * 2
        random.Random(seed).shuffle(bodies)
    live_through(world, bodies)
    assert had(world) == by_day(TOLD)
    end = shown(world)
    month = {"basil": 29, "before_basil": 81}[shape]
    assert (end["subscription_status"], end["subscription_plan"]) == ("canceled", "Business")
    assert (end["subscription_amount"], end["mrr"]) == (2 * month, 0)
    assert (end["payment_status"], end["date(last_payment_at)"][:4]) == ("paid", "2026")
    assert (end["stripe_customer_id"], end["$email_address"]) == ("cus_life", "life@example.com")


def test_the_upgrade_tells_both_plans(world: Any) -> None:
    live_through(world, life("basil"))
    events = [event for operation in world.operations for event in operation.get("events", [])]
    [change] = [event["attributes"] for event in events if event["name"] == "subscription_plan_changed"]
    assert (change["from_plan"], change["to_plan"], change["direction"]) == (
        "Pro monthly",
        "Business",
        "upgrade",
    )


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_a_payment_is_completed_and_disputed_for_one_person(world: Any, seed: int | None) -> None:
    """The dispute names but the payment, and so waits until the checkout has said whose that is."""
    paid = about("checkout.session.completed__unpaid", payment_intent="pi_1", customer=None)
    bodies = [
        paid,
        succeeded(paid),
        about("charge.dispute.created", payment_intent="pi_1", charge="ch_1", metadata={}),
        about("charge.dispute.closed", payment_intent=None, charge="ch_1", metadata={}),
    ]
    if seed is not None:
        bodies = bodies * 2
        random.Random(seed).shuffle(bodies)
    live_through(world, bodies)
    deliver(world, bodies)
    assert sorted(name for _, name in had(world)) == [
        "checkout_completed",
        "dispute_closed",
        "dispute_opened",
    ]
    assert shown(world) == {"$email_marketing": "subscribed"}


def succeeded(checkout: Body) -> Body:
    """The same checkout, days later, when its payment came."""
    body = sample("checkout.session.async_payment_succeeded")
    body["data"]["object"] = checkout["data"]["object"] | {"payment_status": "paid"}
    return body


def test_a_checkout_that_two_webhooks_call_paid_is_completed_once(world: Any) -> None:
    paid = sample("checkout.session.completed")
    live_through(world, [paid, succeeded(paid), {**paid, "id": "evt_again"}])
    assert len(had(world)) == 1


@pytest.mark.parametrize("backwards", [False, True])
def test_a_late_opt_in_does_not_undo_an_opt_out(world: Any, backwards: bool) -> None:
    first, last = sample("checkout.session.completed"), sample("checkout.session.completed")
    last |= {"id": "evt_last", "created": first["created"] + DAY}
    last["data"]["object"] |= {"id": "cs_last", "consent": {"promotions": "opt_out"}}
    live_through(world, [last, first] if backwards else [first, last])
    assert shown(world)["$email_marketing"] == "unsubscribed"


@pytest.mark.parametrize("backwards", [False, True])
def test_of_two_customers_of_one_person_the_one_that_is_left_is_named(world: Any, backwards: bool) -> None:
    old = about("customer.created", id="cus_old", email="two@example.com")
    new = about("customer.created", id="cus_new", email="two@example.com", created=START) | {"id": "evt_new"}
    gone = about("customer.deleted", id="cus_new", email="two@example.com", created=START)
    bodies = [old, new, gone]
    live_through(world, bodies[::-1] if backwards else bodies)
    assert shown(world)["stripe_customer_id"] == "cus_old"


def test_a_stub_of_a_deleted_customer_reaches_the_profile_of_the_customer(world: Any) -> None:
    born = about("customer.created", id="cus_9", email="gone@example.com")
    stub = sample("customer.deleted")
    stub["data"]["object"] = {"id": "cus_9", "deleted": True}
    live_through(world, [stub, born])
    assert "stripe_customer_id" not in shown(world)
    assert shown(world)["$email_address"] == "gone@example.com"


def test_the_twin_of_a_paid_invoice_tells_whose_the_subscription_is(world: Any) -> None:
    twin = about("invoice.payment_succeeded", customer="cus_9", subscription="sub_9")
    subscription = about("customer.subscription.paused", id="sub_9", customer="cus_9", metadata={})
    live_through(world, [twin, subscription])
    assert [name for _, name in had(world)] == ["subscription_paused"]


def test_the_same_id_in_two_connected_accounts_is_two_people(world: Any) -> None:
    bodies = [
        about("customer.created", id="cus_9", email=email) | {"account": account}
        for account, email in (("acct_1", "one@example.com"), ("acct_2", "two@example.com"))
    ]
    subscription = about("customer.subscription.paused", id="sub_9", customer="cus_9", metadata={})
    live_through(world, [*bodies, subscription | {"account": "acct_2"}])
    first, second = world.operations
    assert first["identifiers"] != second["identifiers"]
    assert [event["name"] for event in second["events"]][-1] == "subscription_paused"


def test_several_subscriptions_of_one_customer_each_have_their_events(world: Any) -> None:
    subscriptions = [
        about("customer.subscription.created", id=f"sub_{number}", customer="cus_9", created=START + number)
        | {"id": f"evt_{number}"}
        for number in range(3)
    ]
    live_through(world, subscriptions[::-1])
    assert len(had(world)) == 3
    assert shown(world)["subscription_id"] == "sub_2"
