"""Every mutation still fits the code, its promise stands on the page, its tests are there; and one that is not noticed
is told. `make mutation-tests` tries them all."""

from __future__ import annotations

import ast
import re
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import cfn_flip
import pytest

from tools.mutation.page import (
    LAST_RUN,
    LAST_RUN_FILE,
    Standing,
    digest,
    full_run,
    load_run,
    told,
    written,
)
from tools.mutation.run import (
    Mutation,
    Result,
    Run,
    Verdict,
    chosen,
    copied,
    line,
    mutations,
    note,
    run_pytest,
    summary,
    try_all,
)
from tools.texts import Refused

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/mutation-tests.md").read_text(encoding="utf-8")
ALL = mutations()
LAST = load_run((ROOT / LAST_RUN_FILE).read_text(encoding="utf-8"))
LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]+\)")

each_mutation = pytest.mark.parametrize("mutation", ALL, ids=lambda one: one.name)


def words(markdown: str) -> str:
    """The words of a page, without its links, its bold type and its line breaks."""
    return " ".join(LINK.sub(r"\1", markdown).replace("**", "").split())


# ── The table ───────────────────────────────────────────────────────────────────────────────────────────


@each_mutation
def test_a_mutation_fits_the_code_exactly_once_and_leaves_code(mutation: Mutation) -> None:
    path = ROOT / mutation.file
    broken = mutation.applied(path.read_text(encoding="utf-8"))
    assert broken != path.read_text(encoding="utf-8")
    assert ast.parse(broken) if path.suffix == ".py" else cfn_flip.load_yaml(broken)


@each_mutation
def test_a_mutation_breaks_a_promise_in_the_words_of_its_page(mutation: Mutation) -> None:
    page = mutation.said_in.partition("#")[0]
    assert words(mutation.promise) in words((ROOT / page).read_text(encoding="utf-8")), (
        f"{page} says it in other words: adapt {mutation.name} in tools/mutation/mutations.toml"
    )


@each_mutation
def test_a_mutation_names_tests_that_there_are(mutation: Mutation) -> None:
    assert mutation.tests
    for test in mutation.tests:
        path, _, name = test.partition("[")[0].partition("::")
        body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
        assert name in {one.name for one in body if isinstance(one, ast.FunctionDef)}, f"there is no {test}"


def test_the_page_has_every_mutation() -> None:
    assert written(PAGE, ALL, LAST) == PAGE, "run make docs: docs/mutation-tests.md has other mutations"


def test_the_page_tells_how_many_were_in_the_last_full_run_and_how_many_have_yet_to_be() -> None:
    now = {one.name: digest(one) for one in ALL}
    tried = sum(LAST.tried.get(name) == done for name, done in now.items())
    added = len(now.keys() - LAST.tried.keys())
    found = LAST_RUN.search(PAGE)
    assert found
    assert f": {len(LAST.tried)} mutations, every one was noticed." in found[0]
    assert f"Of the {len(ALL)} mutations below, {tried} were in that run as they are now." in found[0]
    assert f"Since then {added} were added, {len(ALL) - tried - added} changed" in found[0]
    assert f" {len(ALL) - tried} have not been in a full run." in found[0]


def test_the_page_marks_each_that_was_not_in_the_last_full_run_as_it_is_now() -> None:
    marks = [row.rsplit(" | ", 1)[1] for row in PAGE.splitlines() if row.endswith((" since |", "noticed |"))]
    assert marks == [
        "added since |"
        if one.name not in LAST.tried
        else "noticed |"
        if LAST.tried[one.name] == digest(one)
        else "changed since |"
        for one in ALL
    ]


# ── The tool ────────────────────────────────────────────────────────────────────────────────────────────

