"""The outbox's own worker: claims rows, runs their tasks beside each other, settles them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import structlog
from pydantic import NonNegativeFloat, PositiveInt

from ..resources import Resources
from ..settings import ServiceSettings
from .claims import Claim, Claims
from .delivery import died_too_often, parse
from .intake import POLL, Intake
from .outbox import OutboxTaskQueue, TaskSettings
from .outbox_database import listen
from .records import outcome_columns
from .runner import Failed, Outcome, Runner
from .schedule import publish_on_schedule

log = structlog.get_logger(__name__)


class WorkerSettings(ServiceSettings):
    task_concurrency: PositiveInt = 100
    """Tasks that run at one time."""
    task_threads: PositiveInt = 16
    """Threads for `def` tasks."""
    shutdown_grace: NonNegativeFloat = 20.0
    """Seconds that a stopping worker gives to running tasks before it hands them back."""


class LocalWorker:
    def __init__(self, claims: Claims, settings: WorkerSettings) -> None:
        self._claims = claims
        self._settings = settings
        self._runner = Runner(settings.task_threads)
        self._held: dict[UUID, Claim] = {}
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._settled: list[tuple[Claim, dict[str, Any]]] = []
        self._changed = asyncio.Event()

    async def room(self) -> int:
        """Return how many tasks may be started; waits while there is no room for one."""
        while (free := self._settings.task_concurrency - len(self._held)) <= 0:
            self._changed.clear()
            await self._changed.wait()
        return free

    def start(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            self._held[claim.id] = claim
            self._running[claim.id] = asyncio.create_task(self._run(claim))

    async def _run(self, claim: Claim) -> None:
        try:
            outcome = await self._attempt(claim)
        finally:
            del self._running[claim.id]
        unfinished = {"run_at": claim.run_at, "finished_at": None, "locked_until": None}
        self._settled.append((claim, {**unfinished, **outcome_columns(outcome)}))
        self._changed.set()

    async def _attempt(self, claim: Claim) -> Outcome:
        try:
            message = parse(claim.body).model_copy(update={"attempt": claim.attempt})
        except ValueError as error:
            log.error("task failed", task_id=str(claim.id), error=str(error))  # noqa: TRY400 - no bug
            return Failed(str(error))
        return died_too_often(message) or await self._runner.run(message)

    async def settle_for_ever(self) -> None:
        """Write what has finished since the last time, in one go."""
        while True:
            if not self._settled:
                self._changed.clear()
                await self._changed.wait()
            try:
                await self.settle()
            except Exception as error:  # noqa: BLE001 - whatever the database says when it is away
                log.warning("outbox not written", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(POLL)

    async def settle(self) -> None:
        settled = self._settled[:]
        await self._claims.settle(settled)
        del self._settled[: len(settled)]
        for claim, _ in settled:
            self._held.pop(claim.id, None)
        self._changed.set()

    async def keep_leases(self, lease: float) -> None:
        while True:
            await asyncio.sleep(lease / 3)
            try:
                await self._claims.extend(list(self._held.values()))
            except Exception as error:  # noqa: BLE001 - whatever the database says when it is away
                log.warning("leases were not kept", error=f"{type(error).__name__}: {error}")

    async def close(self) -> None:
        """Wait for running tasks, then hand back those that are not done."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=self._settings.shutdown_grace)
        unfinished = dict(self._running)
        for task in unfinished.values():
            task.cancel()
        await asyncio.gather(*unfinished.values(), return_exceptions=True)
        await self.settle()
        for claim in self._held.values():
            log.warning("task handed back at shutdown", task_id=str(claim.id))
        await self._claims.release(self._held.values())


@asynccontextmanager
async def running_worker(resources: Resources) -> AsyncIterator[None]:
    """Work the outbox off until the end of the block."""
    queue = resources.queue
    assert isinstance(queue, OutboxTaskQueue)  # noqa: S101 - this overlay's
    settings = TaskSettings.load()
    claims = Claims(resources.engine, settings.task_lease)
    intake = Intake(claims, settings.task_batch)
    worker = LocalWorker(claims, WorkerSettings.load())

    async def take() -> None:
        async for batch in intake.batches(run=True, room=worker.room):
            worker.start(batch)

    taking = [
        asyncio.create_task(take()),
        asyncio.create_task(listen(resources.engine, intake.woken)),
        asyncio.create_task(publish_on_schedule(queue.publish_scheduled)),
    ]
    keeping = [
        asyncio.create_task(worker.settle_for_ever()),
        asyncio.create_task(worker.keep_leases(settings.task_lease)),
    ]
    try:
        yield
    finally:
        await _cancel(taking)
        await worker.close()
        await _cancel(keeping)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
