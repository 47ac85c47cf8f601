"""What a submitted form means for a profile, whichever vendor sends it, beside what its examples show."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.batch import limits
from bridge.errors import Ignored, MalformedBody
from bridge.profiles import identity, versions
from bridge.profiles.profile_change import ProfileChange
from bridge.settings import ConnectionSettings
from bridge.webhook import Request, Webhook, webhook_id
from functions.sources.forms import mapping
from functions.sources.forms.reading.names import RESERVED, answer_names
from functions.sources.forms.recognition import phrases
from functions.sources.forms.registry import VENDORS
from functions.sources.forms.submission import Field
from tests.world import with_told_times

RECEIVED_AT = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 22, tzinfo=UTC)
EXAMPLES = sorted(
    path
    for vendor in VENDORS
    for path in Path("events", vendor).glob("*.json")
    if not path.name.endswith(".batch.json")
)


def webhook(source: str, body: bytes, **headers: str) -> Webhook:
    """A webhook as it comes out of the queue."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    vendor = VENDORS[source].source
    summary = vendor.routing_of(Request(source, "main", named, {}, body))
    kept = {name: text for name, text in named.items() if name in vendor.kept_headers}
    found = webhook_id(source, "main", summary, body)
    return Webhook(found, source, "main", summary.topic, kept, body, RECEIVED_AT, summary.customer)


def example(path: Path) -> Webhook:
    stored = json.loads(path.read_text())
    body = stored.get("body_raw") or json.dumps(stored["body"], separators=(",", ":"), ensure_ascii=False)
    return webhook(
        path.parent.name, body.encode(), **{**stored["headers"], "content-type": stored["content_type"]}
    )


def operation(change: ProfileChange, warnings: limits.Warnings) -> dict[str, Any]:
    """The change of a profile that nobody knew, as Batch is sent it."""
    _, attributes = versions.apply(versions.ProfileState(), change.groups)
    sent = {
        "identifiers": {
            "custom_id": identity.custom_id(change.person, {}, identity.CANDIDATES, may_wait=False)
        },
        "attributes": limits.fit_attributes(attributes, warnings),
        "events": [limits.fit_event(event, LATER, warnings) for event in change.events],
    }
    return {name: content for name, content in sent.items() if content}


def posted(fields: Mapping[str, Any], stored: Any = None, **headers: str) -> ProfileChange:
    """The change of a plain form sent as JSON, with the stored settings of its connection."""
    body = json.dumps(fields).encode()
    return mapping.to_change(
        webhook("form", body, content_type="application/json", **headers),
        ConnectionSettings.model_validate(stored or {}),
    )


def asked(*questions: tuple[str, str, str, Any], **stored: Any) -> ProfileChange:
    """The change of a Typeform whose questions are (title, type of question, type of answer, answer)."""
    fields, answers = [], []
    for number, (title, kind, answered, value) in enumerate(questions):
        fields.append(
            {"id": f"q{number}", "ref": f"01ARZ3NDEKTSV4RRFFQ69G5F{number:02}", "title": title, "type": kind}
        )
        if value is not None:
            answers.append({"type": answered, answered: value, "field": {"id": f"q{number}", "type": kind}})
    return response(
        {"definition": {"id": "f", "title": "Survey", "fields": fields}, "answers": answers}, **stored
    )


def response(content: dict[str, Any], **stored: Any) -> ProfileChange:
    whole = {"form_id": "f", "token": "t", "submitted_at": "2026-09-01T10:00:00Z", **content}
    body = json.dumps({"event_id": "e", "event_type": "form_response", "form_response": whole}).encode()
    return mapping.to_change(webhook("typeform", body), ConnectionSettings.model_validate(stored))


def attributes(change: ProfileChange) -> dict[str, Any]:
    return {name: value for group in change.groups for name, value in group.attributes.items()}


