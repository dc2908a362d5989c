"""The rows have a connection of their own in each process; requests have the process's queue."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from starlette.requests import HTTPConnection

from ...settings import Settings
from .dialect import rows_engine
from .queue import TaskQueue
from .rows import Rows

_engine = cache(rows_engine)  # each new one would compile all its SQL anew


@asynccontextmanager
async def open_rows() -> AsyncIterator[Rows]:
    engine = _engine(Settings.load().database_url.get_secret_value())
    try:
        yield Rows(engine)
    finally:
        await engine.dispose()


async def request_queue(connection: HTTPConnection) -> TaskQueue:
    queue: TaskQueue = connection.app.state.queue
    return queue
