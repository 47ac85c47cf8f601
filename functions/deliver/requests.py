"""Ask to erase one person: a webhook of our own, which no door lets in, and what it means. Pure."""

from __future__ import annotations

import json
from datetime import datetime

from bridge.profile import Person, ProfileChange
from bridge.settings import ConnectionSettings
from bridge.webhook import Summary, Webhook, group_id, webhook_id

SOURCE = "bridge"
"""In place of a source; in place of its connection stands the Batch project."""
TOPIC = "forget"
ONE_AT_A_TIME = "forget"
"""One lane for all of them: each looks through the whole dead-letter queue."""


def forget(project: str, custom_id: str, asked_by: str, now: datetime, email: str = "") -> Webhook:
    """The webhook that has a profile erased. The same request, `asked_by` the same, is the same webhook.

    With the `email`, parked webhooks that name it are found too.
    """
    asked = {"custom_id": custom_id, **({"email": email} if email else {})}
    named = Summary(TOPIC, ONE_AT_A_TIME, content_key=f"{asked_by}\n{custom_id}")
    return Webhook(
        id=webhook_id(SOURCE, project, named, b""),
        source=SOURCE,
        connection=project,
        topic=TOPIC,
        headers={},
        body=json.dumps(asked).encode(),
        received_at=now,
        group=group_id(SOURCE, project, ONE_AT_A_TIME),
    )


def to_change(webhook: Webhook, settings: ConnectionSettings) -> ProfileChange:
    """The person who is to be erased."""
    del settings
    asked = json.loads(webhook.body)
    return ProfileChange(Person(user_id=asked["custom_id"], email=asked.get("email")), privacy="erase")
