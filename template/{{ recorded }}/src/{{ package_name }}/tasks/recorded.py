"""What the queues that keep a row per task have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog
from fastapi import Request
from opentelemetry import metrics
from sqlalchemy.ext.asyncio import AsyncSession

from .errors import TaskQueueUnavailable
from .message import TaskMessage
from .queue import Capabilities, TaskQueue, TaskStatus
from .records import Records

log = structlog.get_logger(__name__)
unsent = metrics.get_meter(__name__).create_counter("tasks.unsent", unit="{task}")


class RecordedTaskQueue(ABC):
    """Writes the rows before the commit and gives the messages to a broker after it."""

    capabilities: Capabilities

    def __init__(self, records: Records) -> None:
        self.records = records

    async def write(self, messages: Sequence[TaskMessage], session: AsyncSession) -> list[UUID]:
        sent = not self.capabilities.transactional
        return await self.records.write(messages, session, sent=sent)

    async def publish_scheduled(self, messages: Sequence[TaskMessage]) -> None:
        """Write and send those runs of a schedule that no other process has written."""
        sent = not self.capabilities.transactional
        new = await self.records.insert_alone(messages, sent=sent)
        await self.send([message for message in messages if message.id in new])

    async def send(self, messages: Sequence[TaskMessage]) -> None:
        if not messages:
            return
        try:
            await self.deliver(messages)
        except TaskQueueUnavailable as error:
            unsent.add(len(messages))
            for message in messages:
                log.error("task not queued", task=message.task, task_id=str(message.id))  # noqa: TRY400 - no bug
            await self.records.set_unsent(messages)
            raise TaskQueueUnavailable(
                f"The data is saved, its tasks are not queued: {error} "
                "`tasks replay` queues them when the broker is back."
            ) from error

    async def status(self, task_id: UUID) -> TaskStatus | None:
        return await self.records.status(task_id)

    @abstractmethod
    async def deliver(self, messages: Sequence[TaskMessage]) -> None:
        """Give the messages to the broker in bounded time; raises TaskQueueUnavailable."""

    @abstractmethod
    async def purge(self) -> None:
        """Empty the broker's queue. Raises TaskQueueUnavailable."""

    @abstractmethod
    async def stores(self) -> Mapping[str, int]:
        """Count the messages in each place where the broker keeps some.

        Raises TaskQueueUnavailable.
        """


def request_queue(request: Request) -> TaskQueue:
    queue: TaskQueue = request.app.state.queue
    return queue