def answers(change: ProfileChange) -> dict[str, Any]:
    """The event's attributes, but for what mentions the form."""
    [event] = change.events
    about = {"form_id", "form_name", "vendor", "$label"}
    return {name: value for name, value in event.attributes.items() if name not in about}


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_becomes_exactly_what_stands_beside_the_example_and_nothing_is_cut(path: Path) -> None:
    warnings = limits.Warnings()
    sent = operation(mapping.to_change(example(path), ConnectionSettings()), warnings)
    expected = json.loads(path.with_suffix(".batch.json").read_text())
    assert with_told_times([sent], expected) == expected
    assert warnings.found == []


@pytest.mark.parametrize(
    "unwanted",
    [
        *("pydantic", "httpx", "phonenumbers", "python_multipart", "bridge.settings"),
        *(
            "tomllib",
            "functions.sources.forms.recognition.consent",
            "functions.sources.forms.recognition.countries",
        ),
    ],
)
def test_receiving_imports_nothing_that_only_mapping_needs(unwanted: str) -> None:
    check = f"import sys, functions.sources.forms.receiver; sys.exit({unwanted!r} in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", check], env=environment, check=False).returncode == 0


# The data files of the languages


def test_each_language_has_a_file_of_the_same_kinds_of_phrases() -> None:
    tables = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in phrases.LANGUAGES.glob("*.toml")}
    assert set(tables) == {"de", "en", "es", "fr", "it", "nl", "pt"}
    for language, table in tables.items():
        unknown = {
            f"{section}.{kind}"
            for section, kinds in table.items()
            for kind in kinds
            if kind not in tables["en"][section]
        }
        assert not unknown, f"nobody reads these kinds of {language}.toml"


def test_every_phrase_of_every_language_is_found_as_whole_words() -> None:
    for language in phrases.languages():
        for kind, texts in language["phrases"].items():
            for text in (text for text in texts if re.fullmatch(r"[\w ]+", text)):
                assert phrases.pattern(kind).search(f"well {text} then")
                assert not re.fullmatch(phrases.pattern(kind), f"x{text}x")


def test_a_kind_of_phrases_that_no_language_has_is_no_expression_that_matches_all() -> None:
    with pytest.raises(KeyError):
        phrases.pattern("neswletter")


# Names of answers


def test_an_answer_is_named_by_its_label() -> None:
    assert answers(asked(("What's your shoe size?", "short_text", "text", "38"))) == {
        "whats_your_shoe_size": "38"
    }


