"""What else is on the machine changes nothing in a run of the matrix, nor the run in that."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from generator.matrix import documented, environments, matrix, processes
from generator.matrix.environments import Environments, Lane
from generator.matrix.job import FoundError
from generator.matrix.outcomes import Status
from generator.matrix.processes import StoppedError
from generator.matrix.stages import STAGES, Stage
from tests import support

if TYPE_CHECKING:
    from generator.matrix.job import Job


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("tests were skipped:\nSKIPPED [1] No RabbitMQ: install it.", Status.SKIPPED),
        ("SKIPPED [1] No RabbitMQ: install it.\n1 failed, 7 passed, 1 skipped", Status.FAILED),
    ],
)
def test_a_missing_server_excuses_no_other_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, status: Status
) -> None:
    monkeypatch.delenv("CI", raising=False)

    def check(_job: Job) -> None:
        raise FoundError([said])

    monkeypatch.setattr(matrix, "STAGES", [STAGES[0], Stage("tests", check)])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    [_, outcome] = matrix.run(matrix.Request({"name": "background-sqlite"}))
    assert outcome.status is status


def test_a_service_of_the_same_name_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its settings are kept from the project, and its database from the migrations."""
    theirs = tmp_path / "theirs.db"
    monkeypatch.setenv("SHOP_DATABASE_URL", f"sqlite+aiosqlite:///{theirs}")
    monkeypatch.setenv("SHOP_TEST_DATABASE_URL", "kept")
    seen = []

    def check(job: Job) -> None:
        seen.append(job.run("sh", "-c", "env | grep ^SHOP_"))

    monkeypatch.setattr(matrix, "STAGES", [STAGES[0], Stage("check", check)])
    matrix.run(matrix.Request({"name": "background-sqlite"}))
    assert seen == ["SHOP_TEST_DATABASE_URL=kept\n"]


def test_a_render_touches_no_other_repository(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As it did with a GIT_DIR that a hook had set."""
    support.git(tmp_path, "init", "--quiet")
    (tmp_path / "mine").touch()
    support.commit(tmp_path, "Mine")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    [outcome] = matrix.run(matrix.Request({"name": "background-sqlite"}, ["render"]))
    monkeypatch.delenv("GIT_DIR", raising=False)
    assert outcome.status is Status.OK
    assert support.git(tmp_path, "status", "--porcelain") == ""


def test_all_that_a_killed_run_leaves_can_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process of a service carries its run's mark, a server of the broker's too."""
    use = documented.Service.use
    seen = list[bytes]()

    def look(service: documented.Service) -> None:
        use(service)
        pids = processes.marked("fastapi-tasks-matrix-")
        seen.extend(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids)

    monkeypatch.setattr(documented.Service, "use", look)
    request = matrix.Request({"name": "celery-rabbitmq-sqlite"}, ["commands"], again=True)
    *_, outcome = matrix.run(request)
    if outcome.status is Status.SKIPPED:
        pytest.skip(outcome.detail)
    assert outcome.status is Status.OK
    assert any(b"beam" in command for command in seen)


def test_a_run_that_is_stopped_waits_for_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another may hold the lock of the union for as long as a download takes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ours = processes.Processes("mark", os.environ)
    with ExitStack() as stack:
        assert stack.enter_context(environments.held(environments.cache() / "union.lock"))
        timer = threading.Timer(0.5, ours.stop)
        stack.callback(timer.join)
        timer.start()
        with pytest.raises(StoppedError):
            Environments(Lane.LOCKED, support.ROOT, tmp_path).install(tmp_path, ours)
