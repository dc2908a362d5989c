"""A project's documented commands, as its README has them: serve, its processes, one request."""

from __future__ import annotations

import http.client
import json
import re
import secrets
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from generator.matrix.job import Job

PATIENCE = 120.0  # seconds after which what is awaited is taken for missing, unless limited
# Run by the project's `dev`, which has started the servers; it holds them until it is told.
TELL = """
import json, os, pathlib, sys, time
prefix, told, go = sys.argv[1:]
found = {k: v for k, v in os.environ.items() if k.startswith(prefix)}
pathlib.Path(told + ".part").write_text(json.dumps(found))
pathlib.Path(told + ".part").rename(told)
while not pathlib.Path(go).exists():
    time.sleep(0.05)
"""


class MisbehavedError(Exception):
    """A documented command did not do what the README says."""


class ServerDiedError(Exception):
    """A server beside the project is gone: what follows from it is not the project's failure."""


def check(job: Job) -> None:
    with dotenv(job, str):  # as it is: a copy sets nothing
        watch(job, "commands", Service)


@contextmanager
def dotenv(job: Job, change: Callable[[str], str]) -> Iterator[None]:
    """Have a changed copy of .env.example as .env until the end of the block."""
    example = (job.project / ".env.example").read_text(encoding="utf-8")
    copy = job.project / ".env"
    copy.write_text(change(example), encoding="utf-8")
    try:
        yield
    finally:
        copy.unlink()


def watch(job: Job, name: str, kind: type[Service]) -> None:
    """Start the service, use it and stop it."""
    folder = job.project.parent / f"{job.project.name}.{name}"
    folder.mkdir()
    with ExitStack() as stack:
        service = kind(job, folder, stack)
        try:
            service.start()
            service.use()
            service.stop()
        except (MisbehavedError, OSError) as error:
            if gone := service.dead_servers():
                raise ServerDiedError(
                    f"the server at {gone[0]} died half way, so this says nothing of the project: "
                    f"{error}"
                ) from error
            raise MisbehavedError(f"{error}\n{service.logs()}".rstrip()) from error


