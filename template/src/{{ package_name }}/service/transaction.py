"""The tasks of a session's transaction: they share its end, whichever that is.

All hangs on the session's own events: a commit by commit() or a `with` block, a savepoint that is
released or undone, a rollback.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from ..tasks.engine.queue import TaskQueue, Written
from ..tasks.message import TaskMessage

_TASKS = "tasks of the transaction"  # where a session keeps its own, in Session.info


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

    def committed(self) -> None:
        if self.written and self.written[0] == self.message.id:
            self.written[1]()


@dataclass(slots=True)
class _Cancelled:
    task_id: UUID
    written: bool = False
    told: Callable[[], None] | None = None

    def committed(self) -> None:
        if self.told:
            self.told()


class TransactionTasks:
    """What was enqueued and cancelled in a session's transaction and is not yet committed."""

    def __init__(self, session: Session, queue: TaskQueue) -> None:
        session.info[_TASKS] = self
        self._queue = queue
        self._steps: list[_Enqueued | _Cancelled] = []
        self._savepoints: dict[SessionTransaction, int] = {}
        self._committing = False
        self.connected = False
        """Whether the transaction has begun in the database."""

    def enqueue(self, message: TaskMessage) -> Receipt:
        receipt = Receipt(message.id)
        self._steps.append(_Enqueued(message, receipt))
        return receipt

    def cancel(self, task_id: UUID) -> None:
        self._steps.append(_Cancelled(task_id))

    def enter_savepoint(self, savepoint: SessionTransaction) -> None:
        self._savepoints[savepoint] = len(self._steps)

    def write(self, session: Session) -> None:
        """Before a commit, or the release of a savepoint."""
        if self._committing:
            raise UnitOfWorkError(
                "The commit of this transaction has failed: roll it back, and do the work again."
            )
        self._write_enqueued(session)
        self._write_cancelled(session)
        self._committing = not session.in_nested_transaction()

    def _write_enqueued(self, session: Session) -> None:
        enqueued = (each for each in self._steps if isinstance(each, _Enqueued))
        if new := [each for each in enqueued if each.written is None]:
            written = self._queue.write([each.message for each in new], session)
            for each, its in zip(new, written, strict=True):
                each.written = its
                each.receipt.task_id = its[0]

    def _write_cancelled(self, session: Session) -> None:
        for each in self._steps:
            if isinstance(each, _Cancelled) and not each.written:
                each.told = self._queue.cancel_waiting(each.task_id, session)
                each.written = True

    def committed(self) -> None:
        """Right after it, with nothing in between in which this could be cancelled."""
        steps, self._steps, self._committing = self._steps, [], False
        for each in steps:
            each.committed()

    def rolled_back(self, transaction: SessionTransaction) -> None:
        if transaction.nested:
            del self._steps[self._savepoints.pop(transaction, 0) :]
        elif transaction.parent is None:
            self._steps.clear()
            self._committing = False


def _of(session: Session) -> TransactionTasks | None:
    return session.info.get(_TASKS)


@event.listens_for(Session, "before_commit")
def _before_commit(session: Session) -> None:
    if tasks := _of(session):
        tasks.write(session)


@event.listens_for(Session, "after_commit")
def _after_commit(session: Session) -> None:
    if (tasks := _of(session)) and not session.in_nested_transaction():
        tasks.committed()


@event.listens_for(Session, "after_transaction_create")
def _after_transaction_create(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested and (tasks := _of(session)):
        tasks.enter_savepoint(transaction)


@event.listens_for(Session, "after_begin")
def _after_begin(session: Session, *_: object) -> None:
    if tasks := _of(session):
        tasks.connected = True


@event.listens_for(Session, "after_transaction_end")
def _after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None and (tasks := _of(session)):
        tasks.connected = False


@event.listens_for(Session, "after_soft_rollback")
def _after_soft_rollback(session: Session, transaction: SessionTransaction) -> None:
    if tasks := _of(session):
        tasks.rolled_back(transaction)
