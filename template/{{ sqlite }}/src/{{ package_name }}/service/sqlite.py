"""SQLite, set up for a service: transactions take turns, and wait for theirs."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from .database_url import connection_arguments

__all__ = ["NESTABLE", "connection_arguments", "create_engine", "create_reading_engine"]
NESTABLE = False
"""Whether a transaction may be begun within another one's time."""


def create_engine(
    url: str,
    *,
    command_timeout: float | None = None,  # noqa: ARG001 - PostgreSQL's; nothing is remote here
) -> AsyncEngine:
    plain, arguments = connection_arguments(url)
    Path(plain.database or "").parent.mkdir(parents=True, exist_ok=True)
    # Each transaction takes the one lock of the file: within a process they wait for the one
    # connection in a row, for SQLite's own waiting is not fair, and who is late gets an error.
    engine = create_async_engine(
        plain, pool_size=1, max_overflow=0, pool_timeout=10, connect_args=arguments
    )
    event.listen(engine.sync_engine, "connect", _configure)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def create_reading_engine(url: str, _engine: AsyncEngine) -> AsyncEngine:
    """Return one whose transactions take no lock: they see what was committed last."""
    plain, arguments = connection_arguments(url)
    reading = create_async_engine(plain, connect_args=arguments)
    event.listen(reading.sync_engine, "connect", _configure_reading)
    return reading


def _configure(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: _begin does
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _configure_reading(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A plain BEGIN that reads before it writes fails with "database is locked" at once, whatever
    # the timeout; https://www.sqlite.org/lang_transaction.html
    connection.exec_driver_sql("BEGIN IMMEDIATE")
