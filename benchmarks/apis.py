"""APIs as processes: ours by `serve`, a bare one by uvicorn."""

from __future__ import annotations

import http.client
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.processes import ContenderError, Worker, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.lab import Lab, Place

PATIENCE = 30.0  # seconds
LOOK = 0.002  # seconds


@contextmanager
def serving(lab: Lab, place: Place) -> Iterator[tuple[Worker, int]]:
    """Run its API until the end of the block; yield it, once it answers, and its port."""
    port = _free_port()
    serve = ["shop", "serve", "--port", str(port)]
    if "SHOP_DATABASE_URL" not in place.environment:
        serve = ["uvicorn", "bare_app:app", "--port", str(port)]
    command = [place.python, "-m", *serve]
    with running(command, place.folder, place.environment, lab.log()) as worker:
        _wait_until_it_answers(worker, port)
        yield worker, port


def _wait_until_it_answers(worker: Worker, port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _answers(port):
        if time.monotonic() > deadline or worker.process.poll() is not None:
            raise ContenderError(f"There is no answer from {worker}")
        time.sleep(LOOK)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
