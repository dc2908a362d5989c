"""The one door to data and tasks: what belongs together is committed together.

However the session's transaction ends, by commit(), a `with` block, a savepoint or a rollback:
what was enqueued in what is committed will run, and what was rolled back never existed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Annotated, Any, ParamSpec, Self
from uuid import UUID

from fastapi import Depends
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

from ..tasks.engine import request_queue
from ..tasks.engine.queue import TaskQueue, Written
from ..tasks.message import TaskMessage
from ..tasks.task import Task
from .database import NESTABLE
from .resources import resources

P = ParamSpec("P")
_WORK = "unit of work"  # where a session keeps its own, in Session.info


class UnitOfWorkError(Exception):
    """It cannot be used like this; the message says what to do instead."""


@dataclass(slots=True)
class Receipt:
    task_id: UUID
    """Under which the task's status is found. If the key of a task that is not finished was used
    again, the commit puts that task's id here."""


@dataclass(slots=True)
class _Enqueued:
    message: TaskMessage
    receipt: Receipt
    written: Written | None = None


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
        self._queue = queue or resources().queue
        self._tasks = _Enqueuing(self._queue)
        self.session.sync_session.info[_WORK] = self._tasks
        self._closed = False

    def enqueue(self, task: Task[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Receipt:
        """Have the task run after the commit. Raises TaskArgumentsError."""
        if self._closed:
            raise UnitOfWorkError(
                "This unit of work is closed: a task enqueued now would never run. Use a new one."
            )
        message = task.message(*args, **kwargs)
        receipt = Receipt(message.id)
        if not self.session.in_transaction():
            self.session.sync_session.begin()  # so that a rollback is one of this task, too
        self._tasks.add(message, receipt)
        return receipt

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


class _Enqueuing:
    """What was enqueued in a session's transaction and is not yet committed."""

    def __init__(self, queue: TaskQueue) -> None:
        self._queue = queue
        self._enqueued: list[_Enqueued] = []
        self._savepoints: dict[SessionTransaction, int] = {}
        self._committing = False
        self.connected = False
        """Whether the transaction has begun in the database."""

    def add(self, message: TaskMessage, receipt: Receipt) -> None:
        self._enqueued.append(_Enqueued(message, receipt))

    def enter_savepoint(self, savepoint: SessionTransaction) -> None:
        self._savepoints[savepoint] = len(self._enqueued)

    def write(self, session: Session) -> None:
        """Before a commit, or the release of a savepoint."""
        if self._committing:
            raise UnitOfWorkError(
                "The commit of this transaction has failed: roll it back, and do the work again."
            )
        if new := [each for each in self._enqueued if each.written is None]:
            written = self._queue.write([each.message for each in new], session)
            for each, its in zip(new, written, strict=True):
                each.written = its
                each.receipt.task_id = its[0]
        self._committing = not session.in_nested_transaction()

    def committed(self) -> None:
        """Right after it, with nothing in between in which this could be cancelled."""
        enqueued, self._enqueued, self._committing = self._enqueued, [], False
        for each in enqueued:
            if each.written and each.written[0] == each.message.id:
                each.written[1]()

    def rolled_back(self, transaction: SessionTransaction) -> None:
        if transaction.nested:
            del self._enqueued[self._savepoints.pop(transaction, 0) :]
        elif transaction.parent is None:
            self._enqueued.clear()
            self._committing = False


@event.listens_for(Session, "before_commit")
def _before_commit(session: Session) -> None:
    if enqueuing := session.info.get(_WORK):
        enqueuing.write(session)


@event.listens_for(Session, "after_commit")
def _after_commit(session: Session) -> None:
    if (enqueuing := session.info.get(_WORK)) and not session.in_nested_transaction():
        enqueuing.committed()


@event.listens_for(Session, "after_transaction_create")
def _after_transaction_create(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested and (enqueuing := session.info.get(_WORK)):
        enqueuing.enter_savepoint(transaction)


@event.listens_for(Session, "after_begin")
def _after_begin(session: Session, *_: object) -> None:
    if enqueuing := session.info.get(_WORK):
        enqueuing.connected = True


@event.listens_for(Session, "after_transaction_end")
def _after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None and (enqueuing := session.info.get(_WORK)):
        enqueuing.connected = False


@event.listens_for(Session, "after_soft_rollback")
def _after_soft_rollback(session: Session, transaction: SessionTransaction) -> None:
    if enqueuing := session.info.get(_WORK):
        enqueuing.rolled_back(transaction)


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
