"""A worker that is the first process of its container, without an init."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..engine import harness
from ..engine.peer import Peer
from ..engine.service import Service, StartService

ALONE = ["unshare", "--pid", "--fork", "--kill-child"]


@pytest.fixture
def first(start_service: StartService) -> Iterator[Service]:
    """Give a service whose worker is PID 1, where this machine lets us make such a place."""
    if subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no PID namespace can be made here: root may")
    with start_service() as service:
        harness.stop_worker(service)
        service.worker = service.run("worker", within=ALONE)
        yield service


def test_a_worker_as_pid_1(first: Service, peer: Peer, label: str) -> None:
    """What a task orphans ends later, and does it no harm; SIGTERM ends it, with 0."""
    first.enqueue("orphan", label=label)
    peer.expect(event="ran", label=label)
    first.enqueue("run_async", label=f"{label}-later", delay=1)
    peer.expect(event="ran", label=f"{label}-later")
    assert first.worker.is_running()
    outside = first.worker.pid
    children = Path(f"/proc/{outside}/task/{outside}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGTERM)
    assert first.worker.wait() == 0
