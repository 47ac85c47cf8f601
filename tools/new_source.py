"""Start a new source: write its room, and the lines that name it elsewhere. Writes nothing unless all of it fits.

Usage: python tools/new_source.py NAME
"""

from __future__ import annotations

import hashlib
import keyword
import re
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

TEMPLATES = Path(__file__).parent / "new_source"
NAME = re.compile(r"[a-z][a-z0-9]{1,20}")
RULE_COLUMNS = 107
"""Where the line of a block's title ends in template.yaml."""
METRICS_OF_A_ROUTE = 6

# file                                         its template
FILES = {
    "functions/{name}/handler.py": "handler.py",
    "functions/{name}/models.py": "models.py",
    "functions/{name}/mapping.py": "mapping.py",
    "functions/{name}/signer.py": "signer.py",
    "functions/{name}/README.md": "README.md",
    "events/{name}/contact.created.json": "event.json",
    "events/{name}/contact.created.batch.json": "batch.json",
    "tests/sources/test_{name}.py": "test_source.py",
    "docs/connect-{name}.md": "connect.md",
}

NEXT_STEPS = """\
{Title} has a room: functions/{name}/. What is written there is a guess until a real webhook shows otherwise, so:
  1. put a real webhook, made anonymous, into events/{name}/, and let models.py read it
  2. let handler.py and signer.py prove and sign as {Title} does
  3. say in mapping.py what each topic means, and in docs/tagging-plan.md what it becomes
  4. describe every click in docs/connect-{name}.md, README.md and NEXT_STEPS of cli/connect.py
  5. write a line in CHANGELOG.md
docs/adding-a-source.md tells the rest. Try it: make test PYTEST_ARGS="-k {name}", then make run."""

Words = Mapping[str, str]
Edit = Callable[[str, Words], str]


class Refused(Exception):
    """The source cannot be started; the text says why."""


# ── Editing texts ───────────────────────────────────────────────────────────────────────────────────────


def filled(template: str, words: Words) -> str:
    """A template's text with `{{name}}` and the other words put in."""
    text = (TEMPLATES / f"{template}.tmpl").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: words[found.group(1)], text)


def before(text: str, landmark: str, addition: str) -> str:
    """The text with an addition before the only line that begins so. Raises Refused."""
    if len(re.findall(f"^{re.escape(landmark)}", text, re.MULTILINE)) != 1:
        raise Refused(f"there is not one line that begins {landmark!r}")
    place = f"\n{text}".index(f"\n{landmark}")
    return text[:place] + addition + text[place:]


def ending(text: str, opening: str, closing: str, addition: str) -> str:
    """The text with an addition at the end of what begins with one line and ends with another. Raises Refused."""
    head, found, tail = text.partition(f"\n{opening}\n")
    inside, ended, rest = tail.partition(closing)
    if not found or not ended:
        raise Refused(f"nothing begins with {opening!r} and ends with {closing!r}")
    return f"{head}{found}{inside}{addition}{ended}{rest}"


def with_units(text: str, row: str, more: int) -> str:
    """A page with more units in a row `| name | units | price | cost |`, and the same in the next sum."""
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


# ── What names a source elsewhere ───────────────────────────────────────────────────────────────────────


def registry(text: str, words: Words) -> str:
    return ending(text, "ROOMS = {", "}\n", '    "{name}": "functions.{name}",\n'.format(**words))


def name_on_the_page(text: str, words: Words) -> str:
    return ending(text, "NAMES = {", "}\n", '    "{name}": "{Title}",\n'.format(**words))


def template(text: str, words: Words) -> str:
    block = before(text, "# ── Where to paste what ", filled("block.yaml", words))
    return before(block, "  BatchKeysSecret:", filled("output.yaml", words))


def readme(text: str, words: Words) -> str:
    row = (
        "| {Title} | Where {Title} asks for a webhook, paste the address. Enter its secret in "
        "`bridge connect {name}` | [Connect {Title}](docs/connect-{name}.md) |\n"
    )
    return before(text, "| Any other tool |", row.format(**words))


