"""How the contract drives this backend: its tasks run in the API's process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .processes import Process
    from .service import Service

RECOVERY = 0.0
DURABLE = False
"""Whether tasks outlive the processes."""


@contextmanager
def open_services(_directory: Path) -> Iterator[Callable[[], dict[str, str]]]:
    """Start the servers that the backend needs; yield what gives a service its settings."""
    yield dict


def start_worker(service: "Service") -> "Process":
    return service.api if service.api.is_running() else service.start_api()


def stop_worker(service: "Service") -> None:
    service.api.terminate()
    service.api.wait()


def kill_worker(service: "Service") -> None:
    service.api.kill()
