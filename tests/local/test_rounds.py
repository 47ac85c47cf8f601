"""A webhook that waits for its person goes round deliver and retry for longer than Lambda lets a loop run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from local.lineage import MAX_INVOCATIONS
from local.process import ROOT

pytestmark = pytest.mark.stack

TEMPLATE = (ROOT / "template.yaml").read_text(encoding="utf-8")
PROPERTY = "      RecursiveLoop: Allow"
ROUNDS = 20


def rounds(folder: Path, template: str) -> tuple[int, int]:
    """Return how often a webhook waited, and how many invocations Lambda dropped."""
    (folder / "template.yaml").write_text(template, encoding="utf-8")
    command = [sys.executable, "-m", "tests.local.rounds", str(folder), str(ROUNDS)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert ended.returncode == 0, ended.stderr
    waits, dropped = json.loads(ended.stdout.splitlines()[-1])
    return waits, dropped


def test_a_webhook_may_wait_20_times(tmp_path: Path) -> None:
    assert rounds(tmp_path, TEMPLATE) == (ROUNDS, 0)


def test_without_its_property_lambda_stops_the_loop_after_16_rounds(tmp_path: Path) -> None:
    stopped = TEMPLATE.replace(PROPERTY, "      # it is left out")
    assert stopped.count("it is left out") == 2
    assert rounds(tmp_path, stopped) == (MAX_INVOCATIONS, 1)
