"""What is promised of tasks when a process ends, and when the queue is to end.

This file is the same for every task backend.
"""

from collections.abc import Iterator

import httpx
import pytest

from . import harness
from .harness import DURABLE
from .peer import Peer
from .service import Service, StartService


@pytest.fixture(scope="module", autouse=True)
def module_service(start_service: StartService) -> Iterator[Service]:
    with start_service() as service:
        yield service


def test_sigterm_finishes_or_hands_back(mortal: Service, peer: Peer, label: str) -> None:
    """A task in flight at SIGTERM is done in the end, by this process or the next."""
    mortal.enqueue("hold", label=label)
    peer.expect(event="started", label=label)
    mortal.worker.terminate()
    peer.release(label)
    harness.stop_worker(mortal)
    if not peer.found(event="ran", label=label):
        harness.start_worker(mortal)
    peer.expect(event="ran", label=label)


@pytest.mark.parametrize(
    ("end", "survives"),
    [
        ("die before the commit", False),
        ("die before sending", DURABLE),
        ("die after sending", DURABLE),
    ],
)
def test_sigkill_of_the_api(
    mortal: Service, peer: Peer, label: str, end: str, *, survives: bool
) -> None:
    """The task survives, or is lost, as the backend promises."""
    tasks = [{"task": "run_async", "arguments": {"label": label}, "delay": 1}]
    with pytest.raises(httpx.TransportError):
        mortal.client.post("/probe/enqueue", json={"tasks": tasks, "end": end})
    mortal.api.wait()
    mortal.start_api()
    mortal.worker = harness.start_worker(mortal)
    if survives:
        peer.expect(event="ran", label=label)
    else:
        mortal.enqueue("run_async", label=f"{label}-later", delay=1)
        peer.expect(event="ran", label=f"{label}-later")
        assert not peer.found(event="ran", label=label)


def test_drain(mortal: Service, peer: Peer, label: str) -> None:
    """`tasks drain --check` is content only when nothing runs, waits or is delayed."""
    mortal.command("tasks", "purge", "--yes")  # what a killed API has written and not sent
    mortal.enqueue("hold", label=label)
    peer.expect(event="started", label=label)
    code, printed = mortal.command("tasks", "drain", "--check")
    assert code == 1, printed
    peer.release(label)
    peer.expect(event="ran", label=label)
    mortal.enqueue("run_async", label=label, delay=3600)
    code, printed = mortal.command("tasks", "drain", "--check")
    assert code == 1, printed
    mortal.command("tasks", "purge", "--yes")
    code, printed = mortal.command("tasks", "drain")
    assert (code, printed.splitlines()[-1]) == (0, "{'event': 'nothing is left'}")


def test_purge(mortal: Service, peer: Peer, label: str) -> None:
    """`tasks purge` fails what waits; `tasks retry` brings one back."""
    task_id = mortal.enqueue("run_async", label=label, delay=3600)
    code, printed = mortal.command("tasks", "purge", "--yes")
    assert code == 0, printed
    status = mortal.status(task_id)
    assert (status["state"], status["error"]) == ("failed", "purged")
    assert mortal.command("tasks", "retry", task_id)[0] == 0
    peer.expect(event="ran", label=label)


def test_sigkill_of_the_worker_mid_task(mortal: Service, peer: Peer, label: str) -> None:
    """The task is run again, or is lost, as the backend promises.

    So is one that a broker has given to the worker, and that it has not yet read.
    """
    task_id = mortal.enqueue("hold", label=label)
    peer.expect(event="started", label=label)
    if DURABLE:
        mortal.worker.freeze()
        mortal.enqueue("run_async", label=f"{label}-unread")
    harness.kill_worker(mortal)
    peer.release(label)
    mortal.worker = harness.start_worker(mortal)
    if DURABLE:
        for each in (label, f"{label}-unread"):
            peer.expect(event="ran", label=each, within=harness.RECOVERY)
    else:
        assert mortal.client.get(f"/tasks/{task_id}").status_code == 404
        assert not peer.found(event="ran", label=label)
