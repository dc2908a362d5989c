"""What rows.py says differently to PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Float, Select, Text, Uuid, any_, bindparam, cast, event, func
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ...service.postgresql import connection_arguments

__all__ = ["insert"]
CHANNEL = "task_records"
PAUSE = 0.01  # seconds between two notifications of a process
NOW: ColumnElement[Any] = func.now()
"""What it was when the statement began, before it waited for a lock."""
CLOCK: ColumnElement[Any] = func.clock_timestamp()
"""What it is now."""


def after(seconds: Any) -> ColumnElement[Any]:
    return CLOCK + func.make_interval(0, 0, 0, 0, 0, 0, cast(seconds, Float))


def ago(seconds: Any) -> ColumnElement[Any]:
    return NOW - func.make_interval(0, 0, 0, 0, 0, 0, cast(seconds, Float))


def is_one_of(column: Any, found: Select[Any]) -> ColumnElement[bool]:
    # IN (SELECT …) gets a hash join and a full scan; the array uses the index at every size.
    chosen: ColumnElement[bool] = column == any_(func.array(found.scalar_subquery()))
    return chosen


def is_named(column: Any, parameter: str) -> ColumnElement[bool]:
    chosen: ColumnElement[bool] = column == any_(bindparam(parameter, type_=ARRAY(Text)))
    return chosen


def has_id(column: Any, parameter: str) -> ColumnElement[bool]:
    chosen: ColumnElement[bool] = column == any_(bindparam(parameter, type_=ARRAY(Uuid)))
    return chosen


def names(values: Iterable[str]) -> Any:
    return list(values)


def ids(values: Iterable[UUID]) -> Any:
    return list(values)


def rows_engine(url: str) -> AsyncEngine:
    """One connection of the rows' own: what tasks use up of theirs is not missed here.

    Each statement is a transaction, in one round trip.
    """
    plain, arguments = connection_arguments(url)
    return create_async_engine(
        plain,
        connect_args={"command_timeout": 30, **arguments},
        isolation_level="AUTOCOMMIT",
        pool_size=1,
        max_overflow=0,
        pool_reset_on_return=None,
    )


@asynccontextmanager
async def woken_by_commits(engine: AsyncEngine, woken: asyncio.Event) -> AsyncIterator[None]:
    """Set the event when something was enqueued: each connection of this engine listens."""

    def listen(connection: Any, _record: Any) -> None:
        connection.run_async(lambda raw: raw.add_listener(CHANNEL, lambda *_: woken.set()))
        woken.set()  # for what was missed

    event.listen(engine.sync_engine, "connect", listen)
    await engine.dispose()
    yield
    event.remove(engine.sync_engine, "connect", listen)


class Notifier:
    """Sends NOTIFY after commits. Inside a transaction it would make commits wait in a row."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._asked = asyncio.Event()

    def notify(self) -> None:
        self._asked.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        sending = asyncio.create_task(self._send_for_ever())
        try:
            yield
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send_for_ever(self) -> None:
        while await self._asked.wait():
            self._asked.clear()
            # A lost notification costs a worker's poll interval, no more.
            with suppress(SQLAlchemyError, OSError):
                async with self._engine.connect() as connection:
                    await connection.execute(sql(f"NOTIFY {CHANNEL}"))
            await asyncio.sleep(PAUSE)
