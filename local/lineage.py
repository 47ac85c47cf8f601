"""Count the rounds of a webhook through functions and queues, as Lambda's recursive loop detection does. Pure.

The trace header carries the count of each function through SQS: `Root=1-...;Sampled=0;Lineage=5be8a2f1:3|90c7d4e2:2`.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from urllib.parse import unquote

MAX_INVOCATIONS = 16
"""AWS says "approximately 16 times" within one chain of requests."""
HASH_CHARACTERS = 8

trace_header: ContextVar[str] = ContextVar("trace_header", default="")
"""The header of the call of AWS that is being answered: a message that the call sends keeps it."""


def name_of(function: str) -> str:
    """Return the name of a function in a lineage."""
    return hashlib.sha256(function.encode()).hexdigest()[:HASH_CHARACTERS]


def lineage_of(header: str) -> dict[str, int]:
    """Return how often each function was invoked in the chain; none where the header does not say."""
    parts = dict(part.partition("=")[::2] for part in unquote(header).split(";"))
    entries = [entry.partition(":")[::2] for entry in parts.get("Lineage", "").split("|")]
    return {name: int(count) for name, count in entries if count.isdigit()}


def merged(headers: Iterable[str]) -> dict[str, int]:
    """Return the lineage of a batch: of each function the longest chain among its messages."""
    counts: dict[str, int] = {}
    for header in headers:
        for name, count in lineage_of(header).items():
            counts[name] = max(count, counts.get(name, 0))
    return counts


def invocations(lineage: Mapping[str, int], function: str) -> int:
    """Return how often a function was invoked in the chain."""
    return lineage.get(name_of(function), 0)


def header_of(lineage: Mapping[str, int], function: str) -> str:
    """Return the trace header of the function's next invocation in the chain."""
    counts = {**lineage, name_of(function): invocations(lineage, function) + 1}
    chain = "|".join(f"{name}:{count}" for name, count in counts.items())
    return f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0;Lineage={chain}"
