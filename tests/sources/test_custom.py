"""Any other tool: what the mapping in a connection's settings makes of a webhook, and the presets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Ignored, MalformedBody, MappingFailed
from bridge.profiles.profile_change import Event, ProfileChange
from bridge.settings import checked
from bridge.webhook import Request, Webhook
from functions.sources.custom.body import document
from functions.sources.custom.mapping import to_change
from functions.sources.custom.receiver import check_topic, topic_of
from functions.sources.registry import settings_model

SAMPLES = Path("../shared/samples")
RECEIVED = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
VERIFY = {"scheme": "hmac", "header": "X-Signature"}
PRESETS = {path.stem: json.loads(path.read_text()) for path in sorted(Path("presets").glob("*.json"))}
FIXTURES = [
    pytest.param(path.stem, webhook, id=f"{path.stem} {number}")
    for path in sorted(Path("tests/sources/presets").glob("*.json"))
    for number, webhook in enumerate(json.loads(path.read_text()))
]


def webhook_of(
    settings: dict[str, Any], body: bytes, connection: str = "main", content_type: str = "application/json"
) -> Webhook:
    """The webhook as the receiver would queue it. Raises Ignored where no rule is about its topic."""
    headers = {"content-type": content_type}
    request = Request("custom", connection, headers, {}, body, settings=settings)
    topic = topic_of(request, document(headers, body))
    check_topic(topic, settings)
    return Webhook("1", "custom", connection, topic, headers, body, RECEIVED, "group")


def change(settings: dict[str, Any], content: Any, connection: str = "main") -> ProfileChange:
    stored = {"verify": VERIFY, "person": {"email": "email"}, "mapping": [{}], **settings}
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return to_change(webhook_of(stored, body, connection), checked(stored, settings_model("custom")))


def attribute(rule: Any, content: Any, key: str = "x") -> Any:
    """What an attribute's rule makes of a body; None where it is left out."""
    rules = [{"event": {"name": "seen", "attributes": {key: rule}}}]
    [event] = change({"mapping": rules}, content).events
    return event.attributes.get(key)


# ── Attributes ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rule", "content", "expected"),
    [
        ("a", {"a": "x"}, "x"),
        ("a", {"a": 3}, 3),
        ("a", {"a": True}, True),
        ("a", {"a": ["x", "y"]}, ["x", "y"]),
        ("a", {"a": ""}, None),
        ("a", {"a": None}, None),
        ("a", {}, None),
        ("a || b", {"b": "y"}, "y"),
        ("items[0].name", {"items": [{"name": "Tea"}]}, "Tea"),
        ("'fixed'", {}, "fixed"),
        ("{city: a}", {"a": "Oslo"}, {"city": "Oslo"}),
        ({"path": "a", "type": "text"}, {"a": 1001}, "1001"),
        ({"path": "a", "type": "number"}, {"a": "12.50"}, Decimal("12.50")),
        ({"path": "a", "type": "number"}, {"a": 3}, Decimal(3)),
        ({"path": "a", "type": "integer"}, {"a": "4"}, 4),
        ({"path": "a", "type": "boolean"}, {"a": "yes"}, True),
        ({"path": "a", "type": "boolean"}, {"a": 0}, False),
        ({"path": "a", "type": "boolean"}, {"a": "perhaps"}, None),
        ({"path": "a", "type": "list"}, {"a": "tea, coffee"}, ["tea", "coffee"]),
        ({"path": "a", "type": "list"}, {"a": 7}, [7]),
        ({"path": "a", "type": "date"}, {"a": 1_788_253_200}, "2026-09-01T09:00:00Z"),
        ({"path": "a", "type": "date"}, {"a": 1_788_253_200_000}, "2026-09-01T09:00:00Z"),
        ({"path": "a", "type": "date"}, {"a": "2026-09-01T11:00:00+02:00"}, "2026-09-01T09:00:00Z"),
        ({"path": "a", "type": "money_minor", "currency": "c"}, {"a": 1250, "c": "eur"}, Decimal("12.50")),
        ({"path": "a", "type": "money_minor", "currency": "c"}, {"a": 1250, "c": "JPY"}, Decimal(1250)),
        ({"path": "a", "type": "money_minor", "currency": "'KWD'"}, {"a": "1250"}, Decimal("1.250")),
        ({"path": "a", "type": "money_minor", "currency": "c"}, {"a": 1250}, None),
        ({"path": "a", "values": {"true": "gone", "false": "here"}}, {"a": True}, "gone"),
        ({"path": "a", "values": {"1": "one"}}, {"a": 1}, "one"),
        ({"path": "a", "values": {"1": "one"}}, {"a": 2}, None),
    ],
)
def test_an_attribute_is_what_its_rule_makes_of_the_body(rule: Any, content: Any, expected: Any) -> None:
    found = attribute(rule, content)
    assert (found, type(found)) == (expected, type(expected))


