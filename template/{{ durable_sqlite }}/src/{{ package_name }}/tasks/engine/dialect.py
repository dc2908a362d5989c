"""What rows.py says differently to SQLite."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from operator import attrgetter
from typing import Any
from uuid import UUID

import aiosqlite
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    bindparam,
    event,
    func,
    select,
    type_coerce,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ...service.sqlite import connection_arguments
from .row import UtcDateTime

__all__ = ["insert"]
WATCH_INTERVAL = 0.02  # seconds between two looks, of some microseconds each
PATIENCE = 1.0  # seconds: who waits longer would not know what it missed
_FORMAT = "%Y-%m-%d %H:%M:%f000"  # as the driver writes times: they are compared as text


def after(seconds: Any) -> ColumnElement[Any]:
    shift = func.printf("%+.3f seconds", seconds)
    return type_coerce(func.strftime(_FORMAT, "now", shift), UtcDateTime())


def ago(seconds: Any) -> ColumnElement[Any]:
    return after(-seconds)


NOW: ColumnElement[Any] = type_coerce(func.strftime(_FORMAT, "now"), UtcDateTime())
CLOCK = NOW  # a statement begins when it has the lock


def is_one_of(column: Any, found: Select[Any]) -> ColumnElement[bool]:
    chosen: ColumnElement[bool] = column.in_(found)
    return chosen


def is_named(named: Any, parameter: str) -> ColumnElement[bool]:
    listed = func.json_each(bindparam(parameter, type_=Text)).table_valued("value")
    chosen: ColumnElement[bool] = named.in_(select(listed.c.value))
    return chosen


def has_id(identified: Any, parameter: str) -> ColumnElement[bool]:
    return is_named(type_coerce(identified, Text), parameter)


def names(values: Iterable[str]) -> Any:
    return json.dumps(list(values))


def ids(values: Iterable[UUID]) -> Any:
    return json.dumps([value.hex for value in values])


def listed(types: Mapping[str, Any]) -> FromClause:
    """Return the table whose rows are given by ``listing``, the first of them an id."""
    rows = func.json_each(bindparam("rows", type_=Text)).table_valued("value")
    columns = (
        type_coerce(func.json_extract(rows.c.value, f"$[{index}]"), kind).label(name)
        for index, (name, kind) in enumerate(types.items())
    )
    return select(*columns).subquery("given")


def is_listed(identified: Any, given: FromClause) -> ColumnElement[bool]:
    chosen: ColumnElement[bool] = identified == given.c.id
    return chosen


def listing(names: Collection[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:  # noqa: ARG001 - as PostgreSQL's
    return {"rows": json.dumps(rows, default=attrgetter("hex"))}


async def fetch(engine: AsyncEngine, statement: Any, values: Mapping[str, Any]) -> Sequence[Any]:
    """Execute a statement; return its rows."""
    async with engine.connect() as connection:
        result = await connection.execute(statement, values)
        return result.all() if result.returns_rows else ()


def rows_engine(url: str) -> AsyncEngine:
    """One connection that begins no transaction: each statement takes the lock for itself."""
    plain, arguments = connection_arguments(url)
    engine = create_async_engine(
        plain,
        connect_args=arguments | {"timeout": PATIENCE},
        isolation_level="AUTOCOMMIT",
        pool_size=1,
        max_overflow=0,
    )

    def configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.close()

    event.listen(engine.sync_engine, "connect", configure)
    return engine


@asynccontextmanager
async def woken_by_commits(engine: AsyncEngine, woken: asyncio.Event) -> AsyncIterator[None]:
    """Set the event when another connection has committed."""
    watching = asyncio.create_task(_watch(engine.url.database or "", woken))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(path: str, woken: asyncio.Event) -> None:
    """See https://sqlite.org/pragma.html#pragma_data_version."""
    async with aiosqlite.connect(path) as connection:
        last = None
        while True:
            async with connection.execute("PRAGMA data_version") as cursor:
                version = await cursor.fetchone()
            if version != last:
                woken.set()
            last = version
            await asyncio.sleep(WATCH_INTERVAL)


class Notifier:
    """Nothing to send: whoever waits watches the file."""

    def __init__(self, engine: AsyncEngine) -> None:
        pass

    def notify(self) -> None:
        pass

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield
