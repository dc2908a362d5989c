"""The process that enqueues scheduled tasks. Several may run: each run has one id, written once."""

import asyncio
import signal

from . import logging
from .discovery import import_all
from .resources import open_resources
from .settings import load_all
from .tasks.recorded import RecordedTaskQueue
from .tasks.schedule import publish_on_schedule


def run_scheduler() -> None:
    """Run the process that enqueues scheduled tasks."""
    load_all()
    logging.configure()
    import_all()
    asyncio.run(_schedule_until_stopped())


async def _schedule_until_stopped() -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with open_resources() as resources:
        assert isinstance(resources.queue, RecordedTaskQueue)  # noqa: S101 - all with a scheduler are
        publishing = asyncio.create_task(publish_on_schedule(resources.queue.publish_scheduled))
        await stopped.wait()
        publishing.cancel()
