"""`make demo`: render a service, start it, sign somebody up, and see what happens when."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from aiosmtpd.smtp import SMTP

ROOT = Path(__file__).parent
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
        self.mails: list[tuple[float, str]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd calls it so
        self.asked.set()
        await self.go_on.wait()
        self.mails.append((time.time(), envelope.rcpt_tos[0]))
        return "250 OK"

    async def start(self) -> int:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self), "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port


def step(text: str) -> None:
    print(f"- {text}", flush=True)


def render(project: Path) -> None:
    """Render from this checkout or, if it has uncommitted changes, from a copy of its files."""
    source: list[str] = []
    git = ["git", "-C", str(ROOT), "status", "--porcelain"]
    if subprocess.run(git, check=True, capture_output=True).stdout:
        copy = Path(tempfile.mkdtemp(prefix="fastapi-tasks-template-"))
        for name in ("copier.yml", "backends.yml", "reserved_names.yml"):
            shutil.copy(ROOT / name, copy)
        shutil.copytree(ROOT / "template", copy / "template")
        source = ["--template", str(copy)]
    command = [sys.executable, "-m", "generator", "new", str(project), "--defaults", *source]
    env = {**DEMO_IDENTITY, **os.environ}
    subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)


def prepare(project: Path) -> str:
    """Install the project as its Makefile does, migrate its database; return its Python."""
    python = str(project / ".venv/bin/python")
    sync = [str(Path(sys.executable).with_name("uv")), "sync", "--quiet"]
    for command in (sync, [python, "-m", "alembic", "upgrade", "heads"]):
        subprocess.run(command, cwd=project, env=environment(), check=True)
    return python


def environment(**more: str) -> dict[str, str]:
    """Return this process' environment without our own virtual environment in it."""
    kept = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_PYTHON")}
    return {**kept, **more}


@asynccontextmanager
async def service(project: Path, python: str, settings: dict[str, str]) -> AsyncIterator[str]:
    """Run `shop serve` on a socket of ours, so that it is this process that answers."""
    with socket.socket() as listener, (project / "serve.log").open("w") as log:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        process = await asyncio.create_subprocess_exec(
            *(python, "-m", "shop", "serve", "--fd", str(listener.fileno())),
            cwd=project,
            env=environment(**settings),
            pass_fds=(listener.fileno(),),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.terminate()
            await process.wait()


async def sign_up(client: httpx.AsyncClient, mail: MailServer) -> None:
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
    mail.go_on.set()
    while status["finished_at"] is None:
        status = (await client.get(where)).json()
    [(taken, to)] = mail.mails
    late = (taken - answered) * 1000
    timeline.add(f"the SMTP server took the mail to {to}, {late:.1f} ms after the response", taken)
    done = datetime.fromisoformat(status["finished_at"]).astimezone(UTC).timestamp()
    timeline.add(f"GET {where}: {status['state']}", done)
    timeline.print()


async def main() -> None:
    project = Path(tempfile.mkdtemp(prefix="fastapi-tasks-demo-")) / "shop"
    step(f"rendering a service with the default answers into {project}")
    render(project)
    step("installing it, migrating its database")
    python = prepare(project)
    step("starting it, and an SMTP server")
    mail = MailServer()
    settings = {"SHOP_SMTP_URL": f"smtp://127.0.0.1:{await mail.start()}"}
    async with (
        service(project, python, settings) as url,
        httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client,
    ):
        (await client.get("/readyz")).raise_for_status()
        step("signing somebody up")
        await sign_up(client, mail)
    print(f"\nThe project lies in {project}; its log in serve.log there.")
    print(f"Next: cd {project} && make dev     (or: make test)")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"Error: {' '.join(map(str, error.cmd))} failed; its reason stands above.")
