"""Find the fields of a webhook that nothing uses, by trying: other values there change nothing of what comes of it.

So it holds for every source, and no list of fields is kept by hand. A field is called unused only where neither
removing it nor any of the strange values changes anything: alone, together with all other unused ones, and while
a field that it might replace is missing, or one that decides about it says something else.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cli.fields import REMOVED, Path, altered

STRANGE: tuple[Any, ...] = (
    {"strange": "strange"},
    REMOVED,
    None,
    "strange",
    "2001-02-03T04:05:06Z",
    "FR",
    7919,
    True,
    False,
    ["strange", "stranger"],
)
"""No model takes an object for a text, a number, or a time; the others are what lenient readers take."""
OTHERS: tuple[Any, ...] = ("strange", "2001-02-03T04:05:06Z", 7919)
TOGETHER: tuple[Any, ...] = (REMOVED, *OTHERS)
"""Those that are tried on all unused fields at once."""


@dataclass(slots=True)
class Search:
    """`outcome(content)` is what comes of a body: anything that can be compared; `failed(outcome)`: it came to nothing.

    `words` are texts that the code looks for, such as the kinds of questions, and `worded` the fields that may
    hold one.
    """

    content: Any
    outcome: Callable[[Any], Any]
    failed: Callable[[Any], bool]
    words: Sequence[str] = ()
    worded: Container[Path] = ()
    telling: dict[Path, tuple[Any, ...]] = field(default_factory=dict)
    """Values that made a difference where the first strange ones made none."""

    def unused(self, known: Sequence[Path], candidates: Container[Path]) -> set[Path]:
        """Return those of the candidates that nothing uses; `known` are all fields there are."""
        normal = self.outcome_with({})
        free = [path for path in known if path in candidates and self.is_free(path, normal)]
        free = self.wordless(self.harmless(free, {}, TOGETHER))
        missed: set[Path] = set()
        while used := [path for path in known if path not in free and path not in missed]:
            free = self.harmless(free, self.bare(path for path in known if path not in free), OTHERS)
            for path in used:
                for value in (REMOVED, "strange", *self.telling.get(path, ())):
                    free = self.harmless(free, {path: value}, TOGETHER)
            missed.update(used)
        return set(free)

    def outcome_with(self, changes: Mapping[Path, Any]) -> Any:
        return self.outcome(altered(self.content, changes))

    def is_free(self, path: Path, normal: Any) -> bool:
        """Return whether no strange value there changes what comes of the body."""
        return all(self.outcome_with({path: value}) == normal for value in STRANGE)

    def bare(self, used: Iterable[Path]) -> dict[Path, Any]:
        """Return whatever may be missing of the used fields before the webhook comes to nothing: last resorts show
        then."""
        missing: dict[Path, Any] = {}
        for path in used:
            if not self.failed(self.outcome_with({**missing, path: REMOVED})):
                missing[path] = REMOVED
        return missing

    def wordless(self, free: list[Path]) -> list[Path]:
        """Return the free fields in which no word changes anything."""
        for part in parts([path for path in free if path in self.worded]):
            tried = [path for path in part if path in free]
            told = set(tried) - set(self.harmless(tried, {}, self.words))
            free = [path for path in free if path not in told]
        return free

    def harmless(self, free: list[Path], background: Mapping[Path, Any], values: Iterable[Any]) -> list[Path]:
        """Return the free fields that change nothing together, whatever the value, while the background has its
        changes."""
        normal = self.outcome_with(background)
        if self.failed(normal):
            return free
        for value in values:
            if self.outcome_with({**background, **dict.fromkeys(free, value)}) != normal:
                free = self.harmless_one_by_one(free, background, value)
        return free

    def harmless_one_by_one(self, free: list[Path], background: Mapping[Path, Any], value: Any) -> list[Path]:
        normal = self.outcome_with(background)
        kept: dict[Path, Any] = {}
        for path in free:
            if self.outcome_with({**background, **kept, path: value}) == normal:
                kept[path] = value
            else:
                self.telling.setdefault(path, (value,))
        return list(kept)


def parts(free: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield some of the fields at a time; of any two, each is once without the other, which may hide it."""
    for bit in range(len(free).bit_length()):
        for side in (0, 1):
            yield [path for number, path in enumerate(free) if number >> bit & 1 == side]
