"""How long a process takes from its start to its first answer or task, and its memory then."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import contenders
from benchmarks.apis import serving
from benchmarks.drain import marks
from benchmarks.processes import memory, running
from benchmarks.report import Ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.drain import Engine
    from benchmarks.lab import Lab, Place
    from benchmarks.rounds import Contender, Figures

START, MEMORY = "start, s", "memory, MB"
APIS = ("background", "outbox", "rq", "celery")
PEERS = {"outbox": "PgQueuer", "rq": "RQ by hand", "celery": "Celery by hand"}
RATIOS = [
    *(
        Ratio(
            f"{each}: API to first answer / bare",
            START,
            f"{each}, API",
            "bare API",
            at_most=1.25,
            guard=4,
        )
        for each in APIS
    ),
    *(
        Ratio(
            f"{ours}: worker to first task / {peer}",
            START,
            f"{ours}, worker",
            peer,
            at_most=1.3,
            guard=5,
        )
        for ours, peer in PEERS.items()
    ),
    *(
        Ratio(
            f"{ours}: worker's memory / {peer}",
            MEMORY,
            f"{ours}, worker",
            peer,
            at_most=1.3,
            guard=4,
        )
        for ours, peer in PEERS.items()
    ),
]


def contenders_in(lab: Lab) -> dict[str, Contender]:
    engines = {
        **{f"{backend}, worker": contenders.ours(lab, backend) for backend in PEERS},
        "PgQueuer": contenders.pgqueuer(lab),
        "RQ by hand": contenders.rq(lab),
        "Celery by hand": contenders.celery(lab),
    }
    apis = {f"{each}, API": partial(_api, lab, partial(lab.ours, each)) for each in APIS}
    workers = {name: partial(_worker, lab, engine) for name, engine in engines.items()}
    return {**apis, "bare API": partial(_api, lab, lab.peer), **workers}


def _api(lab: Lab, place: Callable[[], Place]) -> Figures:
    where = place()
    begun = time.perf_counter()
    with serving(lab, where) as (worker, _):
        took = time.perf_counter() - begun
        return {START: took, MEMORY: memory(worker.process.pid)}


def _worker(lab: Lab, engine: Engine) -> Figures:
    place = engine.prepared()
    place.program(engine.producer, "fill", "1", **engine.settings)
    environment = place.environment | engine.settings
    begun = time.time_ns()
    with running(engine.command(place), place.folder, environment, lab.log()) as worker:
        ((_, at),) = marks(place, 1, worker)
        return {START: (at - begun) / 1e9, MEMORY: memory(worker.process.pid)}
