"""Put lines into texts of the repository, and take them out, where landmarks say so. No I/O."""

from __future__ import annotations

import re
from decimal import Decimal


class Refused(Exception):
    """Raised where a tool cannot do what was asked for; the text says why."""


# ── Putting in ──────────────────────────────────────────────────────────────────────────────────────────


def before(text: str, landmark: str, addition: str) -> str:
    """Return the text with an addition before the only line that begins so. Raises Refused."""
    if len(re.findall(f"^{re.escape(landmark)}", text, re.MULTILINE)) != 1:
        raise Refused(f"there is not one line that begins {landmark!r}")
    place = f"\n{text}".index(f"\n{landmark}")
    return text[:place] + addition + text[place:]


def after_last(text: str, line: str, addition: str) -> str:
    """Return the text with an addition after the last match of an expression at the beginning of a line. Raises
    Refused."""
    matches = list(re.finditer(rf"^(?:{line})", text, re.MULTILINE))
    if not matches:
        raise Refused(f"nothing matches {line!r}")
    place = matches[-1].end()
    return text[:place] + addition + text[place:]


def ending(text: str, opening: str, closing: str, addition: str) -> str:
    """Return the text with an addition at the end of what begins with one line and ends with another. Raises
    Refused."""
    head, found, tail = text.partition(f"\n{opening}\n")
    inside, ended, rest = tail.partition(closing)
    if not found or not ended:
        raise Refused(f"nothing begins with {opening!r} and ends with {closing!r}")
    return f"{head}{found}{inside}{addition}{ended}{rest}"


def with_units(text: str, row: str, more: int) -> str:
    """Return a page with more or fewer units in a row `| name | units | price | cost |`, and in the next sum.
    Refuses."""
    head, found, tail = text.partition(f"| {row} |")
    numbers = re.match(r" (\d+) \| ([\d.]+) \| ([\d.]+) \|", tail)
    total = re.search(r"^\| \*\*Sum\*\* \| \| \| \*\*([\d.]+)\*\* \|$", tail, re.MULTILINE)
    if not numbers or not total:
        raise Refused(f"no row {row!r} with a sum below it")
    units, price = int(numbers[1]) + more, Decimal(numbers[2])
    cost = units * price
    summed = Decimal(total[1]) + cost - Decimal(numbers[3])
    between = tail[numbers.end() : total.start(1)]
    return f"{head}{found} {units} | {price} | {cost:.2f} |{between}{summed:.2f}{tail[total.end(1) :]}"


# ── Taking out ──────────────────────────────────────────────────────────────────────────────────────────


def without_entries(text: str, key: str) -> str:
    """Return Python without the entries of dictionaries whose key is a text, or a tuple that begins with it."""
    name = re.escape(f'"{key}"')
    value = r"(?:\(\n(?:        .*\n)+    \),\n|.*\n)"
    return re.sub(rf"^    (?:{name}|\({name}, .*?\)): {value}", "", text, flags=re.MULTILINE)


def without_chapter(text: str, title: str) -> str:
    """Return a page without a chapter of the second level and all below it."""
    return re.sub(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", "", text, flags=re.MULTILINE | re.DOTALL)


def without_rows(text: str, name: str) -> str:
    """Return a page without the rows of tables that are about the name alone, by their first cell: not about `a, b`."""
    about = rf"(?: `\w+`,)?[^|,\n]*(?<!\w){re.escape(name)}(?!\w)[^|,\n]*"
    return re.sub(rf"^\|{about}\|.*\n", "", text, flags=re.MULTILINE)


def without_item(text: str, item: str) -> str:
    """Return a page without an item of a list in a sentence, and without the comma that goes with it."""
    found = re.escape(item)
    text = re.sub(rf"{found},\s", "", text)
    return re.sub(rf",\s+{found}(?=[.;\s|])", "", text)


def unlinked(text: str, page: str) -> str:
    """Return a page with the words alone of links to a page in the same folder or another."""
    return re.sub(rf"\[([^\[\]]+)\]\((?:[\w./]*/)?{re.escape(page)}(?:#[\w-]*)?\)", r"\1", text)
