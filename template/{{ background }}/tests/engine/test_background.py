"""What only this backend does: tasks live in the API's process, and end with it."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from . import harness
from .peer import Peer
from .service import Service, StartService

STATS = "/operations/stats"
GIVEN_UP = {"hold": "started", "hold_blocking": "started", "fail_for_long": "tried"}


@pytest.fixture(scope="module", autouse=True)
def module_service(start_service: StartService) -> Iterator[Service]:
    with start_service(
        TASK_CONCURRENCY="3",
        TASK_THREADS="1",
        TASK_HISTORY="5",
        SHUTDOWN_GRACE="1",
        OPERATIONS_TOKEN="",
    ) as service:
        yield service


@pytest.fixture
def small(module_service: Service) -> Service:
    """Return a running service with little room, whose process a test may end."""
    module_service.worker = harness.start_worker(module_service)
    return module_service


def test_the_response_goes_out_first(service: Service, peer: Peer, label: str) -> None:
    """The client has its 202 while the task is held, and before it was started."""
    body = {"tasks": [{"task": "hold", "arguments": {"label": label}}]}
    answer = service.client.post("/probe/enqueue", json=body, headers={"X-Correlation-ID": label})
    assert answer.status_code == 200
    [started] = peer.expect(event="started", label=label)
    peer.release(label)
    [access] = [x for x in service.api.find(correlation_id=label) if "POST /probe" in x["event"]]
    assert datetime.fromisoformat(access["timestamp"]).timestamp() <= started["at"]


def test_a_response_that_waits_for_its_task(service: Service, peer: Peer, label: str) -> None:
    """One that streams its task's progress has it started after 5 s, with a warning."""
    answer = service.client.post(f"/probe/stream/{label}", headers={"X-Correlation-ID": label})
    assert answer.text == "succeeded"
    assert len(peer.found(event="ran", label=label)) == 1
    warning = "tasks start before the response has ended"
    assert service.api.find(event=warning, correlation_id=label)


def test_between_attempts_a_task_is_queued(service: Service, label: str) -> None:
    """A task that waits for its next attempt says what the last one ended with."""
    task_id = service.enqueue("fail_for_long", label=label)
    service.api.wait_for_line(event="task will be retried", task_id=task_id)
    status = service.status(task_id)
    assert (status["state"], status["attempts"]) == ("queued", 1)
    assert status["error"] == "ValueError"


@pytest.mark.parametrize(("task", "error"), [("leave", "SystemExit"), ("cancel", "CancelledError")])
def test_what_a_task_raises_does_not_end_the_api(
    service: Service, label: str, task: str, error: str
) -> None:
    """SystemExit and a cancellation of the task's own making fail that task and nothing else."""
    task_id = service.enqueue(task, label=label)
    service.api.wait_for_line(event="task failed", task_id=task_id)
    status = service.status(task_id)
    assert (status["state"], status["attempts"]) == ("failed", 1)
    assert status["error"] == error
    assert service.api.is_running()


def test_concurrency(small: Service, peer: Peer, label: str) -> None:
    """No more than TASK_CONCURRENCY tasks run at one time; the next one waits for a free place."""
    *running, last = (small.enqueue("hold", label=f"{label}-{n}") for n in range(4))
    for number in range(3):
        peer.expect(event="started", label=f"{label}-{number}")
    assert small.status(last)["state"] == "queued"
    for number in (3, 0):
        peer.release(f"{label}-{number}")
    peer.expect(event="ran", label=f"{label}-3")
    [freed] = peer.found(event="ran", label=f"{label}-0")
    [begun] = peer.found(event="started", label=f"{label}-3")
    assert begun["at"] > freed["at"]
    assert small.status(last)["state"] in {"running", "succeeded"}
    assert running
    for number in (1, 2):
        peer.release(f"{label}-{number}")