class Service:
    """The processes of the project, as its README starts them."""

    api = "serve"

    def __init__(self, job: Job, folder: Path, stack: ExitStack) -> None:
        self._job = job
        self._folder = folder
        self._stack = stack
        self._serving: list[str] = []
        self._patience = job.limit or PATIENCE
        self._package = job.answers["package_name"]
        self.settings: dict[str, str] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.processes = job.processes
        """Those that serve."""
        self._listener = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
        self._port = self._listener.getsockname()[1]

    def start(self) -> None:
        self.start_servers()
        for command in ("serve", *self.documented()):
            words = [self._job.python, "-m", self._package, command]
            self.serve(command, words, self._job.project, self.settings)

    def serve(
        self, name: str, command: list[str], cwd: Path, environment: Mapping[str, str]
    ) -> None:
        """Start a process of the service, the API on a socket of ours."""
        self._serving.append(name)
        if name != self.api:
            self._start(name, command, cwd, environment)
            return
        fd = self._listener.fileno()
        self._start(name, [*command, "--fd", str(fd)], cwd, environment, [fd])
        self._listener.close()  # it is the service's alone: who waits for that hears of its end

    def start_servers(self) -> None:
        told, go = self._folder / "settings.json", self._folder / "go"
        mail = str(free_port())
        self._run("mail", "dev.mail", mail)
        tell = ["-c", TELL, self._job.prefix, str(told), str(go)]
        self._run("dev", "dev", self._job.python, *tell, MAIL_PORT=mail)
        self._stack.callback(self._let_servers_go, go)  # before the block ends them by a signal
        self._wait(told.exists, "python -m dev started no servers")
        self.settings = json.loads(told.read_text())

    def documented(self) -> list[str]:
        """Return the processes that the README tells to run beside the API."""
        text = (self._job.project / "README.md").read_text(encoding="utf-8")
        slug = self._package.replace("_", "-")
        named = re.findall(rf"^\| `{slug} (\w+)` \|", text, re.MULTILINE)
        return [command for command in named if command != "serve"]

    def use(self) -> None:
        for path in ("/livez", "/readyz", "/openapi.json"):
            self._request("GET", path, expected=200)
        for name in self._serving:
            if name != self.api:  # a worker that is told to stop while it starts just ends
                self._wait(lambda name=name: "dispatches" in self._log(name), f"{name} is not up")
        if "signup" not in self._job.answers["examples"]:
            return
        email = f"{self._folder.suffix[1:]}@example.com"  # stages share a database
        place = self._request("POST", "/signups", {"email": email}, expected=202)[1]
        self._wait(lambda: self._finished(place), f"the task of {place} has not finished")
        self._wait(lambda: email in self._log("mail"), "the welcome mail was not delivered")

    def stop(self) -> None:
        """End each by SIGTERM, as a platform does: it has to end with 0, or uvicorn by it."""
        for name in self._serving:
            self._running[name].send_signal(signal.SIGTERM)
        for name in self._serving:
            try:
                code = self._running[name].wait(self._patience)
            except subprocess.TimeoutExpired:
                raise MisbehavedError(
                    f"{name} runs on {self._patience:g} s after SIGTERM"
                ) from None
            if code and (name, code) != (self.api, -signal.SIGTERM):
                raise MisbehavedError(f"{name} ended with {code} on SIGTERM")

    def dead_servers(self) -> list[str]:
        """Return the addresses where a server was, and nobody listens now."""
        found = []
        for url in self.settings.values():
            parts = urlsplit(url) if "://" in url else None
            if parts and parts.hostname and parts.port and not parts.scheme.startswith("smtp"):
                with socket.socket() as probe:
                    if probe.connect_ex((parts.hostname, parts.port)):
                        found.append(f"{parts.hostname}:{parts.port} ({parts.scheme})")
        return found

    def logs(self) -> str:
        tails = {name: self._tail(name, 12) for name in self._running}
        return "\n".join(f"[{name}] {line}" for name, lines in tails.items() for line in lines)

    def _run(self, name: str, *arguments: str, **more: str) -> None:
        command = [self._job.python, "-m", *arguments]
        self._start(name, command, self._job.project, {**self.settings, **more})

    def _start(
        self,
        name: str,
        command: list[str],
        cwd: Path,
        environment: Mapping[str, str],
        fds: Sequence[int] = (),
    ) -> None:
        log = self._stack.enter_context((self._folder / f"{name}.log").open("wb"))
        around = {"PYTHONUNBUFFERED": "1", **environment}
        processes = self.processes if name in self._serving else self._job.processes
        started = processes.started(command, cwd, log.fileno(), fds, **around)
        self._running[name] = self._stack.enter_context(started)

    def _let_servers_go(self, go: Path) -> None:
        go.touch()
        with suppress(subprocess.TimeoutExpired):
            self._running["dev"].wait(self._patience)

    def _finished(self, place: str) -> bool:
        status = self._request("GET", place, expected=200)[0]
        if status["state"] == "failed":
            raise MisbehavedError(f"the task of {place} failed: {status}")
        return bool(status["state"] == "succeeded")

    def _request(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, expected: int
    ) -> tuple[dict[str, Any], str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._patience)
        with closing(connection):
            headers = {"Content-Type": "application/json"} if body else {}
            try:
                connection.request(method, path, json.dumps(body) if body else None, headers)
                answer = connection.getresponse()
                text = answer.read().decode()
            except (OSError, http.client.HTTPException) as error:
                self._require_running()
                raise MisbehavedError(f"{method} {path} got no answer: {error}") from error
        if answer.status != expected:
            raise MisbehavedError(f"{method} {path}: {answer.status} {text}")
        try:
            return json.loads(text) if text else {}, answer.headers.get("Location", "")
        except ValueError:
            raise MisbehavedError(f"{method} {path} answers no JSON: {text}") from None

    def _wait(self, done: Any, otherwise: str) -> None:
        deadline = time.monotonic() + self._patience
        while not done():
            self._require_running()
            if time.monotonic() > deadline:
                raise MisbehavedError(f"{otherwise} after {self._patience:g} s")
            time.sleep(0.05)

    def _require_running(self) -> None:
        for name, process in self._running.items():
            if process.poll() is not None:
                said = next(self._tail(name, 1), "it printed nothing")
                raise MisbehavedError(f"{name} ended with {process.returncode}: {said}")

    def _log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def _tail(self, name: str, count: int) -> Iterator[str]:
        yield from self._log(name).splitlines()[-count:]


def free_port() -> int:
    """Return one below what clients get: theirs could take it before it is listened at."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