TEA = """\
def price(cups: int) -> int:
    return cups * 3


def greet() -> str:
    return "good morning"
"""
TESTS = """\
import pytest
import tea


@pytest.mark.parametrize("cups", [1, 2])
def test_a_cup_costs_three(cups):
    assert tea.price(cups) == 3 * cups


def test_the_greeting_is_polite():
    assert "good" in tea.greet()


@pytest.fixture
def served():
    assert tea.price(1) == 3


def test_tea_is_served(served):
    pass
"""
PRICE = "test_tea.py::test_a_cup_costs_three"
ROW = "".join(f'{name} = "tea"\n' for name in Mutation.__slots__ if name != "tests")
CHEAPER = Mutation(
    name="cheaper",
    promise="A cup costs three.",
    said_in="README.md#tea",
    broken="a cup costs two",
    file="tea.py",
    code="cups * 3",
    instead="cups * 2",
    tests=(PRICE,),
)


@pytest.fixture
def teahouse(tmp_path: Path) -> Path:
    """A project with one module, under Git."""
    root = tmp_path / "teahouse"
    root.mkdir()
    (root / "tea.py").write_text(TEA)
    (root / "test_tea.py").write_text(TESTS)
    (root / ".gitignore").write_text("*.log\n")
    (root / "kettle.log").write_text("hot")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def verdicts(root: Path, *wanted: Mutation) -> list[Verdict]:
    return [result.verdict for result in try_all(root, wanted)]


def test_a_mutation_that_its_tests_notice_is_caught_and_nothing_here_is_changed(teahouse: Path) -> None:
    assert verdicts(teahouse, CHEAPER, replace(CHEAPER, tests=(f"{PRICE}[2]",))) == [Verdict.CAUGHT] * 2
    assert (teahouse / "tea.py").read_text() == TEA
    assert sorted(path.name for path in teahouse.iterdir() if path.suffix == ".py") == [
        "tea.py",
        "test_tea.py",
    ]


def test_a_mutation_that_a_test_does_not_notice_is_told_with_that_test(teahouse: Path) -> None:
    blind = "test_tea.py::test_the_greeting_is_polite"
    [result] = try_all(teahouse, [replace(CHEAPER, tests=(PRICE, blind))])
    assert (result.verdict, result.passed) == (Verdict.NOT_CAUGHT, (blind,))
    assert line(result).endswith(f"so nothing holds the promise\n      {blind}")
    assert summary([result]) == "1 mutations tried, 0 caught."


@pytest.mark.parametrize("code", ["cups * 4", "cups"], ids=["gone", "several times"])
def test_a_mutation_whose_code_is_not_there_once_has_to_be_adapted(teahouse: Path, code: str) -> None:
    assert verdicts(teahouse, replace(CHEAPER, code=code)) == [Verdict.DOES_NOT_APPLY]


def test_tests_that_break_off_prove_nothing(teahouse: Path) -> None:
    no_code = replace(CHEAPER, instead="cups *")
    in_setup = replace(CHEAPER, tests=("test_tea.py::test_tea_is_served",))
    assert verdicts(teahouse, no_code, in_setup) == [Verdict.NOT_TRIED] * 2


def test_a_run_that_takes_too_long_proves_nothing(teahouse: Path) -> None:
    answers = iter([Run(0), Run(None)])
    assert [one.verdict for one in try_all(teahouse, [CHEAPER], lambda *_: next(answers))] == [
        Verdict.NOT_TRIED
    ]


def test_what_fails_without_a_mutation_ends_it(teahouse: Path) -> None:
    (teahouse / "tea.py").write_text(TEA.replace("good", "bad"))
    asked = replace(CHEAPER, tests=(PRICE, "test_tea.py::test_the_greeting_is_polite"))
    with pytest.raises(Refused, match="fail without any mutation"):
        list(try_all(teahouse, [asked]))


def test_the_copy_has_what_git_has_and_would_have(teahouse: Path, tmp_path: Path) -> None:
    into = tmp_path / "copy"
    assert sorted(path.name for path in copied(teahouse, into).iterdir()) == [
        ".gitignore",
        "tea.py",
        "test_tea.py",
    ]


def test_without_git_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="in a clone"):
        copied(tmp_path, tmp_path / "copy")


