"""docs/security.md names tests and code that there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PAGE = Path("docs/security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)))
CODE = sorted(set(re.findall(r"`((?:layers|functions|local|tools)/[\w/.]+)`", PAGE)))
CHECKOV = Path(".checkov.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda value: value)
def test_every_proof_that_the_page_names_is_a_test(path: str, name: str) -> None:
    functions = [
        one.name for one in ast.parse(Path(path).read_text()).body if isinstance(one, ast.FunctionDef)
    ]
    assert name in functions, f"docs/security.md names {path}::{name}, which is not there"


@pytest.mark.parametrize("path", CODE)
def test_every_place_that_the_page_names_is_there(path: str) -> None:
    assert Path(path).exists(), f"docs/security.md names {path}, which is not there"


@pytest.mark.parametrize("threat", re.findall(r"^### (.*)$", PAGE, re.MULTILINE))
def test_every_threat_has_its_code_and_its_proof(threat: str) -> None:
    chapter = PAGE.partition(f"### {threat}\n")[2].partition("\n#")[0]
    assert "\n- Code: " in chapter, f"say where in the code something stands against {threat!r}"
    assert re.search(r"\n- Tests: `tests/[\w/]+\.py::", chapter), f"name a test against {threat!r}"


def test_what_checkov_is_told_to_pass_over_has_a_reason() -> None:
    skipped = re.findall(r"^  - CKV\w+(.*)$", CHECKOV, re.MULTILINE)
    assert skipped
    assert all(re.fullmatch(r" # \w.{20,}", reason) for reason in skipped), "write the reason behind each id"
