"""The event loop of a process that an engine runs tasks in, and what is open on it."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from contextvars import copy_context
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from ...service.process import reset_signals_in_children
from ...service.resources import open_resources
from .attempt import run_by_id
from .brokered import BrokeredQueue
from .keeper import Keeper, StopPipe
from .leader import Leadership
from .runner import Failed, Outcome, RetryLater, Runner
from .sender import hear

T = TypeVar("T")
LOOP_LEFT = 3  # exit code
stop_pipe: list[StopPipe] = []
"""Of the worker command that this process belongs to, if it is one's."""


class TaskFailed(Exception):  # noqa: N818 - what the engine's tools show
    pass


class Loop:
    """One loop for all tasks of a process: database connections and clients belong to it."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        resources = self._runner.run(self._stack.enter_async_context(open_resources()))
        assert isinstance(resources.queue, BrokeredQueue)  # noqa: S101 - this overlay's
        self.queue = resources.queue
        self._lasting = asyncio.all_tasks(self._runner.get_loop())
        self._tasks = Runner(threads=1)
        if not self.queue.settings.runs_in_worker:
            # Sent to a whole group of processes, as systemd does: the pipe tells when to stop.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            reset_signals_in_children()
        pipe = stop_pipe[0] if stop_pipe else StopPipe()
        self._keeper = Keeper(pipe.reading, self.queue.settings.shutdown_grace)

    def run_row(self, task_id: UUID) -> Outcome | None:
        attempt = run_by_id(task_id, self.queue.rows, self._tasks, self._keeper)
        return self.run(attempt)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            return self._runner.run(self._alone(coroutine), context=copy_context())
        except SystemExit:  # of a task that the task made: it has left the loop, amid all others
            os._exit(LOOP_LEFT)

    async def _alone(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Nothing that a task has begun goes on in the next one."""
        try:
            return await coroutine
        finally:
            leftovers = asyncio.all_tasks() - self._lasting - {asyncio.current_task()}
            for task in leftovers:
                task.cancel()
            await asyncio.gather(*leftovers, return_exceptions=True)
            await self.queue.pusher.flush()


@cache
def process_loop() -> Loop:
    """Return this process's loop, made at its first task: one made before a fork is shared."""
    return Loop()


def run_row(task_id: str) -> str:
    """Run one attempt; return what the engine's tools show. Raises TaskFailed."""
    try:
        outcome = process_loop().run_row(UUID(task_id))
    except asyncio.CancelledError:
        return "handed back"
    match outcome:
        case Failed(error=error):
            raise TaskFailed(error)
        case RetryLater(error=error):
            return f"to be retried: {error}"
    return "done" if outcome else "skipped"


def sound(queue: str, at: str, again: bool) -> None:  # noqa: FBT001 - engines pass it by position
    """Hear a sounding that came through one of a queue's two, and send it through the other."""
    loop = process_loop()
    if again:
        loop.run(loop.queue.pusher.sound(queue, at, again=False))
    else:
        loop.run(hear(Leadership(loop.queue.rows, "", []), queue, at))
