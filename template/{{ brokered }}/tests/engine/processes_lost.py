"""The worker command loses a part of itself, or its broker."""

import os
import signal

from . import harness
from .outages import outages
from .processes import running, wait_until
from .scenario import Scene


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
