"""Requests a second and their times: with two tasks enqueued, with none, and of a bare API."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.apis import serving
from benchmarks.load import loaded
from benchmarks.report import Ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.lab import Lab, Place
    from benchmarks.rounds import Contender, Figures

WARM_UP, SECONDS = 0.5, 2.5
RATE, P50, P99 = "requests/s", "p50, ms", "p99, ms"
BACKENDS = ("background", "outbox", "rq", "celery")
BARE = "bare, insert"
BARE_TASKS = "bare, BackgroundTasks"
RATIOS = [
    *(
        Ratio(
            f"{each}: with two tasks / without",
            RATE,
            f"{each}, with",
            f"{each}, without",
            0.85,
            0.3,
        )
        for each in BACKENDS
    ),
    *(
        Ratio(f"{each} / bare, same insert", RATE, f"{each}, with", BARE, 0.85, 0.2)
        for each in BACKENDS
    ),
    Ratio(
        "background: p50 / bare BackgroundTasks",
        P50,
        "background, with",
        BARE_TASKS,
        at_most=1.05,
        guard=4,
    ),
    Ratio(
        "background: p99 / bare BackgroundTasks",
        P99,
        "background, with",
        BARE_TASKS,
        at_most=1.05,
        guard=6,
    ),
]


def contenders_in(lab: Lab) -> dict[str, Contender]:
    found: dict[str, Contender] = {}
    for backend in BACKENDS:
        place = partial(lab.ours, backend)
        found[f"{backend}, with"] = partial(_requested, lab, place, "/bench/with")
        found[f"{backend}, without"] = partial(_requested, lab, place, "/bench/without")
    found[BARE] = partial(_requested, lab, lab.peer, "/bench/without")
    found[BARE_TASKS] = partial(_requested, lab, lab.peer, "/bench/with")
    return found


def _requested(lab: Lab, place: Callable[[], Place], path: str) -> Figures:
    with serving(lab, place()) as (_, port):
        loaded(port, path, WARM_UP)
        return loaded(port, path, SECONDS)
