"""What a run found: medians with their range, ratios against their targets, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from benchmarks.rounds import Runs

Results = dict[str, Any]
"""A subject's file: subject, machine, runs."""


@dataclass(frozen=True)
class Ratio:
    """One contender's figure by another's, in the same round; without ``to``, the figure itself."""

    name: str
    figure: str
    of: str
    to: str | None
    at_least: float | None = None
    """The target; None: no target, it is told."""
    guard: float | None = None
    """What a release must not miss: as the target, with room for a slow machine."""
    at_most: float | None = None
    scale: str = ""
    """The unit of what is no ratio."""

    @property
    def target(self) -> str:
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return "" if self.at_least is None else f"≥ {self.at_least:g}"

    def found(self, runs: Runs) -> Spread:
        of = runs[self.figure][self.of]
        to = runs[self.figure][self.to] if self.to else [1.0] * len(of)
        return Spread([one / other for one, other in zip(of, to, strict=True)])

    def met(self, value: float) -> bool:
        if self.at_most is not None:
            return value <= self.at_most
        return self.at_least is None or value >= self.at_least

    def holds(self, value: float) -> bool:
        """Whether it is within what the guard allows."""
        if self.guard is None:
            return True
        return value <= self.guard if self.at_most is not None else value >= self.guard


@dataclass(frozen=True)
class Spread:
    values: Sequence[float]

    @property
    def median(self) -> float:
        return median(self.values)

    def __str__(self) -> str:
        low, high = min(self.values), max(self.values)
        return f"{number(self.median)} ({number(low)} to {number(high)})"


def number(value: float) -> str:
    """Return it as people read it: three figures, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ratio_table(found: Iterable[tuple[Results, Sequence[Ratio]]]) -> str:
    lines = ["| | median (range) | target | |", "|---|---|---|---|"]
    for results, ratios in found:
        for ratio in ratios:
            spread = ratio.found(results["runs"])
            unit = f" {ratio.scale}" if ratio.scale else ""
            told = _told(ratio, spread.median)
            lines.append(f"| {ratio.name} | {spread}{unit} | {ratio.target} | {told} |")
    return "\n".join(lines)


def _told(ratio: Ratio, value: float) -> str:
    if not ratio.target:
        return ""
    return "met" if ratio.met(value) else "missed"


def figure_table(results: Results) -> str:
    lines = [f"| {results['subject']} | | median (range) |", "|---|---|---|"]
    for figure, runs in results["runs"].items():
        for contender, values in runs.items():
            lines.append(f"| {contender} | {figure} | {Spread(values)} |")
    return "\n".join(lines)


def notes(results: Iterable[Results]) -> str:
    """Return where and with what it was measured; and which figures are no good for comparison."""
    loads: dict[str, list[str]] = {}
    for each in results:
        loads.setdefault(_described(each["machine"]), []).append(_load(each))
    return "\n".join(
        f"{text} Load, before and after: {'; '.join(of)}." for text, of in loads.items()
    )


def _described(machine: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"{machine['day']}, {machine['rounds']} rounds, {machine['cores']} cores. {versions}."


def _load(results: Results) -> str:
    """Say so where others used the machine: the contenders themselves keep it busy later on."""
    machine = results["machine"]
    load = f"{results['subject']} {machine['load_at_start']:.1f}, {machine['load_at_end']:.1f}"
    busy = machine["load_at_start"] > machine["cores"] / 4
    return f"{load} (**others used the machine: too busy to compare**)" if busy else load


def out_of_bounds(results: Results, ratios: Sequence[Ratio]) -> Iterator[str]:
    """Yield what is beyond its guard, each with value and bound."""
    for ratio in ratios:
        value = ratio.found(results["runs"]).median
        if not ratio.holds(value):
            side = "at most" if ratio.at_most is not None else "at least"
            yield f"{ratio.name}: {number(value)}, the guard wants {side} {ratio.guard:g}"
