"""The one door to data and tasks: what belongs together is committed together."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Annotated, Any, ParamSpec, Self
from uuid import UUID

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from .resources import resources
from .tasks.backend import request_queue
from .tasks.message import TaskMessage
from .tasks.queue import TaskQueue
from .tasks.task import Task

P = ParamSpec("P")


@dataclass(slots=True)
class Receipt:
    task_id: UUID
    """Under which the task's status is found. If the key of a task that is not finished was used
    again, commit() puts that task's id here."""


class UnitOfWork:
    """Left without commit(), both the data and the tasks are dropped.

    In a route, take it as ``work: UnitOfWorkDep``. In a task or a script:

        async with UnitOfWork() as work:
            ...
            await work.commit()
    """

    def __init__(self, queue: TaskQueue | None = None) -> None:
        self.session: AsyncSession = resources().sessions()
        self._queue = queue or resources().queue
        self._enqueued: list[tuple[TaskMessage, Receipt]] = []

    def enqueue(self, task: Task[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Receipt:
        """Have the task run after the commit. Raises TaskArgumentsError."""
        message = task.message(*args, **kwargs)
        receipt = Receipt(message.id)
        self._enqueued.append((message, receipt))
        return receipt

    async def commit(self) -> None:
        """Commit the data and queue the tasks.

        Raises TaskQueueUnavailable if the data is saved and the tasks could not be queued.
        """
        enqueued, self._enqueued = self._enqueued, []
        ids = await self._queue.write([message for message, _ in enqueued], self.session)
        for (_, receipt), task_id in zip(enqueued, ids, strict=True):
            receipt.task_id = task_id
        await self.session.commit()
        await self._queue.send([m for m, receipt in enqueued if m.id == receipt.task_id])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._enqueued.clear()
        await self.session.close()


async def _request_unit_of_work(
    queue: Annotated[TaskQueue, Depends(request_queue)],
) -> AsyncIterator[UnitOfWork]:
    async with UnitOfWork(queue) as work:
        yield work


# "function": the session is closed before the response goes out, not after the tasks.
UnitOfWorkDep = Annotated[UnitOfWork, Depends(_request_unit_of_work, scope="function")]
