"""Which parked webhooks are of one person: by what the ledger knows of them, and by what they hold. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from bridge import normalise
from bridge.webhook import group_id


@dataclass(frozen=True)
class Traces:
    """Webhook ids, FIFO groups, and the e-mail where one is known: any of them will do."""

    ids: frozenset[str]
    groups: frozenset[str]
    email: str = ""

    def leads_to(self, webhook_id: str, group: object) -> bool:
        """Whether the envelope alone tells that it is theirs."""
        return webhook_id in self.ids or group in self.groups

    def is_named_in(self, body: bytes) -> bool:
        """Whether a body names the e-mail, in capitals or not, written as in JSON or in an address."""
        return bool(self.pattern and self.pattern.search(body.decode(errors="replace").lower()))

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """The e-mail by itself: `ada@example.com`, and not the end of `nada@example.com`."""
        email = normalise.email(self.email)
        if email is None:
            return None
        written = "|".join(re.escape(form) for form in (email, quote(email, safe="").lower()))
        return re.compile(rf"(?<![\w.+-])(?:{written})(?![\w-]|\.\w)")


def lanes(source: str, connection: str, references: Iterable[str], email: str) -> set[str]:
    """The FIFO groups in which a person's webhooks of one connection stand.

    Rooms name these after the customer, else the e-mail: `customer:1` is what links call `shopify:customer:1`.
    """
    names = {
        reference.removeprefix(f"{source}:").removeprefix(f"{connection}:")
        for reference in references
        if reference.startswith(f"{source}:")
    }
    if address := normalise.email(email):
        names |= {f"email:{address}", address}
    return {group_id(source, connection, name) for name in names}