@pytest.mark.parametrize(
    ("label", "key", "name"),
    [
        ("Which of these cities would you visit first?", "favourite_city", "favourite_city"),
        (
            "Which of these cities would you visit first?",
            "0a3c5e7f-1b2d-4c4e-8f60-7a9b8c7d6e5f",
            "which_of_these_cities_would",
        ),
        ("Thanks, {{field:name}}!", "thanks", "thanks"),
        ("Thanks, {{field:name}}!", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "thanks"),
        ("お名前", "full_name", "full_name"),
        ("お名前", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01arz3ndektsv4rrffq69g5fav"),
        ("Straße & Hausnummer", "x", "strasse_hausnummer"),
        ("shoeSize", "shoeSize", "shoe_size"),
        ("Page", "p", "page_2"),
    ],
)
def test_a_name_is_readable_where_it_can_be(label: str, key: str, name: str) -> None:
    assert answer_names([Field(key, label, "text")]) == (name,)


def test_a_label_without_any_letter_of_ascii_still_has_a_name_of_its_own() -> None:
    first, second = answer_names([Field("", "お名前", "text"), Field("", "住所", "text")])
    assert first != second
    assert limits.NAME.fullmatch(first)


def test_the_same_label_twice_gives_two_names() -> None:
    change = asked(("Colour", "short_text", "text", "red"), ("Colour", "short_text", "text", "blue"))
    assert answers(change) == {"colour": "red", "colour_2": "blue"}


def test_a_skipped_question_does_not_rename_the_next() -> None:
    change = asked(("Colour", "short_text", "text", None), ("Colour", "short_text", "text", "blue"))
    assert answers(change) == {"colour_2": "blue"}


ANYTHING = st.text(max_size=60) | st.sampled_from(
    ["form_id", "{{x}}", "E-mail", "お名前", "a" * 31, "_" * 40]
)


@given(st.lists(st.tuples(ANYTHING, ANYTHING), max_size=12))
def test_names_are_batchs_own_and_none_is_taken_twice(texts: list[tuple[str, str]]) -> None:
    names = answer_names([Field(key, label, "text") for key, label in texts])
    assert all(limits.NAME.fullmatch(name) for name in names)
    assert len({*names, *RESERVED}) == len(names) + len(RESERVED)


# Values


def test_a_number_that_may_have_a_fraction_is_always_a_decimal() -> None:
    change = asked(("Weight", "number", "number", 70), ("Stars", "rating", "number", 4))
    sent = operation(change, limits.Warnings())["events"][0]["attributes"]
    assert json.dumps([sent["weight"], sent["stars"]]) == "[70.0, 4]"


@pytest.mark.parametrize(
    ("kind", "answered", "value", "expected"),
    [
        ("date", "date", "2026-05-01", {"date(it)": "2026-05-01"}),
        ("website", "url", "https://example.com", {"url(it)": "https://example.com"}),
        ("file_upload", "file_url", "https://example.com/f", {"url(it)": "https://example.com/f"}),
        ("yes_no", "boolean", False, {"it": False}),
        ("multiple_choice", "choice", {"label": "A"}, {"it": "A"}),
        ("multiple_choice", "choice", {"other": "mine"}, {"it": "mine"}),
        ("multiple_choice", "choices", {"labels": ["A", "B"], "other": "mine"}, {"it": ["A", "B", "mine"]}),
        ("multiple_choice", "choices", {"ids": ["1"], "other": "mine"}, {"it": ["mine"]}),
        ("payment", "payment", {"amount": "9.99", "last4": "1234", "name": "Ada"}, {"it": "9.99"}),
        ("video", "video_url", {"x": 1}, {}),
        ("number", "number", True, {}),
        ("short_text", "text", ["a"], {}),
    ],
)
def test_an_answer_keeps_its_type(kind: str, answered: str, value: Any, expected: dict[str, Any]) -> None:
    assert answers(asked(("It", kind, answered, value))) == expected


def test_questions_within_a_group_are_read() -> None:
    group = {
        "id": "g",
        "ref": "contact",
        "title": "Contact",
        "type": "contact_info",
        "properties": {"fields": [{"id": "n", "ref": "abc", "title": "First name", "type": "short_text"}]},
    }
    change = response(
        {
            "definition": {"fields": [group]},
            "answers": [{"type": "text", "text": "Ada", "field": {"id": "n", "type": "short_text"}}],
        }
    )
    assert attributes(change) == {"first_name": "Ada"}


def test_an_answer_without_its_question_is_kept_under_its_ref() -> None:
    change = response({"answers": [{"type": "text", "text": "so", "field": {"id": "z9", "ref": "how_so"}}]})
    assert answers(change) == {"how_so": "so"}


def test_score_variables_and_hidden_fields_are_answers() -> None:
    change = response(
        {
            "calculated": {"score": 9},
            "variables": [
                {"key": "score", "type": "number", "number": 4},
                {"key": "price", "type": "number", "number": 4.5},
                {"key": "name", "type": "text", "text": "winner"},
            ],
            "hidden": {"plan": "gold", "utm_source": "mail"},
        }
    )
    assert answers(change) == {
        "score": 9,
        "price": pytest.approx(4.5),
        "name": "winner",
        "plan": "gold",
        "utm_source": "mail",
    }
    assert attributes(change) == {}


def test_what_the_profile_knows_anyway_is_cut_first() -> None:
    questions = [("Email", "email", "email", "ada@example.com")]
    questions += [(f"Reason {number}", "short_text", "text", "x") for number in range(16)]
    warnings = limits.Warnings()
    sent = operation(asked(*questions), warnings)["events"][0]["attributes"]
    assert len(sent) == limits.MAX_EVENT_ATTRIBUTES
    assert "email" not in sent
    assert limits.names(warnings.found) == ("attribute_dropped:reason_15", "attribute_dropped:email")


# Whose it is


def test_a_hidden_user_id_is_a_claim() -> None:
    person = response({"hidden": {"user_id": "u-1", "user_id_signature": "ab"}}).person
    assert (person.user_id, person.source_id) == (None, "typeform:t")
    assert (person.claimed_user_id, person.user_id_signature, person.provenance) == ("u-1", "ab", "visitor")


@pytest.mark.parametrize("text", ["xxxxx", "{{user_id}}", "*|UNIQID|*", "%%id%%", "[user_id]", "", "  "])
def test_a_placeholder_that_nobody_filled_in_is_nobody(text: str) -> None:
    assert response({"hidden": {"user_id": text}}).person.claimed_user_id is None


def test_a_form_that_tells_no_one_belongs_to_its_own_response() -> None:
    change = posted({"colour": "red"})
    assert (
        change.person.source_id
        == "form:" + webhook("form", b'{"colour": "red"}', content_type="application/json").id
    )
    assert change.person.references == ()


def test_a_friends_email_is_not_the_persons() -> None:
    change = asked(
        ("Your friend's e-mail", "email", "email", "friend@example.com"),
        ("E-mail", "email", "email", "me@example.com"),
    )
    assert change.person.email == "me@example.com"


# Profile attributes


@pytest.mark.parametrize(
    ("label", "value", "expected"),
    [
        ("E-Mail-Adresse*", "Ada@example.com", {"$email_address": "Ada@example.com"}),
        ("courriel", "ada@example.com", {"$email_address": "ada@example.com"}),
        ("firstName", "Ada", {"first_name": "Ada"}),
        ("Quel est votre prénom ?", "Ada", {"first_name": "Ada"}),
        ("Nachname", "Lovelace", {"last_name": "Lovelace"}),
        ("your-name", "Ada King Lovelace", {"first_name": "Ada", "last_name": "King Lovelace"}),
        ("Full name", "Lovelace, Ada", {"first_name": "Ada", "last_name": "Lovelace"}),
        ("Full name", "田中 花子", {"first_name": "花子", "last_name": "田中"}),
        ("Full name", "Plato", {"first_name": "Plato"}),
        ("Land", "Schweiz", {"$region": "CH"}),
        ("Country", "gb", {"$region": "GB"}),
        ("Idioma", "Español", {"$language": "es"}),
        ("lang", "pt-BR", {"$language": "pt"}),
        ("Which city do you live in?", "Leeds", {"city": "Leeds"}),
        ("PLZ", "01067", {"zip_code": "01067"}),
        ("Geburtsdatum", "4.12.1991", {"date(birthdate)": "1991-12-04"}),
        ("Telefon", "+49 30 23125 000", {"$phone_number": "+493023125000"}),
        ("First name of your pet", "Rex", {}),
        ("Country of birth", "France", {}),
        ("Company name", "Acme", {}),
        ("Email subject", "Hello", {}),
        ("User name", "ada", {}),
    ],
)
def test_an_attribute_is_guessed_from_a_label_that_says_nothing_else(
    label: str, value: str, expected: dict[str, Any]
) -> None:
    assert attributes(posted({label: value})) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Prénom": "Ada", "Nom": "Lovelace"}, {"first_name": "Ada", "last_name": "Lovelace"}),
        ({"Nombre": "Ada", "Apellidos": "Lovelace"}, {"first_name": "Ada", "last_name": "Lovelace"}),
        ({"Name": "Ada Lovelace", "email": ""}, {"first_name": "Ada", "last_name": "Lovelace"}),
        ({"Full name": "Countess Ada", "First name": "Ada"}, {"first_name": "Ada"}),
    ],
)
def test_a_bare_name_means_what_stands_beside_it_leaves(
    fields: dict[str, str], expected: dict[str, str]
) -> None:
    assert attributes(posted(fields)) == expected


