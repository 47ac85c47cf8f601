"""`make new-source` starts a source that keeps every promise at once, and refuses what it cannot start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checkout import ROOT, content, copied, passes, run
from tools.new_source import EXAMPLE, FILES, check_name, start
from tools.places import ADDED
from tools.texts import Refused, with_units

UNTAKEN = "nobodystool"
"""A name that the command takes, and that no real tool has."""
LONGEST = "a23456789012345678901"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copied(tmp_path)


def test_a_new_source_keeps_every_promise_at_once(checkout: Path) -> None:
    start(checkout, EXAMPLE)
    promises = (
        *("sources/test_every_source.py", f"sources/test_{EXAMPLE}.py"),
        *(
            "test_docs.py",
            "test_tables.py",
            "test_template.py",
            "test_permissions.py",
            "test_architecture.py",
            "proof/test_proof.py",
        ),
    )
    # of the other sources it may only break what goes through all pages, the whole template or all examples
    modules = "test_docs or test_tables or test_template or test_permissions or test_architecture"
    chosen = f"{EXAMPLE} or {modules} or belongs_to_another or two_types or lives_in_a_plan"
    passes(
        checkout,
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        chosen,
        *(f"tests/{one}" for one in promises),
    )


@pytest.mark.parametrize("name", ["ab", EXAMPLE, LONGEST])
def test_what_is_made_is_formatted_whatever_it_is_called(checkout: Path, name: str) -> None:
    start(checkout, name)
    code = [path.format(name=name) for path in (*FILES, *ADDED) if path.endswith(".py")]
    passes(checkout, "ruff", "format", "--check", "--no-cache", *code)
    passes(checkout, "ruff", "check", "--no-cache", *code)


def test_the_room_of_a_new_source_is_about_100_lines(checkout: Path) -> None:
    start(checkout, EXAMPLE)
    lines = [
        line
        for path in (checkout / f"functions/sources/{EXAMPLE}").glob("*.py")
        for line in path.read_text().splitlines()
    ]
    assert len(lines) < 140


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "make new-source NAME=klaviyo"),
        ("Acme", "small letters"),
        ("ac-me", "small letters"),
        ("../acme", "small letters"),
        ("a", "2 to 21"),
        (LONGEST + "2", "2 to 21"),
        ("class", "means something else"),
        (EXAMPLE, "means something else"),
        ("batch", "means something else"),
        ("shopify", "already"),
        ("typeform", "already"),
        ("deliver", "already"),
        ("sources", "already"),
        ("access", "AccessLogs"),
    ],
)
def test_a_name_that_is_none_or_taken_is_refused(name: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        check_name(ROOT, name)


def test_the_command_says_what_it_wrote_and_what_is_left_to_do(checkout: Path) -> None:
    done = run(checkout, "-m", "tools.new_source", UNTAKEN)
    assert done.returncode == 0, done.stderr
    assert f"functions/sources/{UNTAKEN}/receiver.py" in done.stdout
    assert "make test" in done.stdout
    refused = run(checkout, "-m", "tools.new_source", EXAMPLE)
    assert (refused.returncode, refused.stdout) == (2, "")


def test_a_folder_that_holds_no_code_is_no_source(checkout: Path) -> None:
    leftover = checkout / f"functions/sources/{UNTAKEN}/__pycache__/receiver.cpython-313.pyc"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"")
    check_name(checkout, UNTAKEN)
    assert f"functions/sources/{UNTAKEN}/receiver.py" in start(checkout, UNTAKEN)
    with pytest.raises(Refused, match="already"):
        check_name(checkout, UNTAKEN)


def test_nothing_is_written_where_a_line_has_lost_its_place(checkout: Path) -> None:
    (checkout / "docs/cost.md").write_text("# What it costs\n")
    before = content(checkout)
    with pytest.raises(Refused, match=r"docs/cost\.md"):
        start(checkout, EXAMPLE)
    assert content(checkout) == before


def test_one_more_unit_is_in_the_sum_too() -> None:
    page = "| what | 2 | 0.40 | 0.80 |\n| other | 1 | 1.00 | 1.00 |\n| **Sum** | | | **1.80** |\n"
    assert with_units(page, "what", 1) == page.replace("| 2 | 0.40 | 0.80", "| 3 | 0.40 | 1.20").replace(
        "1.80", "2.20"
    )
