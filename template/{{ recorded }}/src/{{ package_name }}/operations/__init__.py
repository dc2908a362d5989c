"""See and mend the task queue: its rows are in the database, its messages with the broker."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import InstrumentedAttribute

from ..resources import open_resources
from ..settings import PREFIX
from ..tasks.errors import TaskQueueUnavailable
from ..tasks.message import TaskMessage, utc_now
from ..tasks.queue import QueueStats, TaskOperations, TaskState, TaskStatus
from ..tasks.record import UNFINISHED, UNREADABLE, UNSENT, TaskRecord
from ..tasks.recorded import RecordedTaskQueue

BATCH = 500  # messages sent at one time
QUEUED = TaskRecord.state == TaskState.QUEUED
FAILED = TaskRecord.state == TaskState.FAILED
DueTime = datetime | InstrumentedAttribute[datetime]
READABLE = TaskRecord.task != UNREADABLE


class OperationsError(Exception):
    pass


class Operations:
    def __init__(
        self, queue: RecordedTaskQueue, sessions: async_sessionmaker[AsyncSession]
    ) -> None:
        self.queue = queue
        self._sessions = sessions

    async def stats(self) -> QueueStats:
        now = utc_now()
        due = case((QUEUED & (TaskRecord.run_at <= now), TaskRecord.run_at))
        counts = select(TaskRecord.state, func.count(), func.min(due)).group_by(TaskRecord.state)
        async with self._sessions() as session:
            found = {state: (n, oldest) for state, n, oldest in await session.execute(counts)}
        count = {state: found.get(state, (0, None))[0] for state in TaskState}
        oldest: datetime | None = found.get(TaskState.QUEUED, (0, None))[1]
        return QueueStats(
            queued=count[TaskState.QUEUED],
            running=count[TaskState.RUNNING],
            failed=count[TaskState.FAILED],
            oldest_seconds=(now - oldest).total_seconds() if oldest else None,
        )

    async def failed(self) -> Sequence[TaskStatus]:
        newest_first = select(TaskRecord).where(FAILED).order_by(TaskRecord.finished_at.desc())
        async with self._sessions() as session:
            return [record.status() for record in await session.scalars(newest_first)]

    async def retry(self, task_id: UUID) -> bool:
        failed = FAILED & READABLE & (TaskRecord.id == task_id)
        return bool(await self._send_again(failed, run_at=utc_now()))

    async def replay(self, older_than: timedelta | None) -> int:
        if older_than is not None:
            before = utc_now() - older_than
            sent = UNFINISHED & TaskRecord.sent_at.is_not(None)
            started = TaskRecord.started_at.is_(None) | (TaskRecord.started_at < before)
            stale = sent & (TaskRecord.run_at < before) & started
            return await self._send_again(stale, run_at=utc_now())
        if self.queue.capabilities.transactional:  # what is unsent there is being sent
            return 0
        return await self._send_again(QUEUED & UNSENT, run_at=TaskRecord.run_at)

    async def _send_again(self, chosen: ColumnElement[bool], run_at: DueTime) -> int:
        """Give the chosen tasks all their attempts again, under their ids, and send them."""
        count = 0
        while messages := await self._renew(chosen, run_at):
            await self.queue.send(messages)
            count += len(messages)
        return count

    async def _renew(self, chosen: ColumnElement[bool], run_at: DueTime) -> list[TaskMessage]:
        now = utc_now()
        ids = select(TaskRecord.id).where(chosen).limit(BATCH).scalar_subquery()
        renewed = {
            "state": TaskState.QUEUED,
            "attempts": 0,
            "key": None,  # another task may have it by now
            "run_at": run_at,
            "sent_at": None if self.queue.capabilities.transactional else now,
            **dict.fromkeys(("started_at", "finished_at", "locked_until", "error")),
        }
        statement = update(TaskRecord).where(TaskRecord.id.in_(ids)).values(renewed)
        async with self._sessions.begin() as session:
            rows = await session.execute(statement.returning(TaskRecord.message, TaskRecord.run_at))
            return [
                TaskMessage.model_validate_json(text).due(due if due > now else None)
                for text, due in rows
            ]

    async def purge(self) -> int:
        await self.queue.purge()  # before the rows: none is left whose message was thrown away
        purged = {"state": TaskState.FAILED, "finished_at": utc_now(), "error": "purged"}
        statement = update(TaskRecord).where(QUEUED).values(purged).returning(TaskRecord.id)
        async with self._sessions.begin() as session:
            return len((await session.scalars(statement)).all())

    async def pending(self, before: datetime | None) -> dict[str, int]:
        chosen = UNFINISHED if before is None else UNFINISHED & (TaskRecord.enqueued_at < before)
        counts = select(TaskRecord.state, func.count()).where(chosen).group_by(TaskRecord.state)
        async with self._sessions() as session:
            rows = {f"{state} tasks": count for state, count in await session.execute(counts)}
        return {**rows, **await self.queue.stores()}


@asynccontextmanager
async def open_operations() -> AsyncIterator[TaskOperations]:
    try:
        async with open_resources() as resources:
            queue = resources.queue
            assert isinstance(queue, RecordedTaskQueue)  # noqa: S101 - all of this overlay's are
            yield Operations(queue, resources.sessions)
    except TaskQueueUnavailable as error:
        raise OperationsError(f"{error} Is {PREFIX}BROKER_URL right?") from error
    except (DBAPIError, OSError) as error:
        raise OperationsError(
            f"The database refuses ({type(error).__name__}): is it up, and is "
            f"{PREFIX}DATABASE_URL right?"
        ) from error
