"""There is no worker process: FastAPI BackgroundTasks run in the API's own."""

from collections.abc import Sequence

from .operations import OperationsError


def run_worker(_queues: Sequence[str] = ()) -> None:
    """Say that there is none."""
    raise OperationsError(
        "This service has no worker: its tasks run inside the API, after the response. "
        "Start that one: `serve`."
    )
