"""What happens to the row of a task: each step is a statement here.

A queued row is due when its run_at is past. Claiming it moves run_at on by a lease, which is kept
up while the task runs; one whose lease ended is queued again, by the worker that dispatches.
Times are the database's: no two clocks are compared.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Connection,
    Float,
    Integer,
    Text,
    Uuid,
    bindparam,
    case,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from ..message import TaskMessage
from ..progress import Progress
from ..task import registry
from .dialect import (
    CLOCK,
    NOW,
    after,
    fetch,
    has_id,
    ids,
    insert,
    is_listed,
    is_named,
    is_one_of,
    listed,
    listing,
    names,
)
from .queue import TaskState
from .row import (
    DISPATCHER,
    ITS_QUEUED,
    ITS_RUNNING,
    QUEUED,
    TABLE,
    UNFINISHED,
    UNSENT,
    Claim,
    ended_as,
)
from .runner import Ended

LEASE = 8.0  # seconds
EVER = datetime(1970, 1, 1, tzinfo=UTC)
T = TABLE.c
_AS_GIVEN = {"id": Uuid(), **dict.fromkeys(("task", "queue", "message", "key"), Text())}
_GIVEN = {**_AS_GIVEN, "delay": Float(), "sent": Boolean()}
_NEW = listed(_GIVEN)
_NEW_ROW = {
    **{name: _NEW.c[name] for name in _AS_GIVEN},
    "state": literal(TaskState.QUEUED),
    "attempts": literal(0),
    "enqueued_at": CLOCK,  # no later than the next
    "run_at": after(_NEW.c.delay),
    "sent_at": case((_NEW.c.sent, CLOCK)),
}
_INSERT = (
    insert(TABLE)
    .from_select(list(_NEW_ROW), select(*_NEW_ROW.values()).where(text("1 = 1")))
    .on_conflict_do_nothing()
    .returning(T.id)
)
_HOLDER = select(T.id).where(T.task == bindparam("task"), T.key == bindparam("key"), UNFINISHED)
_BEGIN = {
    "state": TaskState.RUNNING,
    "claims": T.claims + 1,
    "started_at": CLOCK,
    "run_at": after(LEASE),
    "sent_at": None,
}
_CLAIM = T.id, T.claims, T.attempts, T.deaths, T.message, T.enqueued_at
_KNOWN = is_named(T.task, "known")
_DUE = T.run_at <= NOW


def _first(*where: Any) -> Any:
    """Match as many as ``count`` of these, those that were due first."""
    found = select(T.id).where(*where).order_by(T.run_at, T.id).limit(bindparam("count"))
    return is_one_of(T.id, found.with_for_update(skip_locked=True))


_OF_QUEUE = T.queue == bindparam("its_queue")
_SINCE = T.run_at >= bindparam("since")
_CLAIM_ONE = (
    update(TABLE)
    .where(T.id == bindparam("its_id"), QUEUED, _DUE, _KNOWN)
    .values(_BEGIN)
    .returning(*_CLAIM)
)
_TAKE = (
    update(TABLE)
    .where(_first(UNSENT, _OF_QUEUE, _DUE, _SINCE, _KNOWN))
    .values(_BEGIN)
    .returning(*_CLAIM)
)
_NEXT = select(func.min(T.run_at), NOW).where(UNSENT, _OF_QUEUE, T.run_at > NOW)
_HAND_BACK = (
    update(TABLE).where(T.id == bindparam("its_id"), ITS_QUEUED, ~_KNOWN).values(sent_at=None)
)
_HELD = has_id(T.id, "held"), ITS_RUNNING
_EXTEND = (
    update(TABLE)
    .where(is_one_of(T.id, select(T.id).where(*_HELD).with_for_update(skip_locked=True)))
    .values(run_at=after(LEASE))
    .returning(T.id, T.claims)
)
_STILL_HELD = select(T.id, T.claims).where(*_HELD)
# By its id and number alone: what names more columns may be planned on another index.
_MINE = T.id == bindparam("its_id"), T.claims == bindparam("its_number")
_REPORT = (
    update(TABLE)
    .where(*_MINE)
    .values(progress=bindparam("done", type_=Float), progress_text=bindparam("told", type_=Text))
)
_ENDED_AS = {
    "id": Uuid(),
    "number": Integer(),
    "state": Text(),
    "ended": Integer(),
    "died": Integer(),
    "delay": Float(),
    "error": Text(),
    "result": Text(),
    "progress": Float(),
    "progress_text": Text(),
}
_ENDED = listed(_ENDED_AS)
_IS_AGAIN = _ENDED.c.state == TaskState.QUEUED
_SETTLE = (
    update(TABLE)
    .where(is_listed(T.id, _ENDED), T.claims == _ENDED.c.number)
    .values(
        state=_ENDED.c.state,
        run_at=case((_IS_AGAIN, after(_ENDED.c.delay)), else_=T.run_at),
        finished_at=case((~_IS_AGAIN, CLOCK)),
        claims=T.claims + 1,
        attempts=T.attempts + _ENDED.c.ended,
        deaths=T.deaths + _ENDED.c.died,
        error=func.coalesce(_ENDED.c.error, case((_IS_AGAIN, T.error))),
        result=_ENDED.c.result,
        progress=func.coalesce(_ENDED.c.progress, T.progress),
        progress_text=func.coalesce(_ENDED.c.progress_text, T.progress_text),
    )
)
_CANCEL_WAITING = (
    update(TABLE)
    .where(T.id == bindparam("its_id"), ITS_QUEUED)
    .values(state=TaskState.CANCELLED, finished_at=CLOCK, claims=T.claims + 1)
)
_ALL = select(TABLE).where(T.id == bindparam("its_id"), T.id != DISPATCHER)


class Rows:
    """The rows, as a worker and the API use them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine  # of dialect.rows_engine: a statement is a transaction

    @cached_property
    def known(self) -> Any:
        """The tasks of this release: those of another one wait for it."""
        return names(registry)

    # Before the commit of the data.

    def write(
        self, messages: Sequence[TaskMessage], connection: Connection, *, sent: bool
    ) -> list[UUID]:
        """Write rows into the connection's transaction; return the ids under which they stand.

        A message whose key an unfinished task of its kind has is not written: its id is returned.
        """
        written = self._insert(messages, connection, sent=sent)
        return [
            m.id if m.id in written else self._standing(m, connection, sent=sent) for m in messages
        ]

    def _insert(
        self, messages: Sequence[TaskMessage], connection: Connection, *, sent: bool
    ) -> set[UUID]:
        # Two commits with the same keys take them in one order: neither waits for the other.
        in_order = sorted(messages, key=lambda each: (each.task, each.key) if each.key else ())
        rows = [
            (
                message.id,
                message.task,
                message.queue,
                message.model_dump_json(),
                message.key,
                message.seconds_until_due(),
                sent and message.not_before is None,
            )
            for message in in_order
        ]
        given = {"rows": listing(_GIVEN, rows)["rows"]}
        return set(connection.scalars(_INSERT, given)) if rows else set()

    def _standing(self, message: TaskMessage, connection: Connection, *, sent: bool) -> UUID:
        holder = {"task": message.task, "key": message.key}
        while True:
            found: UUID | None = connection.scalar(_HOLDER, holder)
            if found:
                return found
            if self._insert([message], connection, sent=sent):  # the holder has just finished
                return message.id
            if message.key is None:
                return message.id  # a run of a schedule that another worker has written

    def cancel_waiting(self, task_id: UUID, connection: Connection) -> None:
        """Within the connection's transaction."""
        connection.execute(_CANCEL_WAITING, {"its_id": task_id})

    # What a worker does.

    async def claim(self, task_id: UUID) -> Claim | None:
        """Begin an attempt; None if the task is not due: finished, running, put off, unknown."""
        found = await fetch(self.engine, _CLAIM_ONE, {"its_id": task_id, "known": self.known})
        return Claim(*found[0]) if found else None

    async def take(self, queue: str, count: int, since: datetime = EVER) -> list[Claim]:
        """Begin an attempt at each of the first ``count`` that have been due ``since`` then."""
        values = {"its_queue": queue, "count": count, "since": since}
        found = await fetch(self.engine, _TAKE, {**values, "known": self.known})
        return [Claim(*row) for row in found]

    async def seconds_until_due(self, queue: str) -> float | None:
        due, now = (await self.all(_NEXT, its_queue=queue))[0]
        return None if due is None else (due - now).total_seconds()

    async def hand_back(self, task_id: UUID) -> None:
        """Have a task that this release does not know sent again, by a worker that does."""
        await self.all(_HAND_BACK, its_id=task_id, known=self.known)

    async def extend(self, claims: Iterable[Claim]) -> set[tuple[UUID, int]]:
        """Keep the leases up; return id and number of those held, be their rows locked or not."""
        held = {claim.id for claim in claims}
        kept = list(await self.all(_EXTEND, held=ids(held)))
        if locked := held - {row[0] for row in kept}:
            kept += await self.all(_STILL_HELD, held=ids(locked))
        return {(row[0], row[1]) for row in kept}

    async def report(self, claim: Claim, progress: Progress) -> None:
        mine = {"its_id": claim.id, "its_number": claim.number}
        await self.all(_REPORT, **mine, **_shown(progress))

    async def settle(self, ended: Iterable[tuple[Claim, Ended, Progress | None]]) -> None:
        """Write what became of attempts, but for those that were lost to another worker."""
        rows = [
            (claim.id, claim.number, *ended_as(outcome), *_shown(progress).values())
            for claim, outcome, progress in ended
        ]
        if rows:
            rows.sort(key=itemgetter(0))  # as the leases are kept: neither waits for the other
            await fetch(self.engine, _SETTLE, listing(_ENDED_AS, rows))

    async def get(self, task_id: UUID, engine: AsyncEngine | None = None) -> Any:
        """Return the row of a task, None where there is none."""
        async with (engine or self.engine).connect() as connection:
            return (await connection.execute(_ALL, {"its_id": task_id})).one_or_none()

    async def all(self, statement: Any, **values: Any) -> Sequence[Any]:
        """Execute a statement; return its rows."""
        async with self.engine.connect() as connection:
            result = await connection.execute(statement, values)
            return result.all() if result.returns_rows else ()

    async def count(self, statement: Any, **values: Any) -> int:
        """Execute a statement; return how many rows it changed."""
        async with self.engine.connect() as connection:
            return int((await connection.execute(statement, values)).rowcount)


def _shown(progress: Progress | None) -> dict[str, Any]:
    return {
        "done": progress.fraction if progress else None,
        "told": progress.text if progress else None,
    }
