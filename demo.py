"""`make demo`: render a service, start it, sign somebody up, and see what happens when.

With BACKEND=rq|celery|outbox, the worker is killed in the middle of the task. With OUTAGE=1 too,
rq or celery, the broker is halted instead, while people sign up.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE
from typing import Any

import httpx
from aiosmtpd.smtp import SMTP

from generator.template import questions

ROOT = Path(__file__).parent
RECOVERY = 20.0  # seconds within which a killed worker's task has to be done
SIGN_UPS = 10  # while the broker is halted
APART = 0.5  # seconds between two of them
OUTAGE_RECOVERY = 60.0  # seconds within which all of their mails have to be there
BROKERED = ("rq", "celery")
# Run by the project's Python: what `make dev` starts beside the service's own processes.
SERVERS = """
import json, sys
from contextlib import ExitStack
from dev import __main__ as dev

with ExitStack() as stack:
    settings = {"SHOP_DATABASE_URL": stack.enter_context(dev.database_server(dev.DATA)).keep("app")}
    if hasattr(dev, "broker_server"):
        broker = stack.enter_context(dev.broker_server(dev.DATA))
        settings["SHOP_BROKER_URL"] = broker.url
    print(json.dumps(settings), flush=True)
    for line in sys.stdin:
        {"freeze": broker.server.freeze, "thaw": broker.server.thaw}[line.strip()]()
        print("done", flush=True)
"""
DEMO_IDENTITY = {  # of the first commit, where the machine's git has none yet
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (("NAME", "demo"), ("EMAIL", "demo@example.com"))
}
PATIENCE = 20.0  # seconds after which what is awaited is taken for missing


class Timeline:
    """What happened, told in the order in which it did."""

    def __init__(self) -> None:
        self._start = time.time()
        self._events: list[tuple[float, str]] = []

    def add(self, text: str, at: float | None = None) -> None:
        self._events.append(((at or time.time()) - self._start, text))

    def print(self) -> None:
        for seconds, text in sorted(self._events):
            print(f"  {seconds * 1000:7.1f} ms  {text}")


class MailServer:
    """Takes mail by SMTP, and holds it until ``go_on``, so that the running task can be seen."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.taken = asyncio.Event()
        self.mails: list[tuple[float, str]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd calls it so
        self.asked.set()
        await self.go_on.wait()
        self.mails.append((time.time(), envelope.rcpt_tos[0]))
        self.taken.set()
        return "250 OK"

    async def start(self) -> int:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self), "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port


def step(text: str) -> None:
    print(f"- {text}", flush=True)


def processes(backend: str) -> list[str]:
    """Return the commands that run beside the API."""
    return list(questions.table("backends")[backend]["processes"].values())


def render(project: Path, backend: str) -> None:
    """Render from this checkout or, if it has uncommitted changes, from a copy of its files."""
    source: list[str] = []
    git = ["git", "-C", str(ROOT), "status", "--porcelain"]
    if subprocess.run(git, check=True, capture_output=True).stdout:
        copy = Path(tempfile.mkdtemp(prefix="fastapi-tasks-template-"))
        for name in ("copier.yml", "backends.yml", "reserved_names.yml"):
            shutil.copy(ROOT / name, copy)
        shutil.copytree(ROOT / "template", copy / "template")
        source = ["--template", str(copy)]
    answers = ["--defaults", "--task-backend", backend]
    command = [sys.executable, "-m", "generator", "new", str(project), *answers, *source]
    env = {**DEMO_IDENTITY, **os.environ}
    subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)


def prepare(project: Path) -> str:
    """Install the project as its Makefile does; return its Python."""
    sync = [str(Path(sys.executable).with_name("uv")), "sync", "--quiet"]
    subprocess.run(sync, cwd=project, env=environment(), check=True)
    return str(project / ".venv/bin/python")


