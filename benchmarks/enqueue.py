"""What an enqueued task adds to the transaction in which it is written."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.report import Ratio

if TYPE_CHECKING:
    from benchmarks.lab import Lab
    from benchmarks.rounds import Contender, Figures

TIMES = 150
BACKENDS = ("outbox", "rq", "celery")
SHARE, HUNDRED = "share of one task in its commit", "commit with 100 tasks / with one"
BY_HAND = "commit with one task / commit, then enqueued by hand"
RATIOS = [
    *(Ratio(f"{each}: {SHARE}", SHARE, each, None, at_most=0.35, guard=0.75) for each in BACKENDS),
    *(Ratio(f"{each}: {HUNDRED}", HUNDRED, each, None, at_most=3, guard=20) for each in BACKENDS),
    *(
        Ratio(f"{each}: {BY_HAND}", BY_HAND, each, None, at_most=1.2, guard=2.5)
        for each in ("rq", "celery")
    ),
]


def contenders_in(lab: Lab) -> dict[str, Contender]:
    return {backend: partial(_shares, lab, backend) for backend in BACKENDS}


def _shares(lab: Lab, backend: str) -> Figures:
    took = json.loads(lab.ours(backend).program("shares", backend, str(TIMES)))
    figures = {f"{name}, ms": value for name, value in took.items()}
    figures[SHARE] = 1 - took["alone"] / took["with one"]
    figures[HUNDRED] = took["with 100"] / took["with one"]
    if "by hand" in took:
        figures[BY_HAND] = took["with one"] / took["by hand"]
    return figures
