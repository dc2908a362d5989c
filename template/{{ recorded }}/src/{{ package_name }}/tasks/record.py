"""What is known of each task: a row of the service's database, written with the data."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Dialect, Index, String, Text, TypeDecorator
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Base
from .queue import TaskState, TaskStatus

UNREADABLE = "?"  # the task of a message that could not be read


class UtcDateTime(TypeDecorator[datetime]):
    """SQLite keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class TaskRecord(Base):
    __tablename__ = "task_records"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    """The envelope, in JSON; what could not be read is kept as it came."""
    key: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(9), default=TaskState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    run_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it is due: later than enqueued_at for a delay or a retry."""
    enqueued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When a broker got it; unset while it has to be sent from here."""
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """End of the lease of the relay that works on it."""
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(Text)

    def status(self) -> TaskStatus:
        return TaskStatus(
            id=self.id,
            task=self.task,
            state=TaskState(self.state),
            attempts=self.attempts,
            enqueued_at=self.enqueued_at,
            started_at=self.started_at,
            finished_at=self.finished_at,
            error=self.error,
        )


def _partial(name: str, *columns: Any, where: ColumnElement[bool], unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, postgresql_where=where, sqlite_where=where)


UNFINISHED = TaskRecord.finished_at.is_(None)
UNSENT = UNFINISHED & TaskRecord.sent_at.is_(None)
_partial("ux_task_records_key", TaskRecord.key, where=UNFINISHED, unique=True)
_partial("ix_task_records_unsent", TaskRecord.run_at, TaskRecord.id, where=UNSENT)
_partial("ix_task_records_finished", TaskRecord.finished_at, where=~UNFINISHED)
