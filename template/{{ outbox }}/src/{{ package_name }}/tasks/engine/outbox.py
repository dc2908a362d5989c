"""No broker: the worker claims the rows itself, and runs their tasks beside each other."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from pydantic import NonNegativeFloat, PositiveInt
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session

from ...service.settings import ServiceSettings
from ..message import TaskMessage
from .dialect import Notifier
from .own_engine import open_rows, request_queue
from .queue import TaskQueue, TaskStatus, Written
from .row import status_of
from .rows import Rows

__all__ = ["OutboxQueue", "TaskSettings", "open_queue", "request_queue"]


class TaskSettings(ServiceSettings):
    task_concurrency: PositiveInt = 20
    """Tasks that run at one time; more than the pool of connections may find none in it."""
    task_threads: PositiveInt = 16
    """Threads for `def` tasks."""
    shutdown_grace: NonNegativeFloat = 20.0
    """Seconds that a stopping worker gives to running tasks before it hands them back."""


class OutboxQueue:
    """Rows stay unsent: a worker that is woken finds them."""

    def __init__(self, rows: Rows, reading: AsyncEngine, notifier: Notifier) -> None:
        self.rows = rows
        self._reading = reading
        self.wake = notifier.notify

    def write(self, messages: Sequence[TaskMessage], session: Session) -> list[Written]:
        ids = self.rows.write(messages, session.connection(), sent=False)
        return [(task_id, self.wake) for task_id in ids]

    def cancel_waiting(self, task_id: UUID, session: Session) -> None:
        self.rows.cancel_waiting(task_id, session.connection())

    async def status(self, task_id: UUID) -> TaskStatus | None:
        row = await self.rows.get(task_id, self._reading)
        return status_of(row) if row else None


@asynccontextmanager
async def open_queue(engine: AsyncEngine, reading: AsyncEngine) -> AsyncIterator[TaskQueue]:
    notifier = Notifier(engine)
    async with open_rows() as rows, notifier.running():
        yield OutboxQueue(rows, reading, notifier)
