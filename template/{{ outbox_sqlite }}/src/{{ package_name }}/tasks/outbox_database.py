"""What the outbox asks of SQLite: transactions take turns, other processes see a new version."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import aiosqlite
from sqlalchemy import ColumnElement, Select
from sqlalchemy.ext.asyncio import AsyncEngine

WATCH_INTERVAL = 0.02  # seconds between two looks, of some microseconds each


def claim_engine(engine: AsyncEngine) -> AsyncEngine:
    return engine


def is_one_of(column: Any, ids: Select[Any]) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.in_(ids)
    return found


class Notifier:
    """Nothing to send: whoever waits watches the file."""

    @classmethod
    @asynccontextmanager
    async def open(cls, _engine: AsyncEngine) -> AsyncIterator[Self]:
        yield cls()

    def notify(self) -> None:
        pass


async def listen(engine: AsyncEngine, woken: asyncio.Event) -> None:
    """Set the event whenever another connection has committed; https://sqlite.org/pragma.html."""
    path = engine.url.database or ""
    async with aiosqlite.connect(path) as connection:
        last = None
        while True:
            async with connection.execute("PRAGMA data_version") as cursor:
                version = await cursor.fetchone()
            if version != last:
                woken.set()
            last = version
            await asyncio.sleep(WATCH_INTERVAL)
