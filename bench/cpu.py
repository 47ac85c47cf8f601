"""Processor time of calls in this process."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

ROUNDS = 15
ROUND_SECONDS = 0.04
MICROSECONDS = 1_000_000


@contextmanager
def quiet() -> Iterator[None]:
    """Write what is printed to /dev/null meanwhile: log lines cost what they cost, the terminal does not count."""
    sys.stdout.flush()
    terminal = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(terminal, 1)
        os.close(terminal)
        os.close(nowhere)


def microseconds(operations: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The processor time of one call of each operation: the median of rounds that take turns."""
    calls = {
        name: max(1, int(ROUND_SECONDS / seconds_of(operation, 3))) for name, operation in operations.items()
    }
    rounds: dict[str, list[float]] = {name: [] for name in operations}
    for _ in range(ROUNDS):
        for name, operation in operations.items():
            rounds[name].append(seconds_of(operation, calls[name]))
    return {name: statistics.median(taken) * MICROSECONDS for name, taken in rounds.items()}


def seconds_of(operation: Callable[[], object], calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        operation()
    return (time.process_time() - started) / calls
