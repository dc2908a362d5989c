"""What a process of the service holds open. The API and the worker are set up by one function."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from ..settings import Settings
from ..tasks.engine import open_queue
from ..tasks.engine.queue import TaskQueue
from .database import create_engine, create_reading_engine, session_factory

REQUEST_LIMIT = 30.0  # seconds for a statement of the API; tasks have their own timeouts


@dataclass(frozen=True, slots=True)
class Resources:
    engine: AsyncEngine
    reading: AsyncEngine
    """For what only reads: it waits for no writer."""
    sessions: async_sessionmaker[AsyncSession]
    http: httpx.AsyncClient
    queue: TaskQueue


_open: list[Resources] = []


def resources() -> Resources:
    """Return what this process holds open; raises RuntimeError outside open_resources()."""
    if not _open:
        raise RuntimeError("No resources are open: use `async with open_resources():`.")
    return _open[-1]


@asynccontextmanager
async def open_resources(*, statement_limit: float | None = None) -> AsyncIterator[Resources]:
    """Open them; ``statement_limit`` is in seconds, for each statement of a session."""
    engine, reading = _engines(Settings.load().database_url.get_secret_value(), statement_limit)
    try:
        async with (
            httpx.AsyncClient(timeout=10, verify=_certificates()) as http,
            open_queue(engine, reading) as queue,
        ):
            _open.append(Resources(engine, reading, session_factory(engine), http, queue))
            yield _open[-1]
    finally:
        await engine.dispose()
        await reading.dispose()
        _open.clear()


@cache
def _engines(url: str, statement_limit: float | None) -> tuple[AsyncEngine, AsyncEngine]:
    """Return the process's engines: each new one would compile all its SQL anew."""
    engine = create_engine(url, command_timeout=statement_limit)
    return engine, create_reading_engine(url, engine)


@cache
def _certificates() -> SSLContext:
    """Read the certificate authorities once: it takes longer than all the rest."""
    return httpx.create_ssl_context()
