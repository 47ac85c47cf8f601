"""Real changes of tools' webhooks are told to people, cost next to nothing, and never trouble a delivery."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from pydantic import ValidationError

from bridge.errors import Ignored
from bridge.settings import ConnectionSettings
from bridge.webhook import Webhook, group_id
from functions.deliver.preview import previewed
from functions.deliver.schema_drift.fields import ODD_IN_A_ROW, TOLD_FOR, USUAL_AFTER, load
from functions.deliver.schema_drift.watcher import AGAIN_AFTER_SECONDS, LOOK_AT_EVERY, MAX_BODY_BYTES
from functions.monitor.rounds import watch
from functions.sources.registry import source_module
from tests.world import NOW, record

WATCHED = ("shopify", "stripe", "woocommerce")
MINUTE = AGAIN_AFTER_SECONDS
ORDER_KEY = "shape#shopify/main/orders/updated"


def stored(path: Path) -> tuple[str, dict[str, str], dict[str, Any]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    headers = {name.lower(): value for name, value in content.get("headers", {}).items()}
    return content["topic"], headers, content["body"]


class Tool:
    """Webhooks that a tool sends one after the other, all alike but for what the test changes."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.sent = 0

    def webhook(
        self, name: str, version: str | None = None, change: Callable[[Any], None] | None = None
    ) -> Webhook:
        """One more webhook like `shopify/orders.paid` of events/, or a file that is named."""
        path = Path(name) if name.endswith(".json") else Path("events", f"{name}.json")
        topic, headers, body = stored(path)
        if change:
            change(body)
        if version:
            headers["x-shopify-api-version"] = version
        self.sent += 1
        return Webhook(
            id=f"webhook-{self.sent}",
            source=name.partition("/")[0] if not name.endswith(".json") else path.parent.name,
            connection="main",
            topic=topic,
            headers=headers,
            body=json.dumps(body).encode(),
            received_at=datetime.fromtimestamp(NOW, UTC),
            group=group_id("shopify", "main", str(self.sent)),
        )

    def send(self, name: str, times: int = 1, every: int = MINUTE, **options: Any) -> tuple[str, ...]:
        """Send so many of them, one in so many seconds; returns what the last receipt warns of a drift."""
        for _ in range(times):
            self.world.now += every
            assert self.world.deliver(self.webhook(name, **options)) == []
        return self.warnings()

    def warnings(self) -> tuple[str, ...]:
        receipt = self.world.ledger.receipt(f"webhook-{self.sent}")
        return tuple(one for one in receipt.warnings if one.startswith("field_"))

    def restart(self) -> None:
        """Have the next webhook delivered by a process that knows nothing."""
        self.world.schemas = self.world.new_shapes()

    def amiss(self) -> dict[str, list[str]]:
        now = datetime.fromtimestamp(self.world.now, UTC)
        return watch(self.world.connections, self.world.parameters, now)

    def row(self, key: str) -> Any:
        return self.world.ledger.read([key]).get(key)


@pytest.fixture
def tool(world: Any) -> Tool:
    return Tool(world)


def drop(*names: str) -> Callable[[Any], None]:
    def change(body: Any) -> None:
        for name in names:
            del body[name]

    return change


# ── Changes that tools really made ──────────────────────────────────────────────────────────────────────


