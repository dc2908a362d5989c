"""Ctrl-C and SIGTERM end a run of the matrix with all that it started, and are nobody's failure."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from generator.errors import ExitCode
from generator.matrix import matrix, processes
from generator.matrix.documented import MisbehavedError, ServerDiedError
from tests import support
from tests.matrix.faults import ONLY, only_stage

if TYPE_CHECKING:
    from generator.matrix.job import Job
    from generator.matrix.outcomes import Outcome


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("number", "name", "expected"),
    [
        (signal.SIGINT, "rq-postgresql", {"postgresql+asyncpg", "redis"}),
        (signal.SIGTERM, "background-sqlite", set()),
    ],
)
def test_ctrl_c(folder: Path, number: signal.Signals, name: str, expected: set[str]) -> None:
    """No process, server or folder is left behind, and what was found is told."""
    command = [sys.executable, "-m", "generator", "matrix", "test", "--again"]
    run = subprocess.Popen(
        [*command, "--stage", "commands", "--only", f"name={name}"],
        cwd=folder,
        env=support.child_environment(support.ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    for line in run.stdout or []:
        if " install " in line:
            break
    [run_folder] = folder.iterdir()
    place = run_folder / matrix.ODD / f"{name}.commands"
    settings = place / "settings.json"  # is there once its servers are
    while not settings.exists():
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.02)
    found = map(urlsplit, json.loads(settings.read_text()).values())
    servers = {url.scheme: url.port for url in found if url.port and url.scheme != "smtp"}
    assert servers.keys() == expected
    assert all(map(listens, servers.values()))
    os.killpg(run.pid, number)
    printed, _ = run.communicate(timeout=60)
    assert run.returncode == (ExitCode.INTERRUPTED if number is signal.SIGINT else 143), printed
    assert "Traceback" not in printed
    assert re.search(rf"^{name} +[\d.]+ s  2 ok$", printed, re.MULTILINE), printed
    assert processes.marked(f"{run_folder.name}/") == set()
    assert not run_folder.exists()
    assert not any(map(listens, servers.values()))


def test_ctrl_c_of_what_does_not_heed_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed after the grace, whatever its limit."""

    def hang(job: Job) -> None:
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        job.run("sh", "-c", "trap '' INT; sleep 50 & wait; sleep 50", limit=90)

    monkeypatch.setattr(matrix, "GRACE", 1.0)
    monkeypatch.setattr(processes, "GRACE", 1.0)
    only_stage(monkeypatch, hang)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        matrix.run(matrix.Request(ONLY))
    assert time.monotonic() - began < 30
    assert folder


@pytest.mark.parametrize("error", [ServerDiedError("redis"), MisbehavedError("no answer")])
def test_ctrl_c_is_nobody_s_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """It ends servers and processes in any order; what follows from that is not told as found."""

    def miss_a_server(job: Job) -> None:
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        job.processes.stopped.wait()
        raise error

    only_stage(monkeypatch, miss_a_server)
    told: list[Outcome] = []
    with pytest.raises(KeyboardInterrupt):
        matrix.run(matrix.Request(ONLY, tell=told.append))
    assert [outcome.stage for outcome in told] == ["render"]
    assert folder


def test_ctrl_c_while_the_processes_that_render_start(folder: Path, tmp_path: Path) -> None:
    """None of them prints its own traceback."""
    command = [sys.executable, "-m", "generator", "matrix", "render", str(tmp_path / "all")]
    run = subprocess.Popen(
        [*command, "--only", "task_backend=rq"],
        env=support.child_environment(support.ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    while not any(b"spawn_main" in command_line(pid) for pid in children.read_text().split()):
        assert run.poll() is None, run.communicate()[0]
    os.killpg(run.pid, signal.SIGINT)
    printed, _ = run.communicate(timeout=60)
    assert run.returncode == ExitCode.INTERRUPTED
    assert "Traceback" not in printed
    assert folder


def command_line(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
