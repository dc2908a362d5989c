"""The queue of a backend with a broker: rows are written, and ids are pushed after the commit."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session

from ..message import TaskMessage
from .carrier import Hint, Pusher
from .queue import TaskStatus, Written
from .row import status_of
from .rows import Rows


class WorkerSettings(Protocol):
    shutdown_grace: float

    @property
    def runs_in_worker(self) -> bool:
        """Whether tasks run in the engine's own process, which heeds SIGTERM."""
        ...


class BrokeredQueue:
    def __init__(
        self, rows: Rows, reading: AsyncEngine, pusher: Pusher, settings: WorkerSettings
    ) -> None:
        self.rows = rows
        self.pusher = pusher
        self.settings = settings
        self._reading = reading

    def write(self, messages: Sequence[TaskMessage], session: Session) -> list[Written]:
        # Asked once: a dispatcher sends what is noted as unsent, and nobody else.
        pushed = self.pusher.takes(len(messages))
        ids = self.rows.write(messages, session.connection(), sent=pushed)
        return [
            (task_id, partial(self._push, message, pushed and message.not_before is None))
            for task_id, message in zip(ids, messages, strict=True)
        ]

    def _push(self, message: TaskMessage, now: bool) -> None:  # noqa: FBT001
        if now:
            self.pusher.push(Hint.of(message))

    def cancel_waiting(self, task_id: UUID, session: Session) -> None:
        self.rows.cancel_waiting(task_id, session.connection())

    async def status(self, task_id: UUID) -> TaskStatus | None:
        row = await self.rows.get(task_id, self._reading)
        return status_of(row) if row else None