def test_a_national_phone_number_is_read_with_the_country() -> None:
    assert (
        attributes(posted({"phone": "01 99 00 12 03", "country": "France"}))["$phone_number"]
        == "+33199001203"
    )


def test_the_first_answered_of_two_questions_counts() -> None:
    change = posted({"email": "", "mail": "ada@example.com", "e-mail": "other@example.com"})
    assert change.person.email == "ada@example.com"


def test_passwords_and_card_numbers_go_nowhere() -> None:
    change = posted({"password": "s3cret", "card_number": "4111", "colour": "red"})
    assert answers(change) == {"colour": "red"}


def test_of_two_submissions_the_later_one_wins_in_any_order() -> None:
    stated = [
        posted({"email": "ada@example.com", "city": city, "submitted_at": at})
        for city, at in (
            ("Paris", "2026-09-01T10:00:00Z"),
            ("Lyon", "2026-09-01T10:00:00Z"),
            ("Lille", "2026-08-31"),
        )
    ]
    ends = set()
    for order in permutations(stated):
        shown: dict[str, Any] = {}
        state = versions.ProfileState()
        for change in order:
            state, changed = versions.apply(state, change.groups)
            shown |= changed
        ends.add(shown["city"])
    assert len(ends) == 1
    assert "Lille" not in ends


