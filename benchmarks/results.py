"""The files of benchmarks/results/: JSON per subject, a table and a plot of all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import plot, report
from benchmarks.subjects import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.report import Ratio, Results
    from benchmarks.rounds import Runs

FOLDER = Path(__file__).parent / "results"


class ResultsError(Exception):
    """There is nothing to read."""


def write(subject: str, machine: dict[str, Any], runs: Runs, folder: Path = FOLDER) -> None:
    folder.mkdir(exist_ok=True)
    text = json.dumps({"subject": subject, "machine": machine, "runs": runs}, indent=1)
    (folder / f"{subject}.json").write_text(f"{text}\n", encoding="utf-8")
    found = read(folder=folder)
    (folder / "table.md").write_text(f"{table(found)}\n", encoding="utf-8")
    ratios = [(r, r.found(each["runs"])) for each, some in found for r in some]
    (folder / "ratios.svg").write_text(plot.svg(ratios), encoding="utf-8")


def read(names: Sequence[str] = (), folder: Path = FOLDER) -> list[tuple[Results, Sequence[Ratio]]]:
    """Return what was measured last of these, or of all. Raises ResultsError."""
    files = {name: folder / f"{name}.json" for name in names or SUBJECTS}
    there = {name: file for name, file in files.items() if file.exists()}
    if missing := set(names) - set(there):
        raise ResultsError(f"No results of {', '.join(missing)}: run `make bench` first.")
    return [
        (json.loads(file.read_text(encoding="utf-8")), SUBJECTS[name].RATIOS)
        for name, file in there.items()
    ]


def table(found: Sequence[tuple[Results, Sequence[Ratio]]]) -> str:
    figures = "\n\n".join(report.figure_table(results) for results, _ in found)
    notes = report.notes(results for results, _ in found)
    return f"{report.ratio_table(found)}\n\n{notes}\n\n{figures}"


def summary(names: Sequence[str]) -> str:
    found = read(names)
    return f"\n{report.ratio_table(found)}\n\n{report.notes(results for results, _ in found)}"


def broken(names: Sequence[str], folder: Path = FOLDER) -> Iterator[str]:
    for results, ratios in read(names, folder):
        yield from report.out_of_bounds(results, ratios)
