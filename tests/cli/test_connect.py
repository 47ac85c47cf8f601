"""`bridge connect`, `bridge connections`: secrets go in, and never come out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from bridge.receiving.claims import is_right, signature
from bridge.settings import ConnectionSettings
from bridge.storage.secrets import Secrets
from cli import connect, consent_boxes, visitors
from cli.show import SETTINGS_OF_WARNINGS
from cli.stack import Stack
from functions.deliver.outcomes import ANSWERED_BY_SETTINGS
from functions.sources.manifest import manifest
from functions.sources.registry import SOURCE_PACKAGES, VISITED, settings_model, source_module
from tests.cli.conftest import DOOR, Bridge

SECRET = "whsec_a-very-private-secret"
WHERE = "Stack bridge-test in region eu-west-1 of AWS account 123456789012\n"

NEVER_REPEATED = {source: reason for source in SOURCE_PACKAGES if (reason := manifest(source).never_repeated)}


def stored(stack: Stack, name: str) -> dict[str, Any]:
    """What is stored under a name, without the secret for links, of which nobody is told."""
    whole = Secrets(stack.name).load(f"{stack.name}/{name}") or {}
    return {key: value for key, value in whole.items() if key != "confirm_secret"}


def confirm_secret(stack: Stack, name: str) -> str:
    return str((Secrets(stack.name).load(f"{stack.name}/{name}") or {}).get("confirm_secret", ""))


def test_asks_for_the_secret_and_shows_where_to_paste_the_address(bridge: Bridge, stack: Stack) -> None:
    result = bridge("connect", "stripe", "--stack", stack.name, typed=f" {SECRET} \n")

    assert result.exit_code == 0
    assert stored(stack, "stripe/main") == {"signing_secrets": [SECRET]}
    assert f"{DOOR}/stripe/main" in result.stdout
    assert manifest("stripe").where_to_paste in result.stdout
    assert SECRET not in result.output


def test_a_new_connection_needs_no_deployment(bridge: Bridge, stack: Stack) -> None:
    result = bridge(
        "connect", "shopify", "eu", "--secret-stdin", "--stack", stack.name, "--json", typed=f"{SECRET}\n"
    )

    assert json.loads(result.stdout) == {
        "source": "shopify",
        "connection": "eu",
        "secrets": 1,
        "address": f"{DOOR}/shopify/eu",
        "next_step": manifest("shopify").where_to_paste,
        "after_429": "",
    }
    assert stored(stack, "shopify/eu") == {"signing_secrets": [SECRET]}


def test_the_newest_secret_comes_first_and_two_older_ones_stay(bridge: Bridge, stack: Stack) -> None:
    stack.secrets.store("stripe/main", {"signing_secrets": ["c", " b\n", "", 7, "a"]})

    for secret in ("d", "d"):
        result = bridge("connect", "stripe", "--secret-stdin", "--stack", stack.name, typed=secret)
        assert "its newest 3 secrets" in result.stdout
    assert stored(stack, "stripe/main") == {"signing_secrets": ["d", "c", "b"]}


def test_an_api_key_has_a_secret_of_its_own(bridge: Bridge, stack: Stack) -> None:
    options = ("--secret-stdin", "--stack", stack.name)
    bridge("connect", "stripe", *options, typed=SECRET)
    result = bridge("connect", "stripe", "--api-key", *options, typed=" rk_live_private\n")
    bridge("connect", "stripe", *options, typed="whsec_next")

    assert result.exit_code == 0
    assert "rk_live_private" not in result.output
    assert stored(stack, "stripe/main") == {"signing_secrets": ["whsec_next", SECRET]}
    assert stored(stack, "api/stripe/main") == {"api_key": "rk_live_private"}
    assert ("stripe", "main") in stack.secret_names()
    assert "api" not in {source for source, _ in stack.secret_names()}


@pytest.mark.parametrize("key", ["shpat_private", "client-id:shpss_private"])
def test_a_shop_has_a_key_too_and_is_known_to_the_gaps_function_by_its_settings(
    bridge: Bridge, stack: Stack, key: str
) -> None:
    options = ("paris", "--api-key", "--secret-stdin", "--stack", stack.name)
    assert bridge("connect", "shopify", *options, typed=f"{key}\n").exit_code == 0
    assert stored(stack, "shopify/paris") == {"signing_secrets": []}
    assert stored(stack, "api/shopify/paris") == {"api_key": key}
    assert stack.parameters.connections("shopify") == ["paris"]


def test_a_key_leaves_settings_alone(bridge: Bridge, stack: Stack) -> None:
    stack.parameters.write("shopify", "main", {"shop_domain": "ada.myshopify.com"})
    options = ("--api-key", "--secret-stdin", "--stack", stack.name)
    assert bridge("connect", "shopify", *options, typed="shpat_private").exit_code == 0
    assert stack.parameters.load(f"/{stack.name}/shopify/main") == {"shop_domain": "ada.myshopify.com"}


@pytest.mark.parametrize(
    ("source", "key"),
    [
        *(("stripe", "sk_live_x"), ("stripe", SECRET), ("tally", "rk_x")),
        *(("shopify", "rk_x"), ("shopify", "shpss_x"), ("shopify", "a:b:c"), ("shopify", "shpat_x y")),
    ],
)
def test_what_is_no_restricted_key_is_not_stored(bridge: Bridge, stack: Stack, source: str, key: str) -> None:
    result = bridge("connect", source, "--api-key", "--secret-stdin", "--stack", stack.name, typed=key)

    assert result.exit_code != 0
    assert key not in result.output
    assert stack.secrets.load(f"{stack.name}/api/{source}/main") is None


def test_a_form_gets_a_token_in_its_address(bridge: Bridge, stack: Stack) -> None:
    first = json.loads(bridge("connect", "form", "--stack", stack.name, "--json").stdout)
    second = bridge("connect", "form", "--stack", stack.name)

    token = parse_qs(urlsplit(first["address"]).query)["token"][0]
    secrets = stored(stack, "form/main")["signing_secrets"]
    assert len(secrets) == 2
    assert secrets[1] == token
    assert len(token) >= 32
    assert f"{DOOR}/form/main?token={secrets[0]}" in second.stdout


def test_stores_the_keys_of_batch(bridge: Bridge, stack: Stack) -> None:
    result = bridge("connect", "batch", "--stack", stack.name, typed="rest-key\nproject-key\napp-1 app-2\n")

    assert result.exit_code == 0
    assert stored(stack, "batch/default") == {
        "rest_api_key": "rest-key",
        "project_key": "project-key",
        "app_keys": ["app-1", "app-2"],
    }
    assert not any(key in result.output for key in ("rest-key", "project-key", "app-1"))


def test_a_new_rest_api_key_leaves_the_app_keys_alone(bridge: Bridge, stack: Stack) -> None:
    stack.secrets.store("batch/eu", {"rest_api_key": "old", "project_key": "p", "app_keys": ["app-1"]})

    result = bridge(
        "connect", "batch", "eu", "--secret-stdin", "--json", "--stack", stack.name, typed="new\np\n"
    )

    assert json.loads(result.stdout) == {"project": "eu", "stored": True}
    assert stored(stack, "batch/eu") == {
        "rest_api_key": "new",
        "project_key": "p",
        "app_keys": ["app-1"],
    }


def test_asks_on_stderr_so_that_json_stays_one_document(bridge: Bridge, stack: Stack) -> None:
    result = bridge("connect", "batch", "--json", "--stack", stack.name, typed="rest-key\nproject-key\n\n")

    assert json.loads(result.stdout) == {"project": "default", "stored": True}
    assert "REST API key" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "typed", "reason", "exit_code"),
    [
        (["stripe"], "sk_live_123", "nothing stored: this is an API key of Stripe", 1),
        (["shopify"], "shpat_123", "nothing stored: this is an access token of Shopify", 1),
        (["stripe"], " \n", "the secret is empty", 2),
        (["stripe"], "one\ntwo", "more than one line", 2),
        (["batch"], "only-one", "are required", 2),
        (["form"], "my-token", "its address contains a token", 2),
        (["nope"], "secret", "no source 'nope'; there are: shopify", 2),
        (["stripe", "Main!"], "secret", "a name has up to 63 characters", 2),
    ],
)
def test_nonsense_stores_nothing_and_is_told(
    bridge: Bridge, stack: Stack, arguments: list[str], typed: str, reason: str, exit_code: int
) -> None:
    result = bridge("connect", *arguments, "--secret-stdin", "--stack", stack.name, typed=typed)

    assert result.exit_code == exit_code
    assert reason in result.stderr
    assert len(result.stderr.removeprefix(WHERE).splitlines()) == 1
    assert not (typed.strip() and typed in result.output)
    assert [stored(stack, f"{source}/main")["signing_secrets"] for source in SOURCE_PACKAGES] == [[]] * len(
        SOURCE_PACKAGES
    )


def test_a_secret_that_is_no_json_is_left_alone(bridge: Bridge, stack: Stack) -> None:
    boto3.client("secretsmanager").put_secret_value(
        SecretId=f"{stack.name}/stripe/main", SecretString="{broken"
    )

    result = bridge("connect", "stripe", "--secret-stdin", "--stack", stack.name, typed=SECRET)

    assert (result.exit_code, result.stderr) == (1, f"{WHERE}bridge: secret is not JSON\n")


# ── Settings ────────────────────────────────────────────────────────────────────────────────────────────────


def test_settings_are_checked_and_stored(bridge: Bridge, stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"test_events": true, "fields": {"Your city": "city"}}')

    result = bridge("connect", "typeform", "--settings", str(path), "--stack", stack.name, "--json")

    assert json.loads(result.stdout)["settings"] == json.loads(path.read_text())
    assert stack.parameters.load(f"/{stack.name}/typeform/main") == json.loads(path.read_text())


@pytest.mark.parametrize(
    ("content", "reasons"),
    [
        ('{"test_event": true, "identity": []}', ["test_event: Extra inputs", "identity: Tuple should have"]),
        ("[]", ["is not a JSON object"]),
        ("{", ["is not JSON"]),
        (None, ["cannot be read"]),
    ],
)
def test_wrong_settings_are_refused_each_with_its_reason(
    bridge: Bridge, stack: Stack, tmp_path: Path, content: str | None, reasons: list[str]
) -> None:
    path = tmp_path / "settings.json"
    if content is not None:
        path.write_text(content)

    result = bridge("connect", "shopify", "--settings", str(path), "--stack", stack.name)

    assert result.exit_code == 1
    assert all(reason in result.stderr for reason in reasons)
    assert stack.parameters.load(f"/{stack.name}/shopify/main") is None


def test_batch_has_no_settings(bridge: Bridge, stack: Stack, tmp_path: Path) -> None:
    result = bridge("connect", "batch", "--settings", str(tmp_path), "--stack", stack.name)

    assert result.exit_code == 2


# ── Which there are ─────────────────────────────────────────────────────────────────────────────────────────


def test_lists_connections_with_the_number_of_their_secrets(bridge: Bridge, stack: Stack) -> None:
    stack.secrets.store("stripe/eu", {"signing_secrets": [SECRET, "older"]})
    stack.secrets.store("batch/default", {"rest_api_key": "rest-key", "project_key": "project-key"})
    stack.connections.inactivate("shopify", "main", "2026-09-10T12:00:00Z")

    result = bridge("connections", "--stack", stack.name, "--json")
    found = json.loads(result.stdout)

    [eu] = [one for one in found["connections"] if one["connection"] == "eu"]
    assert eu == {
        "source": "stripe",
        "connection": "eu",
        "secrets": 2,
        "address": f"{DOOR}/stripe/eu",
        "last_seen": "",
        "refused": 0,
        "refused_at": "",
        "last_refusal": "",
        "amiss": [],
        "inactive_since": "",
        "warned": {},
        "after_429": "",
        "unnamed_boxes": [],
    }
    assert [f"{one['source']}/{one['connection']}" for one in found["connections"]] == sorted(
        ["stripe/eu", *(f"{source}/main" for source in SOURCE_PACKAGES)]
    )
    assert found["projects"] == {"default": True}
    text = bridge("connections", "--stack", stack.name).stdout
    assert "none yet" in text
    assert "shopify/main: uninstalled at 2026-09-10T12:00:00Z" in text
    assert not any(secret in result.stdout + text for secret in (SECRET, "rest-key", "project-key"))


def test_a_connection_tells_when_it_last_spoke_and_why_it_was_last_refused(
    bridge: Bridge, stack: Stack
) -> None:
    stack.secrets.store("stripe/eu", {"signing_secrets": [SECRET]})
    stack.connections.saw("stripe", "eu", "invoice.paid")
    for reason in ("stale", "other_connection"):
        stack.connections.clock = lambda reason=reason: 1_788_000_000 + len(reason)
        stack.connections.refused("stripe", "eu", reason)

    stack.connections.judge("stripe", "eu", "{}", ["silent"])
    found = json.loads(bridge("connections", "--stack", stack.name, "--json").stdout)["connections"]
    [eu] = [one for one in found if one["connection"] == "eu"]
    assert (eu["refused"], eu["last_refusal"]) == (2, "other_connection")
    assert eu["last_seen"] > eu["refused_at"]
    assert eu["amiss"] == ["silent"]
    text = bridge("connections", "--stack", stack.name).stdout
    assert "last other_connection" in " ".join(text.split())


def test_settings_of_any_other_tool_are_checked_as_its_own(
    bridge: Bridge, stack: Stack, tmp_path: Path
) -> None:
    path = tmp_path / "settings.json"
    path.write_text(
        '{"verify": {"scheme": "basic"}, "person": {}, "mapping": [{"when": "a ==", "attributes": {}}]}'
    )
    result = bridge("connect", "custom", "cards", "--settings", str(path), "--stack", stack.name)
    assert result.exit_code == 1
    assert "nothing stored: mapping.0.when: " in result.stderr
    assert stack.parameters.read("custom", "cards") == {}

    done = bridge(
        "connect", "custom", "calendly", "--settings", "presets/calendly.json", "--stack", stack.name
    )
    assert done.exit_code == 0
    stack.parameters.cache.entries.clear()
    assert stack.parameters.read("custom", "calendly") == json.loads(
        Path("presets/calendly.json").read_text()
    )


# ── What visitors may say ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("source", "typed", "stored_settings"),
    [
        ("typeform", f"{SECRET}\n\n", {"visitor_user_id": "signed"}),
        ("typeform", f"{SECRET}\nignore\n", {"visitor_user_id": "ignore"}),
        ("shopify", f"{SECRET}\nnonsense\ntrust\n", {"visitor_user_id": "trust"}),
        ("stripe", f"{SECRET}\n\n\n", {"visitor_user_id": "signed", "stripe_sessions": "public"}),
        ("stripe", f"{SECRET}\n\nserver\n", {"visitor_user_id": "signed", "stripe_sessions": "server"}),
        ("jotform", "\n", {"visitor_user_id": "signed"}),
        (
            "form",
            "\nnewsletter, sms_optin=sms\n",
            {"visitor_user_id": "signed", "consent_fields": {"newsletter": "email", "sms_optin": "sms"}},
        ),
        ("form", "ignore\n\n", {"visitor_user_id": "ignore"}),
        ("woocommerce", f"{SECRET}\n", None),
        ("custom", f"{SECRET}\n", None),
    ],
)
def test_whoever_connects_at_a_terminal_is_asked_what_visitors_may_say(
    bridge: Bridge, stack: Stack, source: str, typed: str, stored_settings: dict[str, Any] | None
) -> None:
    result = bridge("connect", source, "--stack", stack.name, typed=typed, at_terminal=True)
    assert result.exit_code == 0, result.output
    assert stack.parameters.load(f"/{stack.name}/{source}/main") == stored_settings


def test_what_the_settings_answer_is_not_asked_again(bridge: Bridge, stack: Stack) -> None:
    answered = {"visitor_user_id": "ignore", "stripe_sessions": "server", "project": "eu"}
    stack.parameters.write("stripe", "main", answered)
    result = bridge("connect", "stripe", "--stack", stack.name, typed=f"{SECRET}\n", at_terminal=True)
    assert result.exit_code == 0
    assert stack.parameters.load(f"/{stack.name}/stripe/main") == answered
    assert not any(one.text in result.output for one in (visitors.USER_ID, visitors.SESSIONS))


@pytest.mark.parametrize("source", sorted(VISITED - {"custom"}))
def test_what_enter_answers_is_what_holds_unanswered(source: str) -> None:
    for question in (visitors.USER_ID, visitors.SESSIONS):
        assert settings_model(source).model_fields[question.setting].default == question.choices[0]


def test_no_script_is_asked(bridge: Bridge, stack: Stack) -> None:
    for options in (("--secret-stdin",), ("--json",)):
        result = bridge("connect", "stripe", *options, "--stack", stack.name, typed=SECRET, at_terminal=True)
        assert result.exit_code == 0
    assert stack.parameters.load(f"/{stack.name}/stripe/main") is None


# ── The secret by which an owner signs ──────────────────────────────────────────────────────────────────────


def test_an_identity_secret_is_made_shown_once_and_is_never_the_token(bridge: Bridge, stack: Stack) -> None:
    bridge("connect", "form", "--stack", stack.name)
    options = ("connect", "form", "--identity-secret", "--stack", stack.name)
    [token] = stored(stack, "form/main")["signing_secrets"]
    first = bridge(*options)
    secret = stored(stack, "form/main")["identity_secret"]

    assert first.stdout.count(secret) == 1
    assert len(secret) >= 32
    assert secret != token
    assert secret not in confirm_secret(stack, "form/main")
    assert stored(stack, "form/main")["signing_secrets"] == [token]
    for others in (
        ("connections",),
        ("connections", "--json"),
        ("connect", "form"),
        ("connect", "form", "--json"),
    ):
        assert secret not in bridge(*others, "--stack", stack.name).output


def test_an_identity_secret_that_is_made_anew_takes_the_place_of_the_older_one(
    bridge: Bridge, stack: Stack
) -> None:
    """As docs/user-ids.md says: older signatures hold no longer."""
    options = ("connect", "typeform", "--identity-secret", "--json", "--stack", stack.name)
    older, newer = (json.loads(bridge(*options).stdout)["identity_secret"] for _ in range(2))

    assert older != newer
    assert stored(stack, "typeform/main") == {"signing_secrets": [], "identity_secret": newer}
    signed = [signature(secret, "typeform", "main", "1042") for secret in (older, newer)]
    assert [is_right(newer, "typeform", "main", "1042", one) for one in signed] == [False, True]


@pytest.mark.parametrize("source", sorted({*SOURCE_PACKAGES, "batch"} - VISITED))
def test_where_no_visitor_states_a_user_id_there_is_no_secret_for_it(
    bridge: Bridge, stack: Stack, source: str
) -> None:
    result = bridge("connect", source, "--identity-secret", "--stack", stack.name)
    assert result.exit_code == 2
    assert "identity_secret" not in stored(stack, f"{source}/main")


# ── What connections warn of ────────────────────────────────────────────────────────────────────────────────


def test_counted_warnings_come_with_the_setting_that_answers_them(bridge: Bridge, stack: Stack) -> None:
    for kind in SETTINGS_OF_WARNINGS:
        stack.connections.warned("form", "main", kind)
    text = " ".join(bridge("connections", "--stack", stack.name).stdout.split())
    found = json.loads(bridge("connections", "--stack", stack.name, "--json").stdout)["connections"]

    [form] = [one for one in found if one["source"] == "form"]
    assert form["warned"] == dict.fromkeys(SETTINGS_OF_WARNINGS, 1)
    for kind, setting in SETTINGS_OF_WARNINGS.items():
        assert f"form/main: {kind} 1 times; see the setting {setting}." in text


def test_each_warning_that_is_counted_names_a_setting_that_there_is() -> None:
    assert set(SETTINGS_OF_WARNINGS) == ANSWERED_BY_SETTINGS
    assert set(SETTINGS_OF_WARNINGS.values()) <= set(ConnectionSettings.model_fields)


def test_boxes_that_no_setting_names_come_with_the_line_to_paste(bridge: Bridge, stack: Stack) -> None:
    boxes = ("newsletter=email", "sms_optin=sms", "\x1b[2Jnews=email", "ada@example.com news=email")
    stack.connections.left_unnamed("form", "main", boxes)
    stack.parameters.write("form", "main", {"consent_fields": {"sms_optin": "sms"}})
    text = bridge("connections", "--stack", stack.name).stdout

    line = next(line for line in text.splitlines() if line.startswith("form/main: if these boxes"))
    assert json.loads(line.partition("settings of form/main: ")[2]) == {
        "consent_fields": {"newsletter": "email"}
    }


# ── What a 429 costs ────────────────────────────────────────────────────────────────────────────────────────


def says_what_a_429_costs(text: str, source: str) -> bool:
    return f"A webhook that gets a 429 is lost: {NEVER_REPEATED.get(source, 'nothing')}." in " ".join(
        text.split()
    )


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_connecting_says_what_a_429_costs_where_the_tool_never_repeats(
    bridge: Bridge, stack: Stack, source: str
) -> None:
    options = () if connect.has_token(source) else ("--secret-stdin",)
    text = bridge("connect", source, *options, "--stack", stack.name, typed=SECRET).stdout
    machine = json.loads(
        bridge("connect", source, *options, "--json", "--stack", stack.name, typed=SECRET).stdout
    )

    assert says_what_a_429_costs(text, source) is (source in NEVER_REPEATED)
    assert says_what_a_429_costs(machine["after_429"], source) is (source in NEVER_REPEATED)
    assert ("429" in text) is (source in NEVER_REPEATED)


def test_the_list_says_what_a_429_costs_for_each_connection_of_a_tool_that_never_repeats(
    bridge: Bridge, stack: Stack
) -> None:
    text = bridge("connections", "--stack", stack.name).stdout
    found = json.loads(bridge("connections", "--stack", stack.name, "--json").stdout)["connections"]

    remarks = [
        line.partition("/main: ")[0]
        for line in text.splitlines()
        if "A webhook that gets a 429 is lost" in line
    ]
    assert sorted(remarks) == sorted(NEVER_REPEATED)
    assert {one["source"] for one in found if one["after_429"]} == set(NEVER_REPEATED)


def test_what_never_repeats_is_known_of_every_source_whose_repeats_are_told_apart_by_time() -> None:
    """A receiver that takes equal bytes as new after some minutes relies on nobody repeating."""
    sources = [source for name in SOURCE_PACKAGES for source in source_module(name, "receiver").SOURCES]
    assert {source.name for source in sources if source.repeat_seconds} <= set(NEVER_REPEATED)
    assert {source.name for source in sources} == set(SOURCE_PACKAGES)


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_the_pages_say_of_the_same_tools_that_they_never_repeat(source: str) -> None:
    page = Path(f"docs/connect-{source}.md").read_text(encoding="utf-8")
    operating = Path("docs/operating.md").read_text(encoding="utf-8")
    assert ("never repeats" in page) is (source in NEVER_REPEATED)
    assert len(re.findall(r"^\|.*never repeats", operating, re.MULTILINE)) == len(NEVER_REPEATED)


# ── Consent ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("source", ["form", "stripe"])
def test_connecting_makes_a_secret_for_links_that_stays_and_is_not_shown(
    bridge: Bridge, stack: Stack, source: str
) -> None:
    """Also of a connection that was made before there were links."""
    stack.secrets.store(f"{source}/main", {"signing_secrets": [SECRET]})
    options = () if source == "form" else ("--secret-stdin",)
    first = bridge("connect", source, *options, "--stack", stack.name, typed="whsec_next")
    made = confirm_secret(stack, f"{source}/main")
    again = bridge("connect", source, *options, "--stack", stack.name, typed="whsec_third")

    assert len(made) >= 32
    assert confirm_secret(stack, f"{source}/main") == made
    assert made not in first.output + again.output
    assert made not in json.dumps(stored(stack, f"{source}/main"))


def test_the_secrets_for_links_of_two_connections_differ(bridge: Bridge, stack: Stack) -> None:
    for name in ("main", "contact"):
        assert bridge("connect", "form", name, "--stack", stack.name).exit_code == 0
    assert confirm_secret(stack, "form/main") != confirm_secret(stack, "form/contact")


def test_a_plain_form_is_told_its_consent_boxes_and_keeps_its_other_settings(
    bridge: Bridge, stack: Stack
) -> None:
    stack.parameters.write("form", "main", {"event": "signed_up", "consent_fields": {"mail_me": "email"}})
    boxes = ("--consent-box", "newsletter", "--consent-box", " Texts, please = sms ")
    result = bridge("connect", "form", *boxes, "--stack", stack.name)

    assert result.exit_code == 0
    assert stack.parameters.load(f"/{stack.name}/form/main") == {
        "event": "signed_up",
        "consent_fields": {"mail_me": "email", "newsletter": "email", "Texts, please": "sms"},
    }
    assert "newsletter (email)" in result.stdout


def test_a_plain_form_without_a_named_box_says_that_none_is_consent(bridge: Bridge, stack: Stack) -> None:
    result = bridge("connect", "form", "--stack", stack.name)
    assert result.exit_code == 0
    assert " ".join(consent_boxes.UNNAMED.split()) in " ".join(result.stdout.split())


@pytest.mark.parametrize("box", ["newsletter=post", "=sms", "newsletter="])
def test_a_box_for_no_channel_is_refused_and_nothing_is_stored(
    bridge: Bridge, stack: Stack, box: str
) -> None:
    result = bridge("connect", "form", "--consent-box", box, "--stack", stack.name)
    assert result.exit_code == 2
    assert stored(stack, "form/main")["signing_secrets"] == []


def test_only_a_plain_form_is_told_its_boxes(bridge: Bridge, stack: Stack) -> None:
    result = bridge("connect", "typeform", "--consent-box", "newsletter", "--stack", stack.name)
    assert result.exit_code == 2


def test_what_is_typed_at_a_terminal_is_read_as_boxes() -> None:
    assert consent_boxes.boxes_in(["newsletter", " sms_optin=sms ", ""]) == {
        "newsletter": "email",
        "sms_optin": "sms",
    }
    assert consent_boxes.boxes_in([""]) == {}
