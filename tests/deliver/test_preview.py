"""What a parked webhook would be sent as now is told, and nothing is sent, written or taken hold of."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bridge.profiles.profile_change import ProfileChange
from bridge.settings import ConnectionSettings
from bridge.storage.ledger import link_row
from bridge.webhook import Webhook
from functions.deliver.preview import previewed
from tests.world import MakeWebhook

PERSON = {"id": 7, "email": "ada@example.com", "first_name": "Ada", "updated_at": "2026-09-10T10:00:00Z"}


def rows(world: Any) -> list[Any]:
    found: list[Any] = world.ledger.client.scan(TableName=world.ledger.table)["Items"]
    return sorted(found, key=json.dumps)


def preview(world: Any, *webhooks: Any) -> list[dict[str, Any]]:
    pipeline = world.pipeline()
    return previewed(pipeline, [json.loads(world.queue.envelope(one)) for one in webhooks])


def test_the_call_is_the_one_that_a_retry_would_make(world: Any, shopify: MakeWebhook) -> None:
    webhook = shopify("customers/update", 1, **PERSON)
    [told] = preview(world, webhook)
    assert (told["outcome"], told["reason"]) == ("delivered", "")
    assert (world.batch.calls, rows(world), world.parked()) == ([], [], [])
    world.deliver(webhook)
    assert told["call"] == world.operations[0]


def test_what_the_profile_knows_already_is_not_told_again(world: Any, shopify: MakeWebhook) -> None:
    world.deliver(shopify("customers/update", 1, **PERSON))
    before = rows(world)
    older = PERSON | {"updated_at": "2026-09-09T10:00:00Z"}
    [told] = preview(world, shopify("customers/update", 2, **older))
    assert (told["call"], told["reason"]) == (None, "Batch has nothing newer to be told")
    assert rows(world) == before


def test_a_name_that_holds_another_type_is_previewed_under_its_other_name(
    world: Any, shopify: MakeWebhook
) -> None:
    world.ledger.remember_kinds("default", {"city": "integer"})
    address = PERSON | {"default_address": {"city": "London", "country_code": "GB"}}
    [told] = preview(world, shopify("customers/update", 1, **address))
    assert told["call"]["attributes"]["city_text"] == "London"
    assert "renamed:city_text" in told["warnings"]


def test_links_that_are_known_by_now_are_used(world: Any, shopify: MakeWebhook) -> None:
    tagged = shopify(
        "customer.tags_added",
        1,
        customerId="gid://shopify/Customer/7",
        tags=["vip"],
        occurredAt="2026-09-10T11:00:00Z",
    )
    assert preview(world, tagged)[0]["outcome"] == "waiting"
    world.ledger.commit([link_row("default", "shopify:customer:7", "ada")])
    [told] = preview(world, tagged)
    assert told["call"]["identifiers"] == {"custom_id": "ada"}


def test_a_webhook_that_still_cannot_be_mapped_says_why(world: Any, shopify: MakeWebhook) -> None:
    mapper = world.mappers["shopify"]

    def fails_for_one(webhook: Webhook, settings: ConnectionSettings) -> ProfileChange:
        if webhook.id == "webhook-1":
            raise KeyError("ada@example.com")
        return mapper(webhook, settings)  # type: ignore[no-any-return]

    world.mappers = {"shopify": fails_for_one}
    [told, other] = preview(world, *(shopify("customers/update", number, **PERSON) for number in (1, 2)))
    assert (told["call"], told["outcome"]) == (None, "parked")
    assert re.fullmatch(r"KeyError in test_preview\.py line \d+", told["reason"])
    assert other["call"] is not None


@pytest.mark.parametrize("envelope", [{}, {"id": "webhook-1"}, {"id": "x", "group": "y", "body": None}])
def test_what_is_no_webhook_is_said_to_be_none(world: Any, envelope: dict[str, Any]) -> None:
    [told] = previewed(world.pipeline(), [envelope])
    assert (told["outcome"], told["call"]) == ("mapping_failed", None)


def test_a_parked_refusal_keeps_the_call_that_was_refused(world: Any, shopify: MakeWebhook) -> None:
    world.batch.refuse = lambda operation: True
    world.deliver(shopify("customers/update", 1, **PERSON))
    [parked] = world.parked()
    assert parked.failure.call == world.operations[-1]
