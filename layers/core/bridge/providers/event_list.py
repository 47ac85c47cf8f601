"""Say what a provider's own list says happened, a page at a time. Values only: no I/O, no clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Sweep:
    """A span of time in Unix seconds, both ends within; `after` is where the next page begins, as the list names it."""

    start: int
    end: int
    after: str = ""


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """A webhook that must have come if all went well, made of what the list says.

    `began` is when the thing it is about came to be. Whether it came is known by the receipt of its id or, where the
    list tells things and no webhooks, by the `reference` that every webhook of the thing leaves in the ledger and by
    its event's `once`. `idempotency_key` replaces the one of a webhook that came.
    """

    topic: str
    began: datetime
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    reference: str | None = None
    once: str | None = None
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list, and the sweep from where it goes on; none where it ends. `unreadable` counts what it tells
    in a shape that is not known."""

    told: tuple[ListedEvent, ...]
    rest: Sweep | None
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Grant:
    """Hold where a key is exchanged for a token that lives for a day, and by what form."""

    url: str
    form: Mapping[str, str] = field(repr=False)


def written(content: Any) -> bytes:
    """Return a part of a list as the body of a webhook."""
    return json.dumps(content, separators=(",", ":")).encode()
