"""Break each promise on purpose, in a copy of the repository, and see whether its tests notice. Changes nothing here,
but for what mentions the last full run, in tools/mutation/last_run.json and docs/mutation-tests.md, where that is
asked for.

Usage: python -m tools.mutation.run [--json] [--note] [NAME ...]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from queue import SimpleQueue

from tools.mutation.page import LAST_RUN_FILE, PAGE, full_run, load_run, written
from tools.texts import Refused

TABLE = Path(__file__).parent / "mutations.toml"
LIMIT_SECONDS = 300
"""Of one run of tests: a mutation may make them go round in circles."""
LIMIT_OF_A_TEST_SECONDS = 10
"""As much again for each: the tests of all mutations run at once before the first."""
STEADY = {"CI": "true"}
"""Has hypothesis try the same each time, without a limit of milliseconds: a busy machine would count as a failure.
https://hypothesis.readthedocs.io/en/latest/reference/api.html#hypothesis.settings"""
FAILED = re.compile(r"^FAILED (\S+?)(?:\[.*?\])?(?: - .*)?$", re.MULTILINE)
FAILED_WITH_ID = re.compile(r"^FAILED (\S+::\w+\[.+?\])(?: - .*)?$", re.MULTILINE)
BROKE_OFF = re.compile(r"^ERROR ", re.MULTILINE)
"""What stands before a test whose setup failed, in pytest's summary."""
PASSED, FAILED_TESTS = 0, 1
"""Of pytest's exit codes. https://docs.pytest.org/en/stable/reference/exit-codes.html"""


class Verdict(Enum):
    """Hold what became of a mutation; all but CAUGHT is work to do."""

    CAUGHT = "caught"
    NOT_CAUGHT = "NOT CAUGHT"
    DOES_NOT_APPLY = "does not apply"
    NOT_TRIED = "could not be tried"


ADVICE = {
    Verdict.NOT_CAUGHT: "these tests pass all the same, so nothing holds the promise",
    Verdict.DOES_NOT_APPLY: "its code is not there exactly once any more: adapt it in tools/mutation/mutations.toml",
    Verdict.NOT_TRIED: "its tests broke off, which proves nothing: let it break the promise and nothing else",
}


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way to break a promise: the columns of tools/mutation/mutations.toml."""

    name: str
    promise: str
    said_in: str
    broken: str
    file: str
    code: str
    instead: str
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """Return the file's text with the mutation. Raises Refused where its code is not there exactly once."""
        if (found := text.count(self.code)) != 1:
            raise Refused(f"{self.name}: its code is {found} times in {self.file}, not once")
        return text.replace(self.code, self.instead)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of tests: pytest's exit code, None where it took too long, and what it printed."""

    code: int | None
    output: str = ""

    def noticed(self, test: str) -> bool:
        """Return whether a test, or one of its cases, failed. One that broke off in its setup did not notice
        anything."""
        return test in FAILED.findall(self.output) or test in FAILED_WITH_ID.findall(self.output)


@dataclass(frozen=True, slots=True)
class Result:
    """A mutation that was tried; `passed` are the tests that should have failed."""

    name: str
    verdict: Verdict
    seconds: float = 0.0
    passed: tuple[str, ...] = ()


Pytest = Callable[[Path, Iterable[str]], Run]


