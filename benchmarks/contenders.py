"""The engines that several subjects compare: ours with their defaults, and their peers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.drain import Engine

if TYPE_CHECKING:
    from benchmarks.lab import Lab

SHOP = ("shop", "worker")
CELERY = ("celery", "--app", "celery_app", "worker", "--loglevel", "INFO")
RQ = ("rq.cli", "worker-pool", "--num-workers", "4")
ROW = {"BENCH_TASK": "nothing_with_row"}


def ours(lab: Lab, backend: str, database: str = "postgresql", **settings: str) -> Engine:
    return Engine(partial(lab.ours, backend, database), "ours_app", SHOP, settings)


def first_design(lab: Lab, backend: str) -> Engine:
    return Engine(partial(lab.first_design, backend), "ours_app", SHOP)


def pgqueuer(lab: Lab) -> Engine:
    """Run it by its API: its command's log level is broken; it writes no line per task so."""
    worker = ("pgqueuer_app", "work")
    return Engine(lab.peer, "pgqueuer_app", worker, prepare=("pgqueuer", "install"))


def procrastinate(lab: Lab) -> Engine:
    cli = ("procrastinate", "--app", "procrastinate_app.app")
    worker = (*cli, "worker", "--concurrency", "20")
    return Engine(lab.peer, "procrastinate_app", worker, prepare=(*cli, "schema", "--apply"))


def celery(lab: Lab, *, row: bool = False) -> Engine:
    """Hand-written, with as many processes as ours."""
    return Engine(lab.peer, "celery_app", (*CELERY, "--concurrency", "8"), ROW if row else {})


def rq(lab: Lab, *, row: bool = False) -> Engine:
    return Engine(lab.peer, "rq_app", RQ, ROW if row else {})
