"""What rows.py says differently to PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from typing import Any

from pydantic_core import to_json
from sqlalchemy import (
    JSON,
    ColumnElement,
    Dialect,
    Float,
    FromClause,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    column,
    event,
    func,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ...service.postgresql import connection_arguments

__all__ = ["insert"]
CHANNEL = "task_records"
PAUSE = 0.01  # seconds between two notifications of a process
PATIENCE = 2.0  # seconds for one of them
NOW: ColumnElement[Any] = func.now()
"""What it was when the statement began, before it waited for a lock."""
CLOCK: ColumnElement[Any] = func.clock_timestamp()
"""What it is now."""


def after(seconds: Any) -> ColumnElement[Any]:
    return CLOCK + func.make_interval(0, 0, 0, 0, 0, 0, cast(seconds, Float))


def ago(seconds: Any) -> ColumnElement[Any]:
    return NOW - func.make_interval(0, 0, 0, 0, 0, 0, cast(seconds, Float))


def is_one_of(identified: Any, found: Select[Any]) -> ColumnElement[bool]:
    # IN (SELECT …) gets a hash join and a full scan; the array uses the index at every size.
    chosen: ColumnElement[bool] = identified == any_(func.array(found.scalar_subquery()))
    return chosen


def is_named(named: Any, parameter: str) -> ColumnElement[bool]:
    chosen: ColumnElement[bool] = named == any_(bindparam(parameter, type_=ARRAY(Text)))
    return chosen


def has_id(identified: Any, parameter: str) -> ColumnElement[bool]:
    chosen: ColumnElement[bool] = identified == any_(bindparam(parameter, type_=ARRAY(Uuid)))
    return chosen


names: Any = list
ids: Any = list


def listed(types: Mapping[str, Any]) -> FromClause:
    """Return the table whose rows are given by ``listing``, the first of them an id."""
    # The driver looks up each type of arrays, for every connection; JSON it knows.
    rows = func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
    columns = (column(name, kind) for name, kind in types.items())
    return rows.table_valued(*columns).render_derived("given", with_types=True)


def is_listed(identified: Any, given: FromClause) -> ColumnElement[bool]:
    """By the array too: joined alone, a small table is read from end to end."""
    found = cast(bindparam("ids", type_=ARRAY(Text)), ARRAY(Uuid))
    return and_(identified == given.c.id, identified == any_(found))


def listing(names: Collection[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    lines = [dict(zip(names, row, strict=True)) for row in rows]
    return {"rows": to_json(lines).decode(), "ids": [str(row[0]) for row in rows]}


@cache
def _compiled(statement: Any, dialect: Dialect) -> tuple[str, Sequence[str], Mapping[str, Any]]:
    compiled = statement.compile(dialect=dialect)
    return compiled.string, compiled.positiontup, compiled.params


async def fetch(engine: AsyncEngine, statement: Any, values: Mapping[str, Any]) -> Sequence[Any]:
    """Execute a statement and return its rows: by the driver, past SQLAlchemy's own work."""
    text, order, constant = _compiled(statement, engine.dialect)
    given = {**constant, **values}
    async with engine.connect() as connection:
        sync: Any = connection.sync_connection
        if not sync.get_execution_options()["named_by_driver"]:
            result = await connection.execute(statement, values)
            return result.all() if result.returns_rows else ()
        driver = sync.connection.driver_connection
        try:
            rows: Sequence[Any] = await driver.fetch(text, *(given[name] for name in order))
        except BaseException:
            await connection.invalidate()
            raise
    return rows


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
        # Behind an old PgBouncer, SQLAlchemy gives each statement a name of its own.
        execution_options={"named_by_driver": arguments.get("statement_cache_size") != 0},
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
            if self._asked.is_set():  # by the last commit before the end
                await self._send()

    async def _send_for_ever(self) -> None:
        while await self._asked.wait():
            await self._send()
            await asyncio.sleep(PAUSE)

    async def _send(self) -> None:
        self._asked.clear()
        # A lost notification costs a worker's poll interval, no more.
        with suppress(SQLAlchemyError, OSError):
            async with asyncio.timeout(PATIENCE), self._engine.connect() as connection:
                await connection.execute(sql(f"NOTIFY {CHANNEL}"))
