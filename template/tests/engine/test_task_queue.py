"""The promise, held against real processes. This file is the same for every task backend.

What happens when one of them ends: test_ends.py.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import uuid4

import pytest

from .peer import Peer
from .service import Service

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize("task", ["run_async", "run_blocking"])
def test_runs(service: Service, peer: Peer, label: str, task: str) -> None:
    """`async def` and `def` tasks of a module that nobody registered run."""
    task_id = service.enqueue(task, label=label)
    assert peer.expect(event="ran", label=label)[0]["id"] == task_id


def test_arguments_arrive_as_they_were(service: Service, peer: Peer) -> None:
    """UUID, datetime, Decimal, enum, model and list keep their types and values."""
    sent = service.client.post("/probe/all").json()
    assert peer.expect(event="took")[0]["values"] == sent


@pytest.mark.parametrize(
    "arguments", [{}, {"label": 5}, {"label": "x", "extra": 1}, {"label": "x" * 300_000}]
)
def test_wrong_arguments_are_refused_at_enqueue(
    service: Service, arguments: dict[str, object]
) -> None:
    """Missing, mistyped, unknown and oversized arguments are the caller's error."""
    tasks = [{"task": "run_async", "arguments": arguments}]
    response = service.client.post("/probe/enqueue", json={"tasks": tasks})
    assert response.status_code == 400
    assert "probe.tasks.run_async cannot be enqueued" in response.json()["detail"]


def test_300_tasks_find_their_row(service: Service, peer: Peer) -> None:
    """No task starts before the commit of the row that it looks for."""
    rows = [uuid4().hex for _ in range(300)]
    with ThreadPoolExecutor(10) as requests:
        answers = list(requests.map(lambda row: service.client.post(f"/probe/rows/{row}"), rows))
    assert {answer.status_code for answer in answers} == {200}
    looked = [peer.expect(event="looked", row=row) for row in rows]
    assert all(report["found"] for reports in looked for report in reports)


@pytest.mark.parametrize("end", ["nothing", "raise"])
def test_nothing_runs_without_a_commit(service: Service, peer: Peer, label: str, end: str) -> None:
    """A request that leaves without commit(), or raises before it, has enqueued nothing."""
    tasks = [{"task": "run_async", "arguments": {"label": label}}]
    service.client.post("/probe/enqueue", json={"tasks": tasks, "end": end})
    service.enqueue("run_async", label=f"{label}-later")
    peer.expect(event="ran", label=f"{label}-later")
    assert not peer.found(event="ran", label=label)


@pytest.mark.parametrize("end", ["raise after commit", "own background"])
def test_a_committed_task_runs_whatever_the_route_does_next(
    service: Service, peer: Peer, label: str, end: str
) -> None:
    """Not even an exception, or a response with background tasks of its own, drops it."""
    tasks = [{"task": "run_async", "arguments": {"label": label}}]
    service.client.post("/probe/enqueue", json={"tasks": tasks, "end": end})
    peer.expect(event="ran", label=label)


def test_a_failing_task_drops_no_other(service: Service, peer: Peer, label: str) -> None:
    """Of two tasks in one commit the second runs though the first fails."""
    fails = {"task": "refuse", "arguments": {"label": label}}
    service.enqueue_all([fails, {"task": "run_async", "arguments": {"label": label}}])
    peer.expect(event="ran", label=label)


def test_retries_until_it_succeeds(service: Service, peer: Peer, label: str) -> None:
    """A task that fails twice is tried three times, each later than the backoff's least."""
    task_id = service.enqueue("fail", label=label, times=2)
    peer.expect(event="ran", label=label)
    tries = peer.found(event="tried", label=label)
    assert [report["attempt"] for report in tries] == [1, 2, 3]
    status = service.finished(task_id)
    assert (status["state"], status["attempts"]) == ("succeeded", 3)
    first, second, third = (report["at"] for report in tries)
    assert second - first > 0.1
    assert third - second > 0.2


def test_a_poison_task_ends_as_failed_and_can_be_run_again(
    service: Service, peer: Peer, label: str
) -> None:
    """After its last attempt a task is listed with its error; `tasks retry` runs it anew."""
    task_id = service.enqueue("fail", label=label, times=3)
    assert service.finished(task_id)["state"] == "failed"
    code, printed = service.command("tasks", "failed")
    assert code == 0
    assert task_id in printed
    assert "ValueError: failure 3 of 3" in printed
    code, printed = service.command("tasks", "retry", task_id)
    assert (code, printed) == (0, "{'event': '1 queued again'}")
    peer.expect(event="ran", label=label)


def test_do_not_retry(service: Service, peer: Peer, label: str) -> None:
    """DoNotRetry fails a task at its first attempt."""
    task_id = service.enqueue("refuse", label=label)
    assert service.finished(task_id)["error"] == "DoNotRetry"
    assert "this cannot work" in service.command("tasks", "failed")[1]
    assert len(peer.found(event="tried", label=label)) == 1


