"""The worker: RQ's own, several of them, and its scheduler, from one process with all imported.

`rq worker` would import the service anew for each job, which takes longer than most tasks do.
"""

import asyncio
import gc

import structlog

from . import logging
from .discovery import import_all
from .resources import open_resources
from .settings import load_all
from .supervisor import Supervisor
from .tasks.rq import TaskSettings
from .tasks.rq_worker import run_rq_scheduler, run_rq_worker

log = structlog.get_logger(__name__)


def run_worker() -> None:
    """Run the processes that run the tasks."""
    load_all()
    logging.configure()
    import_all()
    asyncio.run(_warm_up())
    gc.collect()
    gc.freeze()  # what the processes share is not copied because one of them looks for garbage
    settings = TaskSettings.load()
    log.info("worker started", processes=settings.task_concurrency)
    roles = [run_rq_scheduler, *[run_rq_worker] * settings.task_concurrency]
    Supervisor(roles, settings.shutdown_grace).run()


async def _warm_up() -> None:
    """Import and read what is only imported and read at first use, so that no job has to."""
    async with open_resources():
        pass
