"""See and mend the tasks: all that is known of them is in their rows."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import bindparam, case, func, or_, select, text, update
from sqlalchemy.exc import DBAPIError

from ...service.discovery import import_all
from ...service.settings import PREFIX
from .dialect import CLOCK, NOW, is_named
from .own_engine import open_rows
from .queue import QueueStats, TaskOperations, TaskState, TaskStatus
from .row import FAILED, QUEUED, RUNNING, TABLE, UNFINISHED, status_of
from .rows import Rows
from .schedule import run_now

T = TABLE.c
_ITS = T.id == bindparam("its_id")
_COUNTS = select(
    T.state, func.count(), func.min(case((QUEUED & (T.run_at <= NOW), T.run_at))), NOW
).group_by(T.state)
_UNKNOWN = (
    select(T.task, func.count().label("number"))
    .where(UNFINISHED, ~is_named(T.task, "known"))
    .group_by(T.task)
)
_FAILED = select(TABLE).where(FAILED).order_by(T.finished_at.desc())
_ENDED = text("state IN ('failed', 'cancelled')")
_RETRY = (
    update(TABLE)
    .where(_ITS, _ENDED)
    .values(
        state=TaskState.QUEUED,
        attempts=0,
        deaths=0,
        key=None,  # another task may have it by now
        run_at=CLOCK,
        **dict.fromkeys(("sent_at", "started_at", "finished_at", "error", "progress", "result")),
    )
)
_END = {"finished_at": CLOCK, "claims": T.claims + 1}
# Who runs it finds its lease gone at the next beat, and cancels it.
_CANCEL = update(TABLE).where(_ITS, or_(QUEUED, RUNNING)).values(state=TaskState.CANCELLED, **_END)
_PURGE = update(TABLE).where(QUEUED).values(state=TaskState.FAILED, error="purged", **_END)
_PENDING = select(T.state, func.count()).where(UNFINISHED).group_by(T.state)


class OperationsError(Exception):
    pass


class Operations:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def stats(self) -> QueueStats:
        found = {state: rest for state, *rest in await self._rows.all(_COUNTS)}
        unknown = await self._rows.all(_UNKNOWN, known=self._rows.known)
        count = {state: found[state][0] if state in found else 0 for state in TaskState}
        _, oldest, now = found.get(TaskState.QUEUED, (0, None, None))
        return QueueStats(
            queued=count[TaskState.QUEUED],
            running=count[TaskState.RUNNING],
            failed=count[TaskState.FAILED],
            oldest_seconds=(now - oldest).total_seconds() if oldest else None,
            unknown={row.task: row.number for row in unknown},
        )

    async def failed(self) -> Sequence[TaskStatus]:
        return [status_of(row) for row in await self._rows.all(_FAILED)]

    async def retry(self, task_id: UUID) -> bool:
        return bool(await self._rows.count(_RETRY, its_id=task_id))

    async def cancel(self, task_id: UUID) -> bool:
        return bool(await self._rows.count(_CANCEL, its_id=task_id))

    async def run(self, name: str) -> UUID | None:
        if (message := run_now(name)) is None:
            return None
        async with self._rows.engine.connect() as connection:
            [task_id] = await connection.run_sync(
                lambda own: self._rows.write([message], own, sent=False)
            )
        return task_id

    async def purge(self) -> int:
        return await self._rows.count(_PURGE)

    async def pending(self) -> dict[str, int]:
        return {f"{state} tasks": count for state, count in await self._rows.all(_PENDING)}


@asynccontextmanager
async def open_operations() -> AsyncIterator[TaskOperations]:
    import_all()  # to tell what this release does not know
    try:
        async with open_rows() as rows:
            yield Operations(rows)
    except (DBAPIError, OSError) as error:
        raise OperationsError(
            f"The database refuses ({type(error).__name__}): is it up and migrated, "
            f"and is {PREFIX}DATABASE_URL right?"
        ) from error
