"""What many workers cost their database while they have nothing to do."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.lab import PROGRAMS, ROOT
from benchmarks.report import Ratio

if TYPE_CHECKING:
    from benchmarks.lab import Lab
    from benchmarks.rounds import Contender, Figures

SECONDS = 8
QUERIES, CPU = "queries/s", "database, % of a core"
ONE, FIFTY, MANY = "1 dispatches", "50, of which 1 dispatches", "200, of which 1 dispatches"
LOOKING = "2,000 look for tasks"
WORKERS = {
    ONE: ("dispatch", 1),
    FIFTY: ("dispatch", 50),
    MANY: ("dispatch", 200),
    LOOKING: ("claim", 2_000),
}
RATIOS = [
    Ratio(f"{each}: {CPU}", CPU, each, None, at_most=most, guard=2 * most, scale="%")
    for each, most in {FIFTY: 5, MANY: 10, LOOKING: 20}.items()
]


def contenders_in(lab: Lab) -> dict[str, Contender]:
    return {name: partial(_looked, lab, *about) for name, about in WORKERS.items()}


def _looked(lab: Lab, kind: str, workers: int) -> Figures:
    place = lab.ours("outbox")
    path = f"{PROGRAMS}:{ROOT}"
    printed = place.program("idle_workers", kind, str(workers), str(SECONDS), PYTHONPATH=path)
    found: Figures = json.loads(printed.splitlines()[-1])  # the ones before are the dispatcher's
    return found