# Settings


def test_a_field_that_the_settings_name_wins_over_the_guess() -> None:
    fields = {"Which e-mail may we use?": "right@example.com", "email": "wrong@example.com"}
    change = posted(fields, {"fields": {"which e-mail MAY we use? ": "$email_address"}})
    assert change.person.email == "right@example.com"


def test_nothing_is_guessed_for_an_attribute_whose_own_field_is_empty() -> None:
    fields = {"work": "", "email": "other@example.com"}
    assert posted(fields, {"fields": {"work": "$email_address"}}).person.email is None


def test_a_field_may_become_any_attribute() -> None:
    stored = {"fields": {"size": "shoe_size", "since": "date(member_since)", "vip": "is_vip"}}
    change = posted({"size": 38, "since": "2020-01-02", "vip": True}, stored)
    assert attributes(change) == {
        "shoe_size": "38",
        "date(member_since)": "2020-01-02",
        "is_vip": "true",
    }


def test_a_field_set_to_null_is_neither_attribute_nor_answer() -> None:
    change = posted(
        {"email": "ada@example.com", "diagnosis": "flu"}, {"fields": {"email": None, "diagnosis": None}}
    )
    assert (attributes(change), answers(change), change.person.email) == ({}, {}, None)


def test_other_answers_become_no_attributes() -> None:
    assert attributes(posted({"colour": "red"})) == {}


def test_the_event_is_called_as_the_settings_say() -> None:
    assert posted({"colour": "red"}, {"event": "signed_up"}).events[0].name == "signed_up"


def test_a_filled_in_honeypot_is_ignored() -> None:
    with pytest.raises(Ignored, match="honeypot"):
        posted({"email": "robot@example.com", "_gotcha": "http://spam.example.com"})
    with pytest.raises(Ignored, match="honeypot"):
        posted({"email": "robot@example.com", "website": "x"}, {"honeypot": "website"})


def test_an_empty_honeypot_is_a_person() -> None:
    assert answers(posted({"colour": "red", "_gotcha": "", "website": ""}, {"honeypot": "website"})) == {
        "colour": "red"
    }


# Anything at all

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=6,
)
LABELS = st.text(max_size=40) | st.sampled_from(
    [
        "email",
        "Name",
        "phone",
        "country",
        "birthdate",
        "newsletter",
        "user_id",
        "page",
        "url",
        "submitted_at",
        "lang[]",
    ]
)
STORED = st.fixed_dictionaries(
    {
        "fields": st.dictionaries(
            LABELS, st.sampled_from(["$email_address", "date(seen)", "url(site)", "size", None])
        ),
        "consent_fields": st.dictionaries(LABELS, st.sampled_from(["email", "sms"])),
    }
)


def is_deliverable(change: ProfileChange) -> bool:
    """Whether Batch takes it; whatever does not fit is a warning."""
    sent = operation(change, limits.Warnings())
    names = {
        name.removeprefix("date(").removeprefix("url(").removesuffix(")")
        for attributes in (sent.get("attributes", {}), sent["events"][0]["attributes"])
        for name in attributes
        if not name.startswith("$")
    }
    json.dumps(sent, ensure_ascii=False).encode()
    return all(limits.NAME.fullmatch(name) for name in names)


