"""What the outbox asks of PostgreSQL: claims of one round trip, and NOTIFY to wake the relays."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import asyncpg
import structlog
from sqlalchemy import ColumnElement, Select, any_, func, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

log = structlog.get_logger(__name__)
CHANNEL = "task_records"
PAUSE = 0.01  # seconds between two notifications of a process


def claim_engine(engine: AsyncEngine) -> AsyncEngine:
    """One statement is a transaction: no BEGIN and COMMIT around it."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def is_one_of(column: Any, ids: Select[Any]) -> ColumnElement[bool]:
    # IN (SELECT …) gets a hash join and a full scan; the array uses the index at every size.
    found: ColumnElement[bool] = column == any_(func.array(ids.scalar_subquery()))
    return found


class Notifier:
    """Sends NOTIFY after commits. Inside a transaction it would make commits wait in a row."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = claim_engine(engine)
        self._asked = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(cls, engine: AsyncEngine) -> AsyncIterator[Self]:
        notifier = cls(engine)
        sending = asyncio.create_task(notifier._send_for_ever())
        try:
            yield notifier
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def notify(self) -> None:
        self._asked.set()

    async def _send_for_ever(self) -> None:
        while await self._asked.wait():
            self._asked.clear()
            # A lost notification costs a relay's poll interval, no more.
            with suppress(SQLAlchemyError, OSError):
                async with self._engine.connect() as connection:
                    await connection.execute(text(f"NOTIFY {CHANNEL}"))
            await asyncio.sleep(PAUSE)


async def listen(engine: AsyncEngine, woken: asyncio.Event) -> None:
    """Set the event at each notification, and after each reconnection, for what was missed."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        lost = asyncio.Event()
        try:
            connection = await asyncpg.connect(url, timeout=5)
            connection.add_termination_listener(lambda _, lost=lost: lost.set())
            await connection.add_listener(CHANNEL, lambda *_: woken.set())
            woken.set()
            await lost.wait()
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            log.warning("the outbox is polled, LISTEN failed", error=type(error).__name__)
        await asyncio.sleep(1)
