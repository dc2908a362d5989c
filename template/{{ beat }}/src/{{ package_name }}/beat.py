"""The process that enqueues scheduled tasks: Celery beat, whose runs are rows."""

from . import logging
from .settings import load_all
from .tasks.celery import app
from .tasks.celery_tasks import register_tasks


def run_beat() -> None:
    """Run the process that enqueues scheduled tasks."""
    load_all()
    logging.configure()
    register_tasks()
    app.Beat(quiet=True).run()
