"""How soon a task starts after its commit, and what an idle worker costs."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from functools import partial
from statistics import quantiles
from typing import TYPE_CHECKING

from benchmarks import contenders
from benchmarks.drain import marks, pick_ups
from benchmarks.processes import cpu_seconds, running
from benchmarks.report import Ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.drain import Engine
    from benchmarks.lab import Lab
    from benchmarks.rounds import Contender, Figures

COUNT, WARM_UP = 200, 25
RATE, RATE_OF_RQ = 50, 10  # tasks/s; more than RQ forks for would measure its backlog
COUNT_OF_RQ = 100
SETTLE, IDLE = 11.0, 6.0  # seconds: PostgreSQL counts what a session did after up to 10
P50, P99 = "commit to start, p50, ms", "commit to start, p99, ms"
CPU, QUERIES = "idle, % of a core", "idle, transactions/s"
PEERS = {"outbox": "PgQueuer", "rq": "RQ by hand", "celery": "Celery by hand"}
RATIOS = [
    *(
        Ratio(f"{ours}: p99 / {peer}", P99, ours, peer, at_most=1.0, guard=8.0)
        for ours, peer in PEERS.items()
    ),
    *(Ratio(f"{each}: {CPU}", CPU, each, None, at_most=0.5, guard=4.0) for each in PEERS),
    *(Ratio(f"{each}: {QUERIES}", QUERIES, each, None, at_most=2.0, guard=8.0) for each in PEERS),
]


def contenders_in(lab: Lab) -> dict[str, Contender]:
    ours = {backend: contenders.ours(lab, backend) for backend in PEERS}
    idle = _Idle(lab, ours)
    return {
        **{name: partial(_ours, lab, name, engine, idle) for name, engine in ours.items()},
        "PgQueuer": partial(_paced, lab, contenders.pgqueuer(lab)),
        "procrastinate": partial(_paced, lab, contenders.procrastinate(lab)),
        "RQ by hand": partial(_paced, lab, contenders.rq(lab), RATE_OF_RQ, COUNT_OF_RQ),
        "Celery by hand": partial(_paced, lab, contenders.celery(lab)),
    }


def _ours(lab: Lab, name: str, engine: Engine, idle: _Idle) -> Figures:
    pace = (RATE_OF_RQ, COUNT_OF_RQ) if name == "rq" else (RATE, COUNT)
    return _paced(lab, engine, *pace) | idle.of(name)


def _paced(lab: Lab, engine: Engine, rate: float = RATE, count: int = COUNT) -> Figures:
    place = engine.prepared()
    environment = place.environment | engine.settings
    with running(engine.command(place), place.folder, environment, lab.log()) as worker:
        hundredths = quantiles(pick_ups(place, engine, worker, rate, count)[WARM_UP:], n=100)
    return {P50: hundredths[49], P99: hundredths[98]}


class _Idle:
    """What workers cost that have nothing to do: measured beside each other, once in a round."""

    def __init__(self, lab: Lab, engines: dict[str, Engine]) -> None:
        self._lab = lab
        self._engines = engines
        self._found: dict[str, Figures] = {}

    def of(self, name: str) -> Figures:
        if name not in self._found:
            self._found = self._measured()
        return self._found.pop(name)

    def _measured(self) -> dict[str, Figures]:
        with ExitStack() as stack:
            spent = {name: self._started(engine, stack) for name, engine in self._engines.items()}
            time.sleep(SETTLE)
            before = {name: each() for name, each in spent.items()}
            time.sleep(IDLE)
            after = {name: each() for name, each in spent.items()}
        return {
            name: {
                CPU: (after[name][0] - before[name][0]) / IDLE * 100,
                QUERIES: (after[name][1] - before[name][1]) / IDLE,
            }
            for name in spent
        }

    def _started(self, engine: Engine, stack: ExitStack) -> Callable[[], tuple[float, int]]:
        """Start a worker, and run a task in it; return what tells its CPU time and queries."""
        place, lab = engine.prepared(), self._lab
        command = engine.command(place), place.folder, place.environment, lab.log()
        worker = stack.enter_context(running(*command))
        place.program(engine.producer, "fill", "1")
        marks(place, 1, worker)
        return lambda: (cpu_seconds(worker.process.pid), _transactions(lab, place.environment))


def _transactions(lab: Lab, environment: dict[str, str]) -> int:
    """Return how many the database has counted."""
    counted: int = json.loads(lab.peer_program("transactions", environment["SHOP_DATABASE_URL"]))
    return counted
