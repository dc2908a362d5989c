"""PostgreSQL is away, locked, or used up, for longer than a lease."""

import time

import pytest
from sqlalchemy import text

from dev.postgresql import database_server

from . import harness
from .scenario import Scene

LONG = 16.0  # seconds


def database_stopped(scene: Scene) -> None:
    """What runs while the server is stopped is run once, and settled when it is back."""
    labels = scene.labels(4)
    with database_server(scene.folder) as databases:
        if (server := databases.server) is None:
            pytest.skip("TEST_DATABASE_URL names a server that is not ours to stop")
        with scene.start(DATABASE_URL=databases.create()) as service:
            ids = scene.enqueue(service, "hold", labels[:2])
            ids += scene.enqueue(service, "hold_blocking", labels[2:])
            scene.await_all("started", labels)
            server.stop()
            time.sleep(LONG / 2)
            scene.peer.release(labels[0])
            scene.peer.release(labels[2])
            time.sleep(LONG / 2)
            server.start()
            scene.pass_time(service, 8)
            for label in labels:
                scene.peer.release(label)
            ends = [service.finished(each, harness.RECOVERY)["state"] for each in ids]
            assert ends == ["succeeded"] * 4
            assert scene.counts("started", labels) == [1] * 4
            assert service.worker.is_running()


def table_locked(scene: Scene) -> None:
    """A migration that locks the rows for long has no running task run twice."""
    _lock(scene, "ACCESS EXCLUSIVE")


def table_locked_for_writing(scene: Scene) -> None:
    """Nor has an index that is built on them."""
    _lock(scene, "SHARE")


def _lock(scene: Scene, mode: str) -> None:
    labels = scene.labels(4)
    with scene.start() as service:
        harness.add_worker(service)
        ids = scene.enqueue(service, "hold", labels)
        scene.await_all("started", labels)
        lock = text(f"LOCK TABLE task_records IN {mode} MODE")
        harness.execute(service, lock, text(f"SELECT pg_sleep({LONG})"))
        scene.pass_time(service, 8)
        for label in labels:
            scene.peer.release(label)
        assert [service.finished(each)["state"] for each in ids] == ["succeeded"] * 4
        assert scene.counts("started", labels) == [1] * 4


def sessions_used_up(scene: Scene) -> None:
    """Tasks that hold all sessions for longer than a lease keep theirs, and none runs twice."""
    labels = scene.labels(25)
    with scene.start() as service:
        arguments = [{"label": label, "seconds": 13} for label in labels]
        service.enqueue_all([{"task": "hold_session", "arguments": each} for each in arguments])
        scene.await_all("ran", labels[:4], within=60)  # the first that run beside each other
        assert max(scene.counts("started", labels)) == 1


DATABASE_AWAY = [database_stopped, table_locked, table_locked_for_writing, sessions_used_up]
