"""The drain with a million rows queued or finished, or a transaction that nobody ends."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import contenders
from benchmarks.drain import marks
from benchmarks.processes import running
from benchmarks.report import Ratio

if TYPE_CHECKING:
    from benchmarks.lab import Lab
    from benchmarks.rounds import Contender, Figures

MANY, BASE = 1_000_000, 20_000
DRAINED = "drained, tasks/s"
BASIS, QUEUED = "20,000 queued", "1,000,000 queued"
FINISHED, HELD = "1,000,000 finished", "a transaction held open"
RATIOS = [
    Ratio(f"{QUEUED} / {BASIS}", DRAINED, QUEUED, BASIS, at_least=0.8, guard=0.5),
    Ratio(f"{FINISHED} / none", DRAINED, FINISHED, BASIS, at_least=0.8, guard=0.5),
    Ratio(f"{HELD} / none", DRAINED, HELD, BASIS, at_least=0.5, guard=0.3),
]


def contenders_in(lab: Lab) -> dict[str, Contender]:
    grown = {
        BASIS: {"queued": BASE},
        QUEUED: {"queued": MANY},
        FINISHED: {"finished": MANY, "queued": BASE},
    }
    found: dict[str, Contender] = {
        name: partial(_drained, lab, rows) for name, rows in grown.items()
    }
    return found | {HELD: partial(_drained, lab, {"queued": BASE}, held=True)}


def _drained(lab: Lab, rows: dict[str, int], *, held: bool = False) -> Figures:
    """Return the rate of the first BASE tasks."""
    engine = contenders.ours(lab, "outbox")
    place = engine.prepared()
    url = place.environment["SHOP_DATABASE_URL"]
    for kind, count in rows.items():
        lab.peer_program("grow", kind, str(count), SHOP_DATABASE_URL=url)
    with ExitStack() as stack:
        if held:
            stack.enter_context(lab.peer_running("hold", url))
        command = engine.command(place), place.folder, place.environment, lab.log()
        worker = stack.enter_context(running(*command))
        times = sorted(at for _, at in marks(place, BASE, worker))[:BASE]
    return {DRAINED: (BASE - 1) / (times[-1] - times[0]) * 1e9}