def test_threads(small: Service, peer: Peer, label: str) -> None:
    """A `def` task that finds no free thread waits for one, within its place."""
    first, second = (small.enqueue("hold_blocking", label=f"{label}-{n}") for n in range(2))
    peer.expect(event="started", label=f"{label}-0")
    while small.status(second)["state"] != "running":
        pass
    peer.release(f"{label}-1")
    peer.release(f"{label}-0")
    peer.expect(event="ran", label=f"{label}-1")
    seen = [(line["event"], line.get("id")) for line in list(peer.reports)]
    assert seen.index(("started", second)) > seen.index(("ran", first))


def test_history(small: Service, label: str) -> None:
    """Of the finished tasks the last TASK_HISTORY are known, an older one is a 404."""
    ids = []
    for _ in range(6):
        ids.append(small.enqueue("run_async", label=label))
        small.api.wait_for_line(event="task succeeded", task_id=ids[-1])
    assert small.client.get(f"/tasks/{ids[0]}").status_code == 404
    assert small.status(ids[-1])["state"] == "succeeded"


def test_operations_are_guarded(service: Service, small: Service) -> None:
    """Without OPERATIONS_TOKEN they are refused, and with it to whoever has another one."""
    for given in ("", "Bearer wrong", "Basic for-tests-only"):
        headers = {"Authorization": given}
        answer = service.client.get(STATS, headers=headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert small.client.get(STATS, headers=headers).status_code == 403
    right = {"Authorization": "Bearer for-tests-only"}
    assert service.client.get(STATS, headers=right).status_code == 200


def test_commands_that_cannot_work_say_why(service: Service) -> None:
    """One line with the reason and the remedy, and exit code 1."""
    refused = {
        service.run("worker"): "no worker: its tasks run inside the API",
        service.run("tasks", "stats", OPERATIONS_URL="http://127.0.0.1:1"): "does not answer",
        service.run("tasks", "stats", OPERATIONS_URL="localhost:1"): "_OPERATIONS_URL: ",
    }
    for process, reason in refused.items():
        assert process.wait() == 1
        assert len(process.lines) == 1
        assert reason in process.log()


def test_sigkill(small: Service, label: str) -> None:
    """Delayed and retrying tasks are lost with the process, and leave no trace."""
    delayed = small.enqueue("run_async", label=label, delay=60)
    retrying = small.enqueue("fail_for_long", label=label)
    small.api.wait_for_line(event="task will be retried", task_id=retrying)
    harness.kill_worker(small)
    small.worker = harness.start_worker(small)
    for task_id in (delayed, retrying):
        assert small.client.get(f"/tasks/{task_id}").status_code == 404


def test_sigterm(small: Service, peer: Peer, label: str) -> None:
    """Open requests are answered and their tasks done; what the grace is too short for is named."""
    given_up = {small.enqueue(task, label=task + label): task for task in GIVEN_UP}
    given_up[small.enqueue("run_async", label=label, delay=60)] = "run_async"
    for task, event in GIVEN_UP.items():
        peer.expect(event=event, label=task + label)
    with _open_request(small) as request:
        small.api.terminate()
        small.api.wait_for_line(event="Shutting down")
        request.sendall(_body(f"{label}-late"))
        assert b" 200 OK" in request.recv(4096)
    peer.expect(event="ran", label=f"{label}-late")
    harness.stop_worker(small)
    lines = small.api.find(event="task given up at shutdown")
    assert {line["task_id"]: line["task"] for line in lines} == {
        task_id: f"probe.tasks.{task}" for task_id, task in given_up.items()
    }


@contextmanager
def _open_request(service: Service) -> Iterator[socket.socket]:
    """Begin a request that has reached its route, and waits there for its body."""
    url = service.client.base_url
    with socket.create_connection((url.host, url.port)) as request:
        request.sendall(
            b"POST /probe/enqueue HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
            b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(_body(""))
        )
        assert b"100 Continue" in request.recv(4096)
        yield request


def _body(label: str) -> bytes:
    body = {"tasks": [{"task": "run_async", "arguments": {"label": label}}]}
    return json.dumps(body).encode().ljust(200)
