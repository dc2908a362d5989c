"""What `make bench` reports of its figures; that it measures is seen by running it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks import plot, readme, report, results
from benchmarks.report import Ratio
from benchmarks.rounds import interleaved
from benchmarks.subjects import SUBJECTS, chosen
from tests import support

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.rounds import Runs

NAMES = [
    *("outbox", "enqueue", "latency", "api", "engines", "before"),
    *("start", "render", "growth", "scale"),
]
RUNS = {"rate": {"ours": [30.0, 10.0, 20.0], "peer": [10.0, 10.0, 10.0]}}
RATE = Ratio("ours / peer", "rate", "ours", "peer", at_least=2.5, guard=1.0)
MACHINE = {
    "day": "2026-11-29",
    "cores": 2,
    "rounds": 3,
    "load_at_start": 0.1,
    "load_at_end": 2.0,
    "versions": {"Python": "3.11"},
}
RESULTS: dict[str, Any] = {"subject": "outbox", "machine": MACHINE, "runs": RUNS}


def test_contenders_take_turns() -> None:
    """A round has each contender once, and a figure's values stand in the order of rounds."""
    order: list[str] = []

    def measure(name: str) -> dict[str, float]:
        order.append(name)
        return {"rate": float(len(order))}

    contenders = {name: lambda name=name: measure(name) for name in ("a", "b")}
    runs = interleaved("outbox", contenders, 2, lambda _: None)
    assert order == ["a", "b", "a", "b"]
    assert runs == {"rate": {"a": [1.0, 3.0], "b": [2.0, 4.0]}}


def test_ratios_are_of_the_same_round() -> None:
    """The median of each round's ratio stands in the table, with its range and the target."""
    assert RATE.found(RUNS).median == 2.0
    line = report.ratio_table([(RESULTS, [RATE])]).splitlines()[-1]
    assert line == "| ours / peer | 2.00 (1.00 to 3.00) | ≥ 2.5 | missed |"


def test_figure_without_a_peer() -> None:
    """It is told with its unit, and a target may be an upper bound."""
    idle = Ratio("idle", "rate", "peer", None, at_most=12, scale="%")
    assert "| idle | 10.0 (10.0 to 10.0) % | ≤ 12 | met |" in report.ratio_table(
        [(RESULTS, [idle])]
    )


def test_busy_machine() -> None:
    """A machine that others use is told of: its figures are no good for comparison."""
    assert "too busy" not in report.notes([RESULTS])
    busy = RESULTS | {"machine": MACHINE | {"load_at_start": 0.9}}
    assert "too busy to compare" in report.notes([busy])


def test_guard_names_what_is_out() -> None:
    """A ratio within its bound is not told of; one beyond it is, with value and bound."""
    assert not list(report.out_of_bounds(RESULTS, [RATE]))
    slow = Ratio("ours / peer", "rate", "ours", "peer", at_least=2.5, guard=2.1)
    heavy = Ratio("memory", "rate", "ours", None, at_most=5, guard=10)
    told = list(report.out_of_bounds(RESULTS, [slow, heavy]))
    assert told == [
        "ours / peer: 2.00, the guard wants at least 2.1",
        "memory: 20.0, the guard wants at most 10",
    ]


def test_plot_is_well_formed() -> None:
    """A bar stands for each ratio that has a target, green only where it is met."""
    ratios = [(each, each.found(RUNS)) for each in (RATE, Ratio("<told>", "rate", "ours", None))]
    picture = ET.fromstring(plot.svg(ratios))  # noqa: S314 - our own
    bars = [part for part in picture if part.get("height") == "12"]
    assert [bar.get("fill") for bar in bars] == [plot.BAD]


def test_files_of_a_run(tmp_path: Path) -> None:
    """A subject's figures are read as they were written, beside the table and the plot."""
    runs: Runs = {ratio.figure: {} for ratio in SUBJECTS["render"].RATIOS}
    for ratio in SUBJECTS["render"].RATIOS:
        runs[ratio.figure] |= {ratio.of: [1.0, 2.0], ratio.to: [1.0, 2.0]}
    results.write("render", MACHINE, runs, tmp_path)
    ((found, _),) = results.read(["render"], tmp_path)
    assert found["runs"] == runs
    assert "update / copier update" in (tmp_path / "table.md").read_text()
    ET.parse(tmp_path / "ratios.svg")  # noqa: S314 - likewise
    with pytest.raises(results.ResultsError, match="No results of api"):
        results.read(["api"], tmp_path)


def test_subjects() -> None:
    """`ONLY` takes these names, all if it is empty; another one is refused with them."""
    assert chosen("") == NAMES == list(SUBJECTS)
    assert chosen("render,outbox") == ["render", "outbox"]
    with pytest.raises(argparse.ArgumentTypeError, match=r"nothing is no subject.*render"):
        chosen("render,nothing")


@pytest.mark.parametrize("subject", NAMES)
def test_every_bound_has_a_side(subject: str) -> None:
    """A guard is further from the target than the target itself."""
    for ratio in SUBJECTS[subject].RATIOS:
        target = ratio.at_most if ratio.at_most is not None else ratio.at_least
        assert ratio.guard is not None
        assert target is None or (ratio.guard > target) is (ratio.at_most is not None)


def test_readme_quotes_the_results() -> None:
    """Its table is what benchmarks/results/ has; `make bench-readme` writes it."""
    text = (support.ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.rewritten(text, readme.quoted(results.read())) == text
