"""Tell which parked webhooks are one person's: by the line they stand in, and by what they hold. No I/O."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from bridge.errors import MalformedBody
from bridge.profiles import normalise
from bridge.profiles.identity import email_sha256
from bridge.strict_json import json_value
from bridge.webhook import group_id

E_MAIL = re.compile(r"(?<![\w.+-])([\w.+-]{1,64})(?:@|%40)([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
"""An e-mail as most are written; bounded, so that no text costs more than its length."""


PHONE = re.compile(r"(?:\+|%2b|(?<!\d)00)[ ().-]{0,3}\d(?:[ ().-]{0,3}\d){6,14}(?!\d)")
"""A phone number with its country; bounded too."""
MAX_LEVELS = 64


@dataclass(frozen=True)
class Traces:
    """Hold what leads to a person: any of it will do.

    `groups` are FIFO groups; `digests` are SHA-256 of e-mails, and of phone numbers as Batch is sent them;
    `references` are the tools' own ids, such as `shopify:customer:1`, and `user_ids` the owner's.
    """

    groups: frozenset[str]
    email: str = ""
    digests: frozenset[str] = frozenset()
    references: frozenset[str] = frozenset()
    user_ids: frozenset[str] = frozenset()

    @property
    def can_be_named(self) -> bool:
        """Return whether a body can tell that it is theirs."""
        return bool(self.digests or self.pattern or self.references or self.user_ids)

    def leads_to(self, group: object) -> bool:
        """Return whether the envelope alone says that it is theirs."""
        return group in self.groups

    def is_named_in(self, body: bytes, source: str = "", connection: str = "") -> bool:
        """Return whether a body names an address of theirs, in capitals or not, or an id of theirs as what it is.

        An id counts in bodies of its own tool alone, and where it is called by its kind: 42 may be a quantity.
        """
        text = body.decode(errors="replace").lower()
        if self.pattern and self.pattern.search(text):
            return True
        if self.digests and not self.digests.isdisjoint(digests_in(text)):
            return True
        named = self.ids_of(source, connection)
        return bool(named) and not named.isdisjoint(ids_in(body))

    def ids_of(self, source: str, connection: str) -> set[tuple[str, str]]:
        """Return kind and name of each id that a body of a connection may have."""
        kinds = {("user_id", user_id) for user_id in self.user_ids}
        for reference in self.references:
            tool, *place, kind, name = reference.split(":") if reference.count(":") > 1 else ("", "", "")
            if tool == source and place in ([], [connection]):
                kinds.add((kind, name.rpartition("/")[2]))
        return kinds

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """Return the e-mail by itself: `ada@example.com`, and not the end of `nada@example.com`."""
        email = normalise.email(self.email)
        if email is None:
            return None
        written = "|".join(re.escape(form) for form in (email, quote(email, safe="").lower()))
        return re.compile(rf"(?<![\w.+-])(?:{written})(?![\w-]|\.\w)")


def digests_in(text: str) -> set[str]:
    """Return the digests of the e-mails and the phone numbers that a text names."""
    found = {f"{one[1]}@{one[2]}" for one in E_MAIL.finditer(text)}
    phones = {
        re.sub(r"\D", "", one[0].removeprefix("%2b")).removeprefix("00") for one in PHONE.finditer(text)
    }
    numbers = {hashlib.sha256(f"+{phone}".encode()).hexdigest() for phone in phones}
    return numbers | {digest for address in found if (digest := email_sha256(address))}


def ids_in(body: bytes) -> set[tuple[str, str]]:
    """Return kind and name of each id in a JSON body, `("customer", "1")`; none of another body."""
    try:
        return set(named_ids(json_value(body), ""))
    except MalformedBody:
        return set()


def named_ids(content: Any, name: str, levels: int = MAX_LEVELS) -> Iterator[tuple[str, str]]:
    """Yield the ids in a JSON value: `customer_id`, a `customer` or its `id`, a global id, a pair of name and value."""
    if isinstance(content, dict) and levels:
        kinds = (name, content.get("object"))
        yield from ((kind, str(content.get("id"))) for kind in kinds if isinstance(kind, str) and kind)
        yield from ((str(content.get(key)), str(content.get("value"))) for key in ("name", "key"))
        for key, inner in content.items():
            yield from named_ids(inner, key, levels - 1)
    elif isinstance(content, list) and levels:
        for inner in content:
            yield from named_ids(inner, name, levels - 1)
    elif isinstance(content, str | int):
        yield name, str(content)
        yield name.removesuffix("_id").removesuffix("_token"), str(content)
        if isinstance(content, str) and content.startswith("gid://"):
            *_, kind, number = content.rpartition("?")[0].split("/") if "?" in content else content.split("/")
            yield kind.lower(), number


def message_groups(source: str, connection: str, references: Iterable[str], email: str) -> set[str]:
    """Return the FIFO groups in which a person's webhooks of one connection stand.

    Sources name these after the customer, else the e-mail: `customer:1` is what links call `shopify:customer:1`.
    """
    names = {
        reference.removeprefix(f"{source}:").removeprefix(f"{connection}:")
        for reference in references
        if reference.startswith(f"{source}:")
    }
    if address := normalise.email(email):
        names |= {f"email:{address}", address}
    return {group_id(source, connection, name) for name in names}
