"""Run one attempt: find the task, check its arguments, bound its time, decide on a retry."""

import asyncio
import inspect
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import Any

import structlog
from opentelemetry import metrics
from pydantic_core import PydanticSerializationError, from_json, to_json

from ...service.scrub import scrubbed
from ..errors import DoNotRetry, TaskError
from ..message import current, span_of
from ..progress import Run, current_run
from ..task import Task, find_task

log = structlog.get_logger(__name__)
finished = metrics.get_meter(__name__).create_counter("tasks.finished", unit="{attempt}")
MAX_RESULT_BYTES = 64 * 1024
ERROR_LENGTH = 2_000  # characters of an error that are kept


@dataclass(frozen=True, slots=True)
class Succeeded:
    result: str | None = None
    """What the task returned, in JSON; None if it returned nothing."""


@dataclass(frozen=True, slots=True)
class Failed:
    error: str
    began: bool = True
    """Whether there was an attempt."""


@dataclass(frozen=True, slots=True)
class RetryLater:
    error: str
    delay: float
    """In seconds."""


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The worker broke it off: the attempt does not count."""

    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Died:
    """Its process was gone."""


Outcome = Succeeded | Failed | RetryLater
Ended = Outcome | HandedBack | Died


class Threads:
    """Daemon threads, kept for the next call: one that hangs cannot hold up the process's end."""

    def __init__(self, most: int) -> None:
        self.place = asyncio.Semaphore(most)
        """Held by who calls; a call that goes on after its timeout has given it up."""
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle = Semaphore(0)

    async def run(self, call: Callable[[], Any]) -> Any:
        future: Future[Any] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except (StopIteration, GeneratorExit) as error:  # a coroutine's own
                    future.set_exception(RuntimeError(describe(error)))
                except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
                    future.set_exception(error)

        self._calls.put(partial(copy_context().run, run))
        if not self._idle.acquire(blocking=False):
            Thread(target=self._work, daemon=True).start()
        return await asyncio.wrap_future(future)

    def _work(self) -> None:
        while True:
            self._calls.get()()
            self._idle.release()


class Runner:
    """Runs ``async def`` tasks on the event loop, ``def`` tasks in at most ``threads`` threads."""

    def __init__(self, threads: int) -> None:
        self._threads = Threads(threads)
        self._log = log.bind()  # once: each use of an unbound one makes another

    async def run(self, run: Run) -> Outcome:
        """Run one attempt. Only a cancellation by ``Run.stop`` gets out of it."""
        message = run.message
        tokens = current_run.set(run), current.set(message)
        try:
            with span_of(message):
                self._log.debug("task started")
                outcome = await self._attempt(run)
                self._tell(outcome, round(run.seconds(), 4))
        finally:
            current_run.reset(tokens[0])
            current.reset(tokens[1])
        finished.add(1, {"task": message.task, "outcome": type(outcome).__name__})
        return outcome

    async def _attempt(self, run: Run) -> Outcome:
        try:
            task = find_task(run.message.task)
            arguments = task.load(run.message)
        except TaskError as error:
            return Failed(describe(error))
        limit = asyncio.timeout(None)
        try:
            async with nullcontext() if task.is_async else self._threads.place, limit:
                run.start()
                limit.reschedule(asyncio.get_running_loop().time() + task.timeout)
                value = await self._call(task, arguments)
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError):
                if run.stopped_by:
                    raise
                _take_back_cancellation()
            late = TimeoutError(f"not done after {task.timeout:g} s")
            return _after(late if limit.expired() else error, task, run.message.attempt)
        return _with_result(value, task)

    async def _call(self, task: Task[..., Any], arguments: dict[str, Any]) -> Any:
        if task.is_async:
            value = task.function(**arguments)
        else:
            value = await self._threads.run(lambda: task.function(**arguments))
        return await value if inspect.isawaitable(value) else value

    def _tell(self, outcome: Outcome, seconds: float) -> None:
        match outcome:
            case Succeeded():
                self._log.info("task succeeded", seconds=seconds)
            case RetryLater(error=error, delay=delay):
                delay = round(delay, 3)
                self._log.warning("task will be retried", error=error, seconds=seconds, delay=delay)
            case Failed(error=error):
                self._log.error("task failed", error=error, seconds=seconds)


def _take_back_cancellation() -> None:
    current = asyncio.current_task()
    while current and current.cancelling():
        current.uncancel()


def _with_result(value: Any, task: Task[..., Any]) -> Outcome:
    if value is None:
        return Succeeded()
    try:
        text = to_json(value, inf_nan_mode="strings").decode()
        from_json(text)  # as whoever asks for it will
    except (PydanticSerializationError, UnicodeDecodeError, ValueError) as error:
        return Failed(f"TaskResultError: {task.name} returned what JSON cannot say ({error})")
    if len(text) > MAX_RESULT_BYTES:
        return Failed(
            f"TaskResultError: {task.name} returned {len(text)} bytes, more than "
            f"{MAX_RESULT_BYTES}: store the data and return its id"
        )
    return Succeeded(text)


def given_up(run: Run) -> Outcome:
    """Return how an attempt ends that goes on long after its time and heeds no cancellation."""
    task = find_task(run.message.task)
    late = TimeoutError(f"not done after {task.timeout:g} s, and it heeds no cancellation")
    token = current.set(run.message)
    try:
        return _after(late, task, run.message.attempt)
    finally:
        current.reset(token)


def _after(error: BaseException, task: Task[..., Any], attempt: int) -> Outcome:
    log.warning("task raised", exc_info=error)
    text = describe(error)
    if isinstance(error, DoNotRetry) or not isinstance(error, task.retry.on):
        return Failed(text)
    delay = task.retry.delay_after(attempt)
    return Failed(text) if delay is None else RetryLater(text, delay)


def describe(error: BaseException) -> str:
    """Return the kind of an error, a colon and its text, without secrets that a URL may hold."""
    kind = type(error).__name__
    try:
        text = scrubbed(str(error))
    except Exception as second:  # noqa: BLE001 - whatever its __str__ raises
        text = f"its text raised {type(second).__name__}"
    # PostgreSQL keeps no NUL, and UTF-8 has no lone surrogates.
    shown = f"{kind}: {text}"[:ERROR_LENGTH].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return shown.encode(errors="replace").decode()
