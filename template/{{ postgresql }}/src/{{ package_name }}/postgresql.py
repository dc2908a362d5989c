"""PostgreSQL through asyncpg."""

from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

NESTABLE = True
"""Whether a transaction may be begun within another one's time."""


def connection_arguments(url: str) -> tuple[URL, dict[str, Any]]:
    return make_url(url), {}


def create_engine(url: str, *, command_timeout: float | None = None) -> AsyncEngine:
    plain, arguments = connection_arguments(url)
    engine = create_async_engine(
        plain,
        pool_size=10,
        max_overflow=10,
        pool_timeout=5,  # seconds; an exhausted pool is an error, not a frozen request
        connect_args={"timeout": 5, "command_timeout": command_timeout} | arguments,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_dead)
    return engine


def create_reading_engine(_url: str, engine: AsyncEngine) -> AsyncEngine:
    return engine


def _refuse_dead(connection: Any, _record: Any, _proxy: Any) -> None:
    """Replace a connection that died with its server: the driver knows, no query is needed."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError
