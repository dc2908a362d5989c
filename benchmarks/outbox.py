"""How fast the outbox's own worker drains: 20,000 tasks that do nothing, one process.

    .venv/bin/python benchmarks/outbox.py

Renders a service per database and runs in each its own code: tasks are written in transactions of
100, then one worker is started. The median of several runs; the figure depends on the machine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
COUNT, RUNS = 20_000, 3

DRAIN = """
import asyncio, logging, os, sys, tempfile, time
from pathlib import Path
from dev.{database} import database_server
from sqlalchemy import func, select
from shop.resources import open_resources
from shop.settings import Settings
from shop.tasks import task
from shop.tasks.local import running_worker
from shop.tasks.record import UNFINISHED, TaskRecord
from shop.unit_of_work import UnitOfWork
import structlog

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

@task(name="nothing")
async def nothing(number: int) -> None:
    pass

async def left(resources):
    async with resources.sessions() as session:
        return await session.scalar(select(func.count()).where(UNFINISHED))

async def main(url):
    os.environ["SHOP_DATABASE_URL"] = url
    os.environ["SHOP_TASK_BATCH"] = "500"
    os.environ["SHOP_TASK_CONCURRENCY"] = "1000"
    async with open_resources() as resources:
        begun = time.perf_counter()
        for start in range(0, {count}, 100):
            async with UnitOfWork() as work:
                for number in range(start, start + 100):
                    work.enqueue(nothing, number=number)
                await work.commit()
        written = time.perf_counter() - begun
        begun = time.perf_counter()
        async with running_worker(resources):
            while await left(resources):
                await asyncio.sleep(0.05)
        print({count} / written, {count} / (time.perf_counter() - begun))

with tempfile.TemporaryDirectory() as folder, database_server(Path(folder)) as databases:
    asyncio.run(main(databases.create()))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for database in ("sqlite", "postgresql"):
            project = Path(folder) / database
            answers = ["--task-backend", "outbox", "--database", database]
            source = ["--template", str(ROOT), "--version", "HEAD"]
            new = [sys.executable, "-m", "generator", "new", str(project), "--package-name", "shop"]
            run([*new, "--defaults", *answers, *source], ROOT)
            run([str(Path(sys.executable).with_name("uv")), "sync", "--quiet"], project)
            code = DRAIN.format(count=COUNT, database=database)
            command = [str(project / ".venv/bin/python"), "-c", code]
            runs = [tuple(map(float, run(command, project).split())) for _ in range(RUNS)]
            written, drained = (statistics.median(column) for column in zip(*runs, strict=True))
            print(f"{database:10} written {written:6.0f} tasks/s, drained {drained:6.0f} tasks/s")


def run(command: list[str], folder: Path) -> str:
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
