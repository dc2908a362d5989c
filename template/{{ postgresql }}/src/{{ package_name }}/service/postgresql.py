"""PostgreSQL through asyncpg."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from .database_url import connection_arguments

__all__ = ["NESTABLE", "connection_arguments", "create_engine", "create_reading_engine"]
NESTABLE = True
"""Whether a transaction may be begun within another one's time."""


def create_engine(url: str, *, command_timeout: float | None = None) -> AsyncEngine:
    """Return an engine whose statements fail after ``command_timeout`` seconds, or never."""
    plain, arguments = connection_arguments(url)
    engine = create_async_engine(
        plain,
        pool_size=10,
        max_overflow=10,
        pool_timeout=5,  # seconds; an exhausted pool is an error, not a frozen request
        connect_args={"command_timeout": command_timeout, **arguments},
    )
    event.listen(engine.sync_engine, "checkout", _refuse_dead)
    return engine


def create_reading_engine(_url: str, engine: AsyncEngine) -> AsyncEngine:
    return engine


def _refuse_dead(connection: Any, _record: Any, _proxy: Any) -> None:
    """Replace a connection that died with its server: the driver knows, no query is needed."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError
