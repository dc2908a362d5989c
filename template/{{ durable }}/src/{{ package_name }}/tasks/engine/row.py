"""The row of a task, in the service's database. All that is known of the task is in it.

One more row, with the id DISPATCHER, tells which worker dispatches: in the same table, so that
what locks the one locks the others.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import DateTime, Dialect, Double, Index, String, Table, Text, TypeDecorator, text
from sqlalchemy.orm import Mapped, mapped_column

from ...service.database import Base
from ..progress import Progress
from .queue import TaskState, TaskStatus
from .runner import Died, Ended, Failed, HandedBack, RetryLater, Succeeded

DISPATCHER = UUID(int=0)


class UtcDateTime(TypeDecorator[datetime]):
    """SQLite keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class TaskRow(Base):
    __tablename__ = "task_records"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(Text)
    queue: Mapped[str] = mapped_column(String(40), server_default="default")
    message: Mapped[str] = mapped_column(Text)
    """The envelope, in JSON."""
    key: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(9))
    attempts: Mapped[int]
    """Those that came to an end."""
    deaths: Mapped[int] = mapped_column(server_default="0")
    """Those whose process was gone; the first is free, for it may be another task's doing."""
    claims: Mapped[int] = mapped_column(server_default="0")
    """How often it changed hands: who has another number than this has lost it (the fence)."""
    run_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When something has to happen next: it starts, is tried again, or its lease ends."""
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its id was given to the broker; unset while a worker or dispatcher has to take it."""
    enqueued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(Text)
    progress: Mapped[float | None] = mapped_column(Double)
    progress_text: Mapped[str | None] = mapped_column(Text)
    result: Mapped[str | None] = mapped_column(Text)
    """In JSON."""


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """The right to run an attempt, until a lease that is not kept up ends."""

    id: UUID
    number: int
    """The fence: whoever takes the row over gets another one."""
    attempts: int
    deaths: int
    body: str
    enqueued_at: datetime

    @property
    def attempt(self) -> int:
        """Its number: the first death is free."""
        return self.attempts + max(self.deaths - 1, 0) + 1


TABLE = cast("Table", TaskRow.__table__)
# In the statements as in the indexes: a plan for any parameter could not use a partial index.
QUEUED = text("state = 'queued'")
RUNNING = text("state = 'running'")
FAILED = text("state = 'failed'")
UNFINISHED = text("finished_at IS NULL")
FINISHED = text("finished_at IS NOT NULL")
UNSENT = text("state = 'queued' AND sent_at IS NULL")
SENT = text("state = 'queued' AND sent_at IS NOT NULL")
# Of a row that is found by its id: said so that no partial index can be planned for it.
ITS_QUEUED = text("state || '' = 'queued'")
ITS_RUNNING = text("state || '' = 'running'")


def _partial(name: str, *columns: Any, where: Any, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, postgresql_where=where, sqlite_where=where)


_partial("ux_task_records_task_key", TABLE.c.task, TABLE.c.key, where=UNFINISHED, unique=True)
_partial("ix_task_records_due", TABLE.c.queue, TABLE.c.run_at, TABLE.c.id, where=UNSENT)
_partial("ix_task_records_sent", TABLE.c.queue, TABLE.c.sent_at, where=SENT)
_partial("ix_task_records_lease", TABLE.c.run_at, where=RUNNING)
_partial("ix_task_records_finished", TABLE.c.finished_at, where=FINISHED)


def status_of(row: Any) -> TaskStatus:
    """Return a row, selected with all its columns, as the status of its task."""
    done = row.progress
    return TaskStatus(
        id=row.id,
        task=row.task,
        state=TaskState(row.state),
        attempts=row.attempts + max(row.deaths - 1, 0) + (row.state == TaskState.RUNNING),
        enqueued_at=row.enqueued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        progress=None if done is None else Progress(fraction=done, text=row.progress_text or ""),
        result=None if row.result is None else from_json(row.result),
        error=row.error,
    )


def ended_as(outcome: Ended) -> tuple[str, int, int, float, str | None, str | None]:
    """Return state, attempts that ended, deaths, delay in seconds, error and result."""
    match outcome:
        case Succeeded(result=result):
            return TaskState.SUCCEEDED, 1, 0, 0.0, None, result
        case Failed(error=error, began=began):
            return TaskState.FAILED, int(began), 0, 0.0, error, None
        case RetryLater(error=error, delay=delay):
            return TaskState.QUEUED, 1, 0, delay, error, None
        case HandedBack(delay=delay):
            return TaskState.QUEUED, 0, 0, delay, None, None
        case Died():
            return TaskState.QUEUED, 0, 1, 0.0, None, None
