"""The process that runs the tasks of the outbox."""

import asyncio
import signal

from . import logging
from .discovery import import_all
from .resources import open_resources
from .settings import load_all
from .tasks.local import running_worker


def run_worker() -> None:
    """Run the process that runs the tasks."""
    load_all()
    logging.configure()
    import_all()
    asyncio.run(_work_until_stopped())


async def _work_until_stopped() -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with open_resources() as resources, running_worker(resources):
        await stopped.wait()