def tagging_plan(text: str, words: Words) -> str:
    return before(text, "## Any other tool", filled("tagging-plan.md", words))


def deploying(text: str, words: Words) -> str:
    return before(
        text,
        "| `CustomAddress` |",
        "| `{Title}Address` | to paste into {Title}, for its connection `main` |\n".format(**words),
    )


def cost(text: str, words: Words) -> str:
    del words
    text = with_units(text, "Secrets Manager: secrets that the template makes", 1)
    return with_units(text, "CloudWatch: metrics of the door's routes, six each", METRICS_OF_A_ROUTE)


def permissions(text: str, words: Words) -> str:
    row = (
        '    "{Title}FunctionRole": (\n'
        '        "s3:PutObject on BodiesBucket/bodies/*",\n'
        '        "secretsmanager:GetSecretValue on secret:STACK/{name}/*",\n'
        '        "sqs:SendMessage on WebhooksQueue",\n'
        "    ),\n"
    )
    return ending(text, "ALLOWED = {", "}\n", row.format(**words))


# file                      what is added to it
EDITS: dict[str, Edit] = {
    "functions/sources.py": registry,
    "template.yaml": template,
    "local/page/__init__.py": name_on_the_page,
    "README.md": readme,
    "docs/tagging-plan.md": tagging_plan,
    "docs/deploy.md": deploying,
    "docs/cost.md": cost,
    "tests/test_permissions.py": permissions,
}


# ── Starting it ─────────────────────────────────────────────────────────────────────────────────────────


def words_of(name: str) -> dict[str, str]:
    """What the templates ask for."""
    title = name.capitalize()
    email = f"olive.{name}@example.com"
    return {
        "name": name,
        "Title": title,
        "email": email,
        "custom_id": hashlib.sha256(email.encode()).hexdigest(),
        "rule": "─" * (RULE_COLUMNS - len(f"  # ── {title} ")),
    }


def check_name(root: Path, name: str) -> None:
    """Raises Refused for a name that is none, or that something else has."""
    if not NAME.fullmatch(name):
        raise Refused("NAME is 2 to 21 small letters and digits, a letter first: make new-source NAME=acme")
    if name == "batch" or keyword.iskeyword(name):
        raise Refused(f"{name} already means something else")
    registered = (root / "functions/sources.py").read_text(encoding="utf-8")
    rooms = {path.stem for path in (root / "functions").iterdir()}
    if name in rooms or f'    "{name}": "functions.' in registered:
        raise Refused(f"there is a source or a room {name} already")
    own = "|".join(("Function", "Logs", "Secret", "Address"))
    taken = re.search(
        rf"^  {name}({own}):",
        (root / "template.yaml").read_text(encoding="utf-8"),
        re.MULTILINE | re.IGNORECASE,
    )
    if taken:
        raise Refused(f"template.yaml has {taken.group().strip(' :')} already")


def written(root: Path, name: str) -> dict[Path, str]:
    """Every file to write, with its text. Raises Refused."""
    words = words_of(name)
    made = {root / path.format(**words): filled(template, words) for path, template in FILES.items()}
    existing = [str(path.relative_to(root)) for path in made if path.exists()]
    if existing:
        raise Refused(f"these exist already: {', '.join(existing)}")
    for path, edit in EDITS.items():
        try:
            made[root / path] = edit((root / path).read_text(encoding="utf-8"), words)
        except Refused as error:
            raise Refused(f"{path}: {error}") from None
    return made


def start(root: Path, name: str) -> list[str]:
    """Write all that a new source needs; returns the paths. Raises Refused."""
    check_name(root, name)
    made = written(root, name)
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [str(path.relative_to(root)) for path in made]


def main() -> int:
    name = " ".join(sys.argv[1:])
    try:
        paths = start(Path(), name)
    except Refused as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(paths), NEXT_STEPS.format(**words_of(name)), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