def test_timeout(service: Service, peer: Peer, label: str) -> None:
    """A task that takes longer than its timeout is ended and fails with that reason."""
    task_id = service.enqueue("overrun", label=label)
    peer.expect(event="started", label=label)
    assert service.finished(task_id)["error"] == "TimeoutError"
    assert "not done after 0.3 s" in service.command("tasks", "failed")[1]
    peer.release(label)


def test_delay(service: Service, peer: Peer, label: str) -> None:
    """A delayed task is queued until it is due, and is not run before."""
    task_id = service.enqueue("run_async", label=label, delay=1)
    assert service.status(task_id)["state"] == "queued"
    [ran] = peer.expect(event="ran", label=label)
    enqueued = datetime.fromisoformat(service.status(task_id)["enqueued_at"])
    assert ran["at"] - enqueued.timestamp() >= 1


def test_a_scheduled_task_run_by_hand(service: Service, peer: Peer) -> None:
    """`tasks run` queues it now and prints its id; what has no schedule, it refuses by name."""
    command = service.run("tasks", "run", "probe.tasks.tick")
    assert command.wait() == 0, command.log()
    [line] = command.lines
    peer.expect(event="tick", id=line["event"])
    for name in ("probe.tasks.run_async", "nobody"):
        code, printed = service.command("tasks", "run", name)
        assert (code, f'schedule is named "{name}"' in printed) == (1, True), printed


def test_schedule(service: Service, peer: Peer) -> None:
    """A scheduled task runs at its times, once at each."""
    ticks = peer.expect(count=3, event="tick", service=service.address)
    ids = [tick["id"] for tick in ticks]
    assert len(set(ids)) == len(ids)


def test_key(service: Service, peer: Peer, label: str) -> None:
    """While a task with a key is unfinished, a second one is that task; afterwards a new one."""
    first = service.enqueue("hold", label=label, key=label)
    peer.expect(event="started", label=label)
    assert service.enqueue("hold", label=label, key=label) == first
    peer.release(label)
    service.finished(first)
    assert service.enqueue("hold", label=label, key=label) != first
    peer.expect(count=2, event="ran", label=label)


def test_status(service: Service, peer: Peer, label: str) -> None:
    """A task is seen running, then succeeded, with its times."""
    task_id = service.enqueue("hold", label=label)
    peer.expect(event="started", label=label)
    status = service.status(task_id)
    assert (status["state"], status["attempts"], status["finished_at"]) == ("running", 1, None)
    peer.release(label)
    status = service.finished(task_id)
    assert status["state"] == "succeeded"
    assert status["enqueued_at"] <= status["started_at"] <= status["finished_at"]


def test_unknown_status(service: Service) -> None:
    """An unknown id is a 404 problem."""
    response = service.client.get(f"/tasks/{uuid4()}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_tasks_enqueue_tasks(service: Service, peer: Peer, label: str) -> None:
    """A unit of work in a task enqueues as one in a request does."""
    service.enqueue("fan_out", label=label, count=3)
    for number in range(3):
        peer.expect(event="ran", label=f"{label}-{number}")


def test_correlation_id_and_trace_reach_the_task_log(service: Service, label: str) -> None:
    """A line that the task logs carries the request's correlation id and trace."""
    body = {"tasks": [{"task": "run_async", "arguments": {"label": label}}]}
    headers = {"X-Correlation-ID": label, "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    response = service.client.post("/probe/enqueue", json=body, headers=headers)
    assert response.headers["X-Correlation-ID"] == label
    line = service.worker.wait_for_line(event="the task's own line", label=label)
    assert (line["correlation_id"], line["trace_id"]) == (label, TRACE)


def test_a_blocking_task_does_not_block_the_api(service: Service, peer: Peer, label: str) -> None:
    """While `def` tasks wait in their threads, the API answers and `async def` tasks run."""
    for number in range(3):
        service.enqueue("hold_blocking", label=f"{label}-{number}")
        peer.expect(event="started", label=f"{label}-{number}")
    assert service.client.get("/livez", timeout=1).status_code == 200
    service.enqueue("run_async", label=label)
    peer.expect(event="ran", label=label)
    for number in range(3):
        peer.release(f"{label}-{number}")


def test_stats(service: Service, peer: Peer, label: str) -> None:
    """`tasks stats` counts what runs and what waits."""
    service.enqueue("hold", label=label)
    service.enqueue("run_async", label=label, delay=60)
    peer.expect(event="started", label=label)
    code, printed = service.command("tasks", "stats")
    peer.release(label)
    assert code == 0
    counts = {name: int(count) for name, count in re.findall(r'"(\w+)": (\d+)', printed)}
    assert counts["running"] >= 1
    assert counts["queued"] >= 1
