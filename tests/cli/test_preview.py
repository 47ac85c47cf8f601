"""`bridge preview`: what a webhook would become, without a stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.fields import REMOVED, altered, place, values
from tests.cli.conftest import Bridge

SAMPLE = "events/custom/invitee.created.json"


def test_prints_the_call_and_the_fields_that_nothing_uses(bridge: Bridge) -> None:
    result = bridge("preview", "custom", "main", SAMPLE, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found["call"] == json.loads(Path(SAMPLE.replace(".json", ".batch.json")).read_text())
    assert (found["topic"], found["warnings"], found["ignored"]) == ("invitee.created", [], "")
    assert "payload.name" in found["unused"]
    assert "payload.questions_and_answers[].position" in found["unused"]
    assert not {"event", "payload.email", "payload.questions_and_answers[].answer"} & set(found["unused"])


def test_reads_for_people_too(bridge: Bridge) -> None:
    text = bridge("preview", "custom", "main", SAMPLE).stdout
    assert "meeting_booked" in text
    assert "18 of the 26 fields with a value are used." in text
    assert "These fields of the body are not used:\n  payload.event\n" in text


def test_a_bare_body_is_tried_with_settings_from_a_file(bridge: Bridge, tmp_path: Path) -> None:
    body, settings = tmp_path / "body.json", tmp_path / "settings.json"
    body.write_text('{"email": "ada@example.com", "plan": "' + "g" * 400 + '"}')
    settings.write_text(
        json.dumps(
            {
                "verify": {"scheme": "token"},
                "person": {"email": "email"},
                "mapping": [{"attributes": {"plan": "plan"}}],
            }
        )
    )
    result = bridge("preview", "custom", "club", str(body), "--settings", str(settings), "--json")
    found = json.loads(result.stdout)
    assert found["call"][0]["attributes"] == {"plan": "g" * 300}
    assert (found["warnings"], found["unused"]) == (["string_cut:plan"], [])


def test_says_what_is_ignored_and_why(bridge: Bridge, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"event": "routing_form_submission.created", "payload": {}}')
    text = bridge("preview", "custom", "main", str(body), "--settings", "presets/calendly.json").stdout
    assert "Nothing is sent to Batch: topic not mapped" in text


def test_settings_that_are_wrong_are_told_with_their_place(bridge: Bridge, tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text("{}")
    result = bridge("preview", "custom", "main", SAMPLE, "--settings", str(settings))
    assert result.exit_code == 1
    assert "the settings are invalid: verify: Field required" in result.stderr


def test_other_sources_are_previewed_too(bridge: Bridge) -> None:
    result = bridge("preview", "shopify", "main", "events/shopify/orders.paid.json", "--json")
    expected = json.loads(Path("events/shopify/orders.paid.batch.json").read_text())
    assert json.loads(result.stdout)["call"] == expected


# ── What nothing uses ───────────────────────────────────────────────────────────────────────────────────────

EVENTS = Path("events")
# one of each way to read a body: by models, leniently, by the expressions of the settings
READ = [
    "shopify/customers.create",
    "stripe/invoice.paid",
    "woocommerce/order.updated__failed",
    "typeform/form_response__hidden_user_id",
    "tally/FORM_RESPONSE",
    "netlify/submission_created",
    "custom/invitee.created",
]
# example                                        field, and where else its use would show
SUBTLE = [
    ("shopify/orders.create", "contact_email"),  # where there is no `email`
    ("shopify/orders.create", "updated_at"),  # it only says how new the order is
    ("stripe/customer.subscription.deleted", "data.object.items.data[].plan.interval"),  # the older `price`
    ("tally/FORM_RESPONSE", "data.fields[].type"),  # it only says what to make of answers
    ("elementor/submission__advanced", "fields.newsletter.type"),  # the title tells the same
    ("wufoo/submission", "HandshakeKey"),  # it only proves who sends
]


def previewed(bridge: Bridge, source: str, path: Path | str, *options: str) -> dict[str, Any]:
    result = bridge("preview", source, "main", str(path), "--json", *options)
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("example", READ)
def test_what_nothing_uses_can_be_missing_and_the_call_stays_as_it_is(
    bridge: Bridge, example: str, tmp_path: Path
) -> None:
    path = EVENTS / f"{example}.json"
    found = previewed(bridge, path.parent.name, path)
    stored = json.loads(path.read_text())
    unused = [way for way, _ in values(stored["body"]) if place(way) in found["unused"]]
    stored["body"] = altered(stored["body"], dict.fromkeys(unused, REMOVED))
    if "settings" in stored:
        stored["settings"] = str((path.parent / stored["settings"]).resolve())
    lean = tmp_path / path.name
    lean.write_text(json.dumps(stored))

    again = previewed(bridge, path.parent.name, lean)

    assert unused
    assert again["call"] == found["call"]
    assert (again["unused"], again["used"]) == ([], found["used"])


@pytest.mark.parametrize(("example", "field"), SUBTLE)
def test_a_field_that_is_used_in_any_way_is_never_called_unused(
    bridge: Bridge, example: str, field: str
) -> None:
    found = previewed(bridge, example.partition("/")[0], EVENTS / f"{example}.json")
    assert field in found["used"]
    assert found["unused"]


def test_all_answers_of_a_form_are_used_whatever_way_it_is_posted(bridge: Bridge) -> None:
    for name in ("submission", "submission__json", "submission__latin1", "submission__multipart"):
        found = previewed(bridge, "form", EVENTS / f"form/{name}.json")
        assert len(found["used"]) > 5
        assert set(found["unused"]) <= {"_redirect"}


def test_what_is_empty_is_neither_used_nor_unused(bridge: Bridge) -> None:
    """An empty list of discounts tells nothing of whether a discount would be read."""
    found = previewed(bridge, "stripe", EVENTS / "stripe/invoice.paid.json")
    body = json.loads((EVENTS / "stripe/invoice.paid.json").read_text())["body"]
    assert body["data"]["object"]["discounts"] == []
    assert "data.object.discounts" not in (*found["used"], *found["unused"])


def test_a_part_of_which_nothing_is_used_is_one_line_for_people(bridge: Bridge) -> None:
    text = bridge("preview", "shopify", "main", "events/shopify/customers.create.json").stdout
    assert "\n  addresses[] (" in text
    assert "addresses[].city" not in text
    assert "\n  default_address.country_name\n" in text


# ── What a person should know ───────────────────────────────────────────────────────────────────────────────


def test_a_test_event_is_told_and_shows_what_it_would_be(bridge: Bridge, tmp_path: Path) -> None:
    stored = json.loads((EVENTS / "stripe/customer.updated.json").read_text())
    stored["body"]["livemode"] = False
    path = tmp_path / "customer.updated.json"
    path.write_text(json.dumps(stored))
    expected = json.loads((EVENTS / "stripe/customer.updated.batch.json").read_text())

    text = bridge("preview", "stripe", "main", str(path)).stdout
    assert "Nothing is sent to Batch: it is a test event" in text
    assert "Otherwise Batch would get:" in text
    settings = tmp_path / "settings.json"
    settings.write_text('{"test_events": true}')
    found = previewed(bridge, "stripe", path, "--settings", str(settings))
    assert (found["ignored"], found["call"]) == ("", expected)


@pytest.mark.parametrize(
    ("topic", "told"),
    [
        ("customers.redact", "It requests the erasure of a person"),
        ("customers.data_request", "It asks what is stored about a person"),
        ("refunds.create", "it waits up to 24 hours for a webhook that does"),
        ("shop.redact", "It requests the erasure of a whole shop"),
        ("app.uninstalled", "The tool was uninstalled"),
        ("customers.merge", "Nothing is sent to Batch: it contains no event and no attribute"),
    ],
)
def test_says_in_words_what_becomes_of_a_webhook_that_is_no_plain_event(
    bridge: Bridge, topic: str, told: str
) -> None:
    assert told in bridge("preview", "shopify", "main", f"events/shopify/{topic}.json").stdout


def test_a_refund_shows_its_event(bridge: Bridge) -> None:
    found = previewed(bridge, "shopify", EVENTS / "shopify/refunds.create.json")
    assert [event["name"] for event in found["call"][0]["events"]] == ["order_refunded"]


def test_a_thin_event_says_that_the_rest_is_asked_for_later(bridge: Bridge, tmp_path: Path) -> None:
    path = tmp_path / "thin.json"
    related = {"id": "cus_1", "type": "customer", "url": "/v1/customers/cus_1"}
    path.write_text(
        json.dumps(
            {
                "id": "evt_1",
                "object": "v2.core.event",
                "type": "v1.customer.created",
                "related_object": related,
            }
        )
    )
    assert "it is a thin event" in bridge("preview", "stripe", "main", str(path)).stdout


def test_what_the_door_would_refuse_is_told_with_its_answer(bridge: Bridge, tmp_path: Path) -> None:
    path = tmp_path / "customer.created.json"
    path.write_text('{"object": "customer"}')
    text = bridge("preview", "stripe", "main", str(path)).stdout
    assert "The receiver would refuse it with 400 malformed_body: body is not an event" in text


def test_the_names_and_additions_of_the_settings_are_shown(bridge: Bridge, tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"prefix": "shop_", "added_attributes": {"till": "source_name"}}))
    found = previewed(bridge, "shopify", EVENTS / "shopify/orders.paid.json", "--settings", str(settings))
    [operation] = found["call"]
    assert operation["events"][0]["name"] == "shop_order_paid"
    assert operation["attributes"]["shop_till"] == "web"


def test_it_needs_no_stack_and_no_variables(tmp_path: Path) -> None:
    """The other tests have the variables of a function; a person has none."""
    command = [sys.executable, "-c", "from cli.main import app; app()", "preview", "shopify", "main"]
    paths = os.pathsep.join(map(str, (Path.cwd(), Path("layers/core").absolute())))
    done = subprocess.run(
        [*command, "events/shopify/customers.create.json"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "customer_created" in done.stdout


def test_a_body_that_does_not_allow_its_topic_would_be_parked(bridge: Bridge, tmp_path: Path) -> None:
    captured = json.loads(Path("events/shopify/orders.create.json").read_text()) | {"topic": "shop/redact"}
    sample = tmp_path / "sample.json"
    sample.write_text(json.dumps(captured))
    found = json.loads(bridge("preview", "shopify", "main", str(sample), "--json").stdout)
    assert (found["call"], found["ignored"].partition(":")[0]) == ([], "topic_unconfirmed")
