"""Keep up the leases of what this process runs, and end it when the process has to stop.

From a thread, with an event loop and a connection of its own: a task that blocks the event loop
keeps its lease, and one that uses up the connections does.
"""

import asyncio
import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Thread
from time import monotonic

import structlog

from ...settings import Settings
from ..progress import Progress, Run
from .dialect import rows_engine
from .loop_watch import TICK, LoopWatch
from .row import Claim
from .rows import LEASE, Rows
from .runner import HandedBack

log = structlog.get_logger(__name__)
BEAT = LEASE / 4
UNHEEDED = 5.0  # seconds after which what does not heed its cancellation is left behind


class StopPipe:
    """Closed at its one writing end, by close() or by death, it tells all that inherit it."""

    def __init__(self) -> None:
        self.reading, self._writing = os.pipe()
        self._open = True

    def close(self) -> None:
        if self._open:
            self._open = False
            os.close(self._writing)


class Keeper:
    def __init__(self, stop_fd: int, grace: float) -> None:
        """When ``stop_fd`` comes to its end, what runs is cancelled after the ``grace``."""
        self._held: dict[Claim, Run] = {}
        self._told: dict[Claim, Progress] = {}
        self._lock = Lock()
        self._stop_fd, self._grace = stop_fd, grace
        self._thread: Thread | None = None
        self._rows: Rows | None = None
        self._watch: LoopWatch | None = None

    @contextmanager
    def holding(self, claim: Claim, run: Run) -> Iterator[None]:
        self.hold(claim, run)
        try:
            yield
        finally:
            self.drop(claim)

    def hold(self, claim: Claim, run: Run) -> None:
        with self._lock:
            self._held[claim] = run
        self._watch = self._watch or LoopWatch()
        self._watch.note()
        if self._thread is None:
            self._thread = Thread(target=self._keep, daemon=True, name="keeper")
            self._thread.start()

    def drop(self, claim: Claim) -> None:
        with self._lock:
            self._held.pop(claim, None)
            self._told.pop(claim, None)

    def _keep(self) -> None:
        beat, stopped = monotonic(), None
        with asyncio.Runner() as runner:
            while True:
                if stopped:
                    select.select([], [], [], TICK)
                elif select.select([self._stop_fd], [], [], TICK)[0]:
                    stopped = monotonic()
                with self._lock:
                    held = dict(self._held)
                if not held:
                    beat = monotonic()
                elif monotonic() - beat > BEAT:
                    kept = runner.run(self._extend(held))
                    beat = monotonic() if kept else monotonic() - BEAT + TICK
                runner.run(self._report(held))
                if held and self._watch:
                    self._watch.look()
                if stopped:
                    self._stop(held, monotonic() - stopped, runner)

    async def _extend(self, held: dict[Claim, Run]) -> bool:
        """Return False if the database does not answer."""
        try:
            kept = await self._own_rows().extend(held)
        except Exception as error:  # noqa: BLE001 - whatever the database says when it is away
            log.warning("leases were not kept", error=f"{type(error).__name__}: {error}"[:200])
            return False
        for claim, run in held.items():
            if (claim.id, claim.number) not in kept and claim in self._held:
                run.stop("it was cancelled, or its lease is lost")
        return True

    async def _report(self, held: dict[Claim, Run]) -> None:
        for claim, run in held.items():
            if (now := run.progress) and now is not self._told.get(claim):
                try:
                    await self._own_rows().report(claim, now)
                except Exception as error:  # noqa: BLE001 - as above; the outcome is told with it
                    log.warning("progress was not told", error=type(error).__name__)
                self._told[claim] = now

    def _stop(self, held: dict[Claim, Run], seconds: float, runner: asyncio.Runner) -> None:
        if seconds > self._grace:
            for run in held.values():
                run.stop("the worker stops")
        if held and seconds > self._grace + UNHEEDED:
            for claim in held:
                log.error("task does not stop: the process ends", task_id=str(claim.id))
            runner.run(
                self._own_rows().settle((c, HandedBack(1.0), r.progress) for c, r in held.items())
            )
            os._exit(0)

    def _own_rows(self) -> Rows:
        """Connect when a task runs for so long that it is needed: most do not."""
        if self._rows is None:
            self._rows = Rows(rows_engine(Settings.load().database_url.get_secret_value()))
        return self._rows
