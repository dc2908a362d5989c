"""The slice of a project's README, typed in while `make dev` runs, works on each backend."""

from __future__ import annotations

import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from generator.matrix.documented import free_port
from generator.template import questions
from tests import support
from tests.newcomer import (
    PATIENCE,
    environment,
    make,
    render,
    skip_without_servers,
    wait_for,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHOICES = {question.name: question.choices for question in questions.load()}
BLOCK = re.compile(r"^```python\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SLOW_TO_END = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("up", flush=True)
try:
    time.sleep(60)
finally:
    time.sleep(1)
    print("down", flush=True)
"""


@pytest.mark.parametrize(
    ("backend", "database", "end"),
    list(
        zip(
            CHOICES["task_backend"],
            itertools.cycle(CHOICES["database"]),
            itertools.cycle([signal.SIGKILL, signal.SIGINT, signal.SIGINT]),
            strict=False,
        )
    ),
)
def test_the_slice_of_a_projects_readme(
    checkout: Path, tmp_path: Path, backend: str, database: str, end: signal.Signals
) -> None:
    """It is found, migrated, and run in the process that the backend has for it.

    All ends with `make dev`, even if that is killed, and nobody is left to tell it to.
    """
    project = render(checkout, tmp_path, task_backend=backend, database=database)
    with making_dev(project, end) as (client, log):
        signed_up = client.post("/signups", json={"email": "ada@example.com"})
        assert signed_up.status_code == 202
        wait_for(lambda: "mail to ada@example.com: Welcome" in log.read_text(), log)
        type_in(project, project / "README.md")
        make(project, "migration", "m=add invoices")
        make(project, "migrate")
        wait_for(lambda: task_ends(client, "succeeded"), log)
        tasks = project / "src/shop/invoices/tasks.py"
        typed = tasks.read_text(encoding="utf-8")
        failing = typed.replace("max_attempts=5", "max_attempts=1")
        tasks.write_text(
            failing.replace("invoice.processed = True", "raise OSError"), encoding="utf-8"
        )
        wait_for(lambda: task_ends(client, "failed"), log)
    assert "No task is named" not in log.read_text()
    ran = [line for line in log.read_text().splitlines() if "task succeeded" in line]
    separate = questions.table("backends")[backend]["processes"]
    assert [line for line in ran if ("worker" if separate else "api") in line.split("|")[0]], ran
    if backend == "background":  # the same for all
        tasks.write_text(typed, encoding="utf-8")
        support.git(project, "add", "--all")
        make(project, "check")


def test_a_command_of_dev_ends_with_it(checkout: Path, tmp_path: Path) -> None:
    """SIGTERM reaches the command that `python -m dev COMMAND` runs, and it is waited for."""
    project = render(checkout, tmp_path, task_backend="outbox")
    with subprocess.Popen(
        ["uv", "run", "python", "-m", "dev", sys.executable, "-c", SLOW_TO_END],
        cwd=project,
        env=environment(project),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == "up\n"
        command.terminate()
        assert command.stdout.readline() == "down\n"
        assert command.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("place", "name"),
    [("environment", "SHOP_PORT"), ("environment", "MAIL_PORT"), (".env", "SHOP_PORT")],
)
def test_a_port_that_is_none(checkout: Path, tmp_path: Path, place: str, name: str) -> None:
    """`make dev` says so in a sentence, wherever it stands."""
    project = render(checkout, tmp_path, task_backend="background")
    around = {name: "abc"} if place == "environment" else {}
    (project / ".env").write_text("" if around else f"{name}=abc\n", encoding="utf-8")
    done = subprocess.run(
        ["make", "dev"],
        cwd=project,
        env=environment(project, **around),
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert re.search(rf"^Error: .*{name}.*", done.stderr, re.MULTILINE), done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode


def type_in(project: Path, readme: Path) -> None:
    slices = BLOCK.findall(readme.read_text(encoding="utf-8"))
    for folder in {(project / path).parent for path, _ in slices} - {project / "tests"}:
        folder.mkdir()
        time.sleep(2)  # as people do: uvicorn misses what is in a folder before it watches it
        (folder / "__init__.py").touch()
    for path, code in slices:
        (project / path).write_text(code, encoding="utf-8")


def task_ends(client: httpx.Client, state: str) -> bool:
    """Tell if an invoice's task comes to that end; while the API reloads, it does not."""
    try:
        answer = client.post("/invoices")
        while answer.is_success:
            answer = client.get(answer.headers.get("Location") or answer.url)
            if answer.is_success and answer.json()["finished_at"]:
                return bool(answer.json()["state"] == state)
            time.sleep(0.1)
    except httpx.TransportError:
        pass
    return False


@contextmanager
def making_dev(project: Path, end: signal.Signals) -> Iterator[tuple[httpx.Client, Path]]:
    """Give a client of what `make dev` starts, and the file with all that it prints."""
    log = project.with_name("log")
    api, mail = free_port(), free_port()
    settings = (project / ".env.example").read_text(encoding="utf-8")
    (project / ".env").write_text(f"{settings}SHOP_PORT={api}\n", encoding="utf-8")
    with log.open("w") as output:
        command = subprocess.Popen(
            ["make", "dev"],
            cwd=project,
            env=environment(project, MAIL_PORT=str(mail)),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            wait_until_it_answers(command, log, api)
            with httpx.Client(base_url=f"http://127.0.0.1:{api}", trust_env=False) as client:
                yield client, log
            os.killpg(command.pid, end)
            command.wait(PATIENCE)
            wait_for(lambda: not left_behind(log) and not servers(project), log)
        finally:
            if command.poll() is None:
                os.killpg(command.pid, signal.SIGKILL)


def left_behind(log: Path) -> list[str]:
    """List what still runs of the processes that it said it started, and of their children."""
    groups = re.findall(r"started \(pid=(\d+)\)", log.read_text())
    assert groups
    listed = subprocess.run(
        ["ps", "-A", "-o", "pgid=,stat=,args="], check=True, capture_output=True, text=True
    ).stdout
    processes = [line.split(maxsplit=2) for line in listed.splitlines()]
    return [args for group, state, args in processes if group in groups and state[0] != "Z"]


def servers(project: Path) -> list[int]:
    """List the ports of its database server and broker that still answer."""
    ports = [int(file.read_text()) for file in project.glob("data/*/port")]
    return [port for port in ports if answers(port)]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until_it_answers(command: subprocess.Popen[bytes], log: Path, port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    deadline = time.monotonic() + PATIENCE
    while not answers(port):
        skip_without_servers(log.read_text())
        assert command.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