@given(st.dictionaries(LABELS, JSON, min_size=1, max_size=6), STORED)
@settings(max_examples=150)
def test_any_json_becomes_something_that_batch_takes(fields: dict[str, Any], stored: dict[str, Any]) -> None:
    try:
        change = posted(fields, stored)
    except MalformedBody:
        return
    assert is_deliverable(change)


@given(
    st.lists(st.tuples(LABELS, st.text(max_size=40)), min_size=1, max_size=8),
    st.sampled_from(["", "; charset=latin1"]),
)
def test_any_posted_text_becomes_something_that_batch_takes(
    pairs: list[tuple[str, str]], parameter: str
) -> None:
    body = urlencode(pairs).encode() or b"a"
    content_type = "application/x-www-form-urlencoded" + parameter
    change = mapping.to_change(webhook("form", body, content_type=content_type), ConnectionSettings())
    assert is_deliverable(change)


RESPONSE = ("form_id", "submitted_at", "hidden", "calculated", "variables", "definition", "answers")


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(RESPONSE, JSON)))
def test_any_response_of_typeform_becomes_something_that_batch_takes(content: dict[str, Any]) -> None:
    assert is_deliverable(response(content))


@given(
    st.lists(
        st.tuples(
            LABELS,
            st.sampled_from(["short_text", "legal", "rating", "file_upload"]),
            st.sampled_from(
                [
                    "text",
                    "email",
                    "phone_number",
                    "date",
                    "url",
                    "number",
                    "boolean",
                    "choice",
                    "choices",
                    "payment",
                ]
            ),
            JSON,
        ),
        max_size=6,
    )
)
def test_any_answer_of_typeform_becomes_something_that_batch_takes(
    questions: list[tuple[str, str, str, Any]],
) -> None:
    assert is_deliverable(asked(*questions))


def test_every_sample_of_typeform_maps(samples: Path) -> None:
    found = {}
    for path in sorted((samples / "typeform").glob("*.json")):
        stored = json.loads(path.read_text())
        change = mapping.to_change(
            webhook("typeform", json.dumps(stored["body"]).encode()), ConnectionSettings()
        )
        assert is_deliverable(change)
        assert not {"$email_marketing", "$sms_marketing"} & set(attributes(change))
        found[path.stem] = change.person
    assert len(found) == 3
    assert found["official_docs_sample"].email == "laura@example.com"
    assert found["official_docs_sample"].claimed_user_id == "abc123456"


def test_samples_of_other_vendors_are_read_as_a_plain_form(samples: Path) -> None:
    for vendor in (
        "formstack",
        "wufoo",
        "netlify",
        "webflow",
        "opnform",
        "kizeo-forms",
        "formsite",
        "feathery",
    ):
        for path in sorted((samples / vendor).glob("*.json")):
            assert is_deliverable(posted(json.loads(path.read_text())["body"]))


@pytest.mark.parametrize("number", [1000, 1001, 5000])
def test_fields_beyond_a_thousand_are_left_out_with_a_warning(number: int) -> None:
    body = {
        "triggerType": "form_submission",
        "payload": {"id": "1", "data": {f"q{n}": "x" for n in range(number)}},
    }
    change = mapping.to_change(webhook("webflow", json.dumps(body).encode()), ConnectionSettings())
    asked = [name for name in change.events[0].attributes if name.startswith("q")]
    assert len(asked) == min(number, 1000)
    assert change.warnings == ((("fields_left_out", "fields"),) if number > 1000 else ())


def test_questions_of_one_label_are_numbered_one_after_the_other() -> None:
    labels = ["Your colour"] * 500 + ["Your size"] * 500
    names = answer_names([Field(str(number), label, "text") for number, label in enumerate(labels)])
    assert len(set(names)) == 1000
    assert [names[0], names[1], names[499], names[500], names[999]] == [
        "your_colour",
        "your_colour_2",
        "your_colour_500",
        "your_size",
        "your_size_500",
    ]