def test_what_is_no_number_is_left_out_with_a_warning() -> None:
    assert attribute({"path": "a", "type": "number"}, {"a": "many"}).is_nan()
    assert attribute({"path": "a", "type": "integer"}, {"a": "1e999999999"}).is_nan()


@pytest.mark.parametrize(
    ("key", "rule", "content", "expected"),
    [
        ("date(starts_at)", "a", {"a": 1_788_253_200}, "2026-09-01T09:00:00Z"),
        ("date(starts_at)", "a", {"a": "soon"}, "soon"),
        ("url(page)", "a", {"a": "https://example.com"}, "https://example.com"),
    ],
)
def test_a_key_says_what_its_value_is(key: str, rule: Any, content: Any, expected: Any) -> None:
    assert attribute(rule, content, key) == expected


def test_native_attributes_are_written_as_batch_wants_them() -> None:
    rules = {
        "$phone_number": {"path": "phone", "country": "country"},
        "$language": "locale",
        "$region": "country",
    }
    content = {"phone": "06 12 34 56 70", "country": "fr", "locale": "fr-FR"}
    [group] = change({"mapping": [{"attributes": rules}]}, content).groups
    assert group.attributes == {"$phone_number": "+33612345670", "$language": "fr", "$region": "FR"}


def test_a_list_of_objects_has_the_fields_of_each_item() -> None:
    rule = {
        "for_each": "lines",
        "fields": {
            "sku": "id",
            "price": {"path": "cents", "type": "money_minor", "currency": "cur"},
            "date(sent)": "sent",
        },
    }
    lines = [{"id": "a", "cents": 250, "cur": "EUR", "sent": 1_788_253_200}, None, {"id": "b"}]
    assert attribute(rule, {"lines": lines}) == [
        {"sku": "a", "price": Decimal("2.50"), "date(sent)": "2026-09-01T09:00:00Z"},
        {"sku": "b"},
    ]


# ── Rules ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_rule_that_applies_adds_to_the_change() -> None:
    rules = [
        {"attributes": {"plan": "plan"}},
        {"when": "total > `100`", "event": {"name": "big_order"}},
        {"when": "total > `1000`", "event": {"name": "huge_order"}},
    ]
    found = change({"mapping": rules, "time": "at"}, {"plan": "gold", "total": 500, "at": 1_788_253_200})
    moment = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
    assert found.events == (Event("big_order", moment),)
    assert [(group.attributes, group.version) for group in found.groups] == [
        ({"plan": "gold"}, "2026-09-01T09:00:00.000000")
    ]


def test_times_are_the_events_own_then_the_rules_then_the_webhooks_then_of_receipt() -> None:
    def time_of(content: dict[str, Any]) -> datetime | None:
        rules = [{"time": "rule", "event": {"name": "seen", "time": "event"}}]
        return change({"mapping": rules, "time": "whole"}, content).events[0].time

    whole, rule, event = ("2026-09-01", "2026-09-02", "2026-09-03")
    assert time_of({"whole": whole, "rule": rule, "event": event}) == datetime(2026, 9, 3, tzinfo=UTC)
    assert time_of({"whole": whole, "rule": rule}) == datetime(2026, 9, 2, tzinfo=UTC)
    assert time_of({"whole": whole}) == datetime(2026, 9, 1, tzinfo=UTC)
    assert time_of({"whole": "soon"}) == RECEIVED


