"""What is true of tasks that are rows, whatever carries their ids."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from . import harness
from .peer import Peer
from .processes import wait_until
from .service import Service, StartService

TAKEOVER = 5.0  # seconds


@pytest.fixture(scope="module", autouse=True)
def module_service(start_service: StartService) -> Iterator[Service]:
    with start_service() as service:
        yield service


def message(**arguments: Any) -> str:
    """Return an envelope with the least that every version of it has had."""
    about = {"task": "probe.tasks.run_async", "enqueued_at": "2026-01-01T00:00:00Z"}
    return json.dumps({"id": str(uuid4()), **about, "arguments": arguments})


BAD = {
    "hello": "MessageError: the message cannot be read",
    "[1, 2]": "MessageError: the message cannot be read",
    '{"id": "x"}': "MessageError: the message cannot be read",
    message(label=5): "TaskArgumentsError: probe.tasks.run_async cannot be run: label",
    message(label="x", more=1): "TaskArgumentsError: probe.tasks.run_async cannot be run: more",
}


def test_bad_rows_fail_with_the_reason(mortal: Service, peer: Peer, label: str) -> None:
    """They end no worker and hold up no other task, such as one of an older version's message."""
    ids = [uuid4() for _ in BAD]
    for task_id, body in zip(ids, BAD, strict=True):
        harness.put(mortal, body, task_id)
    harness.put(mortal, message(label=label), uuid4())
    peer.expect(event="ran", label=label)
    for task_id in ids:
        mortal.finished(str(task_id))
    failed = mortal.command("tasks", "failed")[1].splitlines()
    for task_id, reason in zip(ids, BAD.values(), strict=True):
        assert any(str(task_id) in line and reason in line for line in failed), reason
    assert mortal.worker.is_running()


def test_an_effect_happens_once(mortal: Service, peer: Peer, label: str) -> None:
    """A task that fails twice after its effect has it once, by `first_time`."""
    task_id = mortal.enqueue("pay", label=label)
    assert mortal.finished(task_id)["state"] == "succeeded"
    tries = peer.found(event="tried to pay", label=label)
    assert [each["first"] for each in tries] == [True, False, False]


@pytest.mark.parametrize(
    ("task", "tries", "state", "error"),
    [
        ("cancel_itself", 1, "failed", "CancelledError"),
        ("raise_mute", 2, "failed", "MuteError"),
        ("wrapped", 1, "succeeded", None),
    ],
)
def test_odd_ends(  # noqa: PLR0913, PLR0917
    mortal: Service, peer: Peer, label: str, task: str, tries: int, state: str, error: str | None
) -> None:
    """Whatever a task does to itself is an attempt's end, and its body runs once per attempt."""
    status = mortal.finished(mortal.enqueue(task, label=label))
    assert (status["state"], status["error"], status["attempts"]) == (state, error, tries)
    assert len(peer.found(event="tried", label=label)) == tries


def test_a_key_is_of_one_task(mortal: Service, peer: Peer, label: str) -> None:
    """Two kinds of task with the same key are two tasks."""
    ids = {mortal.enqueue(task, label=label, key=label) for task in ("run_async", "run_blocking")}
    assert len(ids) == 2
    peer.expect(count=2, event="ran", label=label)


def test_progress_and_result(mortal: Service, peer: Peer, label: str) -> None:
    """How far a task is, and what it returned, is in its status."""
    task_id = mortal.enqueue("measure", label=label)
    peer.expect(event="started", label=label)
    wait_until(lambda: mortal.status(task_id)["progress"])
    assert mortal.status(task_id)["progress"] == {"fraction": 0.5, "text": "half of it"}
    peer.release(label)
    assert mortal.finished(task_id)["result"] == {"label": label}


