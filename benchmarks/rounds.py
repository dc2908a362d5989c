"""Rounds of measurements, contenders in turns: a slow moment of the machine hits all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

Figures = dict[str, float]
Contender = Callable[[], Figures]
Runs = dict[str, dict[str, list[float]]]
"""By figure, then by contender: a value per round."""


def interleaved(
    subject: str, contenders: Mapping[str, Contender], rounds: int, tell: Callable[[str], object]
) -> Runs:
    runs: defaultdict[str, dict[str, list[float]]] = defaultdict(dict)
    for number in range(1, rounds + 1):
        for name, measure in contenders.items():
            figures = measure()
            for figure, value in figures.items():
                runs[figure].setdefault(name, []).append(value)
            found = "; ".join(f"{figure} {value:,.4g}" for figure, value in figures.items())
            tell(f"{subject:8} {number}/{rounds}  {name:32} {found}")
    return dict(runs)
