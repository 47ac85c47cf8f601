"""Tell whether a ticked box is consent to marketing, and by which channel. Pure.

When in doubt it is none: mail without consent is unlawful, while a box that is not recognised here is one line in
the setting `consent_fields`. What labels say is in the data files of `languages/`, one for each language.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from bridge.profiles.profile_change import Value
from functions.sources.forms.reading.words import sentence
from functions.sources.forms.recognition.phrases import alternatives, pattern, words_of
from functions.sources.forms.submission import Field

EMAIL = "email"
SMS = "sms"
NEITHER: frozenset[str] = frozenset()
NOT_NAMED: Final = "consent_not_named"
"""The warning of a ticked box that only its name makes a consent, followed by `:NAME=CHANNEL`."""


# kinds of phrases that make a label something else, whatever else it says: it binds, shares, refuses, asks for an
# opinion or a picture
SOMETHING_ELSE = ("binding", "sharing", "refusal", "opinion", "appearance")


@cache
def reassurance() -> re.Pattern[str]:
    """Return the expression for `You can unsubscribe at any time`, which refuses nothing."""
    withdrawal, any_time = alternatives("withdrawal"), alternatives("any_time")
    return re.compile(
        rf"\b(?:(?:{withdrawal})(?: \w+){{0,6}}? (?:{any_time})|(?:{any_time})(?: \w+){{0,6}}? (?:{withdrawal}))\b"
    )


@cache
def affirmative() -> re.Pattern[str]:
    """Return the expression for a text that begins with a yes."""
    return re.compile(rf"^(?:{alternatives('affirmative')})\b")


def says(kind: str, text: str) -> bool:
    """Return whether the text has a phrase of the kind: `newsletter`, `receive`, …"""
    return bool(pattern(kind).search(text))


def channels(field: Field) -> frozenset[str]:
    """Return the channels that a tick in this box consents to: those its label speaks of, none for most boxes."""
    if field.type not in ("consent", "boolean", ""):
        return NEITHER
    texts = {reassurance().sub(" ", sentence(text)) for text in (field.label, field.key)}
    if any(is_something_else(text) for text in texts):
        return NEITHER
    found = [spoken_of(text) for text in texts if is_consent(text)]
    return frozenset().union(*found)


def is_something_else(text: str) -> bool:
    """Return whether the text binds, shares, refuses, asks for an opinion or a picture, whatever else it says."""
    return any(says(kind, text) for kind in SOMETHING_ELSE)


def is_consent(text: str) -> bool:
    """Return whether the text asks to be sent marketing."""
    receives, agrees = says("receive", text), says("agree", text)
    if says("newsletter", text) or says("marketing", text):
        return receives or agrees or is_bare(text)
    if says("transaction", text):
        return False
    if says("promotion", text) and receives:
        return True
    if (says("emails", text) or says("text_messages", text)) and receives and not says("privacy", text):
        return True
    return is_bare(text)


def is_bare(text: str) -> bool:
    """Return whether the text is the name of such a box and nothing else: `newsletter`, `sms_optin`."""
    if not text or not set(text.split()) <= words_of("bare"):
        return False
    topic = says("bare_topic", text)
    channel = bool(says("email_channel", text) or says("text_messages", text))
    consents = says("bare_consent", text)
    return says("newsletter", text) or text == "subscribe" or topic + channel + consents > 1


def spoken_of(text: str) -> frozenset[str]:
    """Return the channels that the text names; e-mail where it names none."""
    by_email = bool(says("email_channel", text) or says("newsletter", text))
    by_sms = says("text_messages", text)
    if not by_email and not by_sms:
        return NEITHER if says("other_channel", text) else frozenset({EMAIL})
    return frozenset(channel for channel, named in ((EMAIL, by_email), (SMS, by_sms)) if named)


def is_ticked(field: Field) -> bool:
    """Return whether the box says yes: a tick, a word for yes, or its own name as HTML forms have it."""
    items = field.value if isinstance(field.value, list | tuple) else [field.value]
    own_names = {sentence(field.key), sentence(field.label)}
    return any(says_yes(item, own_names) for item in items)


def says_yes(value: Value, own_names: set[str]) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str | int):
        return False
    text = sentence(str(value))
    if text in words_of("ticked") or (text and text in own_names):
        return True
    return bool(affirmative().search(text)) and not says("negative", text)
