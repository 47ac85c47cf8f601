"""Whatever a tool signs, its mapping makes something of it that can be sent to Batch, or says why not."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.batch.limits import Warnings, fit_attributes, fit_event
from bridge.errors import BridgeError
from bridge.profiles.profile_change import ProfileChange
from bridge.settings import ConnectionSettings, InvalidSettings, checked
from bridge.webhook import Webhook
from functions.deliver.overrides import overridden
from functions.sources.registry import settings_model, source_module
from functions.sources.stripe.thin import whole
from tests.fuzz.hostile import SOURCES, TEXTS, VALUES, changed, examples_of, webhooks
from tests.sources.test_every_source import SENT_AT, Example, source_of

NOW = datetime.fromtimestamp(SENT_AT, UTC)
ANY_PART = (
    "@",
    "*",
    "[]",
    "[*].*",
    "keys(@)",
    "to_string(@)",
    "not_null(a, @)",
    "sort(keys(@))",
    "max(values(@))",
    "ceil(values(@)[0])",
    "avg(values(@))",
    "sum(values(@))",
)
KINDS = ("text", "number", "integer", "money_minor", "boolean", "date", "list")
OF_EVERY_TYPE = {
    kind: {"path": kind, "type": kind, **({"currency": "currency"} if kind == "money_minor" else {})}
    for kind in KINDS
}
NATIVE = ("$email_address", "$phone_number", "$language", "$region", "$timezone", "date(day)", "url(link)")
EVERY_TYPE = checked(
    {
        "verify": {"scheme": "token"},
        "time": "time",
        "person": {"user_id": "id", "email": "email", "source_id": "id", "references": {"thing": "id"}},
        "mapping": [
            {
                "time": "date",
                "attributes": OF_EVERY_TYPE | dict.fromkeys(NATIVE, "text"),
                "event": {
                    "name": "happened",
                    "once": "id",
                    "time": "time",
                    "attributes": OF_EVERY_TYPE
                    | {
                        "items": {
                            "for_each": "list",
                            "fields": {"text": "@", "number": {"path": "@", "type": "number"}},
                        }
                    },
                },
            }
        ],
    },
    settings_model("custom"),
)
often = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def webhook_of(example: Example) -> Webhook:
    kept = source_of(example.source).kept_headers
    return Webhook(
        id="0" * 32,
        source=example.source,
        connection="main",
        topic=example.topic,
        headers={name: text for name, text in example.headers.items() if name in kept},
        body=example.body,
        received_at=NOW,
        group="0" * 32,
    )


def settings_of(example: Example) -> ConnectionSettings:
    """The settings that the example came with, as they are read for a delivery."""
    found: ConnectionSettings = checked(example.settings, settings_model(example.source))
    return found


def can_be_sent(change: ProfileChange) -> None:
    """What Batch's client writes into its call: JSON in UTF-8."""
    warnings = Warnings()
    operation = [fit_attributes(group.attributes, warnings) for group in change.groups]
    later = change.completed({}) if change.completed else ()
    operation += [fitted for event in (*change.events, *later) if (fitted := fit_event(event, NOW, warnings))]
    json.dumps(operation, ensure_ascii=False, allow_nan=False).encode()
    json.dumps([str(one) for one in warnings.found], ensure_ascii=False).encode()


@often
@given(SOURCES.flatmap(webhooks))
def test_a_mapping_raises_nothing_but_its_own_errors_and_what_it_makes_can_be_sent(example: Example) -> None:
    with contextlib.suppress(BridgeError, ValidationError):
        can_be_sent(
            source_module(example.source, "mapping").to_change(webhook_of(example), settings_of(example))
        )


@often
@given(st.dictionaries(st.sampled_from([*KINDS, "id", "email", "time", "currency", "list"]), VALUES))
def test_any_value_becomes_any_type_or_a_warning(content: dict[str, object]) -> None:
    body = json.dumps(content).encode()
    webhook = webhook_of(Example("custom", "webhook", {"content-type": "application/json"}, body))
    with contextlib.suppress(BridgeError):
        can_be_sent(source_module("custom", "mapping").to_change(webhook, EVERY_TYPE))


@often
@given(SOURCES.flatmap(webhooks), st.sampled_from(ANY_PART))
def test_what_the_settings_add_can_be_sent(example: Example, expression: str) -> None:
    added = {"added_attributes": {"added": expression, "date(added_at)": expression}, "prefix": "x_"}
    chosen_by = checked(added, ConnectionSettings)
    with contextlib.suppress(BridgeError, ValidationError):
        change = source_module(example.source, "mapping").to_change(webhook_of(example), settings_of(example))
        can_be_sent(overridden(change, chosen_by, webhook_of(example)))


@often
@given(st.data())
def test_settings_are_stored_or_refused(data: st.DataObject) -> None:
    source = data.draw(SOURCES)
    stored = data.draw(changed(examples_of(source)[0].settings) | VALUES)
    with contextlib.suppress(InvalidSettings):
        checked(stored if isinstance(stored, dict) else {"prefix": stored}, settings_model(source))


@often
@given(st.data())
def test_whatever_stripe_answers_to_a_thin_event_its_whole_is_mapped_or_refused(data: st.DataObject) -> None:
    """The address is the event's, and may be anything; only Stripe's own API is ever asked."""
    asked: list[str] = []
    example = data.draw(st.sampled_from(examples_of("stripe")))
    related = {"id": "cus_1", "type": "customer", "url": data.draw(TEXTS | st.just("/v1/customers/cus_1"))}
    notice = {"object": "v2.core.event", "id": data.draw(TEXTS | st.just("evt_1")), "related_object": related}
    notice |= {
        "type": f"v1.{example.topic}",
        "created": data.draw(TEXTS),
        "context": data.draw(TEXTS | st.none()),
    }

    def ask(url: str, headers: object) -> dict[str, object]:
        asked.append(url)
        answer: dict[str, object] = data.draw(
            st.dictionaries(TEXTS | st.just("snapshot_event"), VALUES, max_size=3)
        )
        return answer

    body = json.dumps(data.draw(changed(notice))).encode()
    webhook = webhook_of(Example("stripe", example.topic, {}, body))
    with contextlib.suppress(BridgeError, ValidationError):
        can_be_sent(source_module("stripe", "mapping").to_change(whole(webhook, ask), ConnectionSettings()))
    assert all(url.startswith("https://api.stripe.com/v") and ".." not in url for url in asked)
