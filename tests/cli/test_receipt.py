"""`bridge receipt`: what became of a webhook, found by whatever a person knows of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from bridge.profiles.identity import email_sha256
from bridge.storage.ledger import Receipt
from cli.parked import ADVICE, WAITING_ADVICE
from cli.stack import Stack
from tests.cli.conftest import Bridge

EMAIL = "ada@example.com"

Remember = Callable[..., Receipt]


@pytest.fixture
def ada(remember: Remember) -> str:
    """Three webhooks of one person, one of another; the custom id of the first."""
    custom_id = str(email_sha256(EMAIL))
    references = ("shopify:customer:7", "shopify:order:5001", "shopify:main:order_name:#1001")
    for number in (1, 3, 2):
        remember(
            f"webhook-{number}",
            custom_id=custom_id,
            references=references,
            received_at=f"2026-09-1{number}T12:00:00Z",
        )
    remember("webhook-9", custom_id="grace")
    return custom_id


def found(bridge: Bridge, stack: Stack, what: str) -> list[str]:
    result = bridge("receipt", what, "--stack", stack.name, "--json")
    assert result.exit_code == 0, result.output
    return [receipt["id"] for receipt in json.loads(result.stdout)["receipts"]]


@pytest.mark.parametrize(
    "what", ["5001", "#1001", "1001", "7", "shopify:order:5001", EMAIL, " ADA@Example.com "]
)
def test_finds_all_of_a_person_newest_first(bridge: Bridge, stack: Stack, ada: str, what: str) -> None:
    assert found(bridge, stack, what) == ["webhook-3", "webhook-2", "webhook-1"]


def test_finds_by_the_custom_id(bridge: Bridge, stack: Stack, ada: str) -> None:
    assert found(bridge, stack, ada) == ["webhook-3", "webhook-2", "webhook-1"]
    assert found(bridge, stack, "grace") == ["webhook-9"]


def test_a_webhooks_id_finds_that_webhook_alone(bridge: Bridge, stack: Stack, ada: str) -> None:
    assert found(bridge, stack, "webhook-2") == ["webhook-2"]


def test_finds_in_the_project_and_under_the_connection_that_settings_name(
    bridge: Bridge, stack: Stack, remember: Remember
) -> None:
    stack.secrets.store("shopify/eu", {"signing_secrets": ["s"]})
    stack.parameters.write("shopify", "eu", {"project": "europe"})
    remember("webhook-5", project="europe", custom_id="shopify:8", references=("shopify:eu:order_name:EN7",))

    assert found(bridge, stack, "EN7") == ["webhook-5"]
    assert found(bridge, stack, "8") == ["webhook-5"]


def test_tells_why_and_what_to_do(bridge: Bridge, stack: Stack, remember: Remember) -> None:
    remember(
        "webhook-1",
        status="parked",
        failure_class="mapping_failed",
        reason="created_at: missing",
        attributes=("first_name",),
        events=("order_paid",),
        warnings=("cut:note",),
    )
    text = bridge("receipt", "webhook-1", "--stack", stack.name).stdout

    for part in ("parked  shopify/main orders/paid", "mapping_failed: created_at: missing", "cut:note"):
        assert part in text
    assert ADVICE["mapping_failed"][:40] in text
    assert "order_paid" in text
    assert "first_name" in text


def test_a_waiting_webhook_needs_nobody(bridge: Bridge, stack: Stack, remember: Remember) -> None:
    remember("webhook-1", status="waiting", failure_class="identity_unknown", custom_id="")
    result = bridge("receipt", "webhook-1", "--stack", stack.name, "--json")

    assert json.loads(result.stdout)["receipts"][0]["what_to_do"] == WAITING_ADVICE


def test_an_ignored_test_event_names_the_setting(bridge: Bridge, stack: Stack, remember: Remember) -> None:
    remember("webhook-1", status="ignored", reason="test event", custom_id="")

    assert "test_events" in bridge("receipt", "webhook-1", "--stack", stack.name).stdout


def test_a_box_that_no_setting_names_comes_with_the_line_to_paste(
    bridge: Bridge, stack: Stack, remember: Remember
) -> None:
    boxes = ("newsletter=email", "SMS = ja?=sms", "=sms", "\x1b[2Jnews=email", f"{EMAIL} news=email")
    warnings = tuple(f"consent_not_named:{box}" for box in boxes)
    remember("webhook-1", source="form", warnings=warnings)
    result = bridge("receipt", "webhook-1", "--stack", stack.name, "--json")

    [found] = json.loads(result.stdout)["receipts"]
    line = found["what_to_do"].partition("form/main: ")[2]
    assert json.loads(line) == {"consent_fields": {"newsletter": "email", "SMS = ja?": "sms"}}


def test_never_shows_an_email(bridge: Bridge, stack: Stack, remember: Remember) -> None:
    remember("webhook-1", custom_id=EMAIL, references=(f"shopify:main:order_name:{EMAIL}",))

    for more in ([], ["--json"]):
        result = bridge("receipt", "webhook-1", "--stack", stack.name, *more)
        assert result.exit_code == 0
        assert EMAIL not in result.output
        assert "(e-mail)" in result.output


@pytest.mark.parametrize("what", ["nobody@example.com", "#9999", "", "no such thing", "%00", "a" * 600])
def test_nothing_known_is_told(bridge: Bridge, stack: Stack, what: str) -> None:
    result = bridge("receipt", what, "--stack", stack.name)

    assert result.exit_code == 1
    assert result.stderr.startswith("bridge: no receipt found")
    assert len(result.stderr.splitlines()) == 1
    assert not what.strip() or what not in result.output


def test_a_failure_is_one_json_document_too(bridge: Bridge, stack: Stack) -> None:
    result = bridge("receipt", "nothing", "--stack", stack.name, "--json")

    assert list(json.loads(result.stdout)) == ["error"]
    assert result.exit_code == 1
