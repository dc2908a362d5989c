"""Celery's and RQ's workers: under our rows, by hand with a row's start and end, and plain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import contenders
from benchmarks.drain import drains
from benchmarks.report import Ratio

if TYPE_CHECKING:
    from benchmarks.lab import Lab
    from benchmarks.rounds import Contender

CELERY_TASKS, RQ_TASKS = 2_000, 200
DRAINED = "drained, tasks/s"
ROW, PLAIN = "by hand with a row", "by hand, plain"
RATIOS = [
    Ratio("Celery / by hand with a row", DRAINED, "Celery, ours", f"Celery, {ROW}", 0.6, 0.15),
    Ratio("Celery / by hand, plain", DRAINED, "Celery, ours", f"Celery, {PLAIN}", None, 0.1),
    Ratio("RQ / by hand with a row", DRAINED, "RQ, ours", f"RQ, {ROW}", 0.8, 0.2),
    Ratio("RQ / by hand, plain", DRAINED, "RQ, ours", f"RQ, {PLAIN}", None, 0.15),
]


def contenders_in(lab: Lab) -> dict[str, Contender]:
    return {
        "Celery, ours": drains(lab, contenders.ours(lab, "celery"), CELERY_TASKS),
        f"Celery, {ROW}": drains(lab, contenders.celery(lab, row=True), CELERY_TASKS),
        f"Celery, {PLAIN}": drains(lab, contenders.celery(lab), CELERY_TASKS),
        "RQ, ours": drains(lab, contenders.ours(lab, "rq"), RQ_TASKS),
        f"RQ, {ROW}": drains(lab, contenders.rq(lab, row=True), RQ_TASKS),
        f"RQ, {PLAIN}": drains(lab, contenders.rq(lab), RQ_TASKS),
    }
