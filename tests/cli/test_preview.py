"""`bridge preview`: what a webhook would become, without a stack."""

from __future__ import annotations

import json
from pathlib import Path

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
    assert "Nothing uses these fields of the body:\n  payload.event\n" in text


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
    assert "Nothing is sent: topic not mapped" in text


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
