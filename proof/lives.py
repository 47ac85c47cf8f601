"""Say what the customers of a proof live through: which examples of `events/`, in which order. Reads `proof.toml`
alone.

`events/<source>/proof.toml` has

    lives         each a list of examples in the order in which they happen to one person; `@2` is another order of
                  theirs. One example alone is a text. `{ steps = [...], unnamed = true }` hides the account ids in
                  the bodies, so that the e-mail of one of them names all the others
    share         how often the source's customers are drawn; once where it is left out
    names         what names things in its bodies wherever it stands, as an expression
    roles         how such a name begins, and what it names; all others are new each time
    places        for how a topic begins, what places in a body name: of the life, of one order of it (`#`), new each
                  time (`!`)
    stated_whole  for how a topic begins, attributes that a later webhook of the same kind takes away by not naming them
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.sources.registry import SOURCE_PACKAGES

EVENTS = Path(__file__).parent.parent / "events"
FILE = "proof.toml"


@dataclass(frozen=True, slots=True)
class Life:
    """Examples in the order in which they happen to one person."""

    steps: tuple[str, ...]
    unnamed: bool = False


def load(source: str) -> Mapping[str, Any]:
    """Return the source's tables. Raises FileNotFoundError, which names the file to write."""
    return tomllib.loads((EVENTS / source / FILE).read_text(encoding="utf-8"))


def life(written: str | list[str] | Mapping[str, Any]) -> Life:
    """Return a life from one entry of `lives`."""
    if isinstance(written, Mapping):
        return Life(tuple(written["steps"]), written["unnamed"])
    return Life((written,) if isinstance(written, str) else tuple(written))


TABLES = {source: load(source) for source in SOURCE_PACKAGES}

LIVES: Mapping[str, tuple[Life, ...]] = {
    source: tuple(map(life, table["lives"])) for source, table in TABLES.items()
}
SHARES: Mapping[str, int] = {source: table.get("share", 1) for source, table in TABLES.items()}
PLACES: Mapping[tuple[str, str], Mapping[str, str]] = {
    (source, topic): places
    for source, table in TABLES.items()
    for topic, places in table.get("places", {}).items()
}
NAMES: Mapping[str, str] = {source: table["names"] for source, table in TABLES.items() if "names" in table}
ROLES: Mapping[str, str] = {
    start: role for table in TABLES.values() for start, role in table.get("roles", {}).items()
}
STATED_WHOLE: Mapping[str, str] = {
    start: kind for table in TABLES.values() for start, kind in table.get("stated_whole", {}).items()
}
