"""What a connection's owner may choose."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.profiles.identity import CANDIDATES
from bridge.settings import ConnectionSettings, InvalidSettings, checked

GOOD: list[dict[str, Any]] = [
    {"project": "club"},
    {"project": "club-eu_2"},
    {"identity": ["source_id"]},
    {"identity": ["email_sha256", "user_id"]},
    {"identity_wait_hours": 0},
    {"identity_wait_hours": 24},
    {"identity_wait_hours": 1.5},
    {"test_events": True},
    {"event": "newsletter_joined"},
    {
        "fields": {
            "Your first name": "first_name",
            "ref-1": "$phone_number",
            "Birthday": "date(born)",
            "Notes": None,
        }
    },
    {"fields": {"Site": "url(site)"}},
    {"consent_fields": {"I agree": "email", "Text me": "sms"}},
    {"thank_you_url": "https://example.com/thanks?from=form"},
    {"honeypot": "website"},
]
BAD: list[tuple[str, dict[str, Any]]] = [
    ("project", {"project": ""}),
    ("project", {"project": "Club"}),
    ("project", {"project": "../batch"}),
    ("project", {"project": "club\n"}),
    ("project", {"project": "a" * 64}),
    ("identity", {"identity": []}),
    ("identity.0", {"identity": ["phone"]}),
    ("identity", {"identity": "email_sha256"}),
    ("identity_wait_hours", {"identity_wait_hours": -1}),
    ("identity_wait_hours", {"identity_wait_hours": 25}),
    ("identity_wait_hours", {"identity_wait_hours": float("nan")}),
    ("test_events", {"test_events": "perhaps"}),
    ("event", {"event": "Form Submitted"}),
    ("event", {"event": "a" * 31}),
    ("event", {"event": "form_submitted\n"}),
    ("fields.Name", {"fields": {"Name": "First Name"}}),
    ("fields.Name", {"fields": {"Name": "$email_marketing"}}),
    ("fields.Name", {"fields": {"Name": "date(born"}}),
    ("fields.Name", {"fields": {"Name": ""}}),
    ("consent_fields", {"consent_fields": {"I agree": "post"}}),
    ("thank_you_url", {"thank_you_url": "/thanks"}),
    ("thank_you_url", {"thank_you_url": "javascript:alert(1)"}),
    ("honeypot", {"honeypot": ""}),
    ("porject", {"porject": "club"}),
]


def test_without_settings_everything_has_a_default() -> None:
    assert checked({}) == ConnectionSettings()
    assert (checked({}).project, checked({}).identity, checked({}).test_events) == (
        "default",
        CANDIDATES,
        False,
    )


@pytest.mark.parametrize("stored", GOOD, ids=str)
def test_what_an_owner_may_choose_is_kept_as_stored(stored: dict[str, Any]) -> None:
    kept = checked(stored).model_dump(mode="json", exclude_unset=True)
    assert kept == stored


@pytest.mark.parametrize(("name", "stored"), BAD, ids=str)
def test_what_cannot_be_is_refused_by_name(name: str, stored: dict[str, Any]) -> None:
    with pytest.raises(InvalidSettings) as caught:
        checked(stored)
    assert caught.value.reason.startswith(f"{name}: ")


def test_every_setting_that_is_wrong_is_named() -> None:
    with pytest.raises(InvalidSettings) as caught:
        checked({"project": "Club", "honeypot": "", "porject": 1})
    assert [part.partition(":")[0] for part in caught.value.reason.split("; ")] == [
        "project",
        "honeypot",
        "porject",
    ]


def test_no_error_repeats_a_value() -> None:
    private = "ada@example.com"
    for name, stored in BAD:
        spoiled = {key: [private] if key == name else value for key, value in stored.items()}
        with pytest.raises(InvalidSettings) as caught:
            checked(spoiled)
        assert private not in caught.value.reason
        assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)


def test_settings_say_what_they_are_for() -> None:
    missing = [name for name, setting in ConnectionSettings.model_fields.items() if not setting.description]
    assert not missing, f"describe these settings in bridge/settings.py: {missing}"


def test_what_is_read_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        checked({}).project = "other"  # type: ignore[misc]
