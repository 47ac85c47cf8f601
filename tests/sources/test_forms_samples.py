"""What form builders send is understood: as others captured it, and with anything odd in any place of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Ignored, MalformedBody
from bridge.settings import ConnectionSettings
from bridge.webhook import Request
from functions.sources.forms import mapping
from functions.sources.forms.registry import VENDORS
from tests.sources.test_forms import answers, attributes, webhook
from tests.sources.test_forms_jotform import body as jotform_body
from tests.sources.test_forms_receive import MULTIPART

# file                                       what goes to the profile
UNDERSTOOD: dict[str, dict[str, Any]] = {
    "tally/real_lead_form.json": {
        "first_name": "John",
        "last_name": "Doe",
        "$email_address": "john@company.com",
        "$phone_number": "+1234567890",
    },
    "webflow/v1_shape.json": {},
    "hubspot/form_submission_api_object.json": {
        "first_name": "John",
        "last_name": "Doe",
        "$email_address": "john.doe@example.com",
    },
    "netlify/activepieces.json": {
        "first_name": "John",
        "last_name": "Doe",
        "$email_address": "user@example.com",
        "$phone_number": "+15551234567",
    },
}
NO_PERSON = {"hubspot/captured_workflow_COMPANY.json"}
SOURCES = ("tally", "jotform", "webflow", "hubspot", "fillout", "netlify")


def content(path: Path) -> bytes:
    return json.dumps(json.loads(path.read_text())["body"]).encode()


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_a_sample_becomes_a_submission(samples: Path, name: str) -> None:
    source = name.partition("/")[0]
    change = mapping.to_change(webhook(source, content(samples / name)), ConnectionSettings())
    assert attributes(change) == UNDERSTOOD[name]
    assert answers(change)


@pytest.mark.parametrize("name", sorted(NO_PERSON))
def test_what_is_about_no_person_is_left_to_be_ignored(samples: Path, name: str) -> None:
    vendor = VENDORS[name.partition("/")[0]].source
    summary = vendor.routing_of(Request(vendor.name, "main", {}, {}, content(samples / name)))
    assert summary.topic not in vendor.topics


def test_every_sample_is_in_the_table(samples: Path) -> None:
    found = {f"{source}/{path.name}" for source in SOURCES for path in (samples / source).glob("*.json")}
    assert found == {*UNDERSTOOD, *NO_PERSON}


ODD = [None, [], {}, "x", "", 1.5, -1, True, [{}], [["x"]], {"a": {"b": []}}, "9" * 5000, "\ud800"]
EXAMPLES = sorted(
    path
    for source in SOURCES
    for path in Path("events", source).glob("*.json")
    if not path.name.endswith(".batch.json")
)


def oddities(whole: Any) -> Iterator[Any]:
    """The content again and again, with something odd in one place."""
    places = whole.items() if isinstance(whole, dict) else enumerate(whole) if isinstance(whole, list) else ()
    for place, part in list(places):
        for odd in (*ODD, *oddities(part)):
            whole[place] = odd
            yield whole
        whole[place] = part


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_anything_odd_in_any_place_is_mapped_or_malformed(path: Path) -> None:
    stored = json.loads(path.read_text())
    source = path.parent.name
    raw = stored.get("body") or json.loads(
        stored["body_raw"].partition('name="rawRequest"')[2].split("\r\n")[2]
    )
    for odd in oddities(raw):
        content = json.dumps(odd).encode() if source != "jotform" else jotform_body(odd)
        try:
            mapping.to_change(webhook(source, content, content_type=MULTIPART), ConnectionSettings())
        except (MalformedBody, Ignored):
            continue
