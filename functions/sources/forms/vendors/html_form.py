"""A plain HTML form that posts here itself, or a script that posts its fields as JSON.

It cannot sign, so a secret is in its address: `?token=`. Whoever can read the page can read the token, so it
keeps out noise, not malice. A browser never repeats a post by itself: the same bytes within five minutes are a double
click, and count as one; later they are another submission.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bridge.profiles.profile_change import Value
from bridge.webhook import Source, Webhook, has_header
from functions.sources.forms.reading.body import posted_by_visitor
from functions.sources.forms.reading.flat_fields import CLAIM, MACHINERY, PAGE, UTM, utm_of
from functions.sources.forms.submission import Field, Submission, Vendor, filled, is_link, moment, text_in
from functions.sources.forms.unsigned import DOUBLE_CLICK_SECONDS, TOPIC, routing_of, sign, verify

ABOUT_THE_FORM = frozenset({"form_id", "form_name", "submitted_at"})


def read(webhook: Webhook) -> Submission:
    """Return the posted fields, sorted into what is about the form, what was hidden in it, and answers."""
    fields = posted_by_visitor(webhook.headers, webhook.body)
    page = page_of(fields, webhook.headers)
    form_id = text_in(fields.get("form_id")) or webhook.connection
    hidden = {name: filled(fields[name]) for name in fields if name in CLAIM | UTM}
    controls = {name: value for name, value in fields.items() if name.startswith("_")}
    return Submission(
        form_id=form_id,
        form_name=text_in(fields.get("form_name")) or form_id,
        response_id=webhook.id,
        submitted_at=submitted_at(fields, webhook.received_at),
        page=page,
        fields=tuple(
            Field(name, name, "", as_text(value))
            for name, value in fields.items()
            if is_answer(name, value, page)
        ),
        hidden={**utm_of(page), **hidden, **controls},
    )


def submitted_at(fields: Mapping[str, Value], received_at: datetime) -> datetime:
    """Return the field `submitted_at` where it is a time in the past, else the time of receipt.

    A visitor can write it, and a date far ahead would outrank whatever is learnt later.
    """
    stated = moment(fields.get("submitted_at"))
    return min(stated, received_at) if stated else received_at


def page_of(fields: Mapping[str, Value], headers: Mapping[str, str]) -> str | None:
    """Return the page of the form: as a field says, else as the browser does."""
    candidates = [*(fields.get(name) for name in PAGE), headers.get("referer"), headers.get("origin")]
    return next((page for page in map(text_in, candidates) if page and is_link(page)), None)


def as_text(value: Value) -> str | None:
    """Return the answer as one text, whatever a visitor posts: the first number or list would give its name a type
    for ever.

    Several answers stand behind one another; a ticked box is `true`, as browsers tell no more than `on`.
    """
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, map(as_text, value))) or None
    if isinstance(value, bool) or value == "on":
        return "false" if value is False else "true"
    return None if value is None else str(value)


def is_answer(name: str, value: Value, page: str | None) -> bool:
    if name.startswith("_") or name in MACHINERY | ABOUT_THE_FORM | UTM | CLAIM:
        return False
    return name not in PAGE or text_in(value) != page


VENDOR = Vendor(
    source=Source(
        name="form",
        topics=frozenset({TOPIC}),
        verify=verify,
        routing_of=routing_of,
        is_from_tool=has_header(),
        kept_headers=("content-type", "referer", "origin"),
        redirects=True,
        repeat_seconds=DOUBLE_CLICK_SECONDS,
    ),
    read=read,
    sign=sign,
    is_public=True,
)
