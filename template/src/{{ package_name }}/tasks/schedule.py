"""Publish the scheduled tasks when they are due."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import structlog

from .message import TaskMessage, utc_now
from .task import Task, registry

log = structlog.get_logger(__name__)

Publish = Callable[[Sequence[TaskMessage]], Awaitable[Any]]


async def publish_on_schedule(publish: Publish) -> None:
    """Publish each scheduled task at its times, for ever. Times missed while down are skipped."""
    last = utc_now()
    while due := next_due(last):
        last = min(due)
        while (seconds := (last - utc_now()).total_seconds()) > 0:  # noqa: ASYNC110 - awaits a time
            await asyncio.sleep(min(seconds, 30))  # in steps, as the wall clock may be set
        try:
            await publish([message_of_run(task, last) for task in due[last]])
        except Exception:
            log.exception("schedule missed", tasks=[task.name for task in due[last]])


def next_due(after: datetime) -> dict[datetime, list[Task[..., Any]]]:
    due: dict[datetime, list[Task[..., Any]]] = {}
    for name, task in registry.items():
        if name == task.name and (at := task.next_run(after)):
            due.setdefault(at, []).append(task)
    return due


def message_of_run(task: Task[..., Any], at: datetime) -> TaskMessage:
    """Return the run's message: one id per run, and none while the last run is unfinished."""
    message = task.with_options(key=f"schedule:{task.name}").message()
    return message.model_copy(update={"id": uuid5(NAMESPACE_OID, f"{task.name}@{at}")})
