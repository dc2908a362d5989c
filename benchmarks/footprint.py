"""What each backend has running, and the memory that it takes while there is nothing to do.

    .venv/bin/python benchmarks/footprint.py [BACKEND …]    # celery-rabbitmq is one, too

Renders a service per backend with PostgreSQL, starts its API, its worker and its broker, all with
default settings, and adds up the proportional set size of each with all of its children: what
processes share is counted once. Needs Linux; RabbitMQ has to be installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
BACKENDS = {
    "background": {},
    "outbox": {},
    "rq": {},
    "celery": {"broker": "redis"},
    "celery-rabbitmq": {"broker": "rabbitmq"},
}
# Run by the project's Python; prints {what: [processes, MB]}.
MEASURE = """
import json, os, re, subprocess, sys, tempfile, time
from contextlib import ExitStack
from pathlib import Path
from dev import __main__ as dev
from dev.servers import free_port

def pss(pid):
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        if "kill -9" in Path(f"/proc/{pid}/cmdline").read_text():
            return 0  # ends the server with us: no part of it
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(re.search(r"^Pss: +([0-9]+) kB", text, re.MULTILINE)[1]) / 1024

def family(pid):
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    found = [pid]
    for one in found:
        found += [child for child, parent in pairs if parent == one]
    return found

def cost(pids):
    sizes = [size for size in map(pss, pids) if size]
    return [len(sizes), round(sum(sizes))]

def started(line, *command):
    process = subprocess.Popen(
        [sys.executable, "-m", "shop", *command], stdout=subprocess.PIPE, text=True
    )
    while line not in process.stdout.readline():
        assert process.poll() is None
    return process

with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
    databases = stack.enter_context(dev.database_server(Path(folder) / "database"))
    os.environ["SHOP_DATABASE_URL"] = databases.create()
    before, servers = family(os.getpid()), {}
    if hasattr(dev, "broker_server"):
        broker = stack.enter_context(dev.broker_server(Path(folder)))
        os.environ["SHOP_BROKER_URL"] = broker.create()
        servers["broker"] = [pid for pid in family(os.getpid()) if pid not in before]
    running = {"API": started("running on", "serve", "--port", str(free_port()))}
    if "worker" in dev.PROCESSES:
        running["worker"] = started("dispatches", "worker")
    count, now = 0, 1
    while count != now:  # a worker forks its processes one by one
        time.sleep(5)
        count, now = now, sum(len(family(process.pid)) for process in running.values())
    told = {name: cost(family(process.pid)) for name, process in running.items()}
    told |= {name: cost(pids) for name, pids in servers.items()}
    for process in running.values():
        process.terminate()
        process.communicate()
    print(json.dumps(told))
"""


def main(chosen: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen or BACKENDS:
            project = Path(folder) / name
            found = json.loads(measured(project, name.partition("-")[0], BACKENDS[name]))
            parts = (f"{part} {size} MB in {count}" for part, (count, size) in found.items())
            print(f"{name:16}{', '.join(parts)}", flush=True)


def measured(project: Path, backend: str, answers: dict[str, str]) -> str:
    new = [sys.executable, "-m", "generator", "new", str(project), "--package-name", "shop"]
    new += ["--template", str(ROOT), "--version", "HEAD", "--defaults", "--database", "postgresql"]
    chosen = {"task-backend": backend, **answers}
    run([*new, *(f"--{name}={answer}" for name, answer in chosen.items())], ROOT)
    run([str(Path(sys.executable).with_name("uv")), "sync", "--quiet"], project)
    return run([str(project / ".venv/bin/python"), "-c", MEASURE], project)


def run(command: list[str], folder: Path) -> str:
    kept = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_PYTHON")}
    done = subprocess.run(
        command, cwd=folder, env=kept, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1:])
