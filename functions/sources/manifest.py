"""Read what people are told about a source: its name, where to paste the address, what they mistake for its secret.

It is in the source's own folder, as `manifest.toml`; a form vendor's is beside its module.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from functions.sources.registry import SOURCE_PACKAGES

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of the tool's own API, for webhooks that leave things out or never came."""

    pattern: re.Pattern[str]
    described: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Hold what people need to know about a source.

    `never_repeated` is why what is not taken is lost, empty where the sender repeats a webhook. `mistaken` says what a
    text is that people paste in place of the signing secret, by how it begins.
    """

    name: str
    where_to_paste: str
    never_repeated: str = ""
    mistaken: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    api_key: ApiKey | None = None


@cache
def manifest(source: str) -> Manifest:
    """Return the manifest of a source. Raises KeyError for one that there is not."""
    stated = tomllib.loads(path_of(source).read_text(encoding="utf-8"))
    key = stated.pop("api_key", None)
    stated["where_to_paste"] = stated["where_to_paste"].strip()
    return Manifest(**stated, api_key=ApiKey(re.compile(key["pattern"]), key["described"]) if key else None)


def path_of(source: str) -> Path:
    """Return the file of a source: in its package, or beside the module of a form vendor. Raises KeyError."""
    package = FOLDER / SOURCE_PACKAGES[source].rpartition(".")[2]
    return package / "manifest.toml" if package.name == source else package / "vendors" / f"{source}.toml"
