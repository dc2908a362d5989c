"""The process that enqueues scheduled tasks: Celery beat, whose runs are rows."""

from . import logging
from .settings import load_all
from .tasks.celery import app


def run_beat() -> None:
    """Run the process that enqueues scheduled tasks."""
    load_all()
    logging.configure()
    app.Beat(quiet=True).run()
