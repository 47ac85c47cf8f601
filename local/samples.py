"""The sample webhooks under events/, with names for people, and signed as their provider signs."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from functions.sources.registry import SOURCE_PACKAGES, signed
from local.connections import Connection, settings
from local.process import ROOT

EVENTS = ROOT / "events"
EXPECTATION = ".batch.json"

# word in a topic     what a person reads
VERBS = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "enable": "enabled",
    "disable": "disabled",
    "redact": "redacted",
}


class UnknownSample(Exception):
    """No such file under events/."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One file under events/; `file` is its path from the repository's root."""

    file: str
    source: str
    stem: str
    variant: str

    @property
    def name(self) -> str:
        """Return `orders.paid` → `Order paid`."""
        first, *rest = self.stem.replace("_", " ").replace(".", " ").replace("-", " ").split()
        words = [first.removesuffix("s") if rest else first, *(VERBS.get(word, word) for word in rest)]
        return " ".join(words).capitalize()

    @property
    def variant_name(self) -> str:
        """Return `before_basil` → `before basil`; empty for the plain one."""
        return self.variant.replace("_", " ")


def samples() -> list[Sample]:
    """Return all samples of the sources there are, in the order of the sources and then of their names."""
    return [sample for source in SOURCE_PACKAGES for sample in samples_of(source)]


def samples_of(source: str) -> list[Sample]:
    files = (EVENTS / source).glob("*.json") if (EVENTS / source).is_dir() else []
    stems = sorted(path.name.removesuffix(".json") for path in files if not path.name.endswith(EXPECTATION))
    return [
        Sample(f"events/{source}/{name}.json", source, stem, variant)
        for name in stems
        for stem, _, variant in [name.partition("__")]
    ]


def read_sample(file: str) -> tuple[Sample, dict[str, Any]]:
    """Return a sample and its content. Raises UnknownSample."""
    for sample in samples():
        if sample.file == file:
            content: dict[str, Any] = json.loads((ROOT / file).read_text(encoding="utf-8"))
            return sample, content
    raise UnknownSample(file)


def files_before(file: str) -> list[str]:
    """Return the samples that have to be sent before this one, the first first. Raises UnknownSample."""
    found: list[str] = []
    named = read_sample(file)[1].get("after")
    while named is not None and named not in found:
        found.insert(0, named)
        named = read_sample(named)[1].get("after")
    return found


def body_of(content: dict[str, Any]) -> bytes:
    """Return the body as it is sent: JSON without spaces, or the raw text."""
    if "body_raw" in content:
        return str(content["body_raw"]).encode()
    return json.dumps(content["body"], separators=(",", ":"), ensure_ascii=False).encode()


async def send(file: str, connection: Connection, client: httpx.AsyncClient) -> httpx.Response:
    """Sign a sample as its provider does, and post it to the connection's address. Raises UnknownSample."""
    sample, content = read_sample(file)
    body = body_of(content)
    address = connection.url.partition("?")[0]
    headers, query = signed(
        sample.source,
        content["topic"],
        body,
        connection.signing_secret,
        time.time(),
        address,
        settings(sample.source),
    )
    return await client.post(
        f"{address}?{urlencode(query)}" if query else address,
        content=body,
        headers={"content-type": content["content_type"], **content.get("headers", {}), **headers},
    )