def test_shopify_drops_tags_and_consent_from_customers_with_2025_01(
    tool: Tool, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool.send("shopify/customers.update__2024-10", USUAL_AFTER) == ()
    assert tool.amiss() == {}
    warnings = tool.send("shopify/customers.update")
    assert set(warnings) == {
        "field_gone:tags",
        "field_gone:orders_count",
        "field_gone:total_spent",
        "field_gone:email_marketing_consent",
        "field_gone:sms_marketing_consent",
    }
    assert "field_gone customers/update tags" in tool.amiss()["shopify/main"]
    assert '"FieldsDrifted":[5]' in capsys.readouterr().out
    assert "field_gone:email_marketing_consent" in log.getvalue()
    assert "dorothy" not in log.getvalue().lower()


def test_a_sample_that_shopify_documents_for_2026_04_lacks_them_too(tool: Tool, samples: Path) -> None:
    tool.send("shopify/customers.update__2024-10", USUAL_AFTER)
    topic, _, body = stored(samples / "shopify/docs_2026-04_customers_update.json")
    webhook = replace(
        tool.webhook("shopify/customers.update", version="2026-04"),
        topic=topic,
        body=json.dumps(body).encode(),
    )
    tool.restart()
    tool.world.deliver(webhook)
    assert {"field_gone:tags", "field_gone:email_marketing_consent"} <= set(tool.warnings())


def test_shopify_drops_an_id_of_orders_with_2026_04_that_nothing_reads(tool: Tool) -> None:
    def with_checkout_id(body: Any) -> None:
        body["checkout_id"] = 7

    tool.send("shopify/orders.updated", USUAL_AFTER, version="2026-01", change=with_checkout_id)
    assert tool.send("shopify/orders.updated", 5, version="2026-04") == ()
    assert tool.amiss() == {}


def test_shopify_drops_consent_flags_of_orders_customers_between_2023_01_and_2026_04(tool: Tool) -> None:
    tool.send("shopify/orders.create__2023-01", USUAL_AFTER)
    assert "field_gone:customer.accepts_marketing" in tool.send("shopify/orders.create")


def test_stripe_moves_the_end_of_a_period_with_basil_and_nobody_is_troubled(tool: Tool) -> None:
    before, after = (f"stripe/customer.subscription.created{variant}" for variant in ("__before_basil", ""))
    tool.send(before, USUAL_AFTER)
    assert tool.send(after, ODD_IN_A_ROW) == ()
    assert tool.amiss() == {}


def test_stripe_drops_the_end_of_a_period_and_tells_it_nowhere(tool: Tool) -> None:
    def without_period(body: Any) -> None:
        for item in body["data"]["object"]["items"]["data"]:
            del item["current_period_end"]

    tool.send("stripe/customer.subscription.created__before_basil", USUAL_AFTER)
    warnings = tool.send("stripe/customer.subscription.created", change=without_period)
    assert warnings == ("field_gone:data.object.current_period_end",)


def test_stripe_drops_what_an_invoice_was_paid_with_with_basil(tool: Tool) -> None:
    tool.send("stripe/invoice.paid__before_basil", USUAL_AFTER)
    warnings = set(tool.send("stripe/invoice.paid"))
    assert "field_gone:data.object.charge" in warnings
    assert "field_gone:data.object.subscription" not in warnings


def test_woocommerce_says_no_version_and_is_watched_all_the_same(tool: Tool) -> None:
    tool.send("woocommerce/order.updated__completed", USUAL_AFTER)
    assert tool.send("woocommerce/order.updated__completed", 2, change=drop("total")) == ()
    assert tool.send("woocommerce/order.updated__completed", change=drop("total")) == ("field_gone:total",)


def test_a_field_without_which_nothing_can_be_mapped_is_told_when_the_webhook_is_parked(tool: Tool) -> None:
    tool.send("shopify/orders.updated", USUAL_AFTER)
    tool.send("shopify/orders.updated", ODD_IN_A_ROW, change=drop("id"))
    assert tool.warnings() == ("field_gone:id",)
    assert tool.world.ledger.receipt(f"webhook-{tool.sent}").status == "parked"


def test_a_field_that_is_gone_or_null_clears_nothing(tool: Tool) -> None:
    names = ("email_marketing_consent", "total_spent")

    def nulls(body: Any) -> None:
        body |= dict.fromkeys(names)

    for change in (None, nulls, drop(*names)):
        tool.send("shopify/customers.update__2024-10", change=change)
    whole, null, gone = (operation["attributes"] for operation in tool.world.operations)
    assert {"$email_marketing", "total_spent"} <= whole.keys()
    assert not {"$email_marketing", "total_spent"} & (null.keys() | gone.keys())
    assert None not in [*null.values(), *gone.values()]


# ── How long it lasts ───────────────────────────────────────────────────────────────────────────────────


def number(body: Any) -> None:
    body["total_price"] = 12.5


def test_a_drift_ends_when_the_field_is_back(tool: Tool) -> None:
    tool.send("shopify/orders.updated", USUAL_AFTER)
    warnings = tool.send("shopify/orders.updated", ODD_IN_A_ROW, change=number)
    assert warnings == ("field_changed:total_price",)
    assert tool.amiss() == {"shopify/main": ["field_changed orders/updated total_price"]}
    assert tool.send("shopify/orders.updated", every=0) == ()
    assert tool.amiss() == {}


def test_a_drift_that_ends_is_taken_back_by_whichever_process_sees_it(tool: Tool) -> None:
    tool.send("shopify/orders.updated", USUAL_AFTER)
    tool.send("shopify/orders.updated", ODD_IN_A_ROW, change=number)
    tool.restart()
    tool.send("shopify/orders.updated")
    assert tool.amiss() == {}


def test_in_a_rush_one_of_fifty_is_looked_at_and_then_those_behind_it(tool: Tool) -> None:
    tool.send("shopify/orders.updated", USUAL_AFTER)
    tool.send("shopify/orders.updated", LOOK_AT_EVERY + 1, every=0, change=number)
    assert tool.amiss() == {}
    assert tool.send("shopify/orders.updated", every=0, change=number) == ("field_changed:total_price",)


def test_a_drift_is_told_for_two_weeks(tool: Tool) -> None:
    tool.send("shopify/orders.updated", USUAL_AFTER, version="2026-01")
    tool.send("shopify/orders.updated", version="2026-04", change=drop("tags"))
    tool.world.now += TOLD_FOR.total_seconds()
    assert "field_gone orders/updated tags" in tool.amiss()["shopify/main"]
    tool.world.now += 1
    assert "field_gone orders/updated tags" not in tool.amiss()["shopify/main"]
    assert tool.send("shopify/orders.updated", version="2026-04", change=drop("tags")) == ()


def test_what_one_process_learnt_the_next_one_knows(tool: Tool) -> None:
    for _ in range(USUAL_AFTER):
        tool.send("shopify/orders.updated", version="2026-01")
        tool.restart()
    assert tool.send("shopify/orders.updated", version="2026-04", change=drop("tags")) == ("field_gone:tags",)


def test_one_webhook_that_is_tried_again_and_again_is_one(tool: Tool) -> None:
    tool.send("shopify/orders.updated", USUAL_AFTER)
    odd = tool.webhook("shopify/orders.updated", change=drop("tags"))
    for again in range(ODD_IN_A_ROW + 1):
        tool.world.now += MINUTE
        tool.world.deliver(replace(odd, id=f"again-{again}", retries=1))
        tool.world.deliver(replace(odd, id=f"late-{again}"), receive_count=2)
        tool.world.deliver(replace(odd, id=f"put-aside-{again}", waits=1))
    assert tool.amiss() == {}


def test_what_is_found_in_a_list_and_was_not_sent_as_a_webhook_is_not_watched(tool: Tool) -> None:
    webhook = tool.webhook("shopify/orders.updated")
    tool.world.deliver(replace(webhook, headers={"x-shopify-topic": webhook.topic}))
    assert tool.row(ORDER_KEY) is None


def test_a_tools_own_test_is_not_looked_at(tool: Tool) -> None:
    webhook = tool.webhook("shopify/orders.updated")
    tool.world.deliver(replace(webhook, headers=dict(webhook.headers) | {"x-shopify-test": "true"}))
    assert tool.row(ORDER_KEY) is None


def test_a_very_large_body_is_not_looked_at(tool: Tool) -> None:
    def grow(body: Any) -> None:
        body["note"] = "x" * MAX_BODY_BYTES

    tool.send("shopify/orders.updated", change=grow)
    assert tool.row(ORDER_KEY) is None


# ── What it costs, and what it never costs ──────────────────────────────────────────────────────────────


CALLS = ("batch_get_item", "update_item")


class Counting:
    """DynamoDB's client, which counts the calls that name a row of a shape."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.calls: list[str] = []
        self.fails = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)

        def call(**arguments: Any) -> Any:
            if "shape#" in repr(arguments) or "drifted " in repr(arguments):
                self.calls.append(name)
                if self.fails:
                    raise EndpointConnectionError(endpoint_url="https://dynamodb.example")
            return found(**arguments)

        return call if name in CALLS else found


@pytest.fixture
def dynamodb(world: Any) -> Iterator[Counting]:
    client = world.ledger.client
    counting = Counting(client)
    world.ledger.client = world.connections._client = counting
    yield counting
    world.ledger.client = world.connections._client = client


def test_a_shape_that_is_known_costs_no_call_to_dynamodb(tool: Tool, dynamodb: Counting) -> None:
    tool.send("shopify/orders.updated", USUAL_AFTER, every=0)
    assert dynamodb.calls == ["batch_get_item", "update_item"]
    tool.send("shopify/orders.updated")
    assert dynamodb.calls == ["batch_get_item", "update_item", "update_item"]
    tool.send("shopify/orders.updated", 5)
    tool.send("shopify/orders.updated", 2 * LOOK_AT_EVERY, every=0)
    assert len(dynamodb.calls) == 3


def test_a_drift_is_written_at_once(tool: Tool, dynamodb: Counting) -> None:
    tool.send("shopify/orders.updated", USUAL_AFTER, version="2026-01")
    tool.send("shopify/orders.updated", every=0, version="2026-01")
    tool.restart()
    tool.send("shopify/orders.updated", every=0, version="2026-04", change=drop("tags"))
    assert '"field_gone"' in tool.row(ORDER_KEY)["shapes"]["S"]
    calls = len(dynamodb.calls)
    tool.send("shopify/orders.updated", 5, version="2026-04", change=drop("tags"))
    assert len(dynamodb.calls) == calls


def test_a_ledger_that_keeps_no_shapes_troubles_no_delivery(tool: Tool, dynamodb: Counting) -> None:
    dynamodb.fails = True
    tool.send("shopify/orders.updated", 5, every=10)
    assert len(tool.world.operations) == 5
    assert dynamodb.calls == ["batch_get_item"], "it is asked again a minute later"
    dynamodb.fails = False
    tool.send("shopify/orders.updated")
    assert tool.row(ORDER_KEY) is not None


def test_what_could_not_be_noted_is_noted_a_minute_later(tool: Tool, dynamodb: Counting) -> None:
    tool.send("shopify/orders.updated", USUAL_AFTER, version="2026-01")
    dynamodb.fails = True
    tool.send("shopify/orders.updated", version="2026-04", change=drop("tags"))
    tried = len(dynamodb.calls)
    tool.send("shopify/orders.updated", 5, every=1, version="2026-04", change=drop("tags"))
    assert len(dynamodb.calls) == tried
    dynamodb.fails = False
    assert tool.amiss() == {}
    tool.send("shopify/orders.updated", version="2026-04", change=drop("tags"))
    assert tool.amiss() == {"shopify/main": ["field_gone orders/updated tags"]}
    assert '"field_gone"' in tool.row(ORDER_KEY)["shapes"]["S"]


def test_of_two_processes_none_forgets_a_drift_that_the_other_found(tool: Tool) -> None:
    tool.send("shopify/orders.updated", USUAL_AFTER + 1, version="2026-01")
    slow = tool.world.schemas
    tool.restart()
    tool.send("shopify/orders.updated", version="2026-04", change=drop("tags"))
    tool.world.schemas = slow
    tool.send("shopify/orders.updated", version="2026-01", change=drop("name"))
    assert "2026-04" in load(tool.row(ORDER_KEY)["shapes"]["S"])
    assert tool.amiss() == {"shopify/main": ["field_gone orders/updated tags"]}
    tool.send("shopify/orders.updated", ODD_IN_A_ROW, version="2026-04", change=drop("tags"))
    assert tool.warnings() == ("field_gone:tags",)


def test_a_room_that_cannot_say_what_it_reads_troubles_no_delivery(tool: Tool, log: StringIO) -> None:
    class Broken:
        def reads(self, topic: str) -> Any:
            return {"": int}

        def api_version(self, webhook: Webhook, content: Any) -> str:
            raise RuntimeError("ada@example.com")

    tool.world.schemas.readings = {"shopify": Broken()}
    tool.send("shopify/orders.updated")
    assert len(tool.world.operations) == 1
    assert "RuntimeError" in log.getvalue()
    assert "ada@example.com" not in log.getvalue()


def test_a_preview_teaches_nothing(tool: Tool) -> None:
    envelope = json.loads(record(tool.world.queue, tool.webhook("shopify/orders.updated"))["body"])
    previewed(tool.world.pipeline(), [envelope])
    assert tool.world.schemas.known == {}


# ── What is watched is what is read ─────────────────────────────────────────────────────────────────────

TOPICS = [(source, topic) for source in WATCHED for topic in sorted(source_module(source, "receiver").TOPICS)]
ASKED_BY_LAW = {
    "customers/delete",
    "customers/redact",
    "customers/data_request",
    "shop/redact",
    "app/uninstalled",
}


@pytest.mark.parametrize(("source", "topic"), TOPICS)
def test_the_models_of_a_topic_are_those_that_its_mapping_reads(source: str, topic: str) -> None:
    """A mapping that is given nonsense names the model which it does not fit."""
    models = source_module(source, "mapping").reads(topic)
    if topic in ASKED_BY_LAW:
        assert models == {}
        return
    if source == "woocommerce" and topic.endswith(".deleted"):
        assert models == {}
        with pytest.raises(Ignored):
            refusing_model(source, topic, {})
        return
    named = {refusing_model(source, topic, nonsense) for nonsense in NONSENSE[source]}
    assert named == {model.__name__ for model in models.values()}


STRIPES = {"type": "", "created": 0, "data": {"object": {"id": [], "customer": []}}}
NONSENSE: dict[str, tuple[Any, ...]] = {"shopify": ([],), "woocommerce": ([],), "stripe": ([], STRIPES)}


def refusing_model(source: str, topic: str, body: Any) -> str:
    webhook = Webhook("0", source, "main", topic, {}, json.dumps(body).encode(), datetime.now(UTC), "0")
    with pytest.raises(ValidationError) as caught:
        source_module(source, "mapping").to_change(webhook, ConnectionSettings())
    return caught.value.title


def test_which_sources_are_watched(tool: Tool) -> None:
    assert sorted(tool.world.schemas.readings) == sorted(WATCHED)
