"""Elementor Pro: urlencoded, in the simple shape `label=value`, or with "Advanced Data" as `fields[id][value]`.

It does not sign, so a secret is in the address. It sends while the visitor waits, and once: who sees an error
submits again. The simple shape has the form's metadata among the answers, under titles in the site's language.

https://elementor.com/help/forms-webhook/
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bridge.profiles.profile_change import Value
from bridge.webhook import Source, Webhook, has_header
from functions.sources.forms.reading.body import posted
from functions.sources.forms.reading.flat_fields import (
    MACHINERY,
    answer,
    hidden_in,
    is_hidden,
    number,
    ticked,
    utm_of,
)
from functions.sources.forms.reading.words import sentence
from functions.sources.forms.submission import (
    Field,
    Kind,
    Submission,
    Vendor,
    filled,
    is_link,
    kind_of_type,
    object_in,
    text_in,
)
from functions.sources.forms.unsigned import DOUBLE_CLICK_SECONDS, TOPIC, routing_of, sign, verify

ADVANCED = ("fields[", "fields.")
SEPARATORS = re.compile(r"[\[\].]+")
MAX_DEPTH = 8
NO_LABEL = "No Label "
SEVERAL = re.compile(r"\s*,\s+(?=https?://)")

# type of the field   what it is
KINDS: Mapping[str, Kind] = {
    "text": "text",
    "textarea": "text",
    "email": "email",
    "tel": "phone",
    "url": "url",
    "date": "date",
    "number": "number",
    "upload": "file",
    "radio": "choice",
    "select": "choice",
    "checkbox": "choice",
    "acceptance": "consent",
}
ABOUT_THE_FORM = frozenset({"form_id", "form_name", "submitted_at"})
NOT_ANSWERS = frozenset({"password", "honeypot", "recaptcha", "recaptcha_v3", "step", "html"})

# metadata     its titles in the simple shape: English, French, German, Spanish, Italian, Dutch, Portuguese
TITLES = {
    "date": "date, datum, fecha, data",
    "time": "time, heure, uhrzeit, zeit, hora, ora, orario, tijd",
    "page_url": "page url, url de la page, url der seite, seiten url, url de la pagina, url della pagina, url pagina, "
    "pagina url, url da pagina",
    "page_title": "page title, titre de la page, seitentitel, titulo de la pagina, titolo della pagina, paginatitel, "
    "titulo da pagina",
    "user_agent": "user agent",
    "remote_ip": "remote ip",
    "credit": "powered by",
}
METADATA = {title: name for name, titles in TITLES.items() for title in titles.split(", ")}
WHEN = frozenset({"date", "time"})
"""Titles that a question may have too: they count only where other metadata follows."""


def read(webhook: Webhook) -> Submission:
    fields = posted(webhook.headers, webhook.body)
    if any(name.startswith(ADVANCED) for name in fields):
        submission = advanced(webhook, nested(fields))
    else:
        submission = simple(webhook, fields)
    return replace(submission, is_cut=fields.is_cut)


def simple(webhook: Webhook, fields: Mapping[str, Value]) -> Submission:
    """Return labels and answers. The times are written as the site likes, without a zone, so that of receipt counts."""
    answers = {name: value for name, value in fields.items() if name not in ABOUT_THE_FORM}
    metadata = metadata_in(answers)
    page = page_of(answers.get(metadata.get("page_url", "")))
    form_id = text_in(fields.get("form_id")) or webhook.connection
    return Submission(
        form_id=form_id,
        form_name=text_in(fields.get("form_name")) or form_id,
        response_id=webhook.id,
        page=page,
        fields=tuple(
            answer(name.removeprefix(NO_LABEL), value)
            for name, value in answers.items()
            if name not in metadata.values() and name not in MACHINERY and not is_hidden(name)
        ),
        hidden={**utm_of(page), **hidden_in(answers)},
    )


def metadata_in(answers: Mapping[str, Value]) -> dict[str, str]:
    """Return the titles of the metadata, which stand after all answers."""
    found: dict[str, str] = {}
    for title, value in reversed(list(answers.items())):
        name = METADATA.get(sentence(title)) or metadata_of(text_in(value) or "")
        if name is None or name in found or (name in WHEN and not found):
            break
        found[name] = title
    return found


def metadata_of(text: str) -> str | None:
    """Return what the text is, where only metadata is like that, whatever its title."""
    if text.startswith("Mozilla/"):
        return "user_agent"
    if text == "Elementor":
        return "credit"
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return None
    return "remote_ip"


def page_of(content: object) -> str | None:
    page = text_in(content)
    return page if page and is_link(page) else None


def nested(fields: Mapping[str, Value]) -> dict[str, Any]:
    """Return the fields called `a[b][c]` as objects within objects."""
    tree: dict[str, Any] = {}
    for name, value in fields.items():
        *path, last = [part for part in SEPARATORS.split(name, MAX_DEPTH) if part] or [name]
        node: Any = tree
        for part in path:
            node = node.setdefault(part, {}) if isinstance(node, dict) else None
        if isinstance(node, dict):
            node[last] = value
    return tree


def advanced(webhook: Webhook, body: dict[str, Any]) -> Submission:
    """Return every field with its id, type, title, and what was posted."""
    about = object_in(body.get("form"))
    form_id = text_in(about.get("id")) or webhook.connection
    page = page_of(object_in(object_in(body.get("meta")).get("page_url")).get("value"))
    listed = {key: object_in(one) for key, one in object_in(body.get("fields")).items()}
    return Submission(
        form_id=form_id,
        form_name=text_in(about.get("name")) or form_id,
        response_id=webhook.id,
        page=page,
        fields=tuple(answered_fields(listed)),
        hidden={**utm_of(page), **dict(hidden_fields(listed))},
    )


def hidden_name(key: str, one: Mapping[str, Any]) -> str | None:
    """Return what a field that is not asked is called; None for a question."""
    title = text_in(one.get("title")) or key
    known = next((name for name in (key, title) if is_hidden(name)), None)
    return known or (title if one.get("type") == "hidden" else None)


def hidden_fields(listed: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, Value]]:
    for key, one in listed.items():
        name = hidden_name(key, one)
        if name:
            yield name, filled(one.get("value"))


def answered_fields(listed: Mapping[str, dict[str, Any]]) -> Iterator[Field]:
    for key, one in listed.items():
        asked = text_in(one.get("type")) or ""
        if asked not in NOT_ANSWERS and hidden_name(key, one) is None:
            kind = kind_of_type(KINDS, asked)
            field = Field(key, text_in(one.get("title")) or key, kind, answer_value(kind, one))
            yield number(field) if kind == "number" else field


def answer_value(kind: Kind, one: Mapping[str, Any]) -> Value:
    """Return what was answered: several choices as a list, several files too."""
    chosen = one.get("raw_value")
    if isinstance(chosen, dict):
        return [text for text in map(text_in, chosen.values()) if text]
    if isinstance(chosen, list):
        return [text for text in map(text_in, chosen) if text]
    text = text_in(one.get("value"))
    if kind == "file" and text:
        links = SEVERAL.split(text)
        return links if len(links) > 1 else text
    return ticked(text)


VENDOR = Vendor(
    source=Source(
        name="elementor",
        topics=frozenset({TOPIC}),
        verify=verify,
        routing_of=routing_of,
        is_from_tool=has_header("user-agent: WordPress/"),
        repeat_seconds=DOUBLE_CLICK_SECONDS,
    ),
    read=read,
    sign=sign,
)
