"""Claims rows in batches, runs their tasks beside each other, settles them in batches."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from math import inf
from time import monotonic

import structlog

from ...service.beat import beat
from ...service.resources import Resources
from ..progress import Progress, Run
from ..queues import queue_names
from ..task import registry
from .apart import run_apart
from .attempt import handed_back, read
from .dialect import woken_by_commits
from .dispatcher import Dispatcher, for_ever
from .keeper import Keeper, StopPipe
from .leader import Leadership, View
from .outbox import OutboxQueue, TaskSettings
from .row import Claim
from .rows import EVER, Rows
from .runner import Ended, Failed, RetryLater, Runner, given_up

log = structlog.get_logger(__name__)
POLL = 5.0  # seconds; covers what no wake-up tells of
PATIENCE = 1.0  # seconds between two tries
BATCH = 100
LOOK_BACK = 1.0  # seconds
HELD = 3  # times the concurrency: rows that are claimed, those included that wait to be settled
APART = 20  # tasks that run in processes of their own at one time: 15 to 20 MB each
LOOP_LEFT = 3  # exit code of a process that ends because a task's own tasks raised SystemExit
UNHEEDED = 30.0  # seconds beyond its timeout after which a task that goes on is given up


class LocalWorker:
    def __init__(self, rows: Rows, settings: TaskSettings, queues: Sequence[str]) -> None:
        self._rows = rows
        self._settings = settings
        self._queues = queues
        self._runner = Runner(settings.task_threads)
        self._pipe = StopPipe()
        self._keeper = Keeper(self._pipe.reading, settings.shutdown_grace)
        self._held: dict[Claim, asyncio.Task[None]] = {}
        self._runs: dict[Claim, Run] = {}
        self._next: dict[str, float] = {}
        self._frontiers: dict[str, tuple[datetime, float]] = {}
        self._ended: list[tuple[Claim, Ended, Progress | None]] = []
        self._changed = asyncio.Event()
        self._unsettled = 0
        self._apart = asyncio.Semaphore(APART)
        self._moved = asyncio.Event()
        self.woken = asyncio.Event()

    async def take(self) -> float:
        """Start what is due, and wait until more may be."""
        if self.woken.is_set():
            self._next.clear()
        self.woken.clear()
        wait = await self._take()
        beat()
        if wait:
            self._give_up_overdue()
            await _wait(self.woken, wait)
        return 0.0

    async def _take(self) -> float:
        """Start tasks; return for how many seconds there is nothing more to start."""
        wait = POLL
        for queue in self._queues:
            count = min(await self._room(), BATCH)
            claims = await self._claim(queue, count)
            for claim in claims:
                self._held[claim] = asyncio.create_task(self._run(claim))
            if len(claims) == count:
                return 0.0
            wait = min(wait, await self._seconds_until_next(queue))
        return wait

    async def _claim(self, queue: str, count: int) -> list[Claim]:
        """Begin where the last ones were: before that is what a transaction may still see.

        Now and then from the start: some commits take longer than others that began later.
        """
        since, until = self._frontiers.get(queue, (EVER, 0.0))
        if monotonic() > until:
            since, until = EVER, monotonic() + LOOK_BACK
        claims = await self._rows.take(queue, count, since)
        if len(claims) < count and since > EVER:
            claims += await self._rows.take(queue, count - len(claims))
        newest = max((claim.enqueued_at for claim in claims), default=EVER)
        self._frontiers[queue] = max(since, newest), until if len(claims) == count else 0.0
        return claims

    async def _seconds_until_next(self, queue: str) -> float:
        """Ask once for the next task that is put off: what comes later wakes us."""
        if queue not in self._next or self._next[queue] <= monotonic():
            due = await self._rows.seconds_until_due(queue)
            self._next[queue] = monotonic() + (inf if due is None else due)
        return max(0.001, self._next[queue] - monotonic())

    async def _room(self) -> int:
        """Return how many tasks may be started; waits while there is no room for one."""
        while (room := self._room_now()) <= 0:
            self._moved.clear()
            await _wait(self._moved, PATIENCE)
            beat()
            self._give_up_overdue()
        return room

    def _room_now(self) -> int:
        """What has ended takes up none, unless the database is slow to take it."""
        most, held = self._settings.task_concurrency, len(self._held)
        return min(most - (held - self._unsettled), HELD * most - held)

    async def _run(self, claim: Claim) -> None:
        message = read(claim)
        if isinstance(message, Failed):
            self._end(claim, message)
            return
        run = self._runs[claim] = Run(message)
        self._keeper.hold(claim, run)
        try:
            ended = await (self._run_apart(claim, run) if claim.deaths else self._runner.run(run))
        except asyncio.CancelledError:
            ended = handed_back(run)
        if claim in self._runs:
            self._end(claim, ended)

    async def _run_apart(self, claim: Claim, run: Run) -> Ended:
        async with self._apart:
            return await run_apart(claim, run)

    def _end(self, claim: Claim, ended: Ended) -> None:
        """Have it settled; its lease is kept up until then."""
        run = self._runs.pop(claim, None)
        self._ended.append((claim, ended, run.progress if run else None))
        self._unsettled += 1
        self._changed.set()
        self._moved.set()

    def _give_up_overdue(self) -> None:
        for claim, run in list(self._runs.items()):
            if run.seconds() > registry[run.message.task].timeout + UNHEEDED:
                self._end(claim, given_up(run))
                run.stop("it goes on long after its timeout")

    async def settle_for_ever(self) -> None:
        """Write what has ended since the last time, in one go."""
        while await self._changed.wait():
            self._changed.clear()
            await self._settle()

    async def _settle(self) -> None:
        ended, self._ended = self._ended, []
        while ended:
            try:
                await self._rows.settle(ended)
                break
            except Exception as error:  # noqa: BLE001 - whatever the database says when it is away
                log.warning("tasks are not settled", error=f"{type(error).__name__}: {error}"[:200])
                await asyncio.sleep(PATIENCE)
        for claim, outcome, _ in ended:
            self._keeper.drop(claim)
            del self._held[claim]
            self._unsettled -= 1
            if isinstance(outcome, RetryLater):
                self.woken.set()
        self._moved.set()

    def stop(self) -> None:
        """Begin the grace, after which the keeper ends what still runs: even a blocked loop."""
        self._pipe.close()

    async def close(self) -> None:
        """Wait for what runs."""
        self.stop()
        while self._held:
            self._moved.clear()
            await self._moved.wait()


class Sender:
    """Wakes the workers for what is due."""

    def __init__(self, leadership: Leadership, wake: Callable[[], None]) -> None:
        self._leadership = leadership
        self._wake = wake

    async def send(self, view: View | None) -> float:
        if view:
            for queue in view.silent:  # another backend of this service gave its ids to a broker
                await self._leadership.lost(queue, view.now)
            if any(view.seconds_until(at) <= 0 for at in view.due.values()):
                self._wake()
        return POLL


@asynccontextmanager
async def running_worker(
    resources: Resources, queues: Sequence[str]
) -> AsyncIterator[Callable[[], None]]:
    """Run tasks until the end of the block; yield what tells of it when the loop is blocked."""
    queue = resources.queue
    assert isinstance(queue, OutboxQueue)  # noqa: S101 - this overlay's
    worker = LocalWorker(queue.rows, TaskSettings.load(), queues)
    known = list(dict.fromkeys([*queue_names(), *queues]))
    dispatcher = Dispatcher(queue.rows, known)

    def wake() -> None:
        worker.woken.set()  # by itself: a pooler may pass no notifications
        queue.wake()

    dispatcher.send = Sender(dispatcher.leadership, wake).send
    async with woken_by_commits(queue.rows.engine, worker.woken):
        taking = [
            asyncio.create_task(for_ever(worker.take, "no tasks are taken")),
            asyncio.create_task(dispatcher.run()),
        ]
        settling = asyncio.create_task(worker.settle_for_ever())
        try:
            yield worker.stop
        except asyncio.CancelledError:  # by nobody but a loop that was left amid its tasks
            log.critical("the event loop was left amid its tasks: the process ends")
            os._exit(LOOP_LEFT)
        finally:
            await _cancel(taking)
            await worker.close()
            await _cancel([settling])
            with suppress(Exception):  # another one takes over in seconds
                await dispatcher.leadership.step_down()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