def mutations(table: Path = TABLE) -> list[Mutation]:
    """Return all of them. Raises Refused for a column too many or too few, and for a name that is there twice."""
    rows = tomllib.loads(table.read_text(encoding="utf-8"))["mutation"]
    try:
        found = [Mutation(**row | {"tests": tuple(row["tests"])}) for row in rows]
    except (TypeError, KeyError) as error:
        raise Refused(f"{table.name}: {error}") from None
    names = [one.name for one in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Refused(f"{table.name}: several are called {', '.join(sorted(twice))}")
    return found


def chosen(names: Sequence[str], table: Path = TABLE) -> list[Mutation]:
    """Return those of the names, all without names. Raises Refused for one that there is not."""
    known = {one.name: one for one in mutations(table)}
    if unknown := [name for name in names if name not in known]:
        raise Refused(f"there is no mutation {', '.join(unknown)}; there are: {', '.join(known)}")
    return [known[name] for name in names or known]


# ── In a copy ───────────────────────────────────────────────────────────────────────────────────────────


def copied(root: Path, into: Path) -> Path:
    """Return a copy of all files that Git keeps, or would keep, as they are now. Raises Refused where Git does not
    tell."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(  # noqa: S603 - the arguments are ours
        asked, cwd=root, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        raise Refused("Git does not tell which files are the project's: run this in a clone")
    for name in filter(None, listed.stdout.split("\0")):
        if (root / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, into / name)
    return into


def run_pytest(checkout: Path, tests: Iterable[str]) -> Run:
    """Run tests in a copy. No byte code is kept: a file that changes twice in a second would be taken for unchanged."""
    names = list(tests)
    paths = os.pathsep.join([str(checkout), str(checkout / "layers/core")])
    quiet = ("-q", "--tb=no", "-p", "no:cacheprovider")
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are ours
            [sys.executable, "-m", "pytest", *quiet, *names],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", **STEADY},
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS + LIMIT_OF_A_TEST_SECONDS * len(names),
        )
    except subprocess.TimeoutExpired:
        return Run(None)
    return Run(done.returncode, done.stdout + done.stderr)


def check_unharmed(checkout: Path, tried: Iterable[Mutation], pytest: Pytest) -> None:
    """Raises Refused where the tests do not pass as the code is: then their failing would prove nothing."""
    run = pytest(checkout, dict.fromkeys(test for one in tried for test in one.tests))
    if run.code != PASSED:
        raise Refused(f"{run.output[-4000:]}\nThese tests fail without any mutation: fix that first.")


def tried(checkout: Path, mutation: Mutation, pytest: Pytest) -> Result:
    """Break the copy, run the tests there, and restore it."""
    path, started = checkout / mutation.file, time.monotonic()
    whole = path.read_text(encoding="utf-8") if path.is_file() else ""
    try:
        path.write_text(mutation.applied(whole), encoding="utf-8")
    except Refused:
        return Result(mutation.name, Verdict.DOES_NOT_APPLY)
    try:
        run = pytest(checkout, mutation.tests)
    finally:
        path.write_text(whole, encoding="utf-8")
    passed = tuple(test for test in mutation.tests if not run.noticed(test))
    return Result(mutation.name, verdict(run, passed), round(time.monotonic() - started, 1), passed)


def verdict(run: Run, passed: Sequence[str]) -> Verdict:
    """Return the verdict: each of the tests has to fail. What breaks off, or cannot be collected, is no failure."""
    if run.code not in (PASSED, FAILED_TESTS) or BROKE_OFF.search(run.output):
        return Verdict.NOT_TRIED
    return Verdict.NOT_CAUGHT if passed else Verdict.CAUGHT


def try_all(
    root: Path, wanted: Sequence[Mutation], pytest: Pytest = run_pytest, at_once: int = 1
) -> Iterator[Result]:
    """Try mutations, so many at once, each in a copy that no other uses meanwhile. Raises Refused."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder, ThreadPoolExecutor(at_once) as pool:
        checkouts = SimpleQueue[Path]()
        for number in range(at_once):
            checkouts.put(copied(root, Path(folder) / str(number)))
        check_unharmed(Path(folder) / "0", wanted, pytest)

        def in_a_copy(mutation: Mutation) -> Result:
            checkout = checkouts.get()
            try:
                return tried(checkout, mutation, pytest)
            finally:
                checkouts.put(checkout)

        yield from pool.map(in_a_copy, wanted)


# ── What is told ────────────────────────────────────────────────────────────────────────────────────────


def line(result: Result) -> str:
    """Return a result for people."""
    told = f"{result.verdict.value:<18} {result.seconds:>5.1f} s  {result.name}"
    advice = [f"\n    {ADVICE[result.verdict]}"] if result.verdict in ADVICE else []
    return "".join([told, *advice, *(f"\n      {test}" for test in result.passed)])


def summary(results: Sequence[Result]) -> str:
    """Return `79 mutations tried, 79 caught.`"""
    caught = sum(one.verdict is Verdict.CAUGHT for one in results)
    return f"{len(results)} mutations tried, {caught} caught."


def as_json(wanted: Iterable[Mutation], results: Iterable[Result]) -> str:
    rows = [
        asdict(one) | {"verdict": result.verdict.value, "seconds": result.seconds, "passed": result.passed}
        for one, result in zip(wanted, results, strict=True)
    ]
    return json.dumps({"mutations": rows}, indent=2)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutation-tests", description="Break each promise on purpose.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a mutation of tools/mutation/mutations.toml"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--note", action="store_true", help=f"write down in {PAGE} a full run, or what names tried again"
    )
    return parser.parse_args()


def report(root: Path, asked: argparse.Namespace) -> int:
    """Try what is asked for; returns the exit status. Raises Refused."""
    wanted, results = chosen(asked.names), list[Result]()
    for result in try_all(root, wanted, at_once=os.cpu_count() or 1):
        results.append(result)
        print(line(result), file=sys.stderr if asked.json else sys.stdout, flush=True)
    print(as_json(wanted, results) if asked.json else f"\n{summary(results)}")
    if asked.note:
        note(root, wanted, results, date.today(), is_full=not asked.names)  # noqa: DTZ011 - for people
    return int(any(one.verdict is not Verdict.CAUGHT for one in results))


def note(
    root: Path, tried: Sequence[Mutation], results: Iterable[Result], day: date, *, is_full: bool = True
) -> None:
    """Write a full run down, or put what was tried again into the last one. Raises Refused where the page has lost
    its places."""
    run = full_run(day, tried, (one.name for one in results if one.verdict is not Verdict.CAUGHT))
    page = root / PAGE
    every = tried if is_full else mutations()
    if not is_full:
        run = load_run((root / LAST_RUN_FILE).read_text(encoding="utf-8")).with_again(run)
    text = written(page.read_text(encoding="utf-8"), every, run)
    (root / LAST_RUN_FILE).write_text(run.dump(), encoding="utf-8")
    page.write_text(text, encoding="utf-8")


def main() -> int:
    try:
        return report(Path(), arguments())
    except Refused as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
