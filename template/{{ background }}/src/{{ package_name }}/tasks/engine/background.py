"""FastAPI BackgroundTasks: tasks run in the API's process, after the response.

FastAPI's own object only hands a task over when the response has gone out. Each task then runs
by itself, so that a slow or failing one holds up no other (FastAPI runs them one by one and
drops those behind one that raises). Nothing is stored: what is unfinished when the process is
killed is lost.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import structlog
from fastapi import BackgroundTasks, Request
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from ..settings import ServiceSettings
from .history import History
from .message import TaskMessage, utc_now
from .queue import Capabilities, QueueStats, TaskQueue, TaskStatus
from .runner import Failed, RetryLater, Runner
from .schedule import publish_on_schedule

log = structlog.get_logger(__name__)


class TaskSettings(ServiceSettings):
    task_concurrency: PositiveInt = 100
    """Tasks that run at one time."""
    task_threads: PositiveInt = 16
    """Threads for `def` tasks, apart from those of the API's `def` routes."""
    task_history: NonNegativeInt = 10_000
    """Finished tasks whose status is kept."""
    shutdown_grace: NonNegativeFloat = 20.0
    """Seconds that a stopping process gives to running tasks."""


class BackgroundTaskQueue:
    capabilities = Capabilities(
        transactional=False,
        survives_api_kill=False,
        survives_worker_kill=False,
        separate_worker=False,
    )

    def __init__(self, settings: TaskSettings) -> None:
        self._settings = settings
        self._history = History(settings.task_history)
        self._runner = Runner(settings.task_threads)
        self._slots = asyncio.Semaphore(settings.task_concurrency)
        self._started: dict[UUID, asyncio.Task[None]] = {}

    async def write(
        self,
        messages: Sequence[TaskMessage],
        session: AsyncSession,  # noqa: ARG002 - the port's
    ) -> list[UUID]:
        first: dict[str, UUID] = {}
        ids = []
        for message in messages:
            standing = self._history.unfinished_with(message.key) or message.id
            ids.append(first.setdefault(message.key, standing) if message.key else standing)
        return ids

    async def send(self, messages: Sequence[TaskMessage]) -> None:
        for message in messages:
            self.accept(message, self.start)

    def accept(self, message: TaskMessage, start: Callable[[TaskMessage], None]) -> None:
        if self._history.accept(message):
            start(message)

    def start(self, message: TaskMessage) -> None:
        work = asyncio.create_task(self._work(message), name=str(message.id))
        self._started[message.id] = work
        work.add_done_callback(lambda _: self._started.pop(message.id))

    async def _work(self, message: TaskMessage) -> None:
        """Run the message, attempt by attempt, until it has succeeded or failed."""
        while True:
            await asyncio.sleep(_seconds_until_due(message))
            async with self._slots:
                self._history.started(message)
                outcome = await self._runner.run(message)
            if not isinstance(outcome, RetryLater):
                break
            message = message.next_attempt(outcome.delay)
            self._history.queued(message, outcome.error)
        self._history.finished(message, outcome.error if isinstance(outcome, Failed) else None)

    async def status(self, task_id: UUID) -> TaskStatus | None:
        return self._history.get(task_id)

    async def stats(self) -> QueueStats:
        return self._history.stats()

    async def failed(self) -> list[TaskStatus]:
        return self._history.failed()

    async def retry(self, task_id: UUID) -> bool:
        if message := self._history.take_failed(task_id):
            await self.send([message])
        return message is not None

    async def purge(self) -> int:
        waiting = [m for m in self._history.queued_messages() if m.id in self._started]
        for message in waiting:
            self._started[message.id].cancel()
            self._history.finished(message, "purged")
        return len(waiting)

    async def close(self) -> None:
        """Wait for the tasks that can still be done in the grace; name those that cannot."""
        deadline = utc_now() + timedelta(seconds=self._settings.shutdown_grace)
        while hopeful := [
            self._started[message.id]
            for message in self._history.unfinished()
            if message.id in self._started and (message.not_before or utc_now()) < deadline
        ]:
            remaining = (deadline - utc_now()).total_seconds()
            if remaining <= 0:
                break
            await asyncio.wait(hopeful, timeout=remaining, return_when=asyncio.FIRST_COMPLETED)
        for message in self._history.unfinished():
            log.error(
                "task given up at shutdown",
                task=message.task,
                task_id=str(message.id),
                correlation_id=message.correlation_id,
            )
        for work in self._started.values():
            work.cancel()
        await asyncio.gather(*self._started.values(), return_exceptions=True)


class AfterResponse:
    """The queue as one request sees it: its tasks start when its response has gone out."""

    def __init__(self, queue: BackgroundTaskQueue, response_tasks: BackgroundTasks) -> None:
        self._queue = queue
        self._response_tasks = response_tasks
        self._waiting: list[TaskMessage] = []
        self.capabilities = queue.capabilities
        self.write = queue.write
        self.status = queue.status

    async def send(self, messages: Sequence[TaskMessage]) -> None:
        for message in messages:
            self._queue.accept(message, self._wait)

    def _wait(self, message: TaskMessage) -> None:
        if not self._waiting:
            self._response_tasks.add_task(self._response_sent)
        self._waiting.append(message)

    async def _response_sent(self) -> None:  # async: a `def` would be run in a thread
        self.start_waiting()

    def start_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self._queue.start(message)


async def request_queue(
    request: Request, response_tasks: BackgroundTasks
) -> AsyncIterator[TaskQueue]:
    queue = AfterResponse(request.app.state.queue, response_tasks)
    try:
        yield queue
    finally:
        # FastAPI drops background tasks if the route raises after its commit, or returns a
        # response that has some of its own, or if the client has gone.
        queue.start_waiting()


@asynccontextmanager
async def open_queue(
    settings: TaskSettings,
    sessions: async_sessionmaker[AsyncSession],  # noqa: ARG001 - nothing is stored
) -> AsyncIterator[BackgroundTaskQueue]:
    queue = BackgroundTaskQueue(settings)
    scheduler = asyncio.create_task(publish_on_schedule(queue.send))
    try:
        yield queue
    finally:
        scheduler.cancel()
        await queue.close()


def _seconds_until_due(message: TaskMessage) -> float:
    return max(0.0, (message.not_before - utc_now()).total_seconds()) if message.not_before else 0.0
