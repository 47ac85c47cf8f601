"""Tell which parked webhooks are one person's: by the line they stand in, and by what they hold. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from bridge import normalise
from bridge.identity import email_sha256
from bridge.webhook import group_id

E_MAIL = re.compile(r"(?<![\w.+-])([\w.+-]{1,64})(?:@|%40)([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
"""An e-mail as most are written; bounded, so that no text costs more than its length."""


@dataclass(frozen=True)
class Traces:
    """FIFO groups, the e-mail where one is known, and digests of e-mails: any of them will do."""

    groups: frozenset[str]
    email: str = ""
    digests: frozenset[str] = frozenset()

    @property
    def can_be_named(self) -> bool:
        """Whether a body can tell that it is theirs."""
        return bool(self.digests or self.pattern)

    def leads_to(self, group: object) -> bool:
        """Whether the envelope alone tells that it is theirs."""
        return group in self.groups

    def is_named_in(self, body: bytes) -> bool:
        """Whether a body names the e-mail, in capitals or not, written as in JSON or in an address."""
        text = body.decode(errors="replace").lower()
        if self.pattern and self.pattern.search(text):
            return True
        return bool(self.digests) and not self.digests.isdisjoint(digests_in(text))

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """The e-mail by itself: `ada@example.com`, and not the end of `nada@example.com`."""
        email = normalise.email(self.email)
        if email is None:
            return None
        written = "|".join(re.escape(form) for form in (email, quote(email, safe="").lower()))
        return re.compile(rf"(?<![\w.+-])(?:{written})(?![\w-]|\.\w)")


def digests_in(text: str) -> set[str]:
    """Return the digests of the e-mails that a text names."""
    found = {f"{one[1]}@{one[2]}" for one in E_MAIL.finditer(text)}
    return {digest for address in found if (digest := email_sha256(address))}


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
