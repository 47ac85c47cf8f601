"""Ask to erase one person, or everybody of a connection: webhooks of our own, which no receiver accepts. Pure."""

from __future__ import annotations

import json
from datetime import datetime

from bridge.profiles.profile_change import Person, ProfileChange
from bridge.settings import ConnectionSettings
from bridge.storage.erasures import Erasure
from bridge.webhook import Routing, Webhook, group_id, webhook_id

SOURCE = "bridge"
"""In place of a source; in place of its connection stands the Batch project."""
TOPIC = "forget"
ALL_TOPIC = "forget_all"
ONE_AT_A_TIME = "forget"
"""One group for those that look through the whole dead-letter queue."""


def forget(
    project: str, custom_id: str, asked_by: str, now: datetime, email: str = "", erasure: str = ""
) -> Webhook:
    """Return the webhook that has a whole profile erased. The same request, `asked_by` the same, is the same webhook.

    With the `email`, parked webhooks that name it are found too. `erasure` is the decision that it carries out.
    """
    content = {"custom_id": custom_id, "email": email, "erasure": erasure}
    return wish(TOPIC, project, ONE_AT_A_TIME, content, f"{asked_by}\n{custom_id}", now)


def forget_of(project: str, custom_id: str, connection: str, asked_by: str, now: datetime) -> Webhook:
    """Return the webhook that has what one connection wrote of a person erased, when all of the connection goes.

    These need not stand in one line: what is parked was looked through once for all of them.
    """
    content = {"custom_id": custom_id, "scope": connection}
    return wish(TOPIC, project, f"forget {custom_id}", content, f"{asked_by}\n{custom_id}", now)


def forget_all(erasure: Erasure, now: datetime) -> Webhook:
    """Return the webhook that begins to erase everybody of whom a connection told."""
    content = {"scope": erasure.connection, "erasure": erasure.id}
    asked_by = f"{erasure.id}\n{erasure.since}"
    return wish(ALL_TOPIC, erasure.project, f"forget {erasure.connection}", content, asked_by, now)


def carrying_out(erasure: Erasure, now: datetime) -> Webhook:
    """Return the webhook that does what waited."""
    if erasure.scope == "shop":
        return forget_all(erasure, now)
    asked_by = f"{erasure.id}\n{erasure.since}"
    return forget(erasure.project, erasure.custom_id, asked_by, now, erasure=erasure.id)


def wish(
    topic: str, project: str, line: str, content: dict[str, str], idempotency_key: str, now: datetime
) -> Webhook:
    named = Routing(topic, line, idempotency_key=idempotency_key)
    return Webhook(
        id=webhook_id(SOURCE, project, named, b""),
        source=SOURCE,
        connection=project,
        topic=topic,
        headers={},
        body=json.dumps({name: value for name, value in content.items() if value}).encode(),
        received_at=now,
        group=group_id(SOURCE, project, line),
    )


def to_change(webhook: Webhook, settings: ConnectionSettings) -> ProfileChange:
    """Return who is to be erased."""
    del settings
    content = json.loads(webhook.body)
    scope, erasure = content.get("scope", ""), content.get("erasure", "")
    if webhook.topic == ALL_TOPIC:
        return ProfileChange(Person(), connection="erase_now", scope=scope, erasure=erasure)
    person = Person(user_id=content["custom_id"], email=content.get("email"), provenance="owner")
    return ProfileChange(person, privacy="erase", scope=scope, erasure=erasure)
