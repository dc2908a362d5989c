"""One worker of all dispatches at a time: what it does to the rows.

It renews its row every second. Another one takes over when that stops, be it dead or frozen; two
for a moment do no harm. In a gap of the renewals the living could not keep their leases up either,
so that for a time after it no lease is taken for ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Float, bindparam, case, func, literal, select, update

from .dialect import CLOCK, NOW, after, ago, insert, is_named, is_one_of
from .queue import TaskState
from .row import DISPATCHER, ITS_QUEUED, RUNNING, SENT, TABLE, UNSENT, UtcDateTime
from .rows import Rows

LEADS = 3.5  # seconds for which a renewal counts
GAP = 5.0  # seconds that every lease survives without being kept up
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
"""When the dispatcher's row is finished: nothing that looks for tasks finds it."""
NOBODY = ""
T = TABLE.c
_OF_QUEUE = T.queue == bindparam("its_queue")

_FIRST_LEADER = (
    insert(TABLE)
    .values(
        id=DISPATCHER,
        task="dispatcher",
        queue="",
        message=NOBODY,
        state="leader",
        attempts=0,
        run_at=after(-GAP),
        enqueued_at=CLOCK,
        finished_at=literal(FOREVER, UtcDateTime()),
    )
    .on_conflict_do_nothing()
)
_OTHER = select(T.run_at, NOW).where(
    T.id == DISPATCHER, T.message != bindparam("me"), T.message != NOBODY
)
_LEAD = (
    update(TABLE)
    .where(
        T.id == DISPATCHER,
        (T.message == bindparam("me")) | (T.message == NOBODY) | (T.run_at < after(-LEADS)),
    )
    .values(
        message=bindparam("me"),
        started_at=T.run_at,
        enqueued_at=case((T.run_at < after(-GAP), CLOCK), else_=T.enqueued_at),
        run_at=CLOCK,
    )
)
_STEP_DOWN = (
    update(TABLE).where(T.id == DISPATCHER, T.message == bindparam("me")).values(message=NOBODY)
)
_REAP = (
    update(TABLE)
    .where(
        is_one_of(
            T.id,
            select(T.id)
            .where(RUNNING, T.run_at <= NOW)
            .order_by(T.run_at)
            .limit(bindparam("count"))
            .with_for_update(skip_locked=True),
        )
    )
    .values(state=TaskState.QUEUED, run_at=CLOCK, deaths=T.deaths + 1, claims=T.claims + 1)
    .returning(T.id, T.task)
)
_SEND = (
    update(TABLE)
    .where(
        is_one_of(
            T.id,
            select(T.id)
            .where(UNSENT, _OF_QUEUE, T.run_at <= ago(bindparam("late", type_=Float)))
            .where(is_named(T.task, "known"))
            .order_by(T.run_at, T.id)
            .limit(bindparam("count"))
            .with_for_update(skip_locked=True),
        )
    )
    .values(sent_at=CLOCK)
    .returning(T.id, T.task, T.message, (T.attempts > 0) | (T.deaths > 0))
)
_UNSEND = update(TABLE).where(T.id == bindparam("its_id"), ITS_QUEUED).values(sent_at=None)
_BEFORE = T.sent_at < bindparam("before", type_=UtcDateTime())
_LOST = update(TABLE).where(SENT, _OF_QUEUE, _BEFORE).values(sent_at=None)


@dataclass(frozen=True, slots=True)
class View:
    """What the leader sees at a renewal; times are the database's."""

    now: datetime
    renewed: datetime
    """When the dispatcher before this round, itself or another, was last there."""
    since: datetime
    lease: datetime | None
    """End of the first lease."""
    due: dict[str, datetime]
    """When the first unsent task of a queue is due."""
    silent: dict[str, datetime]
    """When the first of a queue's tasks was sent that has not begun."""

    @property
    def steady(self) -> bool:
        return (self.now - self.since).total_seconds() > GAP

    def seconds_until(self, at: datetime | None) -> float:
        return (at - self.now).total_seconds() if at else float("inf")


class Leadership:
    def __init__(self, rows: Rows, me: str, queues: Sequence[str]) -> None:
        self._rows = rows
        self._me = me
        self._queues = queues
        self._leads = False
        self._lead = _LEAD.returning(NOW, T.started_at, T.enqueued_at, *_looks(queues))

    async def seconds_left(self) -> float:
        """Return for how long another one leads at the least."""
        found = () if self._leads else await self._rows.all(_OTHER, me=self._me)
        return max((LEADS - (now - renewed).total_seconds() for renewed, now in found), default=0.0)

    async def renew(self) -> View | None:
        """Lead or go on leading, and look at what is to be done; None if another one leads."""
        found = await self._rows.all(self._lead, me=self._me)
        if not found and await self._rows.count(_FIRST_LEADER):
            found = await self._rows.all(self._lead, me=self._me)
        self._leads = bool(found)
        if not found:
            return None
        now, renewed, since, lease, *firsts = found[0]
        half = len(self._queues)
        due = {q: at for q, at in zip(self._queues, firsts[:half], strict=True) if at}
        silent = {q: at for q, at in zip(self._queues, firsts[half:], strict=True) if at}
        return View(now, renewed, since, lease, due, silent)

    async def step_down(self) -> None:
        await self._rows.all(_STEP_DOWN, me=self._me)

    async def reap(self, count: int) -> Sequence[Any]:
        """Queue tasks anew whose lease has ended: their process is gone."""
        return await self._rows.all(_REAP, count=count)

    async def send(self, queue: str, count: int, *, late: float) -> Sequence[Any]:
        """Note the first that are due as sent; return id, task, message and if it began before."""
        values = {"its_queue": queue, "count": count, "late": late}
        return await self._rows.all(_SEND, **values, known=self._rows.known)

    async def unsend(self, ids: Sequence[UUID]) -> None:
        async with self._rows.engine.connect() as connection:
            await connection.execute(_UNSEND, [{"its_id": each} for each in ids])

    async def lost(self, queue: str, before: datetime) -> int:
        """Have what was sent before and has not begun sent again; return how many."""
        return await self._rows.count(_LOST, its_queue=queue, before=before)


def _looks(queues: Sequence[str]) -> list[Any]:
    """Return one look into an index for each thing that may be to do."""
    of = TABLE.alias("seen").c
    # Of the alias, as the indexes' predicates name no table.
    unsent = (of.state == literal("queued", literal_execute=True)) & of.sent_at.is_(None)
    sent = (of.state == literal("queued", literal_execute=True)) & of.sent_at.is_not(None)
    running = of.state == literal("running", literal_execute=True)
    lease = select(func.min(of.run_at)).where(running).scalar_subquery()
    due = [
        select(func.min(of.run_at)).where(unsent, of.queue == queue).scalar_subquery()
        for queue in queues
    ]
    silent = [
        select(func.min(of.sent_at)).where(sent, of.queue == queue).scalar_subquery()
        for queue in queues
    ]
    return [lease, *due, *silent]
