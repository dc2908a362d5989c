"""A task exists as its data does, however the transaction ends. The same for every task backend."""

import os
import subprocess
import sys

import pytest

from .peer import Peer
from .processes import wait_until
from .service import Service

COMMITTED = ["savepoint_released", "begin_block", "session_commit", "cancelled_at_commit"]
UNDONE = [
    *("savepoint_undone", "released_then_undone", "rolled_back", "failed_commit", "cancelled"),
]


def end(service: Service, way: str, label: str) -> int:
    return service.client.post(f"/probe/transactions/{way}/{label}").status_code


@pytest.mark.parametrize("way", COMMITTED)
def test_what_is_committed_runs(service: Service, peer: Peer, label: str, way: str) -> None:
    """By whichever of the session's ways it was committed."""
    assert end(service, way, label) == 200
    peer.expect(event="ran", label=label)


@pytest.mark.parametrize("way", UNDONE)
def test_what_is_undone_never_runs(service: Service, peer: Peer, label: str, way: str) -> None:
    """A later commit of the same unit of work does not bring it back."""
    assert end(service, way, label) == 200
    service.enqueue("run_async", label=f"{label}-later")
    peer.expect(event="ran", label=f"{label}-later")
    assert not peer.found(event="ran", label=label)


def cancel(service: Service, task_id: str, end: str) -> None:
    answer = service.client.post(f"/probe/transactions/cancel/{task_id}", params={"end": end})
    assert answer.status_code == 200


def test_what_waits_is_cancelled_with_the_data(service: Service, peer: Peer, label: str) -> None:
    """By the commit, and by nothing else; be it to begin, or to be tried again."""
    delayed = service.enqueue("run_async", label=label, delay=600)
    retried = service.enqueue("fail_for_long", label=label)
    peer.expect(event="tried", label=label)
    wait_until(lambda: service.status(retried)["state"] == "queued")
    for task_id in (delayed, retried):
        for end in ("nothing", "savepoint undone"):
            cancel(service, task_id, end)
            assert service.status(task_id)["state"] == "queued"
        cancel(service, task_id, "commit")
        assert service.finished(task_id)["state"] == "cancelled"


def test_what_runs_goes_on(service: Service, peer: Peer, label: str) -> None:
    """A unit of work cancels what waits: neither a task that runs, nor one that has ended."""
    task_id = service.enqueue("hold", label=label)
    peer.expect(event="started", label=label)
    cancel(service, task_id, "commit")
    assert service.status(task_id)["state"] == "running"
    peer.release(label)
    assert service.finished(task_id)["state"] == "succeeded"
    cancel(service, task_id, "commit")
    assert service.status(task_id)["state"] == "succeeded"


def test_a_task_is_cancelled_or_runs(service: Service, peer: Peer, label: str) -> None:
    """Whichever was first: what is cancelled as workers begin it has no effect."""
    task = {"task": "run_async", "arguments": {"label": label}}
    tasks = service.enqueue_all([task] * 30)
    for task_id in tasks:
        cancel(service, task_id, "commit")
    states = {task_id: service.finished(task_id)["state"] for task_id in tasks}
    ran = {report["id"] for report in peer.found(event="ran", label=label)}
    assert ran == {task_id for task_id, state in states.items() if state == "succeeded"}


def test_a_closed_unit_of_work_refuses(service: Service) -> None:
    """It says so, where a task or a connection would be lost."""
    told = service.client.post("/probe/transactions/closed").json()
    assert "UnitOfWorkError: This unit of work is closed" in told
    assert "InvalidRequestError" in told


def test_a_unit_of_work_in_another_ones_transaction(
    service: Service, peer: Peer, label: str
) -> None:
    """It runs, or is refused at once with the remedy where the database takes one writer."""
    headers = {"X-Correlation-ID": label}
    answer = service.client.post(f"/probe/transactions/nested/{label}", headers=headers, timeout=5)
    if answer.status_code == 200:
        peer.expect(event="ran", label=label)
    else:
        line = service.api.wait_for_line(event="request failed", correlation_id=label)
        assert "pass that unit of work on, or commit it first" in str(line["exception"])


SOCKET = """
import sys
from importlib import import_module
from starlette.testclient import TestClient

app = import_module(f"{sys.argv[1]}.main").create_app()
with TestClient(app) as client, client.websocket_connect("/probe/transactions/socket") as socket:
    socket.send_text(sys.argv[2])
    socket.receive_text()
"""


def test_a_unit_of_work_in_a_websocket(service: Service, peer: Peer, label: str) -> None:
    """What is committed there runs, while the socket is open."""
    command = [sys.executable, "-c", SOCKET, service.package, label]
    subprocess.run(command, env={**os.environ, **service.environment}, check=True)
    peer.expect(event="ran", label=label)
