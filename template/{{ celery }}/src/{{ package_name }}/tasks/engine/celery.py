"""Celery brings the ids: each task is one of Celery's too, with the id as its argument.

`celery -A` finds the application here.
"""

import asyncio
import math
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from celery import Celery
from celery.signals import import_modules, setup_logging, task_unknown
from kombu import Queue
from pydantic import NonNegativeFloat, PositiveInt
from sqlalchemy.ext.asyncio import AsyncEngine

from ... import PACKAGE, logging
from ...discovery import import_all
from ...settings import ServiceSettings
from ..queues import queue_names
from ..task import registry
from .broker import BrokerSettings
from .brokered import BrokeredQueue
from .carrier import Hint, Pusher, broker_queue
from .own_engine import open_rows, request_queue
from .queue import TaskQueue

__all__ = ["TaskSettings", "app", "open_queue", "request_queue", "run_engine"]
LATE = 30  # seconds beyond a task's own timeout after which its process is ended
SOUNDING = f"{PACKAGE}.sounding"
TIMEOUT = 1.0  # seconds for the broker


class TaskSettings(ServiceSettings):
    task_concurrency: PositiveInt = 8
    """Processes of a worker; each runs one task at a time."""
    shutdown_grace: NonNegativeFloat = 20.0
    """Seconds that a stopping worker gives to running tasks before it hands them back."""


def configuration(broker: BrokerSettings, settings: TaskSettings) -> dict[str, Any]:
    url = broker.broker_url.get_secret_value()
    prefix = broker.task_queue
    names = [broker_queue(prefix, n, again=again) for n in queue_names() for again in (True, False)]
    return {
        "broker_url": url,
        "task_default_queue": broker_queue(prefix, "default", again=False),
        "task_queues": [Queue(name) for name in names],
        "accept_content": ["json"],  # a pickle would run whatever it says
        "broker_connection_timeout": TIMEOUT,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # the worker waits for its broker for ever
        "broker_transport_options": _transport(url),
        "task_publish_retry": False,  # whoever dispatches tries again
        "task_ignore_result": True,  # the row has it
        "worker_prefetch_multiplier": 1,  # what a process cannot start yet, another worker may
        "worker_concurrency": settings.task_concurrency,
        "worker_send_task_events": True,  # for Flower
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }


def _transport(url: str) -> dict[str, Any]:
    if url.startswith("redis"):
        return {"socket_timeout": 2 * TIMEOUT, "socket_connect_timeout": TIMEOUT}
    return {"confirm_publish": True, "read_timeout": 2 * TIMEOUT, "write_timeout": 2 * TIMEOUT}


def _broker_queue(name: str, *, again: bool) -> str:
    return broker_queue(BrokerSettings.load().task_queue, name, again=again)


app = Celery(PACKAGE)
app.add_defaults(lambda: configuration(BrokerSettings.load(), TaskSettings.load()))


@setup_logging.connect
def _configure_logging(**_: object) -> None:
    """Replace Celery's logging, in its parent and its pool's processes."""
    logging.configure()
    logging.quieten("celery.app.trace", "celery.worker.strategy")  # the runner's lines say it


@import_modules.connect(sender=app)
def _register_tasks(**_: object) -> None:
    """When a worker starts: it needs the tasks, which need this module."""
    from .process_loop import TaskFailed, run_row, sound  # noqa: PLC0415 - it opens our queue

    import_all()
    for name, task in registry.items():
        limit = math.ceil(task.timeout) + LATE
        app.task(name=name, time_limit=limit, throws=(TaskFailed,))(run_row)
    app.task(name=SOUNDING, time_limit=LATE)(sound)


@task_unknown.connect
def _hand_back(id: str = "", **_: object) -> None:  # noqa: A002 - Celery's name
    """Have a task of a newer release sent again by it."""

    async def hand_back() -> None:
        async with open_rows() as rows:
            await rows.hand_back(UUID(id))

    with suppress(Exception):  # a sounding finds it later; or it is no task of ours
        asyncio.run(hand_back())


class CeleryCarrier:
    def push(self, hints: Sequence[Hint]) -> None:
        with app.producer_pool.acquire(block=True, timeout=TIMEOUT) as producer:
            for hint in hints:
                app.send_task(
                    hint.task,
                    args=[str(hint.id)],
                    argsrepr=hint.shown,
                    task_id=str(hint.id),
                    queue=_broker_queue(hint.queue, again=hint.again),
                    producer=producer,
                )

    def push_sounding(self, queue: str, at: str, *, again: bool) -> None:
        app.send_task(SOUNDING, args=[queue, at, again], queue=_broker_queue(queue, again=again))


def run_engine(queues: Sequence[str]) -> None:
    """Run Celery's own worker."""
    names = [_broker_queue(name, again=again) for name in queues for again in (True, False)]
    own = f"{BrokerSettings.load().task_queue}-{os.getpid()}@%h"  # several on one machine
    options = ["--loglevel=WARNING", "--without-mingle", "--without-gossip"]
    chosen = [f"--hostname={own}", f"--queues={','.join(names)}"]
    app.worker_main(["--quiet", "worker", *options, *chosen])


@asynccontextmanager
async def open_queue(_engine: AsyncEngine, reading: AsyncEngine) -> AsyncIterator[TaskQueue]:
    _ = app.conf.broker_url  # the first use configures it: threads at once would find it half done
    async with Pusher(CeleryCarrier()).running() as pusher, open_rows() as rows:
        yield BrokeredQueue(rows, reading, pusher, TaskSettings.load())
