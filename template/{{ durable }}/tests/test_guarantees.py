"""What is promised while things go wrong.

Most of it is waiting for leases to end: the scenarios run beside each other, and each test awaits
its own.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from .contract import harness
from .outages import OUTAGES
from .peer import Peer
from .scenario import Scenario, Scene
from .service import Service, StartService

TOGETHER = 4


def poison(scene: Scene) -> None:
    """A task that kills its process ends as failed after its attempts; ten beside it are done.

    The first death is free: it may be a neighbour's doing.
    """
    others = scene.labels(10)
    tasks = [{"task": "stand_by", "arguments": {"label": each}} for each in others]
    with scene.start() as service:
        pill = {"task": "die", "arguments": {"label": scene.name}}
        task_id, *ids = service.enqueue_all([pill, *tasks])
        deadline = time.monotonic() + 4 * harness.RECOVERY
        while (status := service.status(task_id))["finished_at"] is None:
            assert time.monotonic() < deadline, status
            harness.start_worker(service)  # as a supervisor does
            time.sleep(0.1)
        assert (status["state"], status["error"]) == ("failed", "ProcessDied")
        assert len(scene.peer.found(event="tried", label=scene.name)) == 3
        ends = [service.finished(each, harness.RECOVERY)["state"] for each in ids]
        assert ends == ["succeeded"] * 10


def api_killed(scene: Scene) -> None:
    """A task whose API dies between the commit and the push runs all the same, and once."""
    with scene.start() as service:
        with pytest.raises(httpx.TransportError):
            service.enqueue("run_async", "die before sending", label=scene.name)
        scene.await_all("ran", [scene.name], within=harness.RECOVERY)
        service.api.wait()
        service.start_api()
        scene.pass_time(service, 1)
        assert scene.counts("ran", [scene.name]) == [1]


def sigterm_with_20_tasks(scene: Scene) -> None:
    """After the grace they are handed back, in time and uncounted, and each is done once."""
    labels = scene.labels(20)
    with scene.start(TASK_CONCURRENCY="20", SHUTDOWN_GRACE="1") as service:
        ids = scene.enqueue(service, "hold", labels)
        scene.await_all("started", labels)
        assert seconds_to_stop(service) < 1 + 8
        found = [service.status(each) for each in ids]
        assert {(each["state"], each["attempts"]) for each in found} == {("queued", 0)}
        harness.start_worker(service)
        for label in labels:
            scene.peer.release(label)
        scene.await_all("ran", labels)
        assert {service.finished(each)["attempts"] for each in ids} == {1}
        assert scene.counts("ran", labels) == [1] * 20


def sigterm_unheeded(scene: Scene) -> None:
    """A task that swallows its cancellation, or blocks a thread or the loop, holds up no worker.

    It is run again.
    """
    names = "heed_nothing", "hold_blocking", "hold_the_loop"
    tasks = dict(zip(names, scene.labels(3), strict=True))
    with scene.start(SHUTDOWN_GRACE="1") as service:
        for task, label in tasks.items():  # the last one blocks all that share its loop
            service.enqueue(task, label=label)
            scene.peer.expect(event="started", label=label)
        assert seconds_to_stop(service) < 1 + 8
        harness.start_worker(service)
        for label in tasks.values():
            scene.peer.release(label)
        scene.await_all("ran", list(tasks.values()))


def loop_blocked(scene: Scene) -> None:
    """A task that blocks its loop for longer than the lease keeps it, and is run once."""
    with scene.start() as service:
        harness.add_worker(service)
        service.enqueue("sleep_on_the_loop", label=scene.name, seconds=16)
        scene.await_all("ran", [scene.name], within=30)
        assert scene.counts("started", [scene.name]) == [1]


def seconds_to_stop(service: Service) -> float:
    began = time.monotonic()
    harness.stop_worker(service)
    return time.monotonic() - began


SCENARIOS = [
    poison,
    *OUTAGES,
    loop_blocked,
    sigterm_unheeded,
    sigterm_with_20_tasks,
    api_killed,
]


@pytest.fixture(scope="module")
def begun(
    request: pytest.FixtureRequest,
    start_service: StartService,
    peer: Peer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[Scenario, Future[None]]]:
    """Begin what was chosen to be run."""
    chosen = {item.name for item in request.session.items}
    with ThreadPoolExecutor(TOGETHER) as pool:
        yield {
            each: pool.submit(each, Scene(start_service, peer, tmp_path_factory.mktemp("scene")))
            for each in SCENARIOS
            if f"test_guarantee[{each.__name__}]" in chosen
        }


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__)
def test_guarantee(begun: dict[Scenario, Future[None]], scenario: Scenario) -> None:
    """See the scenario's own sentence."""
    begun[scenario].result()
