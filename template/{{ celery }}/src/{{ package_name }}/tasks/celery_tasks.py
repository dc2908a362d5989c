"""The tasks as Celery knows them: each under its own name, with the message as its argument."""

import asyncio
import json
import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Never

import structlog
from billiard.common import TERM_SIGNAL
from celery import Task
from celery.exceptions import Reject, SoftTimeLimitExceeded

from ..discovery import import_all
from ..settings import PREFIX, SettingsError
from . import celery_transport
from .celery_app import TaskSettings, app
from .celery_loop import process_loop
from .delivery import parse, run_delivered
from .message import TaskMessage, utc_now
from .records import Records
from .runner import Failed, Outcome, RetryLater, Runner
from .task import registry

log = structlog.get_logger(__name__)
UNREADABLE = "unreadable message"  # the task that keeps what no task can take
LIMIT_MARGIN = 5.0  # seconds after a task's timeout, which its runner has then failed to enforce
PAUSE = 5.0  # seconds before a task whose row could not be reached is tried again


class TaskFailed(Exception):  # noqa: N818 - what Celery and Flower show
    pass


class MessageTask(Task):  # type: ignore[type-arg]  # generic for type checkers only
    max_retries = None  # the runner decides
    throws = (TaskFailed,)  # logged by the runner already

    def run(self, *args: Any, **kwargs: Any) -> None:
        """Run one attempt, so that Celery's tools see how it ended."""
        body = str(args[0]) if len(args) == 1 and not kwargs else json.dumps([args, kwargs])
        try:
            outcome = process_loop().run(_attempt(body))
        except asyncio.CancelledError:
            raise SystemExit(1) from None  # cancelled by a signal: the message goes back
        except SoftTimeLimitExceeded as error:
            raise Reject(error, requeue=True) from error  # handed back when it was cancelled
        except Exception as error:  # such as a database that is down
            log.exception("task put off", task=self.name, task_id=self.request.id)
            self._again(body, PAUSE, error)
        match outcome:
            case RetryLater(error=text, delay=delay):
                self._again(_next(body, delay), delay, TaskFailed(text))
            case Failed(error=text):
                raise TaskFailed(text)

    def _again(self, body: str, delay: float, error: Exception) -> Never:
        seconds = celery_transport.countdown(app, delay)
        queue = app.conf.task_default_queue
        try:
            raise self.retry(args=(body,), kwargs={}, exc=error, countdown=seconds, queue=queue)
        except Reject as refused:  # the broker did not take it: then it keeps the one it has
            raise Reject(str(refused), requeue=True) from error


async def _attempt(body: str) -> Outcome | None:
    records = Records(process_loop().resources.sessions)
    with _cancelled_by_signal():
        if early := await _seconds_too_early(body, records):
            return RetryLater("not due yet", early)
        return await run_delivered(body, Runner(threads=1), records)


@contextmanager
def _cancelled_by_signal() -> Iterator[None]:
    """Let the signal by which Celery ends a task cancel it: its attempt is handed back."""
    current = asyncio.current_task()
    assert current is not None  # noqa: S101 - for type checkers
    loop = asyncio.get_running_loop()
    before = signal.getsignal(TERM_SIGNAL)
    loop.add_signal_handler(TERM_SIGNAL, current.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(TERM_SIGNAL)
        signal.signal(TERM_SIGNAL, before)


async def _seconds_too_early(body: str, records: Records) -> float:
    """Return what is left of a delay that the broker takes in steps; 0 for what may run."""
    try:
        message = parse(body)
    except ValueError:
        return 0
    if message.not_before is None or message.not_before <= utc_now():
        return 0
    status = await records.status(message.id)
    if status and status.finished_at:
        return 0  # purged meanwhile: skipped
    return (message.not_before - utc_now()).total_seconds()


def _next(body: str, delay: float) -> str:
    message: TaskMessage = parse(body)
    return message.next_attempt(delay).model_dump_json()


@cache
def register_tasks() -> None:
    """Register each task under its names; raises SettingsError if one does not fit the settings."""
    import_all()
    longest = TaskSettings.load().task_time_limit
    for name, task in registry.items():
        if task.timeout > longest:
            raise SettingsError(
                f"{task.name} has a timeout of {task.timeout:g} s, more than "
                f"{PREFIX}TASK_TIME_LIMIT={longest:g}: raise that one, or lower the timeout. "
                "The broker takes a task that runs for longer for lost, and delivers it again."
            )
        _register(name, task.timeout + LIMIT_MARGIN)
    _register(UNREADABLE, LIMIT_MARGIN)


def _register(name: str, time_limit: float) -> None:
    task = MessageTask()
    task.name = name
    task.time_limit = math.ceil(time_limit)
    app.register_task(task)
