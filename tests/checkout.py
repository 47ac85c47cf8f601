"""A copy of the repository that a test may change, and a Python that sees this copy alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PARTS = (
    *("functions", "layers", "events", "presets", "docs", "tests", "local", "cli", "proof", "tools", "bench"),
    *("template.yaml", "pyproject.toml", "Makefile", "LICENSE"),
    *(path.name for path in ROOT.glob("*.md")),
)


def copied(into: Path) -> Path:
    """What a source touches when it comes or goes, and what the tests of that read."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, into / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, into / part)
    return into


def content(checkout: Path) -> dict[Path, bytes]:
    """Every file, by its path in the copy."""
    return {
        path.relative_to(checkout): path.read_bytes()
        for path in checkout.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python that sees this checkout alone."""
    paths = os.pathsep.join([str(checkout), str(checkout / "layers/core")])
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def passes(checkout: Path, *arguments: str) -> None:
    done = run(checkout, "-m", *arguments)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
