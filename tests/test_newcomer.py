"""The slice of a project's README, typed in as it says, runs on each backend."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import copier
import httpx
import pytest

from generator import questions
from tests import support

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 60.0  # seconds
BACKENDS = next(
    question.choices for question in questions.load() if question.name == "task_backend"
)
BLOCK = re.compile(r"^```python\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_slice_of_a_projects_readme(checkout: Path, tmp_path: Path, backend: str) -> None:
    """It is found, migrated, and run in the process that the backend has for it."""
    project = tmp_path / "shop"
    answers = {"task_backend": backend}
    copier.run_copy(
        str(checkout),
        project,
        data=answers,
        defaults=True,
        quiet=True,
        unsafe=False,
        vcs_ref="HEAD",
    )
    for path, code in BLOCK.findall((project / "README.md").read_text(encoding="utf-8")):
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).with_name("__init__.py").touch()
        (project / path).write_text(code, encoding="utf-8")
    support.git(project, "init", "--quiet")
    support.git(project, "add", "--all")
    make(project, "migration", "m=add invoices")
    if backend == "background":  # the same for all: `make dev` migrates too
        make(project, "migrate")
        make(project, "check")
    with making_dev(project) as (client, log):
        answer = client.post("/invoices")
        assert answer.status_code == 202, answer.text
        deadline = time.monotonic() + PATIENCE
        while (status := client.get(answer.headers["Location"]).json())["finished_at"] is None:
            assert time.monotonic() < deadline, status
            time.sleep(0.1)
        assert status["state"] == "succeeded", status
    ran = [line for line in log.read_text().splitlines() if "task succeeded" in line]
    separate = questions.table("backends")[backend]["capabilities"]["separate_worker"]
    assert [line for line in ran if ("worker" if separate else "api") in line.split("|")[0]], ran


def make(project: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["make", *arguments],
        cwd=project,
        env=environment(project),
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    skip_without_servers(done.stdout)
    assert done.returncode == 0, f"make {' '.join(arguments)}:\n{done.stdout}"


@contextmanager
def making_dev(project: Path) -> Iterator[tuple[httpx.Client, Path]]:
    """Give a client of what `make dev` starts, and the file with all that it prints."""
    log = project.with_name("log")
    api, mail = free_ports(2)
    with log.open("w") as output:
        command = subprocess.Popen(
            ["make", "dev"],
            cwd=project,
            env=environment(project, SHOP_PORT=str(api), MAIL_PORT=str(mail)),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            wait_until_it_answers(command, log, api)
            with httpx.Client(base_url=f"http://127.0.0.1:{api}") as client:
                yield client, log
            os.killpg(command.pid, signal.SIGINT)
            command.wait(PATIENCE)
        finally:
            if command.poll() is None:
                os.killpg(command.pid, signal.SIGKILL)


def wait_until_it_answers(command: subprocess.Popen[bytes], log: Path, port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        skip_without_servers(log.read_text())
        assert command.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def skip_without_servers(printed: str) -> None:
    """Tell which server cannot be had here; in CI it has to be there."""
    if missing := re.search(r"^Error: (No \w+: .*)$", printed, re.MULTILINE):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing[1])


def environment(project: Path, **more: str) -> dict[str, str]:
    ours: dict[str, None] = dict.fromkeys(("VIRTUAL_ENV", "PYTHONPATH"))
    return support.child_environment(project, **ours, UV_PYTHON=sys.executable, **more)


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
