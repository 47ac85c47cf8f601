"""Run the properties of this folder for a long time: `make fuzz FUZZ_SECONDS=600 FUZZ_TARGETS="receiver mapping"`.

Atheris, https://github.com/google/atheris, watches which lines of ours a property reaches, and looks for ways to new
ones. Where it cannot be installed, the same properties run on random choices. What fails is kept in `.hypothesis`, so
that the next run of the tests shows it again.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WHERE_TO = Path(".local/fuzz")
PROPERTY = "test_"
MAX_BYTES = 4096
SEEDS = 200
SLOW_SECONDS = 20
"""What takes longer counts as a failure: the deliver function has 30 seconds for ten webhooks."""


def modules() -> list[str]:
    return [f"tests.fuzz.{path.stem}" for path in sorted(HERE.glob(f"{PROPERTY}*.py"))]


def properties() -> dict[str, Callable[..., Any]]:
    """The hypothesis tests of this folder, by name."""
    return {
        name: found
        for module in modules()
        for name, found in vars(importlib.import_module(module)).items()
        if name.startswith(PROPERTY) and hasattr(found, "hypothesis")
    }


def chosen(words: list[str]) -> list[str]:
    """The names that have any of the words in them; all where there is none."""
    return [name for name in properties() if not words or any(word in name for word in words)]


def fuzz(name: str, seconds: int) -> None:
    """Run one property until the time is over, or until it fails. Does not come back."""
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - what the functions log, for as long as the process lives
    importlib.import_module("tests.conftest")
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        try_random_choices(properties()[name], seconds)
        sys.exit()
    with atheris.instrument_imports(include=["bridge", "functions"]):
        target = properties()[name]
        for source in importlib.import_module("functions.sources.registry").SOURCE_PACKAGES:
            for module in ("receiver", "mapping"):
                importlib.import_module("functions.sources.registry").source_module(source, module)
    corpus = WHERE_TO / name
    plant(corpus)
    options = [
        *(
            f"-max_total_time={seconds}",
            f"-max_len={MAX_BYTES}",
            f"-timeout={SLOW_SECONDS}",
            "-print_final_stats=1",
        ),
        *(f"-artifact_prefix={WHERE_TO / 'failed-'}{name}-", str(corpus)),
    ]
    atheris.Setup([name, *options], target.hypothesis.fuzz_one_input)  # type: ignore[attr-defined]
    atheris.Fuzz()


def plant(corpus: Path) -> None:
    """Begin with random choices: each of them draws one of the real samples, and changes it."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number in range(SEEDS):
        (corpus / f"seed-{number}").write_bytes(random.Random(number).randbytes(MAX_BYTES))


def try_random_choices(target: Callable[..., Any], seconds: int) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        target.hypothesis.fuzz_one_input(os.urandom(MAX_BYTES))  # type: ignore[attr-defined]


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("seconds", type=int, help="for all properties together")
    asked.add_argument("words", nargs="*", help="parts of the names of the properties that are meant")
    asked.add_argument(
        "--alone", action="store_true", help="run the only property that is meant in this process"
    )
    given = asked.parse_args()
    importlib.import_module("tests.conftest")
    if given.alone:
        fuzz(given.words[0], given.seconds)
    names = chosen(given.words)
    failed = [name for name in names if not held(name, max(1, given.seconds // len(names)))]
    print(f"{len(names) - len(failed)} of {len(names)} properties held", *failed, sep="\n  failed: ")
    return 1 if failed else 0


def held(name: str, seconds: int) -> bool:
    """Whether a property held for so long, in a process of its own: libFuzzer ends the one that it runs in."""
    print(f"{name}: {seconds} seconds", flush=True)
    WHERE_TO.mkdir(parents=True, exist_ok=True)
    log = WHERE_TO / f"{name}.log"
    with log.open("w") as output:
        command = [sys.executable, "-m", "tests.fuzz", str(seconds), name, "--alone"]
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    lines = log.read_text(errors="replace").splitlines()
    tried = next(
        (line for line in reversed(lines) if line.startswith("stat::number_of_executed_units")), "held"
    )
    print(*(lines[-120:] if done.returncode else [f"  {tried}"]), sep="\n", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