def test_whose_it_is() -> None:
    rules = {
        "user_id": "account",
        "email": "email",
        "source_id": "id",
        "references": {"order": "order", "cart": "cart"},
        "named_elsewhere": True,
    }
    settings = {"person": rules, "mapping": [{"event": {"name": "seen"}}], "test": "mode == 'test'"}
    settings["provenance"] = "owner"
    content = {"account": 7, "email": "ada@example.com", "id": 9, "order": 12, "mode": "test"}
    found = change(settings, content, "shop")
    assert (found.person.user_id, found.person.email, found.person.source_id) == (
        "7",
        "ada@example.com",
        "shop:9",
    )
    assert found.person.references == ("custom:shop:order:12",)
    assert (found.person.named_elsewhere, found.is_test) == (True, True)


def test_an_event_to_be_had_once_is_known_by_its_name_and_key() -> None:
    rules = [{"event": {"name": "seen", "once": "id"}}]
    assert change({"mapping": rules}, {"id": 5}).events[0].once == "seen:5"


def test_what_says_nothing_is_ignored_with_its_reason() -> None:
    with pytest.raises(Ignored, match="no rule of the mapping applies"):
        change({"mapping": [{"when": "a"}]}, {"a": 0, "b": []} | {"a": None})
    with pytest.raises(Ignored, match="nothing in it that the mapping asks for"):
        change({"mapping": [{"attributes": {"plan": "plan"}}]}, {})


def test_an_expression_that_fails_tells_its_place_and_no_value() -> None:
    rules = [{}, {"event": {"name": "seen", "attributes": {"size": "length(name)"}}}]
    with pytest.raises(MappingFailed) as caught:
        change({"mapping": rules}, {"name": 12345})
    assert caught.value.reason == "mapping.1.event.attributes.size.path: JMESPathTypeError"


def test_a_list_at_the_top_is_a_body_too() -> None:
    rules = [{"event": {"name": "seen", "attributes": {"count": "length(@)"}}}]
    [event] = change(
        {"mapping": rules, "person": {"email": "[0].email"}}, [{"email": "a@example.com"}]
    ).events
    assert event.attributes == {"count": 1}


@pytest.mark.parametrize("body", [b"", b"{", b'"x"', b"1", b"null", b"[" * 100_000, b"\xff"])
def test_what_is_no_object_and_no_list_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        document({"content-type": "application/json"}, body)


