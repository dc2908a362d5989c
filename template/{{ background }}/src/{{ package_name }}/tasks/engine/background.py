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
from functools import partial
from threading import Event, Thread
from uuid import UUID

import structlog
from fastapi import BackgroundTasks
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from ...service.settings import ServiceSettings
from ..message import TaskMessage, utc_now
from ..progress import Run
from .history import History
from .loop_watch import TICK, LoopWatch
from .queue import QueueStats, TaskQueue, TaskStatus, Written
from .runner import Outcome, RetryLater, Runner
from .schedule import run_now, runs_due, seconds_until_next

log = structlog.get_logger(__name__)
UNHEEDED = 5.0  # seconds after which a task that heeds no cancellation is left behind
LONGEST_RESPONSE = 5.0  # seconds; the tasks of a longer one, a stream, start before its end


class TaskSettings(ServiceSettings):
    task_concurrency: PositiveInt = 100
    """Tasks of one queue that run at one time."""
    task_threads: PositiveInt = 16
    """Threads for `def` tasks, apart from those of the API's `def` routes."""
    task_history: NonNegativeInt = 10_000
    """Finished tasks whose status is kept."""
    shutdown_grace: NonNegativeFloat = 20.0
    """Seconds that a stopping process gives to running tasks."""


class BackgroundTaskQueue:
    def __init__(self, settings: TaskSettings) -> None:
        self._settings = settings
        self._history = History(settings.task_history)
        self._runner = Runner(settings.task_threads)
        self._places: dict[str, asyncio.Semaphore] = {}
        self._works: dict[UUID, asyncio.Task[None]] = {}
        self._runs: dict[UUID, Run] = {}

    def write(self, messages: Sequence[TaskMessage], session: Session) -> list[Written]:  # noqa: ARG002 - nothing is stored
        standing = self._history.standing(messages)
        return [
            (task_id, partial(self._accept_and_start, message))
            for task_id, message in zip(standing, messages, strict=True)
        ]

    def _accept_and_start(self, message: TaskMessage) -> None:
        if self.accept(message):
            self.start(message)

    def accept(self, message: TaskMessage) -> bool:
        """Note a new task; False if another has its key by now."""
        return self._history.accept(message)

    def start(self, message: TaskMessage) -> None:
        if self._history.is_waiting(message.id):  # it was not cancelled meanwhile
            work = asyncio.create_task(self._work(message), name=str(message.id))
            self._works[message.id] = work
            work.add_done_callback(lambda _: self._works.pop(message.id, None))

    async def _work(self, message: TaskMessage) -> None:
        """Run the message, attempt by attempt, until it has succeeded or failed."""
        places = self._places.setdefault(
            message.queue, asyncio.Semaphore(self._settings.task_concurrency)
        )
        while True:
            while wait := message.seconds_until_due():  # noqa: ASYNC110 - a clock may be set back
                await asyncio.sleep(wait)
            async with places:
                outcome, run = await self._attempt(message)
            if not isinstance(outcome, RetryLater):
                break
            message = message.numbered(message.attempt + 1)
            message = message.due(utc_now() + timedelta(seconds=outcome.delay))
            self._history.queued(message, outcome.error)
        self._history.finished(message, outcome, run.progress)

    async def _attempt(self, message: TaskMessage) -> tuple[Outcome, Run]:
        run = self._runs[message.id] = Run(message)
        self._history.started(message, run)
        try:
            return await self._runner.run(run), run
        finally:
            self._runs.pop(message.id, None)

    async def status(self, task_id: UUID) -> TaskStatus | None:
        return self._history.get(task_id)

    def cancel_waiting(self, task_id: UUID, session: Session) -> Callable[[], None]:  # noqa: ARG002 - as above
        return partial(self._cancel_waiting, task_id)

    def _cancel_waiting(self, task_id: UUID) -> None:
        if self._history.is_waiting(task_id):
            self._cancel(task_id)

    async def stats(self) -> QueueStats:
        return self._history.stats()

    async def failed(self) -> list[TaskStatus]:
        return self._history.failed()

    async def retry(self, task_id: UUID) -> bool:
        message = self._history.take_ended(task_id)
        if message:
            self._accept_and_start(message)
        return message is not None

    async def cancel(self, task_id: UUID) -> bool:
        return self._cancel(task_id)

    def _cancel(self, task_id: UUID) -> bool:
        if not self._history.cancel(task_id):
            return False
        if run := self._runs.get(task_id):
            run.stop("it was cancelled")
        elif work := self._works.get(task_id):
            work.cancel()
        return True

    async def run(self, name: str) -> UUID | None:
        if (message := run_now(name)) is None:
            return None
        [task_id] = self._history.standing([message])
        self._accept_and_start(message)
        return task_id

    async def purge(self) -> int:
        waiting = self._history.purge()
        for task_id in waiting:
            if work := self._works.get(task_id):
                work.cancel()
        return len(waiting)

    async def publish_on_schedule(self) -> None:
        """Start each scheduled task at its times, for ever."""
        last = utc_now()
        while True:
            await asyncio.sleep(min(1.0, seconds_until_next(last) or 1.0))
            now = utc_now()
            for message in runs_due(last, now):
                self._accept_and_start(message)
            last = now

    async def close(self) -> None:
        """Wait for the tasks that can still be done in the grace; name those that cannot."""
        deadline = utc_now() + timedelta(seconds=self._settings.shutdown_grace)
        while hopeful := [
            self._works[message.id]
            for message in self._history.unfinished()
            if message.id in self._works and (message.not_before or utc_now()) < deadline
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
        for run in list(self._runs.values()):
            run.stop("the process stops")
        for work in self._works.values():
            work.cancel()
        if self._works:
            await asyncio.wait(self._works.values(), timeout=UNHEEDED)


class AfterResponse:
    """The queue as one request sees it: its tasks start when its response has gone out."""

    def __init__(self, queue: BackgroundTaskQueue, response_tasks: BackgroundTasks) -> None:
        self._queue = queue
        self._response_tasks = response_tasks
        self._waiting: list[TaskMessage] = []
        self.status = queue.status
        self.cancel_waiting = queue.cancel_waiting

    def write(self, messages: Sequence[TaskMessage], session: Session) -> list[Written]:
        written = self._queue.write(messages, session)
        return [
            (task_id, partial(self._wait, message))
            for (task_id, _), message in zip(written, messages, strict=True)
        ]

    def _wait(self, message: TaskMessage) -> None:
        if not self._queue.accept(message):
            return
        if not self._waiting:
            self._response_tasks.add_task(self._response_sent)
            loop = asyncio.get_running_loop()
            loop.call_later(LONGEST_RESPONSE, self._give_up_waiting)
        self._waiting.append(message)

    async def _response_sent(self) -> None:  # async: a `def` would be run in a thread
        self.start_waiting()

    def _give_up_waiting(self) -> None:
        """A response that waits for its own task would wait for ever."""
        if self._waiting:
            log.warning("tasks start before the response has ended", seconds=LONGEST_RESPONSE)
            self.start_waiting()

    def start_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self._queue.start(message)


async def request_queue(
    connection: HTTPConnection, response_tasks: BackgroundTasks
) -> AsyncIterator[TaskQueue]:
    if connection.scope["type"] == "websocket":
        yield connection.app.state.queue  # there is no response to wait for
        return
    queue = AfterResponse(connection.app.state.queue, response_tasks)
    try:
        yield queue
    finally:
        # FastAPI drops background tasks if the route raises after its commit, or returns a
        # response that has some of its own, or if the client has gone.
        queue.start_waiting()


@asynccontextmanager
async def open_queue(_engine: AsyncEngine, _reading: AsyncEngine) -> AsyncIterator[TaskQueue]:
    queue = BackgroundTaskQueue(TaskSettings.load())
    closed = Event()
    Thread(target=_watch, args=(LoopWatch(), closed), daemon=True, name="watch").start()
    scheduler = asyncio.create_task(queue.publish_on_schedule())
    try:
        yield queue
    finally:
        scheduler.cancel()
        await queue.close()
        closed.set()


def _watch(loop_watch: LoopWatch, closed: Event) -> None:
    while not closed.wait(TICK):
        loop_watch.look()
