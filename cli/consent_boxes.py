"""Name the boxes of a plain form that are consent, in the settings of its connection."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.settings import checked
from cli.errors import WrongUsage
from cli.stack import Stack

SOURCE = "form"
"""The one to which anybody may post any field: of vendors' forms, boxes are recognised."""
EMAIL, CHANNELS = "email", ("email", "sms")
QUESTION = "Names of consent boxes, separated by commas, such as newsletter, sms_optin=sms (Enter for none)"
UNNAMED = (
    "No box of this form counts as consent until it is in the setting consent_fields: name it with --consent-box, "
    "or see docs/connect-form.md."
)


def boxes_in(texts: Iterable[str]) -> dict[str, str]:
    """Return the channel of each box: `newsletter` is for e-mail, `sms_optin=sms` for SMS. Raises WrongUsage."""
    boxes = {}
    for text in filter(None, (text.strip() for text in texts)):
        name, _, channel = text.rpartition("=") if "=" in text else (text, "", EMAIL)
        if not name.strip() or channel.strip() not in CHANNELS:
            raise WrongUsage("a box is NAME, NAME=email or NAME=sms")
        boxes[name.strip()] = channel.strip()
    return boxes


def named(stack: Stack, connection: str) -> dict[str, str]:
    """Return the boxes that the connection's settings name. Raises Unavailable."""
    return dict(
        (stack.parameters.load(f"/{stack.name}/{SOURCE}/{connection}") or {}).get("consent_fields") or {}
    )


def name_boxes(stack: Stack, connection: str, boxes: dict[str, str]) -> dict[str, str]:
    """Add boxes to those that the settings name, and leave the other settings as they are; returns all of them.

    Raises InvalidSettings, Unavailable.
    """
    stored = stack.parameters.load(f"/{stack.name}/{SOURCE}/{connection}") or {}
    settings = {**stored, "consent_fields": {**(stored.get("consent_fields") or {}), **boxes}}
    checked(settings)
    stack.parameters.write(SOURCE, connection, settings)
    return dict(settings["consent_fields"])
