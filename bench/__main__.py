"""Run the benchmarks: `python -m bench [init receive deliver stack] [--json]`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib import import_module

from bench.environment import VARIABLES
from bench.figure import Figure, table

# name       what it measures
BENCHMARKS = {
    "init": "cold starts of the built functions",
    "receive": "processor time of one receive",
    "deliver": "processor time of one delivery",
    "stack": "the local stack from end to end",
}


def main() -> None:
    """Print the figures. A goal that is missed is named so, and no failure: the machine has its say in it."""
    chosen = arguments()
    os.environ.update(VARIABLES)
    figures = [figure for name in chosen.names or BENCHMARKS for figure in measured(name)]
    print(json.dumps([figure.as_json() for figure in figures], indent=2) if chosen.json else table(figures))


def measured(name: str) -> list[Figure]:
    """The figures of one benchmark; none where this machine cannot run it, and then why."""
    from bench.init import NoArtifact

    print(f"{name}: {BENCHMARKS[name]} ...", file=sys.stderr)
    try:
        figures: list[Figure] = import_module(f"bench.{name}").run()
    except NoArtifact as reason:
        print(f"{name}: left out, nothing is built for this machine: {reason}", file=sys.stderr)
        return []
    return figures


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Each figure as a ratio to a baseline."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all, or some of {', '.join(BENCHMARKS)}")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    return chosen


if __name__ == "__main__":
    main()
