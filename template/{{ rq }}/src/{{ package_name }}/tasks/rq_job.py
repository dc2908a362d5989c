"""What a job runs, in a process of its own: one attempt at one task."""

import asyncio
import math
import os
import signal
import time
from contextlib import suppress
from typing import Any

import structlog
from rq import Retry
from rq.exceptions import NoSuchJobError
from rq.job import Job

from ..resources import open_resources
from .broker import BrokerSettings
from .delivery import run_delivered
from .records import Records
from .rq import RUN_TASK, UNBOUNDED, TaskSettings
from .runner import Failed, Outcome, RetryLater, Runner

log = structlog.get_logger(__name__)
PAUSE = 5  # seconds until a job is run again whose row could not be written
PARENT_CHECK = 1.0  # seconds between two looks at whether the worker is alive


class TaskFailed(Exception):  # noqa: N818 - reads as the fact that it states, as the others do
    """Puts a job among RQ's failed ones."""


class JobRefused(Exception):  # noqa: N818
    """Puts one there that is not ours."""


class HandedBack(Exception):  # noqa: N818
    """Puts a job back to the front of the queue."""


LOGGED = (TaskFailed, JobRefused, HandedBack)


def run_task(body: str) -> Retry | None:
    """Run one attempt. Raises TaskFailed after the last one, and HandedBack."""
    try:
        outcome = asyncio.run(_run(body))
    except asyncio.CancelledError as error:
        raise HandedBack from error
    except Exception:  # whatever the database says when it is away; the task's own are outcomes
        log.exception("task put back, its row could not be written")
        return Retry(UNBOUNDED, PAUSE)
    match outcome:
        case Failed(error=reason):
            raise TaskFailed(reason)
        case RetryLater(delay=delay):
            return Retry(UNBOUNDED, _whole_seconds(delay))
        case _:
            return None


def _whole_seconds(delay: float) -> int:
    """Return what RQ has to add to the present, and then cut the fraction off."""
    now = time.time()
    return math.ceil(now + delay) - int(now)


async def _run(body: str) -> Outcome | None:
    """Cancelled, it has handed the attempt back."""
    ending = asyncio.create_task(_end_of_grace())
    try:
        async with open_resources() as resources:
            records = Records(resources.sessions)
            running = asyncio.create_task(run_delivered(body, Runner(threads=1), records))
            await asyncio.wait({running, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                log.warning("task handed back at shutdown")
                running.cancel()
            return await running
    finally:
        ending.cancel()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # RQ has its notes to make


async def _end_of_grace() -> None:
    """Return SHUTDOWN_GRACE after the worker was stopped, or was killed."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    worker = os.getppid()
    while not stopped.is_set() and os.getppid() == worker:
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), PARENT_CHECK)
    await asyncio.sleep(TaskSettings.load().shutdown_grace)


class TaskJob(Job):
    """A job as the worker reads it: whatever functions it names, the one that is called is ours."""

    refusal = ""

    def restore(self, raw_data: Any) -> None:
        try:
            super().restore(raw_data)
            self.refusal = _refusal(self)
        except NoSuchJobError:
            raise
        except Exception as error:  # noqa: BLE001 - it would end the worker, and the next one too
            self.data, self.origin = b"", BrokerSettings.load().task_queue
            self.refusal = f"it cannot be read: {error!r}"
        self._success_callback_name = self._failure_callback_name = None
        self._stopped_callback_name = None
        self.webhooks = []
        if self.refusal:
            log.error("job refused", job_id=self.id, reason=self.refusal)
            self.retries_left = 0

    def _execute(self) -> Retry | None:
        if self.refusal:
            raise JobRefused(self.refusal)
        try:
            return run_task(*self.args)
        except TaskFailed:
            self.retries_left = 0  # RQ only brings back the jobs of processes that were killed
            raise


def _refusal(job: Job) -> str:
    if job.func_name != RUN_TASK:
        return f'it calls "{job.func_name}", and {RUN_TASK} is the one function that a job may call'
    if job.kwargs or [type(argument) for argument in job.args] != [str]:
        return "it needs one argument, the message"
    return ""
