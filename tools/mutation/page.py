"""Write the mutations into docs/mutation-tests.md, as tables: each promise, how it was broken, the test that has to
notice, and whether it was in the last full run.

Usage: python -m tools.mutation.page
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from tools.texts import Refused

if TYPE_CHECKING:
    from tools.mutation.run import Mutation

PAGE = Path("docs/mutation-tests.md")
LAST_RUN_FILE = Path("tools/mutation/last_run.json")
"""What the last full run tried, written by `make mutation-tests MUTATION_ARGS=--note` alone."""
TABLES = re.compile(
    r"(<!-- made by `make docs`: change nothing until the end -->\n).*?(<!-- the end -->)", re.DOTALL
)
LAST_RUN = re.compile(r"(<!-- the last full run -->\n).*?(<!-- the end of it -->)", re.DOTALL)
HEAD = "\n| Promise | What is broken | Has to be noticed by | Last full run |\n|---|---|---|---|\n"
THE_SAME = "the same"


class Standing(Enum):
    """Hold how a mutation stands to the last full run."""

    TRIED = "noticed"
    MISSED = "**not noticed**"
    CHANGED = "changed since"
    ADDED = "added since"


@dataclass(frozen=True, slots=True)
class FullRun:
    """The last full run: what it tried, each with a digest of how it was then, and what was not noticed."""

    day: date
    tried: Mapping[str, str]
    missed: tuple[str, ...] = ()

    def standing(self, mutation: Mutation) -> Standing:
        if mutation.name not in self.tried:
            return Standing.ADDED
        if self.tried[mutation.name] != digest(mutation):
            return Standing.CHANGED
        return Standing.MISSED if mutation.name in self.missed else Standing.TRIED

    def with_again(self, again: FullRun) -> FullRun:
        """Return this run with what was tried again since, as it was then."""
        missed = [name for name in self.missed if name not in again.tried]
        return replace(self, tried={**self.tried, **again.tried}, missed=(*missed, *again.missed))

    def dump(self) -> str:
        stored = {"day": self.day.isoformat(), "missed": self.missed, "tried": dict(self.tried)}
        return f"{json.dumps(stored, indent=2)}\n"


def full_run(day: date, tried: Iterable[Mutation], missed: Iterable[str]) -> FullRun:
    return FullRun(day, {one.name: digest(one) for one in tried}, tuple(missed))


def load_run(text: str) -> FullRun:
    """Return the run of `dump`."""
    stored = json.loads(text)
    return FullRun(date.fromisoformat(stored["day"]), stored["tried"], tuple(stored["missed"]))


def digest(mutation: Mutation) -> str:
    """Return what a mutation does and who has to notice; neither how it is told nor where the code lies, as files
    move."""
    done = [mutation.code, mutation.instead, *(test.rpartition("::")[2] for test in mutation.tests)]
    return hashlib.sha256(json.dumps(done).encode()).hexdigest()[:16]


def tables(mutations: Iterable[Mutation], run: FullRun) -> str:
    """Return a table for each page, in the order of the mutations."""
    return "".join(chapter(page, list(found), run) for page, found in groupby(mutations, page_of))


def page_of(mutation: Mutation) -> str:
    return mutation.said_in.partition("#")[0]


def chapter(page: str, found: Sequence[Mutation], run: FullRun) -> str:
    return f"\n### {page}\n{HEAD}" + "".join(f"{row}\n" for row in rows(found, run)) + "\n"


def rows(found: Iterable[Mutation], run: FullRun) -> Iterator[str]:
    """Yield a promise that is broken in several ways is told once."""
    before = ""
    for one in found:
        promise = THE_SAME if one.promise == before else f"[{one.promise}]({address(one.said_in)})"
        tests = "<br>".join(f"`{test}`" for test in one.tests)
        yield f"| {promise} | {one.broken} | {tests} | {run.standing(one).value} |"
        before = one.promise


def address(said_in: str) -> str:
    """Return a page of the repository as docs/mutation-tests.md links to it."""
    return said_in.removeprefix("docs/") if said_in.startswith("docs/") else f"../{said_in}"


def written(text: str, mutations: Sequence[Mutation], run: FullRun) -> str:
    """Return the page with its tables and its last full run made anew. Raises Refused where their places are gone."""
    return replaced(LAST_RUN, replaced(TABLES, text, tables(mutations, run)), told(mutations, run))


def told(mutations: Sequence[Mutation], run: FullRun) -> str:
    """Return what the last full run found, and how many of the mutations it did not try as they are now."""
    missed = ", ".join(f"`{name}`" for name in run.missed)
    found = f"not noticed: {missed}" if missed else "every one was noticed"
    standings = [run.standing(one) for one in mutations]
    added, changed = standings.count(Standing.ADDED), standings.count(Standing.CHANGED)
    gone = len(run.tried.keys() - {one.name for one in mutations})
    return (
        f"The last full run, on {run.day.day} {run.day:%B %Y}: {len(run.tried)} mutations, {found}.\n\n"
        f"Of the {len(mutations)} mutations below, {len(mutations) - added - changed} were in that run as they are "
        f"now. Since then {added} were added, {changed} changed\nand {gone} removed: "
        f"{added + changed} have not been in a full run. See the last column of the tables.\n"
    )


def replaced(place: re.Pattern[str], text: str, content: str) -> str:
    if len(place.findall(text)) != 1:
        raise Refused(f"{PAGE} has lost the comments between which it is written")
    return place.sub(lambda found: found[1] + content + found[2], text)


def main() -> int:
    from tools.mutation.run import mutations

    try:
        run = load_run(LAST_RUN_FILE.read_text(encoding="utf-8"))
        text = written(PAGE.read_text(encoding="utf-8"), mutations(), run)
    except Refused as error:
        print(error, file=sys.stderr)
        return 2
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