def test_a_posted_form_with_brackets_is_a_nested_object() -> None:
    body = b"type=profile&data[merges][EMAIL]=ada%40example.com&data[tags][]=a&data[tags][]=b&type=again&type[x]=1"
    assert document({"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, body) == {
        "type": "profile",
        "data": {"merges": {"EMAIL": "ada@example.com"}, "tags": ["a", "b"]},
    }


def test_half_a_character_does_no_harm() -> None:
    found = change({"mapping": [{"event": {"name": "seen"}}]}, b'{"email": "\\ud83d@example.com"}')
    assert found.person.email == "?@example.com"


# ── Presets ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("tool", "stored"), FIXTURES)
def test_a_preset_makes_exactly_this_of_its_tools_webhooks(world: Any, tool: str, stored: Any) -> None:
    text = stored.get("body_raw") or json.dumps(stored["body"], ensure_ascii=False)
    world.parameters.write("custom", tool, PRESETS[tool])
    world.now += 90 * 24 * 3600
    world.deliver(webhook_of(PRESETS[tool], text.encode(), tool, stored["content_type"]))
    assert world.operations == [stored["expected"]]


def test_every_preset_is_tried() -> None:
    tried = {str(fixture.values[0]) for fixture in FIXTURES} | {"calendly"}
    assert tried == set(PRESETS)


# sample of the tool's own                 events that it becomes, or why it is ignored
BECOMES: dict[str, list[str] | str] = {
    "calendly/triggerdev_0_invitee_created": ["meeting_booked"],
    "calendly/triggerdev_2_invitee_created": ["meeting_rescheduled"],
    "calendly/triggerdev_3_invitee_canceled": ["meeting_cancelled"],
    "intercom/triggerdev_0_conversation_user_created": ["conversation_started"],
    "intercom/triggerdev_1_conversation_user_replied": ["conversation_replied"],
    "intercom/triggerdev_2_conversation_admin_replied": ["conversation_answered"],
    "intercom/triggerdev_3_contact_created": ["contact_created"],
    "intercom/triggerdev_4_contact_deleted": "topic not mapped",
    "intercom/zulip_company_created": "topic not mapped",
    "intercom/zulip_contact_added_email": [],
    "intercom/zulip_contact_created": ["contact_created"],
    "intercom/zulip_contact_signed_up": ["signed_up"],
    "intercom/zulip_conversation_user_created": ["conversation_started"],
    "intercom/zulip_ping": "topic not mapped",
    "intercom/zulip_user_created": ["contact_created"],
    "intercom/zulip_user_deleted": "topic not mapped",
    "intercom/zulip_user_email_updated": [],
    "intercom/zulip_user_unsubscribed": [],
    "chargebee/activepieces_customer-created": ["billing_customer_created"],
    "chargebee/activepieces_invoice-generated": ["invoice_created"],
    "chargebee/activepieces_payment-failed": ["payment_failed"],
    "chargebee/activepieces_payment-succeeded": ["payment_succeeded"],
    "chargebee/activepieces_subscription-cancelled": ["subscription_cancelled"],
    "chargebee/activepieces_subscription-changed": ["subscription_changed"],
    "chargebee/activepieces_subscription-created": ["subscription_started"],
    "chargebee/activepieces_subscription-renewed": ["subscription_renewed"],
    "lemonsqueezy/activepieces_order-created": ["order_placed"],
    "lemonsqueezy/activepieces_order-refunded": ["order_refunded"],
    "lemonsqueezy/activepieces_subscription-cancelled": ["subscription_cancelled"],
    "lemonsqueezy/activepieces_subscription-created": ["subscription_started"],
    "lemonsqueezy/activepieces_subscription-payment-failed": ["payment_failed"],
    "lemonsqueezy/activepieces_subscription-updated": [],
    "cal-com/triggerdev_0_BOOKING_CREATED": ["meeting_booked"],
    "cal-com/triggerdev_1_BOOKING_CANCELLED": ["meeting_cancelled"],
    "cal-com/triggerdev_2_BOOKING_RESCHEDULED": ["meeting_rescheduled"],
    "cal-com/triggerdev_3_MEETING_ENDED": ["meeting_ended"],
    "zendesk/triggerdev_0_ticket_created": ["ticket_created"],
    "zendesk/triggerdev_1_ticket_updated": ["ticket_updated"],
    "zendesk/triggerdev_2_ticket_updated": ["ticket_updated"],
    "zendesk/triggerdev_3_ticket_updated": ["ticket_updated"],
    "zendesk/triggerdev_4_ticket_updated": ["ticket_solved"],
    "slack/triggerdev_0_app_mention": "topic not mapped",
    "slack/triggerdev_1_message": "topic not mapped",
    "slack/triggerdev_2_reaction_added": "topic not mapped",
    "slack/triggerdev_3_member_joined_channel": "topic not mapped",
    "slack/triggerdev_4_app_home_opened": "topic not mapped",
    "slack/zulip_url_verification": "topic not mapped",
}


@pytest.mark.parametrize("name", BECOMES)
def test_a_preset_understands_what_its_tool_has_sent(name: str) -> None:
    if not SAMPLES.is_dir():
        pytest.skip("samples folder missing: ../shared/samples is not beside the project")
    stored = PRESETS[name.partition("/")[0]]
    body = json.dumps(json.loads((SAMPLES / f"{name}.json").read_text())["body"]).encode()
    assert became(stored, body) == BECOMES[name]


def became(stored: dict[str, Any], body: bytes) -> list[str] | str:
    """The names of the events, or why there are none."""
    try:
        found = to_change(webhook_of(stored, body), checked(stored, settings_model("custom")))
    except Ignored as ignored:
        return ignored.reason
    return [event.name for event in found.events]


def test_every_sample_of_a_preset_is_tried() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("samples folder missing: ../shared/samples is not beside the project")
    there = {f"{tool}/{path.stem}" for tool in PRESETS for path in (SAMPLES / tool).glob("*.json")}
    assert there == set(BECOMES)
