"""Take rows of the outbox under a lease, keep the lease up, give them back or settle them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from .message import utc_now
from .outbox_database import claim_engine, is_one_of
from .queue import TaskState
from .record import UNFINISHED, UNSENT, TaskRecord

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATE_COMMIT = timedelta(seconds=2)  # rows may become visible so long after their run_at
TABLE = cast("Table", TaskRecord.__table__)


@dataclass(frozen=True, slots=True)
class Claim:
    id: UUID
    attempt: int
    body: str
    run_at: datetime


class Claims:
    """Several processes may claim at the same time: each row goes to one of them.

    A row that is taken counts an attempt where it is going to be run, and every later statement
    asks for that number (the fence): whoever lost the lease changes nothing.
    """

    def __init__(self, engine: AsyncEngine, lease: float) -> None:
        self._engine = claim_engine(engine)
        self._lease = timedelta(seconds=lease)
        self._low = EARLIEST

    async def take(self, count: int, *, run: bool, everything: bool) -> Sequence[Claim]:
        """Take at most ``count`` rows that are due, to run them here or to send them on.

        Unless ``everything``, rows below a low-water mark are not looked for: dead versions of
        rows pile up there while a long transaction is open. Late commits, retries and expired
        leases may lie below it, so that a look at everything is due from time to time.
        """
        now = utc_now()
        due = (
            select(TaskRecord.id)
            .where(
                UNSENT,
                TaskRecord.run_at <= now,
                TaskRecord.run_at >= (EARLIEST if everything else self._low),
                TaskRecord.locked_until.is_(None) | (TaskRecord.locked_until <= now),
            )
            .order_by(TaskRecord.run_at, TaskRecord.id)
            .limit(count)
            .with_for_update(skip_locked=True)
        )
        values: dict[str, Any] = {"locked_until": now + self._lease}
        if run:
            attempts = TaskRecord.attempts + 1
            values |= {"attempts": attempts, "state": TaskState.RUNNING, "started_at": now}
        claim = update(TaskRecord).where(is_one_of(TaskRecord.id, due)).values(values)
        columns = TaskRecord.id, TaskRecord.attempts, TaskRecord.message, TaskRecord.run_at
        async with self._engine.begin() as connection:
            rows = (await connection.execute(claim.returning(*columns))).all()
        claims = sorted((Claim(*row) for row in rows), key=lambda claim: (claim.run_at, claim.id))
        full = len(claims) == count
        self._low = (claims[-1].run_at if full else now) - LATE_COMMIT
        return claims

    async def next_due(self) -> datetime | None:
        """Return when the next row that nobody holds becomes due."""
        free = UNSENT & TaskRecord.locked_until.is_(None) & (TaskRecord.run_at > utc_now())
        async with self._engine.connect() as connection:
            earliest: datetime | None = await connection.scalar(
                select(TaskRecord.run_at).where(free).order_by(TaskRecord.run_at).limit(1)
            )
            return earliest

    async def extend(self, claims: Iterable[Claim]) -> None:
        until = utc_now() + self._lease
        await self.settle((claim, {"locked_until": until}) for claim in claims)

    async def release(self, claims: Iterable[Claim]) -> None:
        """Give rows back that were not worked off; the attempt does not count."""
        again = {"state": TaskState.QUEUED, "locked_until": None}
        await self.settle((claim, {**again, "attempts": claim.attempt - 1}) for claim in claims)

    async def set_sent(self, claims: Iterable[Claim]) -> None:
        """Note what the broker has; a worker may have begun it, so without the fence."""
        await self._update(claims, sent_at=utc_now(), locked_until=None)

    async def postpone(self, claims: Iterable[Claim], until: datetime) -> None:
        """Give rows back that could not be sent."""
        await self._update(claims, run_at=until, locked_until=None)

    async def _update(self, claims: Iterable[Claim], **values: Any) -> None:
        sending = TaskRecord.id.in_([claim.id for claim in claims]), UNSENT
        async with self._engine.begin() as connection:
            await connection.execute(update(TaskRecord).where(*sending).values(values))

    async def settle(self, settled: Iterable[tuple[Claim, dict[str, Any]]]) -> None:
        """Write what became of each claim; all have the same columns."""
        pairs = list(settled)
        if not pairs:
            return
        rows = [
            {"its_id": claim.id, "its_attempt": claim.attempt}
            | {f"new_{name}": value for name, value in values.items()}
            for claim, values in pairs
        ]
        its = TABLE.c.id == bindparam("its_id"), TABLE.c.attempts == bindparam("its_attempt")
        mine = *its, UNFINISHED
        columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in pairs[0][1]}
        async with self._engine.begin() as connection:
            await connection.execute(update(TABLE).where(*mine).values(columns), rows)
