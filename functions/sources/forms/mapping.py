"""Say what a submitted form means for a profile, the same for every vendor. Pure: no I/O, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from bridge.errors import Ignored
from bridge.profiles import normalise
from bridge.profiles.profile_change import (
    AttributeGroup,
    Event,
    Person,
    ProfileChange,
    Value,
    WarningKind,
    is_absent,
    present,
)
from bridge.settings import ConnectionSettings
from bridge.webhook import Webhook
from functions.sources.forms.reading.names import answer_names
from functions.sources.forms.reading.words import same, set_of
from functions.sources.forms.recognition import consent, countries
from functions.sources.forms.recognition.attributes import (
    FULL_NAME,
    NAME,
    is_secret,
    name_part,
    recognise,
    split_name,
)
from functions.sources.forms.registry import VENDORS
from functions.sources.forms.submission import MAX_FIELDS, Field, Submission, claim, first_fields, text_in

Named: TypeAlias = tuple[str, Field]
Boxes: TypeAlias = Mapping[str, Sequence[Field]]
"""The consent boxes of each channel."""

CONTEXT = set_of("user_id user_id_signature utm_source utm_medium utm_campaign utm_term utm_content")
IDENTITY = set_of("user_id user_id_signature")
MAX_KEY_CHARACTERS = 100
MAX_ITEMS = 100
GERMAN_DATE = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")

# channel        group            attribute
CONSENTS = {
    consent.EMAIL: ("consent_email", "$email_marketing"),
    consent.SMS: ("consent_sms", "$sms_marketing"),
}
# type of the question   wrapper of its answer's name
WRAPPERS = {"date": "date", "url": "url", "file": "url"}


def to_change(webhook: Webhook, settings: ConnectionSettings) -> ProfileChange:
    """Return the profile change of a submission. Raises Ignored where a robot filled it in."""
    vendor = VENDORS[webhook.source]
    submission = vendor.read(webhook)
    if is_filled_in(submission, settings.honeypot):
        raise Ignored("honeypot field was filled in")
    every = first_fields(submission.fields, hidden_answers(submission))
    asked = tuple(map(shortened, every[:MAX_FIELDS]))
    named = [
        (name, field)
        for name, field in zip(answer_names(asked), asked, strict=True)
        if not is_left_out(field, settings)
    ]
    fields = [field for _, field in named]
    recognised = profile_fields(fields, settings)
    recognised_boxes = consent_boxes(fields, settings)
    boxes = named_boxes(recognised_boxes, settings) if vendor.is_public else recognised_boxes
    on_profile = [*recognised.values(), *(box for found in boxes.values() for box in found)]
    attributes = profile_attributes(recognised)
    happened = submission.submitted_at or webhook.received_at
    return ProfileChange(
        person=person(submission, webhook.source, attributes),
        groups=(*customer(attributes, submission, happened), *consents(boxes, submission, happened)),
        events=(
            Event(settings.event, happened, event_attributes(webhook.source, submission, named, on_profile)),
        ),
        warnings=(
            *not_named(recognised_boxes, boxes),
            *left_out(submission.is_cut or len(every) > MAX_FIELDS),
        ),
    )


def left_out(is_cut: bool) -> Iterator[tuple[WarningKind, str]]:
    """Yield the warning that there were more fields than are read."""
    if is_cut:
        yield "fields_left_out", "fields"


def shortened(field: Field) -> Field:
    """Return the field with at most `MAX_ITEMS` of several answers: Batch takes 25, and says that the list was cut."""
    if not isinstance(field.value, list | tuple) or len(field.value) <= MAX_ITEMS:
        return field
    return replace(field, value=field.value[:MAX_ITEMS])


def is_filled_in(submission: Submission, honeypot: str) -> bool:
    """Return whether the field that people do not see has a value."""
    if submission.hidden.get(honeypot):
        return True
    return any(field.key == honeypot and field.value for field in submission.fields)


def hidden_answers(submission: Submission) -> Iterable[Field]:
    """Return the hidden fields that are no context: they are answers like any other, but for consent."""
    return (
        Field(name, name, "hidden", value)
        for name, value in submission.hidden.items()
        if name not in CONTEXT and not name.startswith("_")
    )


def is_left_out(field: Field, settings: ConnectionSettings) -> bool:
    """Return what the owner leaves out by `null`, and passwords."""
    return is_secret(field) or (is_listed(field, settings.fields) and listed(field, settings.fields) is None)


def is_listed(field: Field, setting: Mapping[str, str | None]) -> bool:
    names = {same(name) for name in setting}
    return same(field.key) in names or same(field.label) in names


def listed(field: Field, setting: Mapping[str, str | None]) -> str | None:
    """Return what the setting says of the field, by its key or its label."""
    by_name = {same(name): chosen for name, chosen in setting.items()}
    return by_name.get(same(field.key), by_name.get(same(field.label)))


def profile_fields(fields: Sequence[Field], settings: ConnectionSettings) -> dict[str, Field]:
    """Return the field of each profile attribute: as the settings say, else as guessed; of several, the first answered.

    Where the settings name a field for an attribute, nothing else is taken for it, answered or not.
    """
    chosen = [(listed(field, settings.fields), field) for field in fields]
    told = {attribute for attribute, _ in chosen if attribute}
    found: dict[str, Field] = {}
    for attribute, field in [
        *chosen,
        *((key, field) for key, field in guesses(fields, settings) if key not in told),
    ]:
        if attribute and not is_absent(field.value):
            found.setdefault(attribute, field)
    if FULL_NAME in found and {"first_name", "last_name"} & {*found, *told}:
        del found[FULL_NAME]
    return found


def guesses(fields: Sequence[Field], settings: ConnectionSettings) -> list[tuple[str | None, Field]]:
    """Return what is guessed of the fields that no setting names."""
    free = [
        field
        for field in fields
        if not is_listed(field, settings.fields) and not is_listed(field, settings.consent_fields)
    ]
    guessed = [recognise(field) for field in free]
    bare_name = name_part([*guessed, *(listed(field, settings.fields) for field in fields)])
    return [(bare_name if key == NAME else key, field) for key, field in zip(guessed, free, strict=True)]


def consent_boxes(fields: Sequence[Field], settings: ConnectionSettings) -> dict[str, list[Field]]:
    """Return the boxes of each channel. Where the settings name a box for a channel, no other counts for it."""
    boxes: dict[str, list[Field]] = {channel: [] for channel in CONSENTS}
    named = set(settings.consent_fields.values())
    for field in fields:
        channel = listed(field, settings.consent_fields)
        if channel:
            boxes[channel].append(field)
        elif not is_listed(field, settings.fields):
            for guessed in consent.channels(field) - named:
                boxes[guessed].append(field)
    return boxes


def named_boxes(boxes: Boxes, settings: ConnectionSettings) -> Boxes:
    """Keep the boxes that the settings name: to a public form, a stranger may add any box."""
    return {
        channel: [box for box in found if is_listed(box, settings.consent_fields)]
        for channel, found in boxes.items()
    }


def not_named(recognised: Boxes, named: Boxes) -> Iterator[tuple[WarningKind, str]]:
    """Warn of each ticked box that only its name makes a consent, as `NAME=CHANNEL`."""
    for channel, found in recognised.items():
        for box in found:
            if box not in named[channel] and consent.is_ticked(box):
                yield consent.NOT_NAMED, f"{pasteable(box.key)}={channel}"


def pasteable(key: str) -> str:
    """Return the key as a setting can name it, or nothing for one that a person would not choose."""
    return key if key.isprintable() and len(key) <= MAX_KEY_CHARACTERS else ""


def consents(boxes: Boxes, submission: Submission, stated_at: datetime) -> tuple[AttributeGroup, ...]:
    """Return a consent for each channel with a ticked box; an unticked one states nothing."""
    ticked = {channel: [box for box in found if consent.is_ticked(box)] for channel, found in boxes.items()}
    return tuple(
        AttributeGroup(
            group,
            normalise.sortable(stated_at),
            {attribute: "subscribed"},
            provenance="visitor",
            proof=proof(submission, ticked[channel][0]),
        )
        for channel, (group, attribute) in CONSENTS.items()
        if ticked[channel]
    )


def proof(submission: Submission, box: Field) -> dict[str, Value]:
    """Say by which form and which box a consent was given."""
    return present(
        {
            "form_id": submission.form_id,
            "form_name": submission.form_name,
            "box": box.label,
            "url(page)": submission.page,
        }
    )


def person(submission: Submission, vendor: str, attributes: Mapping[str, Value]) -> Person:
    """Return whose form it is, by the word of whoever filled it in."""
    user_id, signature = claim(submission)
    return Person(
        email=text_in(attributes.get("$email_address")),
        source_id=f"{vendor}:{submission.response_id}",
        claimed_user_id=user_id,
        user_id_signature=signature,
        provenance="visitor",
    )


def customer(
    attributes: Mapping[str, Value], submission: Submission, stated_at: datetime
) -> tuple[AttributeGroup, ...]:
    """Return the record of the person. Of two submissions of the same moment, the id decides, so that any order of
    arrival ends alike."""
    version = f"{normalise.sortable(stated_at)}|{submission.response_id}"
    return (AttributeGroup("customer", version, attributes, provenance="visitor"),) if attributes else ()


def profile_attributes(recognised: Mapping[str, Field]) -> dict[str, Value]:
    """Return the answers in the forms that the attributes ask for."""
    country = country_of(recognised)
    attributes: dict[str, Value] = {}
    for attribute, field in recognised.items():
        if attribute == FULL_NAME:
            attributes |= split_name(single_text(field.value))
        else:
            attributes[attribute] = attribute_value(attribute, field.value, country)
    return present(attributes)


def country_of(recognised: Mapping[str, Field]) -> str | None:
    field = recognised.get("$region")
    return normalise.region(countries.region(single_text(field.value))) if field else None


def attribute_value(attribute: str, value: Value, country: str | None) -> Value:
    """Return the value for an attribute; what cannot be read stays as it is, and is dropped with a warning later."""
    text = single_text(value)
    match attribute:
        case "$email_address" | "first_name" | "last_name" | "city" | "zip_code":
            return text
        case "$phone_number":
            return normalise.phone(text, country) or text
        case "$region":
            return countries.region(text)
        case "$language":
            return countries.language(text)
        case "date(birthdate)":
            return GERMAN_DATE.sub(lambda date: f"{date[3]}-{date[2]:0>2}-{date[1]:0>2}", text)
    return text if attribute.startswith(("date(", "url(", "$")) else value


def single_text(value: Value) -> str:
    """Return the value as one text: the first of a list."""
    first = next(iter(value), None) if isinstance(value, list | tuple) else value
    return "" if first is None else str(first).strip()


def event_attributes(
    vendor: str, submission: Submission, named: Sequence[Named], on_profile: Sequence[Field]
) -> dict[str, Value]:
    """Return the form, where it stood, and every answer.

    Batch takes 20 attributes, so what the profile knows anyway stands last.
    """
    known = {id(field) for field in on_profile}
    answers = [(answer_key(name, field), field.value, id(field) in known) for name, field in named]
    utm = {name: submission.hidden.get(name) for name in sorted(CONTEXT - IDENTITY)}
    attributes: dict[str, Value] = {
        "form_id": submission.form_id,
        "form_name": submission.form_name,
        "vendor": vendor,
        "$label": submission.form_name,
        "url(page)": submission.page,
        **{name: utm[name] for name in ("utm_source", "utm_medium", "utm_campaign")},
        **{name: value for name, value, is_known in answers if not is_known},
        **{name: utm[name] for name in ("utm_term", "utm_content")},
        **{name: value for name, value, is_known in answers if is_known},
    }
    return present(attributes)


def answer_key(name: str, field: Field) -> str:
    """Return the answer's name as Batch wants it for its type; several links are a list of texts."""
    wrapper = WRAPPERS.get(field.type)
    return f"{wrapper}({name})" if wrapper and not isinstance(field.value, list | tuple) else name
