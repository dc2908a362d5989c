"""What a process of the service holds open. The API and the worker are set up by one function."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from ..settings import Settings
from ..tasks.engine import open_queue
from ..tasks.engine.queue import TaskQueue
from .database import create_engine, create_reading_engine, session_factory

if TYPE_CHECKING:
    from ssl import SSLContext

    import httpx

REQUEST_LIMIT = 30.0  # seconds for a statement of the API; tasks have their own timeouts


@dataclass(frozen=True)
class Resources:
    engine: AsyncEngine
    reading: AsyncEngine
    """For what only reads: it waits for no writer."""
    sessions: async_sessionmaker[AsyncSession]
    queue: TaskQueue

    @cached_property
    def http(self) -> "httpx.AsyncClient":
        """Made at its first use, as it takes longer than all the rest."""
        import httpx

        return httpx.AsyncClient(timeout=10, verify=_certificates())

    async def close(self) -> None:
        if "http" in vars(self):  # it was made
            await self.http.aclose()


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
        async with open_queue(engine, reading) as queue:
            _open.append(Resources(engine, reading, session_factory(engine), queue))
            yield _open[-1]
    finally:  # after the queue: its tasks end with all that they had
        for opened in _open:
            await opened.close()
        await engine.dispose()
        await reading.dispose()
        _open.clear()


@cache
def _engines(url: str, statement_limit: float | None) -> tuple[AsyncEngine, AsyncEngine]:
    """Return the process's engines: each new one would compile all its SQL anew."""
    engine = create_engine(url, command_timeout=statement_limit)
    return engine, create_reading_engine(url, engine)


@cache
def _certificates() -> "SSLContext":
    import httpx

    return httpx.create_ssl_context()
