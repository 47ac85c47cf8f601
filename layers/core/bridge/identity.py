"""Decide which profile a webhook belongs to. Pure: links are read and kept by the ledger.

Batch advises a hash of the e-mail where there is no account id of your own:
https://doc.batch.com/developer/technical-guides/how-to-guides/how-to-choose-the-right-custom-user-id-to-use-in-batch
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from bridge import normalise
from bridge.errors import IdentityUnknown
from bridge.profile import Person

Candidate: TypeAlias = Literal["user_id", "email_sha256", "source_id"]

CANDIDATES: tuple[Candidate, ...] = ("user_id", "email_sha256", "source_id")
MAX_CUSTOM_ID_CHARACTERS = 512
"""Counted as UTF-16, as Batch's SDKs do."""
NULL_LIKE_WORDS = frozenset(
    ["undefined", "null", "nil", "(null)", "[object object]", "true", "false", "nan", "infinity", "-infinity"]
)
"""What broken integrations send for an id; Batch's SDKs refuse them, and so does this."""


def custom_id(
    person: Person, links: Mapping[str, str], candidates: Sequence[Candidate], *, may_wait: bool
) -> str:
    """The custom id of the person's profile: the one that a reference is linked to, else the first candidate's.

    With `may_wait`, someone who is named elsewhere is not given the last resort yet. Raises IdentityUnknown.
    """
    for reference in person.references:
        if reference in links:
            return links[reference]
    for candidate in candidates:
        if candidate == "source_id" and may_wait and person.named_elsewhere:
            continue
        value = valued(person, candidate)
        if value is not None:
            return value
    raise IdentityUnknown("nothing tells yet whose this is")


def valued(person: Person, candidate: Candidate) -> str | None:
    """The custom id that a candidate yields for a person, if any."""
    if candidate == "email_sha256":
        return email_sha256(person.email)
    text = (person.user_id if candidate == "user_id" else person.source_id) or ""
    value = text.strip()
    refused = not value.isprintable() or not value or value.lower() in NULL_LIKE_WORDS
    return None if refused or normalise.utf16_units(value) > MAX_CUSTOM_ID_CHARACTERS else value


def email_sha256(address: str | None) -> str | None:
    """SHA-256 in hex of the trimmed, lower-cased e-mail; None where it is none."""
    email = normalise.email(address)
    return None if email is None else hashlib.sha256(email.encode()).hexdigest()
