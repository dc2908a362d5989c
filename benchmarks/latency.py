"""How soon a task starts after its commit, and what an idle worker costs."""

from __future__ import annotations

import json
import time
from functools import partial
from statistics import quantiles
from typing import TYPE_CHECKING

from benchmarks import contenders
from benchmarks.drain import pick_ups
from benchmarks.processes import cpu_seconds, running
from benchmarks.report import Ratio

if TYPE_CHECKING:
    from benchmarks.drain import Engine
    from benchmarks.lab import Lab
    from benchmarks.rounds import Contender, Figures

COUNT, WARM_UP = 200, 25
RATE, RATE_OF_RQ = 50, 10  # tasks/s; more than RQ forks for would measure its backlog
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
    engines = {
        **{backend: contenders.ours(lab, backend) for backend in PEERS},
        "PgQueuer": contenders.pgqueuer(lab),
        "procrastinate": contenders.procrastinate(lab),
        "RQ by hand": contenders.rq(lab),
        "Celery by hand": contenders.celery(lab),
    }
    return {
        name: partial(_measured, lab, engine, RATE_OF_RQ if name.lower().startswith("rq") else RATE)
        for name, engine in engines.items()
    }


def _measured(lab: Lab, engine: Engine, rate: float) -> Figures:
    place = engine.prepared()
    environment = place.environment | engine.settings
    with running(engine.command(place), place.folder, environment, lab.log()) as worker:
        waits = pick_ups(place, engine, worker, rate, COUNT)[WARM_UP:]
        time.sleep(SETTLE)
        before = cpu_seconds(worker.process.pid), _transactions(lab, place.environment)
        time.sleep(IDLE)
        after = cpu_seconds(worker.process.pid), _transactions(lab, place.environment)
    hundredths = quantiles(waits, n=100)
    return {
        P50: hundredths[49],
        P99: hundredths[98],
        CPU: (after[0] - before[0]) / IDLE * 100,
        QUERIES: (after[1] - before[1]) / IDLE,
    }


def _transactions(lab: Lab, environment: dict[str, str]) -> int:
    """Return how many the database has counted."""
    url = environment.get("DATABASE_URL") or environment["SHOP_DATABASE_URL"]
    counted: int = json.loads(lab.peer_program("transactions", url))
    return counted
