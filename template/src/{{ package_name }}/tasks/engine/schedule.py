"""The runs of scheduled tasks."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from ..message import TaskMessage, utc_now
from ..task import Task, registry


def runs_due(after: datetime, until: datetime) -> Iterator[TaskMessage]:
    """Yield the last run of each scheduled task that was due in that time (UTC)."""
    for name, task in registry.items():
        if name != task.name:
            continue
        last, at = None, task.next_run(after)
        while at and at <= until:
            last, at = at, task.next_run(at)
        if last:
            yield _message_of_run(task, last)


def run_now(name: str) -> TaskMessage | None:
    """Return a run beside those of the schedule; None unless a scheduled task has the name."""
    task = registry.get(name)
    return _message_of_run(task, utc_now()) if task and task.schedule else None


def seconds_until_next(now: datetime) -> float | None:
    """Return the seconds until a scheduled task is due; None if no task has a schedule."""
    times = [at for task in set(registry.values()) if (at := task.next_run(now))]
    return (min(times) - now).total_seconds() if times else None


def _message_of_run(task: Task[..., Any], at: datetime) -> TaskMessage:
    """Return the run's message: one id per run, and none while the last run is unfinished."""
    message = task.with_options(key=f"schedule:{task.name}").message()
    return message.model_copy(update={"id": uuid5(NAMESPACE_OID, f"{task.name}@{at}")})
