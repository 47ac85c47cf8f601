"""Count what a reader meets who follows one paid order from the endpoint to Batch: `python -m tools.concepts`.

Cold is the first order of a process, warm the second. AWS and Batch are replaced at no cost, as in the benchmarks.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from bench.cpu import quiet
from bench.deliver import SerialisingBatch, pipeline
from bench.environment import VARIABLES
from bench.order import order_body
from bench.receive import receive

ROOT = Path(__file__).parent.parent
OURS = (str(ROOT / "functions"), str(ROOT / "layers/core/bridge"))


@dataclass
class Walk:
    """Hold what was met on the way; `changes` are calls into another module of ours than the caller's."""

    codes: set[CodeType] = field(default_factory=set)
    calls: int = 0
    changes: int = 0
    depth: int = 0
    stack: list[CodeType] = field(default_factory=list)

    def step(self, frame: FrameType, event: str, argument: Any) -> None:
        """Note one call or return, as `sys.setprofile` says it."""
        del argument
        code = frame.f_code
        if not code.co_filename.startswith(OURS) or code.co_name == "<module>":
            return
        if event == "call":
            self.calls += 1
            self.changes += bool(self.stack) and self.stack[-1].co_filename != code.co_filename
            self.codes.add(code)
            self.stack.append(code)
            self.depth = max(self.depth, len(self.stack))
        elif event == "return" and self.stack:
            self.stack.pop()

    @property
    def figures(self) -> Figures:
        """Return the counts. A class is met where one of its methods runs."""
        classes = {
            (code.co_filename, name.rpartition(".")[0])
            for code in self.codes
            if "." in (name := code.co_qualname.partition(".<locals>")[0])
        }
        modules = {code.co_filename for code in self.codes}
        functions = {code for code in self.codes if not code.co_name.startswith("<")}
        return Figures(len(modules), len(classes), len(functions), self.calls, self.changes, self.depth)


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold what one walk came to."""

    modules: int
    classes: int
    functions: int
    calls: int
    changes: int
    depth: int


def walked(*steps: Callable[[], object]) -> Figures:
    """Return the figures of a walk through these steps."""
    walk = Walk()
    for step in steps:
        sys.setprofile(walk.step)
        try:
            step()
        finally:
            sys.setprofile(None)
    return walk.figures


def figures() -> dict[str, Figures]:
    """Return the figures of a process's first order, and of its second."""
    body = order_body(1)
    os.environ |= {name: value for name, value in VARIABLES.items() if name not in os.environ}
    import_module("functions.sources.shopify.receiver")
    with quiet():
        batch = SerialisingBatch()
        deliver = pipeline([body], batch)
        cold = walked(lambda: receive(body), deliver)
        accept = receive(body)
        warm = walked(accept, deliver)
    return {"cold": cold, "warm": warm}


if __name__ == "__main__":
    print(json.dumps({name: asdict(one) for name, one in figures().items()}, indent=2))
