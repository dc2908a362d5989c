"""How fast a worker without a broker runs tasks that do nothing, beside its peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import contenders
from benchmarks.drain import drains
from benchmarks.report import Ratio

if TYPE_CHECKING:
    from benchmarks.lab import Lab
    from benchmarks.rounds import Contender

MANY, FEW = 10_000, 1_500
DRAINED = "drained, tasks/s"
OURS, QUIET, TWO = "ours", "ours, log level warning", "ours, two workers"
THREADS, SQLITE = "ours, def tasks", "ours, SQLite"
PGQUEUER, PROCRASTINATE = "PgQueuer", "procrastinate"
RATIOS = [
    Ratio("outbox / PgQueuer", DRAINED, OURS, PGQUEUER, at_least=1.4, guard=0.15),
    Ratio("outbox, log level warning / PgQueuer", DRAINED, QUIET, PGQUEUER, 2.2, 0.25),
    Ratio("outbox / procrastinate", DRAINED, OURS, PROCRASTINATE, guard=3.0),
    Ratio("outbox: two workers / one", DRAINED, TWO, OURS, at_least=1.6, guard=0.9),
    Ratio("outbox: def tasks / async", DRAINED, THREADS, OURS, at_least=0.6, guard=0.2),
    Ratio("outbox: SQLite / PostgreSQL", DRAINED, SQLITE, OURS, at_least=0.7, guard=0.1),
]


def contenders_in(lab: Lab) -> dict[str, Contender]:
    ours = contenders.ours(lab, "outbox")
    quiet = contenders.ours(lab, "outbox", SHOP_LOG_LEVEL="warning")
    threads = contenders.ours(lab, "outbox", BENCH_TASK="nothing_in_thread")
    return {
        OURS: drains(lab, ours, MANY),
        PGQUEUER: drains(lab, contenders.pgqueuer(lab), MANY),
        QUIET: drains(lab, quiet, MANY),
        TWO: drains(lab, ours, MANY, workers=2),
        THREADS: drains(lab, threads, MANY),
        SQLITE: drains(lab, contenders.ours(lab, "outbox", "sqlite"), MANY),
        PROCRASTINATE: drains(lab, contenders.procrastinate(lab), FEW),
    }
