"""A header that nobody signs chooses among the readings that the signed body allows: every body under every topic."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Ignored
from bridge.profiles.profile_change import ProfileChange
from bridge.receiving.confirmation import ANOTHER_OBJECT
from bridge.settings import ConnectionSettings
from bridge.webhook import Webhook
from functions.sources.registry import SOURCE_PACKAGES, source_module
from functions.sources.shopify import confirmation as shopify
from functions.sources.shopify.fields import WHOLE
from tests.sources.other_kinds import EACH

RECEIVED = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
MAPPINGS = {
    source: source_module(source, "mapping")
    for source in SOURCE_PACKAGES
    if hasattr(source_module(source, "mapping"), "TOPIC_CHECK")
}
CONSENTS = ("$email_marketing", "$sms_marketing")


@dataclass(frozen=True)
class Sample:
    """A body as its tool sends it, with the topic that it truly has."""

    name: str
    source: str
    topic: str
    headers: Mapping[str, str]
    content: Mapping[str, Any]

    def under(self, topic: str, **headers: str) -> Webhook:
        body = json.dumps(self.content, separators=(",", ":"), ensure_ascii=False).encode()
        kept = {name: value for name, value in self.headers.items() if name != "x-shopify-test"}
        return Webhook(self.name, self.source, "main", topic, kept | headers, body, RECEIVED, "group")

    def without(self, *names: str) -> Sample:
        """The sample as a subscription that leaves these fields out has it."""
        return replace(self, content={name: self.content[name] for name in self.content if name not in names})


def read(path: Path) -> Sample:
    stored = json.loads(path.read_text())
    headers = {name.lower(): value for name, value in stored["headers"].items()}
    return Sample(path.stem, path.parent.name, stored["topic"], headers, stored["body"])


SAMPLES = [
    replace(read(Path("events/shopify/orders.fulfilled.json")), name="fulfilled", topic="orders/updated")
] + [
    read(path)
    for source in MAPPINGS
    for folder in ("events", "../shared/samples")
    for path in sorted(Path(folder, source).glob("*.json"))
    if not path.name.endswith(".batch.json")
]
TOPICS = {source: sorted(source_module(source, "receiver").TOPICS) for source in MAPPINGS}
each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.source}/{sample.name}")


def change(webhook: Webhook, settings: ConnectionSettings | None = None) -> ProfileChange | None:
    """What is made of a webhook; None where nothing is: stopped, ignored or unreadable."""
    found = MAPPINGS[webhook.source]
    settings = settings or ConnectionSettings()
    verdict = found.TOPIC_CHECK.judge(webhook, settings)
    if verdict.doubt or (verdict.is_test and not settings.test_events):
        return None
    try:
        return found.to_change(webhook, settings)
    except (Ignored, ValueError):
        return None


# ── Which pairs are allowed ─────────────────────────────────────────────────────────────────────────────

Content = Mapping[str, Any]


@dataclass(frozen=True)
class Pair:
    """Bodies of some topics that may be read under others as well, because their own fields say so."""

    true: frozenset[str]
    named: frozenset[str]
    reason: str
    says: Callable[[Content], bool] = lambda content: True


def topics(text: str) -> frozenset[str]:
    return frozenset(text.split())


OF_ORDERS = topics(
    "orders/create orders/paid orders/updated orders/partially_fulfilled orders/fulfilled orders/cancelled"
)
OF_CUSTOMERS = topics("customers/create customers/update customers/enable customers/disable")
OF_CHECKOUTS = topics("checkouts/create checkouts/update")
OF_FULFILLMENTS = topics("fulfillments/create fulfillments/update")
ALLOWED = (
    Pair(OF_ORDERS, topics("orders/create"), "an order was placed once, at its created_at"),
    Pair(
        OF_ORDERS, topics("orders/updated"), "any state of an order is one that it was updated to: no event"
    ),
    Pair(
        OF_ORDERS,
        topics("orders/paid"),
        "the order says itself that it was paid",
        lambda content: content["financial_status"] in ("paid", "partially_refunded", "refunded"),
    ),
    Pair(
        OF_ORDERS,
        topics("orders/fulfilled"),
        "the order says itself that all of it is fulfilled",
        lambda content: content["fulfillment_status"] == "fulfilled",
    ),
    Pair(
        OF_ORDERS,
        topics("orders/partially_fulfilled"),
        "the order says itself that a part is fulfilled",
        lambda content: content["fulfillment_status"] == "partial",
    ),
    Pair(
        OF_ORDERS,
        topics("orders/cancelled"),
        "the order says itself when it was cancelled",
        lambda content: content["cancelled_at"] is not None,
    ),
    Pair(
        OF_CUSTOMERS,
        OF_CUSTOMERS,
        "one customer, of whom all topics read the same; created once, at its created_at",
    ),
    Pair(
        OF_CHECKOUTS,
        OF_CHECKOUTS,
        "one checkout, that began once; an update is an event only where it says more",
    ),
    Pair(
        OF_FULFILLMENTS,
        OF_FULFILLMENTS,
        "one parcel, of which both topics read the same; each step is told once",
    ),
    Pair(
        topics("shop/update app/uninstalled"),
        topics("app/uninstalled"),
        "the same body: it rings and marks the connection, stops and erases nothing, and the next webhook clears it",
    ),
    Pair(
        topics("customer.tags_added customer.tags_removed"),
        topics("customer.tags_added customer.tags_removed"),
        "the same fields: the first that comes is read, the other is stopped by its receipt",
    ),
    Pair(
        topics("order.created order.updated"),
        topics("order.created order.updated"),
        "one order, whose status says what happened; it was placed once, at its date_created",
    ),
    Pair(
        topics("customer.created customer.updated"),
        topics("customer.created customer.updated"),
        "one customer, of whom both topics read the same; created once, at its date_created",
    ),
)


def is_allowed(sample: Sample, topic: str) -> bool:
    return topic == sample.topic or any(
        sample.topic in pair.true and topic in pair.named and pair.says(sample.content) for pair in ALLOWED
    )


def pairs(samples: list[Sample]) -> Iterator[tuple[Sample, str]]:
    for sample in samples:
        for topic in TOPICS[sample.source]:
            yield sample, topic


def is_read(sample: Sample, topic: str, settings: ConnectionSettings | None = None, **headers: str) -> bool:
    """Whether the mapping is asked at all, and makes something of it."""
    return change(sample.under(topic, **headers), settings) is not None


# ── The matrix ──────────────────────────────────────────────────────────────────────────────────────────


@each_sample
def test_no_body_says_anything_under_a_topic_that_it_does_not_allow(sample: Sample) -> None:
    wrong = [
        topic for topic in TOPICS[sample.source] if is_read(sample, topic) and not is_allowed(sample, topic)
    ]
    assert wrong == []


@each_sample
def test_nor_where_tests_are_delivered(sample: Sample) -> None:
    """But of what the body itself calls a test, the state says nothing: the same bytes come under six topics."""
    settings = ConnectionSettings(test_events=True)
    is_test_order = sample.content.get("test") is True and sample.topic in OF_ORDERS
    wrong = [
        topic
        for topic in TOPICS[sample.source]
        if is_read(sample, topic, settings, **{"x-shopify-test": "true"})
        and not (is_allowed(sample, topic) or (is_test_order and topic in OF_ORDERS))
    ]
    assert wrong == []


@each_sample
def test_nor_where_the_subscription_leaves_the_global_id_out(sample: Sample) -> None:
    thin = sample.without("admin_graphql_api_id")
    wrong = [topic for topic in TOPICS[sample.source] if is_read(thin, topic) and not is_allowed(thin, topic)]
    assert wrong == []


@each_sample
def test_no_genuine_body_is_stopped_under_its_own_topic(sample: Sample) -> None:
    if sample.topic in TOPICS[sample.source]:
        settings = ConnectionSettings(test_events=True)
        assert MAPPINGS[sample.source].TOPIC_CHECK.judge(sample.under(sample.topic), settings).doubt == ""


NAMED = [
    sample
    for sample in SAMPLES
    if "admin_graphql_api_id" in sample.content and sample.topic in TOPICS[sample.source]
]


@pytest.mark.parametrize("sample", NAMED, ids=lambda sample: f"{sample.source}/{sample.name}")
def test_a_body_whose_global_id_is_of_another_kind_is_stopped_as_that(sample: Sample) -> None:
    other = replace(sample, content={**sample.content, "admin_graphql_api_id": "gid://shopify/Page/1"})
    verdict = MAPPINGS[sample.source].TOPIC_CHECK.judge(other.under(sample.topic), ConnectionSettings())
    assert verdict.doubt == ANOTHER_OBJECT


def test_every_allowed_pair_is_met_by_a_sample() -> None:
    """A pair that no sample shows is a rule that nobody has seen."""
    met = {
        pair.reason
        for sample, topic in pairs(SAMPLES)
        for pair in ALLOWED
        if topic != sample.topic
        and sample.topic in pair.true
        and topic in pair.named
        and pair.says(sample.content)
        and is_read(sample, topic, ConnectionSettings(test_events=True))
    }
    assert met == {pair.reason for pair in ALLOWED}


# ── Kinds that nobody maps ──────────────────────────────────────────────────────────────────────────────


def bodied(source: str, content: Content) -> Sample:
    """A body that its own topic is not known of."""
    headers = {"x-shopify-shop-domain": "tea.myshopify.com"} if source == "shopify" else {}
    return Sample("body", source, "", headers, content)


def read_under(source: str, content: Content) -> list[str]:
    """The topics under which something is made of a body."""
    return [topic for topic in TOPICS[source] if is_read(bodied(source, content), topic)]


@pytest.mark.parametrize(
    ("source", "kind", "content"), EACH, ids=lambda one: one if isinstance(one, str) else ""
)
def test_a_body_of_a_kind_that_nobody_maps_says_nothing_under_any_topic(
    source: str, kind: str, content: Content
) -> None:
    assert read_under(source, content) == [], kind
    assert read_under(source, {**content, "id": 7}) == [], kind


KNOWN = {
    "shopify": frozenset(shopify.KINDS_BY_FIELD).union(*WHOLE.values()),
}
VALUES = st.one_of(
    st.integers(), st.text(max_size=5), st.booleans(), st.none(), st.lists(st.integers(), max_size=2)
)
UNKNOWN = st.dictionaries(
    st.from_regex(r"[a-z]{3,8}_[a-z]{3,8}", fullmatch=True), VALUES, min_size=1, max_size=4
)
GENERIC = st.dictionaries(
    st.sampled_from(["created_at", "updated_at", "name", "email", "status", "tags", "currency", "total"]),
    st.sampled_from(["2026-09-01T08:00:00Z", "ada@example.com", "cancelled", "5.00"]),
    max_size=4,
)


@pytest.mark.parametrize("source", sorted(KNOWN))
@given(
    unknown=UNKNOWN,
    generic=GENERIC,
)
def test_an_id_beside_fields_that_nobody_knows_says_nothing_under_any_topic(
    source: str, unknown: dict[str, Any], generic: dict[str, Any]
) -> None:
    """The next kind that a vendor thinks of."""
    strange = {name: value for name, value in unknown.items() if name not in KNOWN[source]}
    if strange:
        assert read_under(source, {"id": 7, **generic, **strange}) == []


THINNED = [
    sample
    for sample in SAMPLES
    if sample.source == "shopify"
    and shopify.KINDS.get(sample.topic) in WHOLE
    and sample.topic not in shopify.CONFIRMING
]


@given(st.sampled_from(THINNED), st.data())
def test_no_part_of_a_genuine_body_is_stopped_under_its_own_topic(
    sample: Sample, data: st.DataObject
) -> None:
    """Of Shopify's bodies a subscription may leave any field out, but for what says that it is a test."""
    drawn = data.draw(st.sets(st.sampled_from(sorted(sample.content)), min_size=1))
    names = drawn | (sample.content.keys() & {"test"})
    thin = replace(sample, content={name: sample.content[name] for name in names})
    if names != {"id"}:
        settings = ConnectionSettings(test_events=True)
        assert MAPPINGS["shopify"].TOPIC_CHECK.judge(thin.under(sample.topic), settings).doubt == ""


def test_every_field_that_is_read_of_shopify_is_known_of_its_kind() -> None:
    unknown = {
        (kind, name)
        for topic, kind in shopify.KINDS.items()
        if kind in WHOLE
        for model in MAPPINGS["shopify"].reads(topic).values()
        for name in getattr(model, "model_fields", {})
        if name not in WHOLE[kind]
    }
    assert unknown == set()


def test_a_summary_without_tags_changes_none() -> None:
    """It names the same customer and moment."""
    content = {"customerId": "gid://shopify/Customer/7", "occurredAt": "2026-09-01T08:00:00Z"}
    assert read_under("shopify", content) == []
