"""One measured figure beside its baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`at_most_ratio` is the goal for `value / baseline`, `at_most` the goal for the value itself."""

    benchmark: str
    what: str
    value: float
    unit: str
    baseline: float | None = None
    baseline_is: str = ""
    at_most_ratio: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.baseline if self.baseline else None

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.at_most_ratio is not None and self.ratio is not None:
            return self.ratio <= self.at_most_ratio
        return None if self.at_most is None else self.value <= self.at_most

    def as_json(self) -> dict[str, object]:
        """For `--json`: the fields, the ratio and whether the goal is met."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return fields | {"ratio": self.ratio, "is_met": self.is_met}

    def as_row(self) -> tuple[str, ...]:
        """For the table, under `HEADINGS`."""
        goal = self.at_most_ratio or self.at_most
        return (
            self.benchmark,
            self.what,
            f"{readable(self.value)} {self.unit}",
            readable(self.baseline),
            readable(self.ratio),
            f"≤ {goal:g}" if goal else "",
            {True: "met", False: "MISSED", None: ""}[self.is_met],
        )


HEADINGS = ("benchmark", "what", "measured", "baseline", "ratio", "goal", "")


def readable(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:,.0f}" if number >= 100 else f"{number:.2f}"


def table(figures: Sequence[Figure]) -> str:
    """The figures in columns, and below them what each baseline is."""
    rows = [HEADINGS, *(figure.as_row() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    baselines = {figure.benchmark: figure.baseline_is for figure in figures if figure.baseline_is}
    return "\n".join([*lines, "", "Baselines:", *(f"  {name}: {text}" for name, text in baselines.items())])