def test_what_is_shown_of_a_failure(mortal: Service, label: str) -> None:
    """Clients see the kind of error, operators its text, and nobody the query of a URL.

    A result that JSON cannot say, or that is too large, is such a failure.
    """
    ids = [mortal.enqueue("give", what=what) for what in ("object", "much")]
    ids.append(mortal.enqueue("call_hook", label=label))
    errors = [mortal.finished(task_id)["error"] for task_id in ids]
    assert errors == ["TaskResultError", "TaskResultError", "ConnectionError"]
    shown = mortal.command("tasks", "failed")[1]
    for reason in ("what JSON cannot say", "more than 65536", "https://hooks.example.com/x"):
        assert reason in shown
    assert label not in shown
    assert not [line for line in mortal.worker.lines if f"token={label}" in str(line)]


@pytest.mark.parametrize("task", ["hold", "hold_blocking"])
def test_cancel_a_running_task(mortal: Service, peer: Peer, label: str, task: str) -> None:
    """It is stopped within seconds, and where a thread goes on, its outcome counts for nothing."""
    task_id = mortal.enqueue(task, label=label)
    peer.expect(event="started", label=label)
    assert mortal.command("tasks", "cancel", task_id) == (0, "{'event': 'cancelled'}")
    assert mortal.status(task_id)["state"] == "cancelled"
    mortal.worker.wait_for_line(event="task cancelled", task_id=task_id)
    peer.release(label)
    mortal.enqueue("run_async", label=f"{label}-later")
    peer.expect(event="ran", label=f"{label}-later")
    assert mortal.status(task_id)["state"] == "cancelled"
    assert task == "hold_blocking" or not peer.found(event="ran", label=label)


def test_cancel_a_queued_task(mortal: Service, peer: Peer, label: str) -> None:
    """It is never run, and is not to be cancelled twice; `tasks retry` brings it back."""
    task_id = mortal.enqueue("run_async", label=label, delay=3600)
    assert mortal.command("tasks", "cancel", task_id)[0] == 0
    assert mortal.finished(task_id)["state"] == "cancelled"
    assert mortal.command("tasks", "cancel", task_id)[0] == 1
    assert mortal.command("tasks", "retry", task_id)[0] == 0
    peer.expect(event="ran", label=label)


@pytest.mark.parametrize("count", [200, pytest.param(2_000, marks=pytest.mark.load)])
def test_two_workers(mortal: Service, peer: Peer, label: str, count: int) -> None:
    """They run each task once, and each run of a schedule is enqueued once."""
    second = harness.add_worker(mortal)
    labels = [f"{label}-{number}" for number in range(count)]
    tasks = [{"task": "run_async", "arguments": {"label": each}} for each in labels]
    parts = [tasks[start : start + 50] for start in range(0, count, 50)]
    with ThreadPoolExecutor(4) as requests:
        list(requests.map(mortal.enqueue_all, parts))
    for each in labels:
        peer.expect(event="ran", label=each, within=count / 10)
    assert [len(peer.found(event="ran", label=each)) for each in labels] == [1] * count
    ticks = [tick["id"] for tick in peer.expect(event="tick", service=mortal.address)]
    assert len(set(ticks)) == len(ticks)
    second.terminate()
    assert second.wait() == 0


def test_another_worker_dispatches(start_service: StartService, peer: Peer) -> None:
    """Within 5 s of the death of the one that dispatched, or of its halt, schedules go on."""
    with start_service(TASK_CONCURRENCY="1") as service:
        wait_until(lambda: service.worker.find(event="dispatches"))
        assert not service.worker.find(event="another worker dispatches")
        workers = [service.worker, *(harness.add_worker(service) for _ in range(2))]
        for end in ("kill", "freeze"):
            [leader] = [each for each in workers if each.find(event="dispatches")]
            workers.remove(leader)
            getattr(leader, end)()
            wait_until(lambda: any(each.find(event="dispatches") for each in workers), TAKEOVER)
            seen = len(peer.found(event="tick", service=service.address))
            peer.expect(count=seen + 1, event="tick", service=service.address)
