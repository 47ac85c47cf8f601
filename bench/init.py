"""Cold starts of what `sam build` made, under AWS's emulator and runtime client."""

from __future__ import annotations

import platform
import statistics
from dataclasses import dataclass
from pathlib import Path

from bench.emulator import Emulator
from bench.environment import VARIABLES
from bench.figure import Figure
from functions.sources.registry import SOURCE_PACKAGES

NAME = "init"
AT_MOST_RATIO = 1.2
COLD_STARTS = 10
ROOT = Path(__file__).parent.parent
BUILD = ROOT / ".aws-sam/here/.aws-sam/build"
PYTHON = ROOT / ".venv-lambda/bin/python"
EMULATORS = ".venv-sam/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-"
PROCESSORS = {"aarch64": "arm64"}
"""Whose names differ between Linux and Lambda."""


class NoArtifact(Exception):
    """Nothing is built for this machine."""


@dataclass(frozen=True)
class Start:
    """What is started: the module of a handler, and the folder from which it is imported."""

    folder: Path
    module: str


LEAST = Start(ROOT, "bench.least")


def run() -> list[Figure]:
    """The median of ten cold starts of each function that receives, and of the one that delivers."""
    receivers = {
        package.rpartition(".")[2]: f"{package}.receiver" for package in sorted(set(SOURCE_PACKAGES.values()))
    }
    return [
        *(compared(name, module, AT_MOST_RATIO) for name, module in receivers.items()),
        compared("deliver", "functions.deliver.handler", None),
    ]


def compared(name: str, module: str, at_most_ratio: float | None) -> Figure:
    """A function's starts and the least's, taking turns, so that a slow moment of the machine is both's."""
    emulator, start = emulator_path(), Start(BUILD / f"{name.capitalize()}Function", module)
    pairs = [(cold_start(emulator, LEAST), cold_start(emulator, start)) for _ in range(COLD_STARTS + 1)]
    least, taken = zip(*pairs[1:], strict=True)  # the first read the disk
    return Figure(
        NAME,
        f"cold start, {name}",
        statistics.median(taken),
        "ms",
        baseline=statistics.median(least),
        baseline_is="a handler that makes a boto3 SQS client and nothing else, with the same layer",
        at_most_ratio=at_most_ratio,
    )


def cold_start(emulator: Path, start: Start) -> float:
    with Emulator(
        emulator,
        PYTHON,
        BUILD,
        folder=start.folder,
        handler=f"{start.module}.handler",
        environment=VARIABLES,
    ) as function:
        answer = function.invoke({"Records": []})
        if "errorType" in answer:
            raise RuntimeError(f"{start.module} does not start: {answer}")
        return function.init_milliseconds()


def emulator_path() -> Path:
    """AWS's emulator in the environment of SAM. Raises NoArtifact."""
    machine = platform.machine()
    found = next(ROOT.glob(EMULATORS + PROCESSORS.get(machine, machine)), None)
    if found is None or not BUILD.exists() or not PYTHON.exists():
        raise NoArtifact("`make artifact` builds it, on Linux with Python 3.13")
    return found
