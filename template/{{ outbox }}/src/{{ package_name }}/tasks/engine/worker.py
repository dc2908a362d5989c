"""The process that runs the tasks."""

import asyncio
import signal
from collections.abc import Sequence

from ...service import logging
from ...service.discovery import import_all
from ...service.process import reset_signals_in_children
from ...service.resources import open_resources
from ...service.settings import load_all
from ..queues import queues_to_work_on
from .local_worker import running_worker
from .pid_one import leave_pid_one


def run_worker(queues: Sequence[str] = ()) -> None:
    """Run the tasks of these queues, or of all, until SIGTERM or SIGINT."""
    leave_pid_one()
    import_all()
    load_all()
    logging.configure()
    reset_signals_in_children()
    asyncio.run(_work_until_stopped(queues_to_work_on(queues)))


async def _work_until_stopped(queues: Sequence[str]) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    async with open_resources() as resources, running_worker(resources, queues) as stop:

        def end(*_: object) -> None:
            stop()
            loop.call_soon_threadsafe(stopped.set)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)  # the loop's own handlers wait while a task blocks it
        await stopped.wait()
