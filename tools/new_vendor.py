"""Start a new form vendor: its module, its events, and the lines that name it. Writes nothing unless all of it fits.

Usage: python -m tools.new_vendor NAME
"""

from __future__ import annotations

import sys

from tools.new_source import command
from tools.places import ADDED_FOR_A_VENDOR

# file                                         its template
FILES = {
    "functions/sources/forms/vendors/{name}.py": "new_vendor/vendor.py",
    "functions/sources/forms/vendors/{name}.toml": "new_source/manifest.toml",
    "events/{name}/submission.json": "new_vendor/event.json",
    "events/{name}/submission.batch.json": "new_vendor/batch.json",
    "events/{name}/proof.toml": "new_vendor/proof.toml",
    "tests/sources/test_forms_{name}.py": "new_vendor/test_vendor.py",
    "docs/connect-{name}.md": "new_vendor/connect.md",
}

NEXT_STEPS = """\
{Title} is a form vendor: functions/sources/forms/vendors/{name}.py. What it reads is a guess
until a real webhook shows otherwise, so:
  1. put a real submission, made anonymous, into events/{name}/; then run make docs
  2. let verify, sign and read do as {Title} does
  3. describe every click in docs/connect-{name}.md, README.md and {name}.toml
  4. write a line in CHANGELOG.md
docs/adding-a-source.md describes the rest. Try it: make test PYTEST_ARGS="-k {name}", then make run."""


if __name__ == "__main__":
    sys.exit(command(FILES, ADDED_FOR_A_VENDOR, NEXT_STEPS))
