"""The settings of any other tool: what is refused when they are stored, and how the place is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.settings import ConnectionSettings, InvalidSettings, checked
from functions.sources.registry import settings_model

HMAC: dict[str, Any] = {"scheme": "hmac", "header": "X-Signature"}
GOOD: dict[str, Any] = {
    "verify": HMAC,
    "person": {"email": "email"},
    "mapping": [{"attributes": {"city": "city"}}],
}
PRESETS = sorted(Path("presets").glob("*.json"))
FREE_BYTES = 4096
"""A larger parameter is paid for.
https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"""


def rule(**content: Any) -> dict[str, Any]:
    return {"mapping": [content]}


def event(**attributes: Any) -> dict[str, Any]:
    return rule(event={"name": "seen", "attributes": attributes})


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_is_valid_and_fits_a_free_parameter(path: Path) -> None:
    stored = json.loads(path.read_text())
    checked(stored, settings_model("custom"))
    assert len(json.dumps(stored, ensure_ascii=False, separators=(",", ":")).encode()) <= FREE_BYTES


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("verify", {"verify": {"scheme": "none"}}),
        ("verify.hmac.header", {"verify": {"scheme": "hmac"}}),
        ("verify.hmac.header", {"verify": {**HMAC, "header": "X Signature"}}),
        ("verify.hmac", {"verify": {**HMAC, "signed": "{timestamp}"}}),
        ("verify.hmac", {"verify": {**HMAC, "signed": "{timestamp}.{body}"}}),
        ("verify.hmac", {"verify": {**HMAC, "timestamp_header": "X-Time"}}),
        ("verify.hmac", {"verify": {**HMAC, "timestamp_part": "t", "signed": "{timestamp}{body}"}}),
        ("verify.hmac", {"verify": {**HMAC, "signed": "{id}{body}"}}),
        ("verify.hmac.tolerance_seconds", {"verify": {**HMAC, "tolerance_seconds": 86400}}),
        ("verify.hmac.algoritm", {"verify": {**HMAC, "algoritm": "sha1"}}),
        ("person.email", {"person": {"email": "person[email"}}),
        ("person.email", {"person": {"email": "!person.email"}}),
        ("mapping", {"mapping": []}),
        ("mapping.0.when", rule(when="a ==")),
        ("mapping.0.attributes.Plan.[key]", rule(attributes={"Plan": "plan"})),
        ("mapping.0.attributes.$label.[key]", rule(attributes={"$label": "plan"})),
        ("mapping.0.event.name", rule(event={"name": "Signed Up"})),
        ("mapping.0.event.attributes.plan.path", event(plan="a..b")),
        ("mapping.0.event.attributes.plan", event(plan={})),
        ("mapping.0.event.attributes.plan", event(plan={"path": "a", "for_each": "b", "fields": {"c": "c"}})),
        ("mapping.0.event.attributes.plan", event(plan={"for_each": "b"})),
        ("mapping.0.event.attributes.plan", event(plan={"path": "a", "type": "money_minor"})),
        ("mapping.0.event.attributes.plan.type", event(plan={"path": "a", "type": "money"})),
        (
            "mapping.0.event.attributes.plan.fields.a.path",
            event(plan={"for_each": "b", "fields": {"a": "a["}}),
        ),
        ("handshake.get", {"handshake": {"get": {"answer": "hub.challenge"}}}),
        ("project", {"project": "Club"}),
        ("settings", {"honeypot": "website"}),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(place: str, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidSettings) as caught:
        checked({**GOOD, **change}, settings_model("custom"))
    assert caught.value.reason.startswith(f"{place}: ")


def test_how_to_verify_whose_it_is_and_what_it_means_are_needed() -> None:
    with pytest.raises(InvalidSettings) as caught:
        checked({}, settings_model("custom"))
    assert caught.value.reason == "verify: Field required; person: Field required; mapping: Field required"


def test_a_fault_in_an_expression_tells_where() -> None:
    with pytest.raises(InvalidSettings) as caught:
        checked({**GOOD, "time": "created at"}, settings_model("custom"))
    assert "not a JMESPath expression at character 9" in caught.value.reason


def test_other_sources_keep_the_settings_of_every_connection() -> None:
    assert settings_model("shopify") is ConnectionSettings
    with pytest.raises(InvalidSettings):
        checked({"verify": HMAC})


TOPICS = [{"topics": ["order.paid"], "attributes": {"plan": "plan"}}]
ID_SIGNED = {**HMAC, "id_header": "X-Id", "signed": "{id}{body}"}


@pytest.mark.parametrize(
    ("verify", "header"),
    [(HMAC, "X-Topic"), (ID_SIGNED, "X-Topic"), ({"scheme": "standard_webhooks"}, "X-Topic")],
)
def test_a_topic_that_nobody_signs_is_confirmed_by_the_body(verify: dict[str, Any], header: str) -> None:
    """A captured body could be sent again under any topic."""
    model = settings_model("custom")
    stored = GOOD | {"verify": verify, "topic": {"header": header}, "mapping": TOPICS}
    with pytest.raises(InvalidSettings, match=r"mapping\.0.*`when`"):
        checked(stored, model)
    checked(stored | {"mapping": [TOPICS[0] | {"when": "object == 'order'"}]}, model)
    checked(stored | {"mapping": GOOD["mapping"]}, model)


PAID, LEFT = "object == 'order' && status == 'paid'", "type == 'unsubscribed'"
WITHDRAWAL = {"$email_marketing": {"path": "type", "values": {"unsubscribed": "unsubscribed"}}}


def rule(topic: str, when: str, attributes: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"topics": [topic], "when": when, "attributes": attributes or {"plan": "plan"}}


def unsigned(*rules: dict[str, Any]) -> dict[str, Any]:
    return GOOD | {"verify": HMAC, "topic": {"header": "X-Topic"}, "mapping": list(rules)}


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ([rule("a", "`true`")], "empty body"),
        ([rule("a", "'yes'")], "empty body"),
        ([rule("a", "!deleted_at")], "empty body"),
        ([rule("a", "status != 'cancelled'")], "empty body"),
        ([rule("a", PAID), rule("b", PAID)], "other topics have the same"),
        ([rule("a", "email", WITHDRAWAL)], "compares a field"),
        ([rule("a", "email && 'x' == 'x'", WITHDRAWAL)], "compares a field"),
        ([rule("a", "status != 'x' && email", WITHDRAWAL)], "compares a field"),
        ([rule("b", PAID), rule("a", "contact", WITHDRAWAL)], "compares a field"),
    ],
)
def test_what_any_body_satisfies_confirms_no_topic(rules: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(InvalidSettings, match=reason):
        checked(unsigned(*rules), settings_model("custom"))


@pytest.mark.parametrize(
    "rules",
    [
        [rule("a", PAID), rule("b", LEFT, WITHDRAWAL)],
        [rule("a", "cancelled_at")],
        [rule("a", PAID), {**rule("a", PAID), "topics": ["a", "b"]}],
        [rule("a", PAID), {"when": PAID, "attributes": WITHDRAWAL}],
    ],
)
def test_what_the_body_says_itself_confirms_a_topic(rules: list[dict[str, Any]]) -> None:
    checked(unsigned(*rules), settings_model("custom"))


@pytest.mark.parametrize(
    ("verify", "topic"),
    [
        (HMAC, "kind"),
        (ID_SIGNED, {"header": "x-id"}),
        ({"scheme": "standard_webhooks"}, {"header": "webhook-id"}),
        ({"scheme": "basic"}, {"header": "X-Topic"}),
        ({"scheme": "token"}, {"header": "X-Topic"}),
    ],
)
def test_a_topic_that_is_proven_as_well_as_the_body_needs_no_more(verify: dict[str, Any], topic: Any) -> None:
    checked(GOOD | {"verify": verify, "topic": topic, "mapping": TOPICS}, settings_model("custom"))
