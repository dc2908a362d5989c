"""There is no worker process: FastAPI BackgroundTasks run in the API's own."""

from .operations import OperationsError


def run_worker() -> None:
    raise OperationsError(
        "This service has no worker: its tasks run inside the API (`serve`), after the response. "
        "To run them in a process of their own, choose another task backend."
    )
