"""`make new-vendor` starts a form vendor that keeps every promise at once, and refuses what it cannot start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checkout import content, copied, passes, run
from tools.new_source import EXAMPLE, start
from tools.new_vendor import FILES
from tools.places import ADDED_FOR_A_VENDOR
from tools.texts import Refused

UNTAKEN = "nobodysform"
"""A name that the command takes, and that no real tool has."""
LONGEST = "z23456789012345678901"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copied(tmp_path)


def begin(checkout: Path, name: str) -> list[str]:
    return start(checkout, name, FILES, ADDED_FOR_A_VENDOR)


def test_a_new_vendor_keeps_every_promise_at_once(checkout: Path) -> None:
    begin(checkout, EXAMPLE)
    own = ("test_every_source.py", "test_provenance.py", f"test_forms_{EXAMPLE}.py", "test_forms.py")
    whole = ("test_docs", "test_tables", "test_template", "test_permissions", "test_architecture")
    files = [f"tests/sources/{name}" for name in own] + [f"tests/{name}.py" for name in whole]
    chosen = " or ".join((EXAMPLE, *whole, "belongs_to_another", "two_types", "lives_in_a_plan"))
    passes(
        checkout, "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, *files, "tests/proof/test_proof.py"
    )


@pytest.mark.parametrize("name", ["ab", EXAMPLE, LONGEST])
def test_what_is_made_is_formatted_wherever_the_name_belongs_by_the_alphabet(
    checkout: Path, name: str
) -> None:
    begin(checkout, name)
    code = [path.format(name=name) for path in (*FILES, *ADDED_FOR_A_VENDOR) if path.endswith(".py")]
    passes(checkout, "ruff", "format", "--check", "--no-cache", *code)
    passes(checkout, "ruff", "check", "--no-cache", *code)


def test_of_the_code_the_two_registries_alone_change(checkout: Path) -> None:
    before = content(checkout)
    begin(checkout, EXAMPLE)
    changed = {str(path) for path, text in before.items() if content(checkout)[path] != text}
    assert {path for path in changed if path.endswith(".py")} == {
        "functions/sources/forms/registry.py",
        "functions/sources/registry.py",
    }


def test_the_command_says_what_it_wrote_and_refuses_what_is_there(checkout: Path) -> None:
    done = run(checkout, "-m", "tools.new_vendor", UNTAKEN)
    assert done.returncode == 0, done.stderr
    assert f"functions/sources/forms/vendors/{UNTAKEN}.py" in done.stdout
    again = run(checkout, "-m", "tools.new_vendor", UNTAKEN)
    assert (again.returncode, again.stdout) == (2, "")
    assert "already" in again.stderr


def test_nothing_is_written_where_the_forms_have_lost_their_place(checkout: Path) -> None:
    template = checkout / "template.yaml"
    template.write_text(template.read_text().replace("- connection#", "- elsewhere#"))
    before = content(checkout)
    with pytest.raises(Refused, match=r"template\.yaml"):
        begin(checkout, EXAMPLE)
    assert content(checkout) == before
