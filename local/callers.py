"""Tell who calls the local AWS, as SQS tells it of a message: by the access key with which the call is signed. Pure."""

from __future__ import annotations

import re
from contextvars import ContextVar

ROLE_ID = "AROALOCALLOCALLOCALLO"
"""Of all roles: nothing here asks which it is."""
FUNCTION = "function."
"""What the access key of a function begins with; its name is the rest."""
SIGNED_BY_A_FUNCTION = re.compile(rf"\bCredential={re.escape(FUNCTION)}([^/]+)/")

sender: ContextVar[str] = ContextVar("sender", default="")
"""Who makes the call of AWS that is being answered, if it is a function."""


def access_key_of(function: str) -> str:
    """Return the access key of a function, by its name."""
    return f"{FUNCTION}{function}"


def sender_of(authorization: str) -> str:
    """Return the SenderId of a call with this header: role and session of a function; empty for anybody else.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
    """
    signed = SIGNED_BY_A_FUNCTION.search(authorization)
    return f"{ROLE_ID}:{signed[1]}" if signed else ""
