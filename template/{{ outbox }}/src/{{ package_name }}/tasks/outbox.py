"""An outbox: tasks are rows that are committed with the data, and a relay works them off."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pydantic import Field, PositiveInt
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from ..settings import ServiceSettings
from . import target
from .message import TaskMessage
from .outbox_database import Notifier
from .queue import Capabilities
from .recorded import RecordedTaskQueue, request_queue
from .records import Records

__all__ = ["OutboxTaskQueue", "TaskSettings", "open_queue", "request_queue"]


class TaskSettings(ServiceSettings):
    task_lease: float = Field(default=60.0, ge=1)
    """Seconds after which what a killed relay worked on is taken by another one."""
    task_batch: PositiveInt = 100
    """Rows that are claimed at one time."""


class OutboxTaskQueue(RecordedTaskQueue):
    capabilities = Capabilities(
        transactional=True,
        survives_api_kill=True,
        survives_worker_kill=True,
        separate_worker=True,
    )

    def __init__(self, records: Records, notifier: Notifier) -> None:
        super().__init__(records)
        self._notifier = notifier

    async def deliver(self, messages: Sequence[TaskMessage]) -> None:
        """Wake the relays: the rows themselves are committed."""
        if any(message.not_before is None for message in messages):
            self._notifier.notify()

    async def purge(self) -> None:
        await target.purge(self.records)

    async def stores(self) -> dict[str, int]:
        return await target.stores(self.records)


@asynccontextmanager
async def open_queue(
    _settings: TaskSettings, sessions: async_sessionmaker[AsyncSession]
) -> AsyncIterator[OutboxTaskQueue]:
    async with Notifier.open(sessions.kw["bind"]) as notifier:
        yield OutboxTaskQueue(Records(sessions), notifier)
