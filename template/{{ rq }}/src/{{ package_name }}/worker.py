"""The worker: RQ's own, several of them, and its scheduler, from one process with all imported.

`rq worker` would import the service anew for each job, which takes longer than most tasks do.
"""

import asyncio
import gc
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import async_sessionmaker

from . import logging
from .discovery import import_all
from .one_stream import share_stdout
from .resources import open_resources
from .settings import load_all
from .supervisor import Supervisor
from .tasks.message import TaskMessage
from .tasks.records import Records
from .tasks.rq import TaskSettings
from .tasks.rq_worker import run_rq_scheduler, run_rq_worker
from .tasks.runner import RetryLater, Succeeded

log = structlog.get_logger(__name__)
IN_SAVEPOINTS: dict[str, Any] = {"join_transaction_mode": "create_savepoint"}


def run_worker() -> None:
    """Run the processes that run the tasks."""
    load_all()
    logging.configure()
    share_stdout()
    import_all()
    asyncio.run(_warm_up())
    gc.collect()
    gc.freeze()  # what the processes share is not copied because one of them looks for garbage
    settings = TaskSettings.load()
    log.info("worker started", processes=settings.task_concurrency)
    roles = [run_rq_scheduler, *[run_rq_worker] * settings.task_concurrency]
    Supervisor(roles, settings.shutdown_grace).run()


async def _warm_up() -> None:
    """Import, read and compile what is only needed at first use, so that no job has to.

    A job that compiles its SQL does so in a transaction: with SQLite, others wait for it.
    """
    async with open_resources() as resources:
        try:
            async with resources.engine.connect() as connection, connection.begin() as undone:
                await _use_records(Records(async_sessionmaker(connection, **IN_SAVEPOINTS)))
                await undone.rollback()
        except (SQLAlchemyError, OSError) as error:
            log.warning("the database does not answer", error=type(error).__name__)


async def _use_records(records: Records) -> None:
    message = TaskMessage(task="none", arguments={})
    await records.start(message)
    await records.finish(message, RetryLater("", 0))
    await records.finish(message, Succeeded())