def test_a_name_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    assert [one.name for one in chosen(["yen-have-cents"])] == ["yen-have-cents"]
    assert chosen([]) == ALL
    with pytest.raises(Refused, match=r"no mutation tea-for-free; there are: answer-before-storing, "):
        chosen(["tea-for-free"])


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('[[mutation]]\nname = "a"\ntests = []\n', "missing 6 required"),
        ('[[mutation]]\nname = "a"\ntests = []\nwhy = ""\n', "'why'"),
        ('[[mutation]]\nname = "a"\n', "'tests'"),
        (2 * f'[[mutation]]\n{ROW}tests = ["{PRICE}"]\n', "several are called tea"),
    ],
    ids=["too few columns", "too many", "no tests", "twice"],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, table: str, why: str) -> None:
    (tmp_path / "table.toml").write_text(table)
    with pytest.raises(Refused, match=why):
        mutations(tmp_path / "table.toml")


def test_a_real_mutation_is_caught_in_a_copy_of_this_project() -> None:
    [result] = try_all(ROOT, chosen(["dinars-have-cents"]), run_pytest)
    assert result.verdict is Verdict.CAUGHT, line(result)


# ── The page ────────────────────────────────────────────────────────────────────────────────────────────


DAY = date(2026, 9, 1)
DEARER = replace(CHEAPER, name="dearer", broken="a cup costs four", instead="cups * 4")


def test_a_full_run_is_written_down_with_what_was_not_noticed(tmp_path: Path) -> None:
    for folder in ("docs", "tools/mutation"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "docs/mutation-tests.md").write_text(PAGE, encoding="utf-8")
    results = [Result("cheaper", Verdict.CAUGHT), Result("dearer", Verdict.NOT_CAUGHT)]
    note(tmp_path, [CHEAPER, DEARER], results, DAY)
    page = (tmp_path / "docs/mutation-tests.md").read_text(encoding="utf-8")
    assert "The last full run, on 1 September 2026: 2 mutations, not noticed: `dearer`.\n" in page
    assert f"| a cup costs two | `{PRICE}` | noticed |" in page
    assert f"| a cup costs four | `{PRICE}` | **not noticed** |" in page
    run = load_run((tmp_path / LAST_RUN_FILE).read_text(encoding="utf-8"))
    assert run == full_run(DAY, [CHEAPER, DEARER], ["dearer"])


def test_what_was_added_changed_or_taken_out_since_the_last_full_run_is_no_part_of_it() -> None:
    run = full_run(DAY, [CHEAPER, DEARER, replace(CHEAPER, name="gone")], [])
    refitted, new = replace(DEARER, code="3 * cups"), replace(CHEAPER, name="new")
    standings = [run.standing(one) for one in (CHEAPER, refitted, new)]
    assert standings == [Standing.TRIED, Standing.CHANGED, Standing.ADDED]
    text = " ".join(told([CHEAPER, refitted, new], run).split())
    assert "3 mutations, every one was noticed. Of the 3 mutations below, 1 were in that run" in text
    assert "1 were added, 1 changed and 1 removed: 2 have not been in a full run." in text


def test_a_promise_told_in_other_words_is_the_same_mutation() -> None:
    run = full_run(DAY, [CHEAPER], [])
    assert run.standing(replace(CHEAPER, promise="Three a cup.", broken="two a cup")) is Standing.TRIED


def test_a_page_without_its_places_is_refused() -> None:
    with pytest.raises(Refused, match="has lost the comments"):
        written("# Mutation tests\n", [CHEAPER], LAST)


def test_a_promise_that_is_broken_in_several_ways_is_told_once() -> None:
    page = written(PAGE, [CHEAPER, DEARER], full_run(DAY, [CHEAPER, DEARER], []))
    first = f"| [A cup costs three.](../README.md#tea) | a cup costs two | `{PRICE}` | noticed |\n"
    assert f"{first}| the same |" in page


def test_what_is_tried_again_takes_its_place_in_the_last_full_run() -> None:
    run = full_run(DAY, [CHEAPER, DEARER], ["dearer"])
    assert run.with_again(full_run(DAY, [DEARER], [])) == full_run(DAY, [CHEAPER, DEARER], [])
    assert run.with_again(full_run(DAY, [CHEAPER], ["cheaper"])).missed == ("dearer", "cheaper")
