"""SIGTERM and Celery's worker: it ends soon, and what it does not finish is done by another."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .contract import harness
from .own_broker import own_broker
from .peer import Peer
from .processes import PATIENCE
from .service import Service, StartService

STOPS = 10


@pytest.fixture
def service(start_service: StartService) -> Iterator[Service]:
    with start_service(SHUTDOWN_GRACE="0.5", TASK_CONCURRENCY="2") as service:
        yield service


def test_what_runs_is_handed_back(service: Service, peer: Peer, label: str) -> None:
    """After SHUTDOWN_GRACE the task is free for another worker, and the attempt does not count."""
    task_id = service.enqueue("hold", label=label)
    peer.expect(event="started", label=label)
    service.worker.terminate()
    assert service.worker.wait() == 0
    status = service.status(task_id)
    assert (status["state"], status["attempts"]) == ("queued", 0)
    service.worker = harness.start_worker(service)
    peer.expect(count=2, event="started", label=label)
    peer.release(label)
    assert service.finished(task_id)["attempts"] == 1


def test_it_ends_with_its_last_task(start_service: StartService, peer: Peer, label: str) -> None:
    """The grace is a limit, and nothing new is begun in it."""
    with start_service(SHUTDOWN_GRACE=str(2 * PATIENCE), TASK_CONCURRENCY="2") as service:
        task_id = service.enqueue("hold", label=label)
        peer.expect(event="started", label=label)
        service.worker.terminate()
        service.worker.wait_for_line(event="stopping")
        service.enqueue("run_async", label=f"{label}-late")
        peer.release(label)
        assert service.worker.wait() == 0
        assert service.status(task_id)["state"] == "succeeded"
        assert not peer.found(event="ran", label=f"{label}-late")
        service.worker = harness.start_worker(service)
        peer.expect(event="ran", label=f"{label}-late")


def test_a_task_that_does_not_heed_it(service: Service, peer: Peer, label: str) -> None:
    """Its process is killed: the worker does not wait for the task's own limit of time."""
    service.enqueue("hold_blocking", label=label)
    peer.expect(event="started", label=label)
    service.worker.terminate()
    service.worker.wait_for_line(event="handing back what still runs")
    assert service.worker.wait() == 0
    service.worker = harness.start_worker(service)
    peer.expect(count=2, within=harness.RECOVERY, event="started", label=label)
    peer.release(label)
    peer.expect(event="ran", label=label)


def test_the_broker_is_away(start_service: StartService, tmp_path: Path) -> None:
    """A worker that waits for its broker ends too."""
    with (
        own_broker(tmp_path) as broker,
        start_service(BROKER_URL=broker.create(), TASK_CONCURRENCY="1") as service,
    ):
        broker.stop()
        service.worker.wait_for_line(logger="celery.worker.consumer.consumer", level="error")
        service.worker.terminate()
        assert service.worker.wait() == 0


@pytest.mark.load
def test_at_any_moment(service: Service, peer: Peer, label: str) -> None:
    """Whatever the signal interrupts, be it a frame that is half written, the worker ends."""
    for number in range(STOPS):
        tasks = [service.enqueue("run_async", label=f"{label}-{number}") for _ in range(10)]
        peer.expect(count=number, event="ran", label=f"{label}-{number}")
        service.worker.terminate()
        assert service.worker.wait() == 0
        service.worker = harness.start_worker(service)
        for task_id in tasks:
            assert service.finished(task_id)["state"] == "succeeded"
