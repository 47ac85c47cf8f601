"""Take a source out: its files, and the lines that name it elsewhere. Touches nothing unless all of it fits.

Usage: python -m tools.remove_source NAME
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.places import TAKEN_OUT, block_of, only, output_of, untold
from tools.texts import Refused

# what is the source's own   `*` is whatever its tests are called
OWN = (
    "functions/sources/{name}",
    "events/{name}",
    "tests/sources/test_{name}.py",
    "tests/sources/test_{name}_*.py",
    "tests/deliver/test_{name}_*.py",
    "docs/connect-{name}.md",
)
PAGES = ("*.md", "docs/**/*.md")
SEARCHED = (
    "*.md",
    "*.yaml",
    "docs",
    "functions",
    "layers",
    "local",
    "cli",
    "proof",
    "tests",
    "bench",
    "tools",
)
HISTORY = "CHANGELOG.md"
SUFFIXES = {".md", ".py", ".yaml", ".json", ".html", ".js"}


def words_of(root: Path, name: str) -> dict[str, str]:
    """Return what the edits ask for. Raises Refused for what is no source, or shares its package."""
    packages = dict(
        re.findall(
            r'^    "(\w+)": "(functions\.sources\.\w+)",$',
            read(root, "functions/sources/registry.py"),
            re.MULTILINE,
        )
    )
    if name not in packages:
        raise Refused(f"there is no source {name!r}; there are: {', '.join(packages)}")
    if list(packages.values()).count(packages[name]) > 1:
        raise Refused(
            f"{name} shares {packages[name]} with others: take its module and its lines out by hand"
        )
    template = read(root, "template.yaml")
    block = block_of(template, name)
    titles = re.findall(
        r'^name = "(.+)"$', read(root, f"functions/sources/{name}/manifest.toml"), re.MULTILINE
    )
    return {
        "name": name,
        "Title": only(titles, "name in manifest.toml", name),
        "address": output_of(template, name).partition(":")[0].strip(),
        "routes": str(block.count("Type: HttpApi") - block.count("/confirm/{token}")),
    }


def read(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")


def own_files(root: Path, name: str) -> list[Path]:
    """Return the folders and files that go as a whole."""
    return sorted(path for pattern in OWN for path in root.glob(pattern.format(name=name)))


def edited(root: Path, words: dict[str, str]) -> dict[Path, str]:
    """Return every file that stays and changes, with its text. Raises Refused."""
    pages = {path for pattern in PAGES for path in root.glob(pattern)}
    changed = {}
    for path in sorted(pages.union(root / name for name in TAKEN_OUT) - set(own_files(root, words["name"]))):
        text = before = path.read_text(encoding="utf-8")
        if edit := TAKEN_OUT.get(str(path.relative_to(root))):
            text = edit(text, words)
        text = untold(text, words) if path in pages else text
        if text != before:
            changed[path] = text
    return changed


def remove(root: Path, name: str) -> list[str]:
    """Delete what is the source's own and edit what names it; returns the paths. Raises Refused."""
    words = words_of(root, name)
    gone, changed = own_files(root, name), edited(root, words)
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")
    for path in gone:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return [str(path.relative_to(root)) for path in (*gone, *changed)]


def still_named(root: Path, *names: str) -> Iterator[str]:
    """Yield the lines that name it after all, `docs/operating.md:72`: sentences, which no tool can fix."""
    word = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names), re.IGNORECASE)
    for path in sorted(file for pattern in SEARCHED for found in root.glob(pattern) for file in files(found)):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if word.search(line):
                yield f"{path.relative_to(root)}:{number}"


def files(path: Path) -> Iterator[Path]:
    """Yield the texts in a folder, or the file itself, without the history of changes."""
    for file in path.rglob("*") if path.is_dir() else (path,):
        if file.suffix in SUFFIXES and file.name != HISTORY:
            yield file


def main() -> int:
    name = " ".join(sys.argv[1:])
    try:
        words = words_of(Path(), name)
        paths = remove(Path(), name)
    except Refused as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(paths))
    if left := list(still_named(Path(), name, words["Title"])):
        print(
            "\nThese lines still name it. Read them, and mend what is not true any more:\n", *left, sep="\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
