"""The worker command loses a part of itself, or all processes their broker."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

from dev.servers import Broker

from ..conftest import present
from . import harness
from .bad_weather import KINDS
from .own_broker import own_broker
from .processes import running, wait_until
from .scenario import Scene
from .service import Service

CLIENTS = 10
SLOWEST = 1.0  # seconds for a request, whatever the broker does
SLOWEST_PROBE = 0.5
PER_SECOND = 5  # tasks, at the least, that are run afterwards


@contextmanager
def between(halt: Callable[[], None], resume: Callable[[], None]) -> Iterator[None]:
    halt()
    try:
        yield
    finally:
        resume()


def stopped(broker: Broker, _service: Service) -> AbstractContextManager[None]:
    return between(broker.server.stop, broker.server.start)


def frozen(broker: Broker, _service: Service) -> AbstractContextManager[None]:
    return between(broker.server.freeze, broker.server.thaw)


def killed(broker: Broker, _service: Service) -> AbstractContextManager[None]:
    return between(broker.server.kill, broker.server.start)


class Stream:
    """Requests that enqueue a task each, evenly over a time, and one to /livez after each."""

    def __init__(self, service: Service, labels: Sequence[str], seconds: float) -> None:
        self._service = service
        self._began = time.monotonic()
        self._pause = seconds / len(labels)
        self.codes: set[int] = set()
        self.slowest = self.slowest_probe = 0.0

    def request(self, number: int, label: str) -> None:
        time.sleep(max(0.0, self._began + number * self._pause - time.monotonic()))
        began = time.monotonic()
        tasks = [{"task": "run_async", "arguments": {"label": label}}]
        answer = self._service.client.post("/probe/enqueue", json={"tasks": tasks})
        answered = time.monotonic()
        self._service.client.get("/livez").raise_for_status()
        self.codes.add(answer.status_code)
        self.slowest = max(self.slowest, answered - began)
        self.slowest_probe = max(self.slowest_probe, time.monotonic() - answered)


def outages(scene: Scene, count: int = 100, seconds: float = 6) -> None:
    """In the middle half of the requests; each is answered in time, each task runs once.

    Schedules go on afterwards. Nobody does anything for it.
    """
    with (
        present(),
        own_broker(scene.folder) as broker,
        scene.start(BROKER_URL=broker.create()) as service,
    ):
        for outage in (stopped, frozen, killed, *KINDS):
            labels = [f"{scene.name}-{outage.__name__}-{number}" for number in range(count)]
            scene.peer.expect(event="tick", service=service.address)
            stream = Stream(service, labels, seconds)
            with ThreadPoolExecutor(CLIENTS) as clients:
                requests = [clients.submit(stream.request, *each) for each in enumerate(labels)]
                requests[count // 4].result()
                with outage(broker, service):
                    requests[3 * count // 4].result()
            for request in requests:
                request.result()
            seen = len(scene.peer.found(event="tick", service=service.address))
            assert stream.codes == {200}, outage
            assert stream.slowest < SLOWEST, outage
            assert stream.slowest_probe < SLOWEST_PROBE, outage
            until = time.monotonic() + harness.RECOVERY + count / PER_SECOND
            for each in labels:
                scene.peer.expect(event="ran", label=each, within=until - time.monotonic())
            assert scene.counts("ran", labels) == [1] * count, outage
            scene.peer.expect(count=seen + 1, event="tick", service=service.address)


def part_of_a_worker_killed(scene: Scene) -> None:
    """The engine below the command is started anew; without the command, the engine ends too.

    Each task that was running runs again, once, and no process is left behind.
    """
    labels = scene.labels(2)
    with scene.start(TASK_CONCURRENCY="1", SHUTDOWN_GRACE="1") as service:
        without_engine, without_command = service.worker, harness.add_worker(service)
        ids = [service.enqueue("hold", label=each) for each in labels]
        scene.await_all("started", labels)
        below = [*without_engine.family()[1:], *without_command.family()]
        os.kill(below[0], signal.SIGKILL)
        os.kill(without_command.pid, signal.SIGKILL)
        service.run("worker")
        for each in labels:
            scene.peer.expect(count=2, event="started", label=each, within=harness.RECOVERY)
            scene.peer.release(each)
        assert {service.finished(each)["state"] for each in ids} == {"succeeded"}
        assert scene.counts("ran", labels) == [1, 1]
        assert without_engine.is_running()
        wait_until(lambda: not running(below))


PROCESSES_LOST = [outages, part_of_a_worker_killed]
