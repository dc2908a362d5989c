"""A running service of the last release becomes one of this version, under traffic."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiosmtpd.controller import Controller

from generator.matrix.documented import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests import projects

PATIENCE = 90.0  # seconds
GRACE = 30.0  # seconds: stop_grace_period in compose.yaml of the last release
LAST = "v0.2.0"
OLD = {"rq": ["worker"], "celery": ["worker", "beat"], "outbox": ["worker"]}
TELL = """
import json, os, sys
print(json.dumps({k: v for k, v in os.environ.items() if k.startswith("SHOP_")}), flush=True)
sys.stdin.read()
"""


class Mails:
    def __init__(self) -> None:
        self.to: Counter[str] = Counter()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd calls it so
        self.to[envelope.rcpt_tos[0]] += 1
        return "250 OK"


class Traffic(threading.Thread):
    """Signs people up, one after the other, for as long as it runs."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._client = httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False)
        self._news = threading.Condition()
        self._ended = threading.Event()
        self.answers: dict[str, int] = {}

    def run(self) -> None:
        while not self._ended.wait(0.05):
            person = f"ada{len(self.answers)}@example.com"
            try:
                status = self._client.post("/signups", json={"email": person}).status_code
            except httpx.TransportError:
                status = 0  # the old API closed the connection that was kept open
            with self._news:
                self.answers[person] = status
                self._news.notify_all()

    def go_on(self, more: int = 20) -> None:
        """Wait for so many more answers."""
        with self._news:
            wanted = len(self.answers) + more
            assert self._news.wait_for(lambda: len(self.answers) >= wanted, PATIENCE)

    def end(self) -> None:
        self._ended.set()
        self.join()
        self._client.close()


class Release:
    """A project and its processes."""

    def __init__(self, project: Path, stack: ExitStack) -> None:
        self.project = project
        self._stack = stack
        self.settings: dict[str, str] = {}
        kept = {k: v for k, v in os.environ.items() if k != "UV_PROJECT_ENVIRONMENT"}
        self._environment = kept
        sync = [str(Path(sys.executable).with_name("uv")), "sync", "--quiet"]
        subprocess.run(sync, cwd=project, env=kept, check=True)
        self.python = str(project / ".venv/bin/python")

    def start(self, *command: str, fds: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        with (self.project / f"{command[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [self.python, "-m", "shop", *command],
                cwd=self.project,
                env={**self._environment, **self.settings},
                pass_fds=fds,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._stack.callback(end, process)
        return process

    def migrate(self) -> None:
        command = [str(self.project / ".venv/bin/alembic"), "upgrade", "heads"]
        environment = {**self._environment, **self.settings}
        subprocess.run(command, cwd=self.project, env=environment, check=True, capture_output=True)

    @contextmanager
    def servers(self) -> Iterator[dict[str, str]]:
        command = [self.python, "-m", "dev", self.python, "-c", TELL]
        with subprocess.Popen(
            command,
            cwd=self.project,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            try:
                yield json.loads(child.stdout.readline())
            finally:
                child.stdin.close()


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(PATIENCE)


def end_as_a_container(process: subprocess.Popen[bytes]) -> None:
    """Ask it, then kill it and its children.

    0.2.0's Celery, told to stop while it writes to a process of its pool, waits for itself for
    ever: it stops cold in the signal's handler.
    """
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("backend", OLD)
def test_from_the_last_release(renders: projects.Renders, tmp_path: Path, backend: str) -> None:
    """As CHANGELOG.md says, under 0.3.0: no request fails, and each mail goes out.

    The old workers end, the database is migrated, the new worker starts, the API is replaced.
    """
    answers = {"task_backend": backend, "database": "postgresql"}
    with ExitStack() as stack:
        old = Release(renders.project(tmp_path / "old", LAST, **answers), stack)
        new = Release(renders.project(tmp_path / "new", **answers), stack)
        mails = Mails()
        smtp = Controller(mails, hostname="127.0.0.1", port=free_port())
        smtp.start()
        stack.callback(smtp.stop)
        found = stack.enter_context(old.servers())
        found["SHOP_SMTP_URL"] = f"smtp://127.0.0.1:{smtp.port}"
        old.settings = new.settings = found
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        serve = ("serve", "--fd", str(listener.fileno()))
        api = old.start(*serve, fds=(listener.fileno(),))
        workers = [old.start(name) for name in OLD[backend]]
        traffic = Traffic(f"http://127.0.0.1:{listener.getsockname()[1]}")
        traffic.start()
        traffic.go_on()
        for worker in workers:
            end_as_a_container(worker)
        traffic.go_on()
        new.migrate()
        new.start("worker")
        traffic.go_on()
        new.start(*serve, fds=(listener.fileno(),))
        traffic.go_on()
        end(api)
        traffic.go_on()
        traffic.end()
        signed = [person for person, status in traffic.answers.items() if status == 202]
        deadline = time.monotonic() + PATIENCE
        while set(signed) - mails.to.keys() and time.monotonic() < deadline:
            time.sleep(0.1)  # the SMTP server runs in a thread of its own
        statuses = Counter(traffic.answers.values())
        lost = sorted(set(signed) - mails.to.keys())
        logs = (new.project / "worker.log").read_text()[-3000:] if lost else ""
        assert not lost, f"{len(lost)} lost, {statuses}: {lost[:5]}\n{logs}"
        assert set(statuses) <= {202, 0}, statuses
        assert statuses[0] <= 1, statuses
