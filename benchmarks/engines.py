"""Each backend beside what it was at the last release: how fast it enqueues and drains.

    .venv/bin/python benchmarks/engines.py [BACKEND …]

Renders a service per backend from the release and from this checkout, with PostgreSQL and, where
one is needed, Redis. In turns, some rounds each: one task a commit is enqueued so many times, then
`shop worker` is started with its default settings, and the time is taken until all are finished.
The medians' ratio is printed; a figure alone depends on the machine.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
RELEASE, ROUNDS = "0.2.0", 3
COUNTS = {"outbox": 10_000, "celery": 1_500, "rq": 300}
TASK = """
from ..tasks import task

@task(name="nothing")
async def nothing(number: int) -> None:
    pass
"""
DRAIN = """
import asyncio, json, os, subprocess, sys, tempfile, time
from contextlib import ExitStack
from pathlib import Path
from sqlalchemy import text
from dev.postgresql import database_server
from shop.resources import open_resources
from shop.unit_of_work import UnitOfWork

LEFT = text("SELECT count(*) FROM task_records WHERE task = 'nothing' AND finished_at IS NULL")

async def left(resources):
    async with resources.sessions() as session:
        return await session.scalar(LEFT)

async def enqueue(count):
    from shop.bench.tasks import nothing
    begun = time.perf_counter()
    for number in range(count):
        async with UnitOfWork() as work:
            work.enqueue(nothing, number=number)
            await work.commit()
    return count / (time.perf_counter() - begun)

async def main(count):
    async with open_resources() as resources:
        written = await enqueue(count)
        begun = time.perf_counter()
        worker = subprocess.Popen(
            [sys.executable, "-m", "shop", "worker"], stdout=subprocess.DEVNULL
        )
        try:
            first = count
            while (now := await left(resources)) > 0:
                if now == count:  # what it takes to start is no part of it
                    begun = time.perf_counter()
                    await asyncio.sleep(0.005)
                    continue
                await asyncio.sleep(0.05)
            return written, count / (time.perf_counter() - begun)
        finally:
            worker.terminate()
            worker.wait()

with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
    databases = stack.enter_context(database_server(Path(folder)))
    os.environ["SHOP_DATABASE_URL"] = databases.create()
    if (Path("dev") / "redis.py").exists():
        from dev.redis import broker_server
        os.environ["SHOP_BROKER_URL"] = stack.enter_context(broker_server(Path(folder))).url
    print(json.dumps(asyncio.run(main(int(sys.argv[1])))))
"""


def main(chosen: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for backend in chosen or COUNTS:
            projects = {
                "release": prepared(Path(folder), backend, ["--version", RELEASE]),
                "now": prepared(
                    Path(folder), backend, ["--template", str(ROOT), "--version", "HEAD"]
                ),
            }
            runs: dict[str, list[list[float]]] = {name: [] for name in projects}
            for _ in range(ROUNDS):
                for name, project in projects.items():
                    runs[name].append(measured(project, COUNTS[backend]))
            for index, figure in enumerate(("enqueued", "drained")):
                told(
                    backend,
                    figure,
                    {name: [run[index] for run in each] for name, each in runs.items()},
                )


def told(backend: str, figure: str, rates: dict[str, list[float]]) -> None:
    medians = {name: statistics.median(each) for name, each in rates.items()}
    shown = ", ".join(
        f"{name} {medians[name]:6.0f}/s ({min(each):.0f} to {max(each):.0f})"
        for name, each in rates.items()
    )
    print(f"{backend:8}{figure:10}{shown}: {medians['now'] / medians['release']:.2f}", flush=True)


def prepared(folder: Path, backend: str, source: list[str]) -> Path:
    project = folder / f"{backend}-{source[1].rsplit('/', 1)[-1]}"
    new = [sys.executable, "-m", "generator", "new", str(project), "--package-name", "shop"]
    run([*new, "--defaults", "--task-backend", backend, "--database", "postgresql", *source], ROOT)
    slice_ = project / "src/shop/bench"
    slice_.mkdir()
    (slice_ / "__init__.py").write_text("")
    (slice_ / "tasks.py").write_text(TASK)
    run([str(Path(sys.executable).with_name("uv")), "sync", "--quiet"], project)
    return project


def measured(project: Path, count: int) -> list[float]:
    python = str(project / ".venv/bin/python")
    rates: list[float] = json.loads(run([python, "-c", DRAIN, str(count)], project))
    return rates


def run(command: list[str], folder: Path) -> str:
    kept = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_PYTHON")}
    done = subprocess.run(
        command, cwd=folder, env=kept, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1:])
