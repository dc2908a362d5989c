"""What a run of the matrix survives: hangs, a full disk, a second run, a dead server."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from generator.errors import GeneratorError
from generator.matrix import documented, many_renders, matrix, processes, workspace
from generator.matrix.job import FoundError
from generator.matrix.outcomes import Outcome, Status
from tests import support
from tests.matrix.faults import ONLY, only_stage

if TYPE_CHECKING:
    from pathlib import Path

    from generator.matrix.job import Job

DYING = """
import os
from pathlib import Path
from dev.redis import broker_server

with broker_server(Path("data")) as broker:
    server = broker.server._child
    os.kill(server.pid, 9)
    server.wait()
    raise ConnectionError("no answer")
"""
# A shell whose child is in a session of its own, as those of the services are.
HANG = ("sh", "-c", "setsid sleep 600 & echo begun; sleep 600")


def test_a_combination_that_hangs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed with its children after the stated time, and reported."""
    marks = []

    def hang(job: Job) -> None:
        marks.append(job.processes.mark)
        job.run(*HANG)

    only_stage(monkeypatch, hang)
    began = time.monotonic()
    [_, outcome] = matrix.run(matrix.Request(ONLY, limit=1))
    assert time.monotonic() - began < 60
    assert outcome.status is Status.FAILED
    assert "ran for 1 s: killed, with all that it started" in outcome.detail
    assert "begun" in outcome.detail
    assert processes.marked(marks[0]) == set()
    assert folder


# Copier leaves the iterator of the folder that it was in to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. .*ScandirIterator")
@pytest.mark.parametrize("only", [ONLY, {"task_backend": "background", "database": "sqlite"}])
def test_a_render_that_hangs(folder: Path, tmp_path: Path, only: dict[str, str]) -> None:
    """It has a limit too, whether it is the only one or one of several."""
    root = tmp_path / "root"
    workspace.snapshot(support.ROOT, root)
    (root / "template/hang.jinja").write_text(
        "{% for _ in range(10 ** 5) %}{% for _ in range(10 ** 5) %}{% endfor %}{% endfor %}"
    )
    outcomes = matrix.run(matrix.Request(only, ["tree"], limit=1, root=root))
    renders = [outcome for outcome in outcomes if outcome.stage == "render"]
    assert {(o.status, o.detail) for o in renders} == {(Status.FAILED, "TimeoutError: ran for 1 s")}
    trees = [outcome for outcome in outcomes if outcome.stage == "tree"]
    assert {(o.status, o.detail) for o in trees} == {(Status.SKIPPED, "render was not done")}
    assert len(renders) == len(trees)
    assert folder


def test_a_render_that_swallows_its_limit() -> None:
    """As a destructor does, in which it may be raised: it is told once more."""
    with pytest.raises(TimeoutError), many_renders.limited(0.1):  # noqa: PT012 - the first is swallowed
        with suppress(TimeoutError):
            time.sleep(10)
        time.sleep(10)


def test_the_limit_is_that_of_documented_commands_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the stage awaits of them is missing after the stated time."""
    monkeypatch.setattr(documented, "TELL", "import time; time.sleep(600)")
    *_, outcome = matrix.run(matrix.Request(ONLY, ["commands"], limit=2, again=True))
    assert outcome.status is Status.FAILED
    assert outcome.detail.startswith("python -m dev started no servers after 2 s")
    assert folder


def test_a_port_that_was_taken_meanwhile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that wanted it is named at once, with the last line that it printed."""
    with socket.create_server(("127.0.0.1", documented.free_port())) as taken:
        monkeypatch.setattr(documented, "free_port", lambda: taken.getsockname()[1])
        *_, outcome = matrix.run(matrix.Request(ONLY, ["commands"], again=True))
    assert outcome.status is Status.FAILED
    assert re.match(r"mail ended with 1: OSError: .*address already in use", outcome.detail)
    assert folder


