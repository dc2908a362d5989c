"""Run one message: find its task, check its arguments, bound its time, decide on a retry."""

import asyncio
import inspect
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

import structlog
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
        self._threads = asyncio.Semaphore(threads)

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
        call = partial(task.function, **arguments)
        is_async = inspect.iscoroutinefunction(task.function)
        async with nullcontext() if is_async else self._threads:
            limit = asyncio.timeout(task.timeout)
            try:
                async with limit:
                    await (call() if is_async else _in_thread(call))
            except BaseException as error:
                if _cancelled_from_outside(error):
                    raise
                late = TimeoutError(f"not done after {task.timeout:g} s")
                return _after(late if limit.expired() else error, task, message.attempt)
        return Succeeded()


async def _in_thread(call: Callable[[], Any]) -> None:
    """Run the call in a daemon thread: one that hangs cannot hold up the end of the process."""
    future: Future[None] = Future()

    def run() -> None:
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
                future.set_exception(error)

    Thread(target=copy_context().run, args=(run,), daemon=True).start()
    await asyncio.wrap_future(future)


def _cancelled_from_outside(error: BaseException) -> bool:
    """Tell the end of the process from a task that awaited something cancelled."""
    current = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and bool(current and current.cancelling())


def _after(error: BaseException, task: Task[..., Any], attempt: int) -> Outcome:
    log.warning("task raised", exc_info=error)
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, DoNotRetry) or not isinstance(error, task.retry.on):
        return Failed(text)
    delay = task.retry.delay_after(attempt)
    return Failed(text) if delay is None else RetryLater(text, delay)
