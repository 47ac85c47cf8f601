"""Write the sabotages into docs/sabotage.md, as tables: each promise, how it was broken, and the test that noticed.

Usage: python -m tools.sabotage_page
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from tools.texts import Refused

if TYPE_CHECKING:
    from tools.sabotage import Sabotage

PAGE = Path("docs/sabotage.md")
TABLES = re.compile(
    r"(<!-- made by `make docs`: change nothing until the end -->\n).*?(<!-- the end -->)", re.DOTALL
)
LAST_RUN = re.compile(r"(<!-- the last full run -->\n).*?(<!-- the end of it -->)", re.DOTALL)
HEAD = "\n| Promise | What was broken | Noticed by |\n|---|---|---|\n"
THE_SAME = "the same"


def tables(sabotages: Iterable[Sabotage]) -> str:
    """A table for each page, in the order of the sabotages."""
    return "".join(chapter(page, list(found)) for page, found in groupby(sabotages, page_of))


def page_of(sabotage: Sabotage) -> str:
    return sabotage.said_in.partition("#")[0]


def chapter(page: str, found: Sequence[Sabotage]) -> str:
    return f"\n### {page}\n{HEAD}" + "".join(f"{row}\n" for row in rows(found)) + "\n"


def rows(found: Iterable[Sabotage]) -> Iterator[str]:
    """A promise that is broken in several ways is told once."""
    before = ""
    for one in found:
        promise = THE_SAME if one.promise == before else f"[{one.promise}]({address(one.said_in)})"
        tests = "<br>".join(f"`{test}`" for test in one.tests)
        yield f"| {promise} | {one.broken} | {tests} |"
        before = one.promise


def address(said_in: str) -> str:
    """A page of the repository as docs/sabotage.md links to it."""
    return said_in.removeprefix("docs/") if said_in.startswith("docs/") else f"../{said_in}"


def with_tables(text: str, sabotages: Iterable[Sabotage]) -> str:
    """The page with its tables made anew. Raises Refused where their place is gone."""
    return replaced(TABLES, text, tables(sabotages))


def noted(text: str, day: date, tried: int, missed: Sequence[str]) -> str:
    """The page with what the last full run found. Raises Refused where its place is gone."""
    found = f"not noticed: {', '.join(f'`{name}`' for name in missed)}" if missed else "every one was noticed"
    return replaced(
        LAST_RUN, text, f"The last full run, on {day.day} {day:%B %Y}: {tried} sabotages, {found}.\n"
    )


def replaced(place: re.Pattern[str], text: str, content: str) -> str:
    if len(place.findall(text)) != 1:
        raise Refused(f"{PAGE} has lost the comments between which it is written")
    return place.sub(lambda found: found[1] + content + found[2], text)


def main() -> int:
    from tools.sabotage import sabotages

    try:
        text = with_tables(PAGE.read_text(encoding="utf-8"), sabotages())
    except Refused as error:
        print(error, file=sys.stderr)
        return 2
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
