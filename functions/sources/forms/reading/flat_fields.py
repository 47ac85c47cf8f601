"""Read answers of vendors that send texts alone, under names that the form's owner chose. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

from bridge.profiles.profile_change import Value
from functions.sources.forms.recognition.attributes import recognise
from functions.sources.forms.submission import Field, files_in, filled, is_link, text_in

MAX_PAGE_CHARACTERS = 2048
"""Of an address, for Batch; nothing is read off a longer one."""

UTM = frozenset({"utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"})
CLAIM = frozenset({"user_id", "user_id_signature"})
"""Who is logged in, and by what the owner's server signed it."""
PAGE = ("page", "page_url", "url")
MACHINERY = frozenset(
    {
        "g-recaptcha-response",
        "h-captcha-response",
        "cf-turnstile-response",
        "csrf_token",
        "csrfmiddlewaretoken",
        "authenticity_token",
        "submit",
    }
)
"""What pages post beside the answers, for their own servers."""

UPLOADED = re.compile(r"https?://(?=\S+?(?:/uploads/|gf-download=)\S)\S++")
"""The address of a file that a form plugin of WordPress stored."""
NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")

FORM_ID = ("form_id",)
FORM_NAME = ("form_name", "form_title")
ENTRY_ID = ("entry_id",)
PAGES = (*PAGE, "source_url")
ABOUT_THE_FORM = frozenset({*FORM_ID, *FORM_NAME, *ENTRY_ID, *PAGES, "date_created"})


def is_hidden(name: str) -> bool:
    """Return whether the form knew the value beforehand: who is logged in, and the campaign."""
    return name in CLAIM or name in UTM


def hidden_in(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Return what the form knew beforehand, by names that the tagging plan has."""
    return {name: filled(value) for name, value in fields.items() if is_hidden(name)}


def first_of(fields: Mapping[str, Value], names: tuple[str, ...]) -> str | None:
    """Return the first of these fields that says something."""
    return next((text for name in names if (text := text_in(fields.get(name)))), None)


def page_in(fields: Mapping[str, Value]) -> str | None:
    """Return the address of the form's page."""
    return next((text for name in PAGES if (text := text_in(fields.get(name))) and is_link(text)), None)


def utm_of(page: str | None) -> dict[str, Value]:
    """Return the campaign in the page's address, where that is no longer than an address may be."""
    if page and len(page) > MAX_PAGE_CHARACTERS:
        return {}
    try:
        return {name: value for name, value in parse_qsl(urlsplit(page or "").query) if name in UTM}
    except ValueError:
        return {}


def named_answers(fields: Mapping[str, Value]) -> tuple[Field, ...]:
    """Return the answers among fields whose names the form's owner chose."""
    return tuple(
        answer(name, value)
        for name, value in fields.items()
        if not (is_hidden(name) or name in MACHINERY or name in ABOUT_THE_FORM)
    )


def answer(name: str, value: Value) -> Field:
    """Return a question that is known by its name alone; an uploaded file is known by its address."""
    if is_uploaded(value):
        return Field(name, name, "file", files_in(value))
    return Field(name, name, "", ticked(value))


def ticked(value: Value) -> Value:
    """Return what browsers send for a ticked box without a value of its own is a yes, as other vendors' boxes say it.

    https://html.spec.whatwg.org/multipage/input.html#dom-input-value-default-on
    """
    return True if value == "on" else value


def is_uploaded(value: Value) -> bool:
    """Return whether the value is the address of an uploaded file, or several."""
    items = value if isinstance(value, list | tuple) else [value]
    return bool(items) and all(isinstance(item, str) and UPLOADED.fullmatch(item) for item in items)


def number(field: Field) -> Field:
    """Return the field with its text as a number, unless it is about the person: a zip code may begin with a zero."""
    text = text_in(field.value)
    if text is None or not NUMBER.fullmatch(text) or recognise(field):
        return field
    return Field(field.key, field.label, field.type, Decimal(text))


def lone_box(title: str, text: str, is_ticked: bool) -> Field:
    """Return a question with one box to tick: what it asks may stand above the box or beside it."""
    return Field(text or title, title or text, "boolean", is_ticked)
