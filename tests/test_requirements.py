"""Every package is pinned with its hashes, and what is known against one stops the check."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tools.audit import DEPLOYED, read, report, requirements

ROOT = Path(__file__).parent.parent
LOCKS = [path.relative_to(ROOT) for path in requirements(ROOT)]
PIN = re.compile(r"[A-Za-z0-9._-]+(\[[a-z0-9, _-]+\])?==[^\s;]+( ; .+)?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
NO_FLAW: dict[str, Any] = {"name": "httpx", "version": "0.28.1", "vulns": []}
FLAW = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.13.1"], "description": "..."}
FLAWED = {"name": "pydantic", "version": "2.13.0", "vulns": [FLAW]}
UNKNOWN = {"name": "boto3", "skip_reason": "Dependency not found on PyPI and could not be audited"}


def blocks(path: Path) -> list[list[str]]:
    """Each requirement with the lines that belong to it."""
    text = (ROOT / path).read_text(encoding="utf-8").replace("\\\n", "\n\\")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found: list[list[str]] = []
    for line in lines:
        if line.startswith("\\"):
            found[-1].append(line.removeprefix("\\").strip())
        else:
            found.append([line.strip()])
    return found


@pytest.mark.parametrize("path", LOCKS, ids=str)
def test_every_requirement_is_pinned_to_one_version_with_its_hashes(path: Path) -> None:
    assert blocks(path)
    for pin, *hashes in blocks(path):
        assert PIN.fullmatch(pin), f"{path}: {pin} names no version; run `make lock`"
        assert hashes, f"{path}: {pin} has no hash; run `make lock`"
        assert all(HASH.fullmatch(one) for one in hashes), f"{path}: {pin}"


def test_every_list_of_requirements_has_its_pins() -> None:
    lists = {path.relative_to(ROOT).with_suffix(".txt") for path in ROOT.glob("requirements/*.in")}
    lists.add(Path("layers/core/requirements.in").with_suffix(".txt"))
    assert lists == set(LOCKS)


def test_make_installs_nothing_whose_hash_is_not_known() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "PIP_INSTALL := -m pip install -qq --no-deps --require-hashes --no-compile" in makefile
    installs = re.findall(r"^.*pip install.*$", makefile, re.MULTILINE)
    assert all("--require-hashes" in line or "--no-index --editable ." in line for line in installs)
    assert "--require-hashes" in (ROOT / "layers/core/Makefile").read_text()


# ── The audit ───────────────────────────────────────────────────────────────────────────────────────────


def answering(*packages: dict[str, Any], service: str = "pypi") -> Callable[[Sequence[str]], str]:
    """A pip-audit of which one service answers."""
    return lambda command: json.dumps({"dependencies": packages}) if service in command else "Traceback ..."


def said_of(run: Callable[[Sequence[str]], str], *paths: Path) -> tuple[int, str]:
    lines: list[str] = []
    status = report(paths or (DEPLOYED,), run, lines.append)
    return status, "\n".join(lines)


def test_a_known_vulnerability_stops_the_check_and_says_what_mends_it() -> None:
    status, said = said_of(answering(NO_FLAW, FLAWED))
    assert status == 1
    assert "2 packages audited by pypi, 1 vulnerabilities" in said
    assert "pydantic 2.13.0 has PYSEC-2026-1, mended in 2.13.1" in said


def test_a_service_that_does_not_answer_is_said_and_stops_nothing() -> None:
    status, said = said_of(lambda command: "Traceback ...")
    assert (status, said) == (0, f"{DEPLOYED}: not audited: the service did not answer")


def test_an_index_that_knows_no_advisories_counts_as_no_answer() -> None:
    assert said_of(answering(UNKNOWN, UNKNOWN))[1].endswith("not audited: the service did not answer")


def test_another_service_is_asked_where_the_first_does_not_answer() -> None:
    status, said = said_of(answering(FLAWED, service="osv"))
    assert status == 1
    assert "audited by osv" in said


def test_a_service_that_is_away_is_not_asked_again_for_every_file() -> None:
    asked: list[Sequence[str]] = []
    status, said = said_of(
        lambda command: asked.append(command) or "", DEPLOYED, Path("b.txt"), Path("c.txt")
    )
    assert (status, len(asked)) == (0, 2)
    assert said.count("not audited") == 3


def test_what_the_service_does_not_know_is_named() -> None:
    status, said = said_of(answering(NO_FLAW, UNKNOWN))
    assert status == 0
    assert "not audited, unknown to pypi: boto3" in said


def test_a_report_without_packages_is_no_report() -> None:
    assert read("{}") is read("") is None
