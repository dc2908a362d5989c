"""Celery: tasks travel through a broker to workers. `celery -A` finds the application here."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from . import celery_transport
from .broker import BrokerSettings
from .celery_app import TaskSettings, app
from .errors import TaskQueueUnavailable
from .message import TaskMessage, utc_now
from .queue import Capabilities
from .recorded import RecordedTaskQueue, request_queue
from .records import Records

__all__ = ["CeleryTaskQueue", "TaskSettings", "app", "open_queue", "request_queue"]

T = TypeVar("T")
THREADS = 4  # a broker that hangs holds up these, and no thread that others need
PATIENCE = 3.0  # seconds for the broker to take a batch; the client waits meanwhile
BATCH = 20  # messages: `tasks replay` sends hundreds, and a broker may confirm each


class CeleryTaskQueue(RecordedTaskQueue):
    capabilities = Capabilities(
        transactional=False,
        survives_api_kill=True,
        survives_worker_kill=True,
        separate_worker=True,
    )

    def __init__(self, records: Records, threads: ThreadPoolExecutor) -> None:
        super().__init__(records)
        self._threads = threads

    async def deliver(self, messages: Sequence[TaskMessage]) -> None:
        for start in range(0, len(messages), BATCH):
            await self._in_thread(partial(_publish, messages[start : start + BATCH]))

    async def purge(self) -> None:
        await self._in_thread(partial(celery_transport.purge, app, _queue_name()))

    async def stores(self) -> dict[str, int]:
        return await self._in_thread(partial(celery_transport.stores, app, _queue_name()))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        """Celery's calls block: on the event loop, a broker that hangs would freeze the API."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except (TimeoutError, OSError, *celery_transport.ERRORS) as error:
            reason = type(error).__name__
            raise TaskQueueUnavailable(f"The broker does not answer ({reason}).") from error


def _publish(messages: Sequence[TaskMessage]) -> None:
    for message in messages:
        seconds = (message.not_before - utc_now()).total_seconds() if message.not_before else 0
        app.send_task(
            message.task,
            args=[message.model_dump_json()],
            task_id=str(message.id),
            countdown=celery_transport.countdown(app, seconds) if seconds > 0 else None,
        )


def _queue_name() -> str:
    return BrokerSettings.load().task_queue


@asynccontextmanager
async def open_queue(
    _settings: TaskSettings, sessions: async_sessionmaker[AsyncSession]
) -> AsyncIterator[CeleryTaskQueue]:
    _ = app.conf.broker_url  # the first use configures it: threads at once would find it half done
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="celery-publish")
    threads.submit(celery_transport.prepare, app)  # ahead of the first delayed task, if it can
    try:
        yield CeleryTaskQueue(Records(sessions), threads)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
