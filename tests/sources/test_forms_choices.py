"""A question with a list to choose from is no box to tick: its "Yes" is an answer, and never a consent to marketing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from bridge.settings import ConnectionSettings
from functions.sources.forms import mapping
from functions.sources.forms.registry import VENDORS
from functions.sources.forms.vendors import jotform
from tests.sources.test_forms import attributes, webhook
from tests.sources.test_forms_tables import TABLES

LABELS = ("Newsletter", "Would you like to receive our newsletter?")
NEVER_SEEN = "a type of next year"
CONSENT = {"$email_marketing": "subscribed"}
URLENCODED = "application/x-www-form-urlencoded"

Body = Callable[[str, str], dict[str, Any]]
"""Makes what a vendor sends of a question of this type with this label, answered by "Yes"."""


def of_typeform(kind: str, label: str) -> dict[str, Any]:
    content: Any = {"choice": {"label": "Yes"}, "choices": {"labels": ["Yes"]}, "boolean": True}.get(
        kind, "Yes"
    )
    asked = {"id": "q", "title": label, "type": "dropdown"}
    answer = {"type": kind, kind: content, "field": {"id": "q"}}
    return {
        "event_type": "form_response",
        "form_response": {"definition": {"fields": [asked]}, "answers": [answer]},
    }


def of_tally(kind: str, label: str) -> dict[str, Any]:
    options = [{"id": "y", "text": "Yes"}, {"id": "n", "text": "No"}]
    rows = {"rows": [{"id": "r", "text": label}], "columns": options}
    named, more = (kind, options) if kind != "CHECKBOX" else ("CHECKBOXES", options[:1])
    value: Any = {"r": ["y"]} if kind == "MATRIX" else ["y"]
    field = {"key": "q", "label": label, "type": named, "value": value, "options": more, **rows}
    return {"eventType": "FORM_RESPONSE", "data": {"responseId": "r", "fields": [field]}}


def of_webflow(kind: str, label: str) -> dict[str, Any]:
    answer = "true" if kind == "FormCheckboxInput" else "Yes"
    payload = {"name": "f", "data": {label: answer}, "schema": [{"fieldName": label, "fieldType": kind}]}
    return {"triggerType": "form_submission", "payload": payload}


def of_fillout(kind: str, label: str) -> dict[str, Any]:
    answer = True if kind == "Checkbox" else "Yes"
    return {
        "submission": {
            "submissionId": "s",
            "questions": [{"id": "q", "name": label, "type": kind, "value": answer}],
        }
    }


def of_google(kind: str, label: str) -> dict[str, Any]:
    named, options = ("CHECKBOX", ["Yes"]) if kind == "a lone box" else (kind, ["Yes", "No"])
    answer = {"id": "q", "title": label, "type": named, "value": ["Yes"], "options": options}
    if named not in ("CHECKBOX", "GRID", "CHECKBOX_GRID"):
        answer["value"] = "Yes"
    return {"responseId": "r", "answers": [answer]}


def of_elementor(kind: str, label: str) -> dict[str, Any]:
    answer = "on" if kind == "acceptance" else "Yes"
    return {
        f"fields[q][{name}]": text for name, text in (("type", kind), ("title", label), ("value", answer))
    }


def of_wufoo(kind: str, label: str) -> dict[str, Any]:
    parts = [{"ID": "Field1", "Label": "Yes"}, {"ID": "Field2", "Label": "No"}]
    asked: dict[str, Any] = {"ID": "Field1", "Title": label, "Type": kind}
    if kind in ("checkbox", "a lone box", "likert"):
        kept = parts[:1] if kind == "a lone box" else parts
        asked |= {"Type": "checkbox" if kind == "a lone box" else kind, "SubFields": kept}
    return {"FieldStructure": json.dumps({"Fields": [asked]}), "Field1": "Yes"}


@dataclass(frozen=True)
class Asking:
    """Hold how a vendor that names its types asks: to choose, and by one box."""

    body: Body
    choices: tuple[str, ...]
    box: str


ASKING = {
    "typeform": Asking(of_typeform, ("choice", "choices"), "boolean"),
    "tally": Asking(
        of_tally,
        ("MULTIPLE_CHOICE", "DROPDOWN", "MULTI_SELECT", "CHECKBOXES", "RANKING", "MATRIX"),
        "CHECKBOX",
    ),
    "webflow": Asking(of_webflow, ("FormSelect", "FormRadioInput"), "FormCheckboxInput"),
    "fillout": Asking(
        of_fillout,
        ("MultipleChoice", "Dropdown", "Checkboxes", "MultiSelect", "ImagePicker", "Ranking"),
        "Checkbox",
    ),
    "google": Asking(
        of_google, ("MULTIPLE_CHOICE", "LIST", "CHECKBOX", "GRID", "CHECKBOX_GRID"), "a lone box"
    ),
    "elementor": Asking(of_elementor, ("radio", "select", "checkbox"), "acceptance"),
    "wufoo": Asking(of_wufoo, ("radio", "select", "checkbox"), "a lone box"),
}
UNTYPED = {"form", "netlify", "hubspot", "jotform", "gravity", "wpforms"}
"""Send names and answers: a list to choose from and a box look alike."""


def written(vendor: str, kind: str, label: str) -> dict[str, Any]:
    """Return the attributes that a profile gets of one question."""
    body = ASKING[vendor].body(kind, label)
    if vendor in ("elementor", "wufoo"):
        sent = webhook(vendor, urlencode(body).encode(), content_type=URLENCODED)
    else:
        sent = webhook(vendor, json.dumps(body).encode())
    return attributes(mapping.to_change(sent, ConnectionSettings()))


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize(
    ("vendor", "kind"), [(name, kind) for name, one in ASKING.items() for kind in (*one.choices, NEVER_SEEN)]
)
def test_a_chosen_yes_to_a_newsletter_writes_no_consent(vendor: str, kind: str, label: str) -> None:
    assert written(vendor, kind, label) == {}


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("vendor", ASKING)
def test_the_same_question_as_a_box_writes_one(vendor: str, label: str) -> None:
    assert written(vendor, ASKING[vendor].box, label) == CONSENT


def test_every_vendor_says_whether_it_names_its_types_and_each_choice_is_tried() -> None:
    assert ASKING.keys() | UNTYPED == VENDORS.keys()
    assert TABLES.keys() - UNTYPED == ASKING.keys()
    for vendor, asking in ASKING.items():
        assert {name for name, kind in TABLES[vendor].items() if kind == "choice"} == set(asking.choices), (
            vendor
        )


def test_several_choices_of_jotform_are_no_box() -> None:
    [field] = jotform.read_question("q3_newsletter", "newsletter", {"0": "Yes", "other": "often"})
    assert (field.type, field.value) == ("choice", ["Yes", "often"])
