"""Run one message: find its task, check its arguments, bound its time, decide on a retry."""

import asyncio
import inspect
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from anyio import CapacityLimiter, to_thread
from opentelemetry import metrics

from .errors import DoNotRetry, TaskError
from .message import TaskMessage, running
from .task import Task, find_task

log = structlog.get_logger(__name__)
finished = metrics.get_meter(__name__).create_counter("tasks.finished", unit="{attempt}")


@dataclass(frozen=True, slots=True)
class Succeeded:
    pass


@dataclass(frozen=True, slots=True)
class Failed:
    error: str


@dataclass(frozen=True, slots=True)
class RetryLater:
    error: str
    delay: float
    """In seconds."""


Outcome = Succeeded | Failed | RetryLater


class Runner:
    """Runs ``async def`` tasks on the event loop, ``def`` tasks in at most ``threads`` threads."""

    def __init__(self, threads: int) -> None:
        self._threads = CapacityLimiter(threads)

    async def run(self, message: TaskMessage) -> Outcome:
        """Run one attempt. Nothing that the task raises gets out, except a cancellation."""
        with running(message):
            log.info("task started")
            outcome = await self._attempt(message)
            match outcome:
                case Succeeded():
                    log.info("task succeeded")
                case RetryLater(error=error, delay=delay):
                    log.warning("task failed, will be retried", error=error, delay=round(delay, 3))
                case Failed(error=error):
                    log.error("task failed", error=error)
        finished.add(1, {"task": message.task, "outcome": type(outcome).__name__})
        return outcome

    async def _attempt(self, message: TaskMessage) -> Outcome:
        try:
            task = find_task(message.task)
            arguments = task.load(message)
        except TaskError as error:
            return Failed(str(error))
        limit = asyncio.timeout(task.timeout)
        try:
            async with limit:
                await self._call(task, arguments)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a task may raise
            late = TimeoutError(f"not done after {task.timeout:g} s")
            return _after(late if limit.expired() else error, task, message.attempt)
        return Succeeded()

    async def _call(self, task: Task[..., Any], arguments: dict[str, Any]) -> None:
        if inspect.iscoroutinefunction(task.function):
            await task.function(**arguments)
        else:
            call = partial(task.function, **arguments)
            await to_thread.run_sync(call, limiter=self._threads, abandon_on_cancel=True)


def _after(error: BaseException, task: Task[..., Any], attempt: int) -> Outcome:
    log.warning("task raised", exc_info=error)
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, DoNotRetry) or not isinstance(error, task.retry.on):
        return Failed(text)
    delay = task.retry.delay_after(attempt)
    return Failed(text) if delay is None else RetryLater(text, delay)
