"""Say what a webhook would become, without a stack: the call to Batch, the warnings, and what nothing uses."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.batch import limits
from bridge.errors import BridgeError, IdentityUnknown, Ignored, Refused, TopicUnconfirmed
from bridge.profiles import identity, versions
from bridge.profiles.profile_change import Person, ProfileChange
from bridge.settings import ConnectionSettings, InvalidSettings, checked
from cli.errors import CommandFailed
from cli.sample import Sample, read
from cli.trial import Trial
from cli.usage import usage
from functions.sources.registry import settings_model

TEST = "it is a test event, and the setting `test_events` of the connection is false"
NOTHING = "it contains no event and no attribute; its ids are stored for later webhooks"
# asks to   what happens
PRIVACY = {
    "erase": "It requests the erasure of a person: their profile in Batch, and what the stack stores about them.",
    "housekeeping": "A record was deleted in the tool: its links and what it alone wrote are deleted, consents stay.",
    "review": "It asks what is stored about a person: nothing changes, and the receipt lists it.",
}
# what a webhook says of its connection   for people
OF_CONNECTION = {
    "left": "The tool was uninstalled: the connection is marked inactive, and an alarm is raised.",
    "erase": "It requests the erasure of a whole shop: that is announced, and done later unless you cancel it.",
    "erase_now": "It starts the erasure of all people known from a shop.",
}
WAITS = "It does not identify the customer: it waits up to {hours:g} hours for a webhook that does."
LAST_RESORT = "If none arrives, it goes to the custom id below."
STOPPED = "It would be parked: the topic is not signed, and the signed body does not fit it."
LET_GO = "If none arrives, it is ignored."


@dataclass(frozen=True, slots=True)
class Preview:
    """Hold what Batch would be sent for a webhook alone, and what a person should know of it.

    `refused` is what the endpoint answers instead of taking it, `ignored` why nothing is sent; the call of a test event
    is then what it would be with `test_events`. `notes` are sentences. `unused` are the fields of the body that
    nothing uses, `used` all others.
    """

    topic: str
    call: list[dict[str, Any]] = field(default_factory=list)
    warnings: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    ignored: str = ""
    refused: str = ""
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def preview(sample: Sample, connection: str, settings_file: Path | None) -> Preview:
    """Return what the webhook would become with these settings, or with those that the sample names. Raises
    CommandFailed."""
    stored = settings_in(settings_file) if settings_file else dict(sample.settings or {})
    try:
        settings = checked(stored, settings_model(sample.source))
    except InvalidSettings as error:
        raise CommandFailed(f"the settings are invalid: {error.reason}") from None
    return of_trial(Trial(sample, connection, stored, settings))


def settings_in(path: Path) -> dict[str, Any]:
    stored, _ = read(path)
    if not isinstance(stored, dict):
        raise CommandFailed(f"{path} is not a JSON object")
    return stored


def of_trial(trial: Trial) -> Preview:
    """Return what comes of the webhook at the endpoint, in the mapping, and then. Raises CommandFailed."""
    topic = trial.sample.topic
    try:
        request = trial.request(trial.sample.body, trial.sample.content_type)
        webhook = trial.webhook(request, trial.summary(request))
        topic = webhook.topic
        change = trial.change(webhook)
    except Refused as error:
        return Preview(topic, refused=f"{error.status} {error.code}: {error.reason}")
    except Ignored as error:
        return Preview(topic, ignored=error.reason)
    except TopicUnconfirmed as error:
        return Preview(topic, ignored=f"{error.failure_class}: {error.reason}", notes=(STOPPED,))
    except BridgeError as error:
        raise CommandFailed(f"the mapping cannot read the body: {error.reason}") from None
    except ValidationError as error:
        raise CommandFailed(f"the mapping cannot read the body: {error.error_count()} faults") from None
    found = usage(trial, webhook)
    return replace(of_change(topic, change, trial.settings), used=found.used, unused=found.unused)


def of_change(topic: str, change: ProfileChange, settings: ConnectionSettings) -> Preview:
    """Return what is sent for a profile of which nothing is known yet. Raises CommandFailed."""
    ignored = TEST if change.is_test and not settings.test_events else ""
    if change.connection:
        return Preview(topic, ignored=ignored, notes=(OF_CONNECTION[change.connection],))
    if change.privacy:
        return Preview(topic, ignored=ignored, notes=(PRIVACY[change.privacy],))
    custom_id, notes = whose(change.person, settings)
    content, warnings = content_of(change)
    if not content:
        return Preview(topic, warnings=warnings, ignored=ignored or NOTHING, notes=notes)
    call = [{"identifiers": {"custom_id": custom_id}, **content}]
    return Preview(topic, call, warnings, ignored=ignored, notes=notes)


def whose(person: Person, settings: ConnectionSettings) -> tuple[str | None, tuple[str, ...]]:
    """Return the custom id, and what is to say of it. Raises CommandFailed where there is none and none is to come."""
    waits = person.named_elsewhere and settings.identity_wait_hours > 0
    try:
        return identity.custom_id(person, {}, settings.identity, may_wait=waits), ()
    except IdentityUnknown as error:
        if not waits:
            raise CommandFailed(f"{error.reason}: no user id, no e-mail and no id of the tool") from None
    try:
        last, otherwise = identity.custom_id(person, {}, settings.identity, may_wait=False), LAST_RESORT
    except IdentityUnknown:
        last, otherwise = None, LET_GO
    return last, (WAITS.format(hours=settings.identity_wait_hours), otherwise)


def content_of(change: ProfileChange) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the attributes and events of the operation, as far as there are any, and the warnings."""
    warnings, now = limits.Warnings(), datetime.now(UTC)
    warnings.add_all(change.warnings)
    _, changes = versions.apply(versions.ProfileState(), change.groups)
    completed = change.completed({}) if change.completed else ()
    fitted = [limits.fit_event(event, now, warnings) for event in (*change.events, *completed)]
    content = {
        "attributes": limits.fit_attributes(changes, warnings),
        "events": [event for event in fitted if event],
    }
    return {name: found for name, found in content.items() if found}, limits.names(warnings.found)
