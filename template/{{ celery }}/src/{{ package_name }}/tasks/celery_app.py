"""The Celery application and its settings; `celery -A` finds it through tasks/celery.py."""

import os
from typing import Any

# Read at Celery's import: a SIGTERM to the whole group ends no task before the worker says so.
os.environ["REMAP_SIGTERM"] = "SIGQUIT"

from celery import Celery
from celery.signals import import_modules, setup_logging
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from .. import PACKAGE, logging
from ..settings import ServiceSettings
from . import celery_transport
from .broker import BrokerSettings
from .celery_stop import GracefulStop

CONNECT_TIMEOUT = 1.0  # seconds


class TaskSettings(ServiceSettings):
    task_concurrency: PositiveInt = 8
    """Processes of a worker; each runs one task at a time."""
    task_time_limit: PositiveFloat = 300.0
    """Longest timeout, in seconds, that a task may have."""
    shutdown_grace: NonNegativeFloat = 10.0
    """Seconds that a stopping worker gives to running tasks before it hands them back."""


def configuration(broker: BrokerSettings, settings: TaskSettings) -> dict[str, Any]:
    return {
        "broker_url": broker.broker_url.get_secret_value(),
        "task_default_queue": broker.task_queue,
        "accept_content": ["json"],  # a pickle would run whatever it says
        # Publishing ends soon, whatever the broker does: one quick retry, for a connection that
        # has died since it was used, and no waiting for one.
        "broker_connection_timeout": CONNECT_TIMEOUT,
        "broker_pool_acquire_timeout": CONNECT_TIMEOUT,
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_max": 0},
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # the worker waits for its broker for ever
        # A task whose process dies is delivered again; its row bounds how often.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_timeout": False,  # the hard limit kills the process: the same
        "task_acks_on_failure": True,
        # After a lost connection the broker delivers again what runs: end it, or it runs twice.
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "worker_prefetch_multiplier": 1,  # what a process cannot start yet, another worker may
        "worker_concurrency": settings.task_concurrency,
        # SIGTERM: no new task, this long for those that run, then they go back (celery_stop.py).
        "worker_soft_shutdown_timeout": settings.shutdown_grace,
        "task_ignore_result": True,  # status is in our rows, where an unknown id is unknown
        "worker_send_task_events": True,  # for Flower
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_consumer": f"{PACKAGE}.tasks.celery_consumer:KeepingConsumer",
        "beat_scheduler": f"{PACKAGE}.tasks.celery_beat:RowScheduler",
        **celery_transport.configuration(broker.task_queue, settings.task_time_limit),
    }


app = Celery(PACKAGE)
app.add_defaults(lambda: configuration(BrokerSettings.load(), TaskSettings.load()))
app.steps["consumer"].add(GracefulStop)
celery_transport.install(app)


@setup_logging.connect
def _configure_logging(**_: object) -> None:
    """Replace Celery's logging, in its parent and its pool's processes."""
    logging.configure()
    logging.quieten("celery.app.trace", "celery.worker.strategy")  # the runner's lines say it


@import_modules.connect(sender=app)
def _register_tasks(**_: object) -> None:
    """When a worker or beat starts: it needs the tasks, which need this module."""
    from .celery_tasks import register_tasks  # noqa: PLC0415 - it imports this one

    register_tasks()
