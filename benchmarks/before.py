"""Drain and enqueue of each backend beside 0.2.0, the last release of the first design."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import contenders
from benchmarks.drain import Engine, drains
from benchmarks.report import Ratio

if TYPE_CHECKING:
    from benchmarks.lab import Lab, Place
    from benchmarks.rounds import Contender, Figures

TASKS = {"outbox": 3_000, "celery": 2_000, "rq": 200}
TIMES = 150
DRAINED, COMMITTED = "drained, tasks/s", "commit with one task, ms"
NOW, THEN = "{}, now", "{}, 0.2.0"
BOTH = {backend: (NOW.format(backend), THEN.format(backend)) for backend in TASKS}
RATIOS = [
    *(
        Ratio(f"{each}: drain / 0.2.0", DRAINED, *both, at_least=1, guard=0.7)
        for each, both in BOTH.items()
    ),
    *(
        Ratio(f"{each}: enqueue / 0.2.0", COMMITTED, *both, at_most=1, guard=1.5)
        for each, both in BOTH.items()
    ),
]


def contenders_in(lab: Lab) -> dict[str, Contender]:
    found: dict[str, Contender] = {}
    for backend, (now, then) in BOTH.items():
        count = TASKS[backend]
        found[now] = partial(_both, lab, contenders.ours(lab, backend), count)
        found[then] = partial(_both, lab, contenders.first_design(lab, backend), count)
    return found


def _both(lab: Lab, engine: Engine, count: int) -> Figures:
    return drains(lab, engine, count)() | {COMMITTED: _committed(engine.prepared())}


def _committed(place: Place) -> float:
    took: dict[str, float] = json.loads(place.program("shares", "outbox", str(TIMES)))
    return took["with one"]
