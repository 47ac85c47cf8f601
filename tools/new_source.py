"""Start a new source: write its package, and the lines that name it elsewhere. Writes nothing unless all of it fits.

Usage: python -m tools.new_source NAME
"""

from __future__ import annotations

import hashlib
import keyword
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.places import ADDED, Edit, filled
from tools.tables import with_tables
from tools.texts import Refused

NAME = re.compile(r"[a-z][a-z0-9]{1,20}")
RULE_COLUMNS = 107
"""Where the line of a block's title ends in template.yaml."""

# file                                         its template
FILES = {
    "functions/sources/{name}/receiver.py": "new_source/receiver.py",
    "functions/sources/{name}/manifest.toml": "new_source/manifest.toml",
    "functions/sources/{name}/payloads.py": "new_source/payloads.py",
    "functions/sources/{name}/mapping.py": "new_source/mapping.py",
    "functions/sources/{name}/signing.py": "new_source/signing.py",
    "functions/sources/{name}/README.md": "new_source/README.md",
    "events/{name}/contact.created.json": "new_source/event.json",
    "events/{name}/contact.created.batch.json": "new_source/batch.json",
    "events/{name}/proof.toml": "new_source/proof.toml",
    "tests/sources/test_{name}.py": "new_source/test_source.py",
    "docs/connect-{name}.md": "new_source/connect.md",
}

NEXT_STEPS = """\
{Title} has a source: functions/sources/{name}/. What is in it is a guess until you see a real webhook, so:
  1. put a real webhook, made anonymous, into events/{name}/, and let payloads.py read it; then run make docs
  2. let receiver.py and signing.py verify and sign as {Title} does
  3. say in mapping.py what each topic means, and in docs/tagging-plan.md what it becomes
  4. describe every click in docs/connect-{name}.md, README.md and manifest.toml
  5. write a line in CHANGELOG.md
docs/adding-a-source.md tells the rest. Try it: make test PYTEST_ARGS="-k {name}", then make run."""


EXAMPLE = "acme"
"""What a source is called in tests and pages, so that no test meets it as a real one."""


def words_of(name: str) -> dict[str, str]:
    """Return what the templates ask for."""
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
        raise Refused(
            "NAME is 2 to 21 small letters and digits, a letter first: make new-source NAME=klaviyo"
        )
    if name in ("api", "batch", "connections", EXAMPLE) or keyword.iskeyword(name):
        raise Refused(f"{name} already means something else")
    registered = (root / "functions/sources/registry.py").read_text(encoding="utf-8")
    if (
        any(holds_code(root / folder / name) for folder in ("functions", "functions/sources"))
        or (root / f"functions/sources/{name}.py").exists()
        or f'    "{name}": "functions.' in registered
    ):
        raise Refused(f"there is a source or a function {name} already")
    own = "|".join(("Function", "Logs", "Secret", "Address"))
    taken = re.search(
        rf"^  {name}({own}):",
        (root / "template.yaml").read_text(encoding="utf-8"),
        re.MULTILINE | re.IGNORECASE,
    )
    if taken:
        raise Refused(f"template.yaml has {taken.group().strip(' :')} already")


def holds_code(folder: Path) -> bool:
    """Return whether a folder is a source or a function: a leftover `__pycache__` is neither."""
    return any(folder.glob("*.py"))


def written(root: Path, name: str, files: Mapping[str, str], added: Mapping[str, Edit]) -> dict[Path, str]:
    """Return every file to write, with its text. Raises Refused."""
    words = words_of(name)
    made = {root / path.format(**words): filled(template, words) for path, template in files.items()}
    existing = [str(path.relative_to(root)) for path in made if path.exists()]
    if existing:
        raise Refused(f"these exist already: {', '.join(existing)}")
    for path, edit in added.items():
        try:
            made[root / path] = edit((root / path).read_text(encoding="utf-8"), words)
        except Refused as error:
            raise Refused(f"{path}: {error}") from None
    return made


def start(
    root: Path, name: str, files: Mapping[str, str] = FILES, added: Mapping[str, Edit] = ADDED
) -> list[str]:
    """Write all that a new source needs, whatever it is called; returns the paths. Raises Refused."""
    made = written(root, name, files, added)
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in (path for path in made if path.suffix == ".md"):
        path.write_text(with_tables(root, made[path]), encoding="utf-8")
    return [str(path.relative_to(root)) for path in made]


def command(files: Mapping[str, str], added: Mapping[str, Edit], next_steps: str) -> int:
    """Start what the command line names, and print what was written and what is left to do."""
    name = " ".join(sys.argv[1:])
    try:
        check_name(Path(), name)
        paths = start(Path(), name, files, added)
    except Refused as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(paths), next_steps.format(**words_of(name)), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(command(FILES, ADDED, NEXT_STEPS))