def test_a_long_output_keeps_its_reason(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def say(_job: Job) -> None:
        raise FoundError(["the reason", *("x" * 100 for _ in range(1000)), "the end"])

    only_stage(monkeypatch, say)
    [_, outcome] = matrix.run(matrix.Request(ONLY))
    assert outcome.detail.startswith("the reason\n…\n")
    assert outcome.detail.endswith("\nthe end")
    assert len(outcome.detail) < 7000
    assert folder


def test_a_disk_that_fills(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends, says so, and blames no project."""

    def fill(job: Job) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(job.project / "data"))

    only_stage(monkeypatch, fill)
    told: list[Outcome] = []
    with pytest.raises(GeneratorError, match="is full") as caught:
        matrix.run(matrix.Request({"task_backend": "rq", "database": "sqlite"}, tell=told.append))
    assert "TMPDIR" in caught.value.remedy
    assert {o.status for o in told if o.stage == "check"} == {Status.MACHINE}
    assert folder


def test_two_runs_at_once(folder: Path) -> None:
    """They share what is cached, and nothing else."""
    command = [sys.executable, "-m", "generator", "matrix", "test", "--stage", "lint"]
    runs = [
        subprocess.Popen(
            [*command, "--only", "name=background-sqlite"],
            env=support.child_environment(support.ROOT),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    for run in runs:
        printed, _ = run.communicate(timeout=300)
        assert run.returncode == 0, printed
    assert folder


def test_a_server_that_dies_half_way(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as the machine's failure, not the project's."""
    use = documented.Service.use

    def shut_down_before(service: documented.Service) -> None:
        broker = urlsplit(service.settings["SHOP_BROKER_URL"])
        with socket.create_connection((broker.hostname or "", broker.port or 0)) as redis:
            redis.sendall(b"SHUTDOWN NOSAVE\r\n")
            redis.recv(1)
        use(service)

    monkeypatch.setattr(documented.Service, "use", shut_down_before)
    request = matrix.Request({"name": "rq-sqlite"}, ["commands"], again=True, limit=15)
    *_, outcome = matrix.run(request)
    assert outcome.stage == "commands"
    assert outcome.status is Status.MACHINE, outcome
    assert "(redis) died half way" in outcome.detail
    assert folder


def test_a_server_that_dies_in_another_stage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's own `dev` tells of it, whatever failed because of that."""

    def check(job: Job) -> None:
        job.environments.install(job.project, job.processes)
        job.run(job.python, "-c", DYING)

    only_stage(monkeypatch, check)
    [_, outcome] = matrix.run(matrix.Request({"name": "rq-sqlite"}))
    assert outcome.status is Status.MACHINE, outcome
    assert "redis-server ended by itself" in outcome.detail
    assert folder


def test_a_server_that_does_not_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as the machine's failure in each stage that needs it."""
    programs = folder / "programs"
    programs.mkdir()
    for name, does in {"initdb": 'mkdir "$2"', "postgres": "exit 1"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    wanted = ["migrations", "commands"]
    outcomes = matrix.run(matrix.Request({"name": "background-postgresql"}, wanted, again=True))
    failed = [outcome for outcome in outcomes if outcome.status is not Status.OK]
    assert [outcome.stage for outcome in failed] == wanted
    for outcome in failed:
        assert outcome.status is Status.MACHINE, outcome
        assert "postgres did not start" in outcome.detail
    shutil.rmtree(programs)


def test_what_a_killed_run_left_is_cleared_away(folder: Path) -> None:
    """The next run ends its processes and removes its folder."""
    left = folder / f"{workspace.PREFIX}left"
    left.mkdir()
    environment = {**os.environ, processes.MARK: f"{left.name}/0/"}
    with subprocess.Popen(["sleep", "600"], env=environment, start_new_session=True) as orphan:
        try:
            while not processes.marked(f"{left.name}/"):  # it is being executed
                time.sleep(0.01)
            os.utime(left, (0, 0))
            with workspace.workspace():
                assert not left.exists()
            assert orphan.wait(10) == -signal.SIGKILL
        finally:
            orphan.kill()
