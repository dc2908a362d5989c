"""What a process of the service holds open. The API and the worker are set up by one function."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from .database import create_engine, session_factory
from .settings import Settings
from .tasks.backend import TaskSettings, open_queue
from .tasks.queue import TaskQueue


@dataclass(frozen=True, slots=True)
class Resources:
    engine: AsyncEngine
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
async def open_resources() -> AsyncIterator[Resources]:
    engine = _engine(Settings.load().database_url.get_secret_value())
    try:
        sessions = session_factory(engine)
        async with (
            httpx.AsyncClient(timeout=10, verify=_certificates()) as http,
            open_queue(TaskSettings.load(), sessions) as queue,
        ):
            _open.append(Resources(engine, sessions, http, queue))
            yield _open[-1]
    finally:
        await engine.dispose()
        _open.clear()


@cache
def _engine(url: str) -> AsyncEngine:
    """Return the process's engine: each new one would compile all its SQL anew."""
    return create_engine(url)


@cache
def _certificates() -> SSLContext:
    """Read the certificate authorities once: it takes longer than all the rest."""
    return httpx.create_ssl_context()
