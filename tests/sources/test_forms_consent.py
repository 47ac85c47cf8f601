"""Which ticked boxes are consent to marketing, and which are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.settings import ConnectionSettings
from functions.sources.forms import mapping
from functions.sources.forms.recognition import consent
from functions.sources.forms.registry import VENDORS
from functions.sources.forms.submission import Field
from tests.sources.test_forms import EXAMPLES, asked, attributes, example, posted, response, webhook

EMAIL = {"$email_marketing": "subscribed"}
SMS = {"$sms_marketing": "subscribed"}
NAMED = {"consent_fields": {"newsletter": "email"}}


def netlify(answers: dict[str, Any], **stored: Any) -> dict[str, Any]:
    """The attributes of a form whose boxes have names and no labels, sent by its vendor."""
    content = {"id": "s1", "form_id": "f", "form_name": "Footer", "data": answers}
    change = mapping.to_change(
        webhook("netlify", json.dumps(content).encode()), ConnectionSettings.model_validate(stored)
    )
    return attributes(change)


def ticked(label: str, kind: str = "legal") -> dict[str, Any]:
    return attributes(asked((label, kind, "boolean", True)))


@pytest.mark.parametrize("kind", ["legal", "yes_no"])
@pytest.mark.parametrize(
    "label",
    [
        "Would you like to receive our newsletter?",
        "I'm happy to get emails about news and offers",
        "Yes, send me marketing emails. I can unsubscribe at any time.",
        "I agree to receive marketing communications from Acme",
        "Sign me up for the newsletter! Read how we use your data in our privacy policy.",
        "Je souhaite recevoir les offres et nouveautés par e-mail",
        "J'accepte de recevoir la newsletter et peux me désinscrire à tout moment",
        "Ich möchte den Newsletter abonnieren. Der Einwilligung kann ich jederzeit widerrufen.",
        "Ja, ich möchte Angebote per E-Mail erhalten",
        "Quiero recibir novedades y ofertas por correo electrónico",
        "Suscribirme al boletín",
        "Desidero ricevere la newsletter",
        "Acconsento a ricevere comunicazioni commerciali via e-mail",
        "Ja, ik wil graag de nieuwsbrief ontvangen",
        "Gostaria de receber novidades e promoções por e-mail",
    ],
)
def test_a_ticked_box_that_asks_for_marketing_is_consent_by_email(label: str, kind: str) -> None:
    assert ticked(label, kind) == EMAIL


@pytest.mark.parametrize(
    "label",
    [
        "I agree to receive text messages with offers",
        "Ich möchte Angebote per SMS erhalten",
        "Recevoir les offres par SMS",
    ],
)
def test_a_box_that_speaks_of_text_messages_is_consent_by_sms(label: str) -> None:
    assert ticked(label) == SMS


def test_a_box_that_names_both_channels_is_consent_by_both() -> None:
    assert ticked("Send me offers by e-mail and SMS") == EMAIL | SMS


@pytest.mark.parametrize("kind", ["legal", "yes_no"])
@pytest.mark.parametrize(
    "label",
    [
        "I agree to the terms and conditions",
        "I accept the terms and want the newsletter",
        "Ich akzeptiere die AGB",
        "Ich akzeptiere die Teilnahmebedingungen und möchte den Newsletter erhalten",
        "J'accepte les conditions générales de vente",
        "Acepto la política de privacidad",
        "I have read how you use my e-mails in the privacy policy",
        "I understand that we will share your answers with city management",
        "Send me offers from your partners",
        "Please do not send me the newsletter",
        "Je ne souhaite pas recevoir la newsletter",
        "Ich möchte keine Werbung erhalten",
        "No quiero recibir ofertas",
        "Unsubscribe me from the newsletter",
        "Do you like our newsletter?",
        "Did you hear of us through our newsletter?",
        "Do you already receive our marketing emails?",
        "May we use your photo in our newsletter? I agree",
        "Do you want to work in marketing?",
        "Sign up for the marketing webinar",
        "Send me a copy of my answers by e-mail",
        "Receive SMS reminders about my appointment",
        "I agree to be contacted by phone about offers",
        "Do you have a favourite city we haven't listed?",
        "Marketing",
        "Are you a member?",
        "",
    ],
)
def test_a_ticked_box_about_anything_else_is_no_consent(label: str, kind: str) -> None:
    assert ticked(label, kind) == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("newsletter", EMAIL),
        ("email_marketing", EMAIL),
        ("acceptsMarketing", EMAIL),
        ("marketing_consent", EMAIL),
        ("email-optin", EMAIL),
        ("subscribe", EMAIL),
        ("sms_optin", SMS),
        ("gdpr_consent", {}),
        ("consent", {}),
        ("terms", {}),
        ("marketing", {}),
        ("newsletter_feedback", {}),
        ("unsubscribe_newsletter", {}),
    ],
)
def test_a_box_may_be_named_in_short(name: str, expected: dict[str, str]) -> None:
    assert netlify({name: "on"}) == expected


@pytest.mark.parametrize(
    "value", [True, "on", "1", 1, "true", "yes", "Oui", "ja", "sí", "newsletter", ["yes"], "Yes, please"]
)
def test_a_tick_has_many_spellings(value: Any) -> None:
    assert attributes(posted({"newsletter": value}, NAMED)) == EMAIL


@pytest.mark.parametrize(
    "value",
    [
        False,
        "off",
        "0",
        0,
        "false",
        "no",
        "No, yes",
        "nein",
        "",
        None,
        [],
        "later",
        "unticked",
        "Yes, but not now",
    ],
)
def test_an_unticked_box_states_nothing(value: Any) -> None:
    change = posted({"newsletter": value}, NAMED)
    assert (attributes(change), change.warnings) == ({}, ())
    assert posted({"newsletter": value}).warnings == ()


def test_an_unticked_box_is_still_an_answer() -> None:
    change = asked(("Newsletter", "yes_no", "boolean", False))
    assert (attributes(change), change.events[0].attributes["newsletter"]) == ({}, False)


def test_a_question_that_is_no_box_is_no_consent() -> None:
    assert attributes(asked(("Newsletter", "short_text", "text", "yes"))) == {}
    assert attributes(asked(("Newsletter", "multiple_choice", "choice", {"label": "Yes"}))) == {}


def test_a_hidden_field_ticks_nothing() -> None:
    assert attributes(response({"hidden": {"newsletter": "yes"}})) == {}


def test_a_box_that_the_settings_name_is_consent_whatever_it_is_called() -> None:
    stored = {"consent_fields": {"Stay close?": "email", "texts_please": "sms"}}
    assert attributes(posted({"Stay close?": "on", "texts_please": "Yes, please"}, stored)) == EMAIL | SMS


def test_a_choice_that_the_settings_name_is_consent_only_where_it_says_yes() -> None:
    question = ("Mail me?", "multiple_choice", "choice")
    stored = {"consent_fields": {"Mail me?": "email"}}
    assert attributes(asked((*question, {"label": "Yes, I'd love to"}), **stored)) == EMAIL
    assert attributes(asked((*question, {"label": "No, thanks"}), **stored)) == {}


def test_where_the_settings_name_a_box_no_other_counts_for_its_channel() -> None:
    fields = {"newsletter": "on", "sms_optin": "on"}
    assert netlify(fields, consent_fields={"agree_to_mail": "email"}) == SMS


def test_a_box_that_the_settings_leave_out_is_no_consent() -> None:
    assert netlify({"newsletter": "on"}, fields={"newsletter": None}) == {}


# A form to which anybody may post


@pytest.mark.parametrize("name", ["newsletter", "sms_optin", "Send me offers by e-mail"])
def test_a_public_form_takes_no_consent_from_a_box_that_no_setting_names(name: str) -> None:
    change = posted({"email": "ada@example.com", name: "on"})
    assert set(attributes(change)) == {"$email_address"}
    assert [kind for kind, _ in change.warnings] == ["consent_not_named"]


def test_the_warning_of_a_box_that_is_not_named_has_its_name_and_its_channel() -> None:
    change = posted({"Send me offers by e-mail and SMS": "on", "terms": "on", "newsletter": ""})
    assert change.warnings == (
        ("consent_not_named", "Send me offers by e-mail and SMS=email"),
        ("consent_not_named", "Send me offers by e-mail and SMS=sms"),
    )


def test_a_name_that_nobody_would_choose_is_not_in_the_warning() -> None:
    for name in ("newsletter\u202e", "\x1bnewsletter", "newsletter " * 20):
        [(_, told)] = posted({name: "on"}).warnings
        assert told == "=email"


def test_a_box_that_is_named_for_another_channel_or_left_out_is_not_warned_of() -> None:
    assert posted({"newsletter": "on"}, {"consent_fields": {"newsletter": "sms"}}).warnings == ()
    assert posted({"newsletter": "on"}, {"fields": {"newsletter": None}}).warnings == ()
    assert posted({"newsletter": "on"}, {"consent_fields": {"mail_me": "email"}}).warnings == ()


def test_a_vendors_form_keeps_the_boxes_that_are_recognised() -> None:
    change = asked(("Send me the newsletter", "legal", "boolean", True))
    assert (attributes(change), change.warnings) == (EMAIL, ())


@pytest.mark.parametrize("source", [name for name in VENDORS if name != "form"])
def test_only_the_plain_form_is_public(source: str) -> None:
    assert VENDORS["form"].is_public
    assert not VENDORS[source].is_public


# Who consents, and how


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_every_consent_of_a_form_is_a_visitors_with_what_proves_it(path: Path) -> None:
    groups = mapping.to_change(example(path), ConnectionSettings()).groups
    for group in groups:
        if group.name.startswith("consent_"):
            assert group.provenance == "visitor"
            assert {"form_id", "form_name", "box"} <= set(group.proof)


def test_the_proof_of_a_consent_names_the_form_the_page_and_the_box() -> None:
    fields = {"form_id": "f7", "form_name": "Footer", "page": "https://shop.example.com/", "newsletter": "on"}
    [group] = posted(fields, NAMED).groups
    assert group.proof == {
        "form_id": "f7",
        "form_name": "Footer",
        "box": "newsletter",
        "url(page)": "https://shop.example.com/",
    }


def test_consent_is_as_old_as_the_submission() -> None:
    change = asked(("Newsletter", "yes_no", "boolean", True))
    assert [(group.name, group.version) for group in change.groups] == [
        ("consent_email", "2026-09-01T10:00:00.000000")
    ]


@given(
    st.text(max_size=80), st.sampled_from(["text", "choice", "email", "number", "hidden", "computed", "date"])
)
def test_no_label_makes_consent_of_a_question_that_is_no_box(label: str, kind: Any) -> None:
    assert consent.channels(Field("newsletter", label, kind, True)) == frozenset()


@given(st.sampled_from(["not", "don't", "never", "terms", "conditions", "partners", "unsubscribe"]))
def test_one_word_takes_a_consent_back(word: str) -> None:
    assert ticked(f"I {word} want to receive the newsletter") == {}