class Servers:
    """What the service needs, in a child process."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self.settings: dict[str, str] = json.loads(self._read())

    def ask(self, what: str) -> None:
        """Have the broker frozen or thawed."""
        assert self._child.stdin is not None  # noqa: S101 - it is a pipe
        print(what, file=self._child.stdin, flush=True)
        self._read()

    def _read(self) -> str:
        assert self._child.stdout is not None  # noqa: S101 - it is a pipe
        if line := self._child.stdout.readline():
            return line
        raise subprocess.CalledProcessError(self._child.wait(), ["the project's dev servers"])


@contextmanager
def servers(project: Path, python: str) -> Iterator[Servers]:
    """Run the servers that the service needs, with its database migrated."""
    command = [python, "-c", SERVERS]
    with subprocess.Popen(
        command, cwd=project, env=environment(), stdin=PIPE, stdout=PIPE, text=True
    ) as child:
        try:
            yield Servers(child)
        finally:
            assert child.stdin is not None  # noqa: S101 - it is a pipe
            child.stdin.close()


def environment(**more: str) -> dict[str, str]:
    """Return this process' environment without our own virtual environment in it."""
    kept = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_PYTHON")}
    return {**kept, **more}


class Service:
    """The processes of the project; the API on a socket of ours, so that it is it that answers."""

    def __init__(self, project: Path, python: str, settings: dict[str, str]) -> None:
        self._project = project
        self._python = python
        self._settings = settings
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def start_api(self) -> None:
        fd = self._listener.fileno()
        self.start("serve", "--fd", str(fd), pass_fds=[fd])

    def start(self, name: str, *arguments: str, pass_fds: Sequence[int] = ()) -> None:
        with (self._project / f"{name}.log").open("a") as log:
            self._running[name] = subprocess.Popen(
                [self._python, "-m", "shop", name, *arguments],
                cwd=self._project,
                env=environment(**self._settings),
                pass_fds=pass_fds,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """Kill the process and its children."""
        process = self._running.pop(name)
        for pid in family(process.pid):
            with suppress(ProcessLookupError):  # a task's process may have ended by itself
                os.kill(pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            process.wait()
        self._listener.close()


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it: those of an RQ worker leave its group."""
    command = ["ps", "-A", "-o", "pid=", "-o", "ppid="]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    parents = [[int(number) for number in line.split()] for line in listed.splitlines()]
    found = [pid]
    for member in found:
        found += [child for child, parent in parents if parent == member]
    return found


async def sign_up(client: httpx.AsyncClient, mail: MailServer, service: Service | None) -> None:
    """Sign somebody up and tell what happens; kill the service's worker meanwhile, if given."""
    timeline = Timeline()
    timeline.add('POST /signups {"email": "ada@example.com"}')
    answer = await client.post("/signups", json={"email": "ada@example.com"})
    where = answer.headers["Location"]
    timeline.add(f"{answer.status_code} {answer.reason_phrase}, Location: {where}")
    answered = time.time()
    await asyncio.wait_for(mail.asked.wait(), PATIENCE)
    status = (await client.get(where)).json()
    seen = datetime.fromisoformat(status["enqueued_at"]).timestamp()
    timeline.add(f"task {status['task']}: queued", seen)
    timeline.add(f"GET {where}: {status['state']}, attempt {status['attempts']}")
    if service:
        service.kill("worker")
        killed = time.time()
        timeline.add("SIGKILL of the worker and its children, in the middle of the task", killed)
        mail.asked.clear()
        service.start("worker")
        step(f"the worker was killed; waiting until another one runs the task ({RECOVERY:g} s)")
        await asyncio.wait_for(mail.asked.wait(), RECOVERY - (time.time() - killed))
        status = (await client.get(where)).json()
        timeline.add(f"GET {where}: {status['state']}, attempt {status['attempts']}")
    mail.go_on.set()
    while status["finished_at"] is None:
        status = (await client.get(where)).json()
    taken, to = mail.mails[-1]
    late = f"{(taken - answered) * 1000:.1f} ms after the response"
    if service:
        late = f"{taken - killed:.1f} s after the kill"
    timeline.add(f"the SMTP server took the mail to {to}, {late}", taken)
    done = datetime.fromisoformat(status["finished_at"]).astimezone(UTC).timestamp()
    timeline.add(f"GET {where}: {status['state']}", done)
    timeline.print()


async def sign_up_in_outage(client: httpx.AsyncClient, mail: MailServer, found: Servers) -> None:
    """Have people sign up while the broker is halted; see each of their mails after it goes on."""
    mail.go_on.set()
    (await client.post("/signups", json={"email": "grace@example.com"})).raise_for_status()
    await asyncio.wait_for(mail.taken.wait(), PATIENCE)  # the worker is up
    mail.mails.clear()
    timeline = Timeline()
    people = [f"ada{number}@example.com" for number in range(1, SIGN_UPS + 1)]
    found.ask("freeze")
    timeline.add("SIGSTOP of the broker")
    for person in people:
        asked = time.time()
        answer = await client.post("/signups", json={"email": person})
        took = (time.time() - asked) * 1000
        timeline.add(f"POST /signups of {person}: {answer.status_code} in {took:.1f} ms")
        answer.raise_for_status()
        await asyncio.sleep(APART)
    timeline.add(f"mails so far: {len(mail.mails)}")
    found.ask("thaw")
    thawed = time.time()
    timeline.add("SIGCONT of the broker", thawed)
    step(f"the broker goes on; waiting for {SIGN_UPS} mails ({OUTAGE_RECOVERY:g} s)")
    async with asyncio.timeout(OUTAGE_RECOVERY):
        while {to for _, to in mail.mails} < set(people):
            mail.taken.clear()
            await mail.taken.wait()
    for taken, to in mail.mails:
        timeline.add(f"the SMTP server took the mail to {to}", taken)
    last = max(taken for taken, _ in mail.mails)
    timeline.add(f"all {len(mail.mails)} mails are there, {last - thawed:.1f} s after SIGCONT")
    timeline.print()


async def main(backend: str, *, outage: bool) -> None:
    project = Path(tempfile.mkdtemp(prefix="fastapi-tasks-demo-")) / "shop"
    step(f"rendering a service with the task backend {backend} into {project}")
    render(project, backend)
    step("installing it")
    python = prepare(project)
    step("starting what it needs, migrating its database")
    mail = MailServer()
    with servers(project, python) as found:
        smtp = f"smtp://127.0.0.1:{await mail.start()}"
        service = Service(project, python, {**found.settings, "SHOP_SMTP_URL": smtp})
        try:
            step(f"starting {', '.join(['serve', *processes(backend)])}, and an SMTP server")
            service.start_api()
            for name in processes(backend):
                service.start(name)
            async with httpx.AsyncClient(
                base_url=service.url, timeout=PATIENCE, trust_env=False
            ) as client:
                (await client.get("/readyz")).raise_for_status()
                step(f"signing {SIGN_UPS} people up" if outage else "signing somebody up")
                if outage:
                    await sign_up_in_outage(client, mail, found)
                else:
                    await sign_up(client, mail, service if processes(backend) else None)
        finally:
            service.close()
    print(f"\nThe project lies in {project}; the logs of its processes are there too.")
    print(f"Next: cd {project} && make dev     (or: make test)")


def arguments() -> tuple[str, bool]:
    """Return the backend, and whether its broker is to be halted."""
    chosen, outage = ([*sys.argv[1:], "", ""])[:2]
    backends = questions.table("backends")
    backend = chosen or "background"
    if backend not in backends:
        sys.exit(f'Error: no backend is named "{backend}": use one of {", ".join(backends)}.')
    halted = outage not in ("", "0")
    if halted and backend not in BROKERED:
        sys.exit(
            f"Error: {backend} has no broker that could be halted: "
            f"use OUTAGE=1 with BACKEND={' or '.join(BROKERED)}."
        )
    return backend, halted


if __name__ == "__main__":
    chosen, with_outage = arguments()
    try:
        asyncio.run(main(chosen, outage=with_outage))
    except subprocess.CalledProcessError as error:
        sys.exit(f"Error: {' '.join(map(str, error.cmd))} failed; its reason stands above.")
