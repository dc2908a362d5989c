"""The process that runs the tasks, with its pool; `celery -A` can start it too."""

import os
import socket

from . import logging
from .settings import load_all
from .tasks.broker import BrokerSettings
from .tasks.celery import app
from .tasks.celery_tasks import register_tasks


def run_worker() -> None:
    """Run the process that runs the tasks."""
    load_all()
    logging.configure()
    register_tasks()
    name = f"{BrokerSettings.load().task_queue}-{os.getpid()}@{socket.gethostname()}"
    worker = app.Worker(
        hostname=name,  # several on one machine are told apart
        quiet=True,
        without_mingle=True,  # workers need not know each other, and a worker starts sooner
        without_gossip=True,
    )
    worker.start()
    raise SystemExit(worker.exitcode)
