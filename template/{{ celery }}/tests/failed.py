"""The failed tasks, as the command lists them."""

import time

from .processes import PATIENCE
from .service import Service


def failed_tasks(service: Service) -> set[str]:
    return set(service.command("tasks", "failed")[1].splitlines())


def wait_for_failed(service: Service, known: set[str], count: int) -> set[str]:
    """Return those that have failed besides the known ones, as soon as there are ``count``."""
    deadline = time.monotonic() + PATIENCE
    while len(new := failed_tasks(service) - known) < count:
        assert time.monotonic() < deadline, service.worker.log()
    assert len(new) == count, new
    return new
