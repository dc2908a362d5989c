"""Start a worker on a filled queue, and read from the tasks' marks how fast it is."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.processes import ContenderError, Environment, run, running
from benchmarks.programs.mark import RECORD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.lab import Lab, Place
    from benchmarks.processes import Worker
    from benchmarks.rounds import Contender

PATIENCE = 180.0  # seconds after which a worker is taken for broken
LOOK = 0.005  # seconds between two looks at the marks


@dataclass(frozen=True)
class Engine:
    """What enqueues and runs tasks: one of our services, or a peer."""

    place: Callable[[], Place]
    producer: str
    """Of ``programs``."""
    worker: Sequence[str]
    """After the Python interpreter, its -m."""
    settings: Environment = field(default_factory=dict)
    prepare: Sequence[str] = ()
    """What makes its tables, likewise."""

    def prepared(self) -> Place:
        place = self.place()
        if self.prepare:
            run([place.python, "-m", *self.prepare], place.folder, place.environment)
        return place

    def command(self, place: Place) -> list[str]:
        return [place.python, "-m", *self.worker]


def drains(lab: Lab, engine: Engine, count: int, workers: int = 1) -> Contender:
    return partial(_drained, lab, engine, count, workers)


def _drained(lab: Lab, engine: Engine, count: int, workers: int) -> dict[str, float]:
    place = engine.prepared()
    place.program(engine.producer, "fill", str(count), **engine.settings)
    with ExitStack() as stack:
        environment = place.environment | engine.settings
        for _ in range(workers):
            command = engine.command(place), place.folder, environment, lab.log()
            worker = stack.enter_context(running(*command))
        times = sorted(at for _, at in marks(place, count, worker))
    return {"drained, tasks/s": (count - 1) / (times[-1] - times[0]) * 1e9}


def marks(place: Place, count: int, worker: Worker) -> list[tuple[int, int]]:
    """Wait for that many; return number and nanoseconds of each. Raises ContenderError."""
    file = Path(place.environment["BENCH_MARKS"])
    deadline = time.monotonic() + PATIENCE
    while not file.exists() or file.stat().st_size < count * RECORD.size:
        if time.monotonic() > deadline or worker.process.poll() is not None:
            found = file.stat().st_size // RECORD.size if file.exists() else 0
            raise ContenderError(f"{found} of {count} tasks were run by {worker}")
        time.sleep(LOOK)
    return list(RECORD.iter_unpack(file.read_bytes()))


def pick_ups(place: Place, engine: Engine, worker: Worker, rate: float, count: int) -> list[float]:
    """Enqueue at a pace beside a running worker; return the milliseconds from commit to start."""
    place.program(engine.producer, "fill", "1", **engine.settings)
    marks(place, 1, worker)  # now it is up
    told = place.program(engine.producer, "pace", str(rate), str(count), **engine.settings)
    begun = dict(marks(place, 1 + count, worker))
    return [(begun[number] - at) / 1e6 for number, at in enumerate(json.loads(told))]
