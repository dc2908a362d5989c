"""Celery beat, for schedules. Several may run: each run has one id, and is written once."""

from datetime import datetime
from typing import Any

import structlog
from celery.beat import Scheduler

from .celery_loop import close_process_loop, process_loop
from .message import utc_now
from .recorded import RecordedTaskQueue
from .schedule import message_of_run, next_due
from .task import Task

LONGEST_SLEEP = 30.0  # seconds, as the wall clock may be set
log = structlog.get_logger(__name__)


class RowScheduler(Scheduler):
    """Times missed while down are skipped."""

    def setup_schedule(self) -> None:
        self._last = utc_now()

    def tick(self, *_: Any, **__: Any) -> float:
        """Publish what is due; return the seconds until the next call."""
        due = next_due(self._last)
        if not due:
            return LONGEST_SLEEP
        at = min(due)
        if (seconds := (at - utc_now()).total_seconds()) > 0:
            return min(seconds, LONGEST_SLEEP)
        self._last = at
        self._publish(due[at], at)
        return 0.0

    def _publish(self, tasks: list[Task[..., Any]], at: datetime) -> None:
        loop = process_loop()
        queue = loop.resources.queue
        assert isinstance(queue, RecordedTaskQueue)  # noqa: S101 - Celery's is
        try:
            loop.run(queue.publish_scheduled([message_of_run(task, at) for task in tasks]))
        except Exception:
            log.exception("schedule missed", tasks=[task.name for task in tasks])

    def close(self) -> None:
        """At a signal this is called twice: in it, and when what it interrupted has ended."""
        close_process_loop()
