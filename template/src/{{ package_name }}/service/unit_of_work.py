"""The one door to data and tasks: what belongs together is committed together.

However the session's transaction ends, by commit(), a `with` block, a savepoint or a rollback:
what was enqueued in what is committed will run, and what was rolled back never existed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from types import TracebackType
from typing import Annotated, Any, ParamSpec, Self
from uuid import UUID

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from ..tasks.engine import request_queue
from ..tasks.engine.queue import TaskQueue
from ..tasks.task import Task
from .database import NESTABLE
from .resources import resources
from .transaction import Receipt, TransactionTasks, UnitOfWorkError

__all__ = ["Receipt", "UnitOfWork", "UnitOfWorkDep", "UnitOfWorkError"]
P = ParamSpec("P")


class UnitOfWork:
    """Left without a commit, both the data and the tasks are dropped.

    In a route, take it as ``work: UnitOfWorkDep``. In a task or a script:

        async with UnitOfWork() as work:
            ...
            await work.commit()
    """

    def __init__(self, queue: TaskQueue | None = None) -> None:
        _refuse_to_nest()
        self.session: AsyncSession = resources().sessions()
        self._tasks = TransactionTasks(self.session.sync_session, queue or resources().queue)
        self._closed = False

    def enqueue(self, task: Task[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Receipt:
        """Have the task run after the commit. Raises TaskArgumentsError."""
        return self._begun().enqueue(task.message(*args, **kwargs))

    def cancel(self, task_id: UUID) -> None:
        """Have the commit cancel the task if it still waits, to begin or to be tried again.

        One that runs by then goes on: let the task ask the data whether it is still wanted.
        """
        self._begun().cancel(task_id)

    def _begun(self) -> TransactionTasks:
        if self._closed:
            raise UnitOfWorkError(
                "This unit of work is closed: a task enqueued now would never run. Use a new one."
            )
        if not self.session.in_transaction():
            self.session.sync_session.begin()  # so that a rollback is one of the tasks, too
        return self._tasks

    async def commit(self) -> None:
        """Commit the data and the tasks; if that fails, both are rolled back."""
        try:
            await self.session.commit()
        except BaseException:
            await self.session.rollback()
            raise

    @property
    def holds_transaction(self) -> bool:
        return self._tasks.connected

    async def __aenter__(self) -> Self:
        _open.set((self, asyncio.current_task()))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closed = True
        await self.session.close()


_open: ContextVar[tuple[UnitOfWork, asyncio.Task[Any] | None] | None] = ContextVar(
    "unit_of_work", default=None
)


def _refuse_to_nest() -> None:
    """A second one would wait for the first one's lock, and that one for the second's end."""
    if NESTABLE or (found := _open.get()) is None:
        return
    around, owner = found
    if owner is asyncio.current_task() and around.holds_transaction:
        raise UnitOfWorkError(
            "A unit of work around this one is in a transaction, and the database takes one writer "
            "at a time: pass that unit of work on, or commit it first."
        )


async def _request_unit_of_work(
    queue: Annotated[TaskQueue, Depends(request_queue)],
) -> AsyncIterator[UnitOfWork]:
    async with UnitOfWork(queue) as work:
        yield work


# "function": the session is closed before the response goes out, not after the tasks.
UnitOfWorkDep = Annotated[UnitOfWork, Depends(_request_unit_of_work, scope="function")]
