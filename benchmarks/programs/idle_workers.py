"""Let many workers that have nothing to do look at one database; print what that costs it.

    idle_workers.py dispatch|claim WORKERS SECONDS

They share some connections, for a server of development takes a hundred: what each asks is what it
asks on a connection of its own.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from shop.tasks.engine import local_worker
from shop.tasks.engine.dialect import fetch, rows_engine
from shop.tasks.engine.dispatcher import LATE, Dispatcher
from shop.tasks.engine.rows import Rows
from sqlalchemy import text

from benchmarks.processes import cpu_seconds

CONNECTIONS = 20
WARM_UP = LATE + 1  # seconds
Work = Callable[[Rows], Coroutine[Any, Any, None]]
asked = 0


class Counting(Rows):
    async def all(self, statement: Any, **values: Any) -> Any:
        global asked  # noqa: PLW0603 - one count of all
        asked += 1
        return await super().all(statement, **values)

    async def take(self, queue: str, count: int, *, most_deaths: int) -> Any:
        global asked  # noqa: PLW0603 - one count of all
        asked += 1
        return await super().take(queue, count, most_deaths=most_deaths)


def dispatch(rows: Rows) -> Coroutine[Any, Any, None]:
    return Dispatcher(rows, ["default"]).run()


async def claim(rows: Rows) -> None:
    while True:
        await rows.take("default", 20, most_deaths=0)
        await asyncio.sleep(local_worker.POLL)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def main(work: Work, workers: int, took: float) -> None:
    engines = [rows_engine(os.environ["SHOP_DATABASE_URL"]) for _ in range(CONNECTIONS)]
    [[backend]] = await fetch(engines[0], text("SELECT pg_backend_pid()"), {})
    server = parent_of(backend)

    async def one(number: int) -> None:
        await asyncio.sleep(number / workers * WARM_UP)
        await work(Counting(engines[number % CONNECTIONS]))

    running = [asyncio.create_task(one(number)) for number in range(workers)]
    await asyncio.sleep(2 * WARM_UP)
    before, begun = (asked, cpu_seconds(server)), time.monotonic()
    await asyncio.sleep(took)
    passed, after = time.monotonic() - begun, (asked, cpu_seconds(server))
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for engine in engines:
        await engine.dispose()
    print(
        json.dumps(
            {
                "queries/s": (after[0] - before[0]) / passed,
                "database, % of a core": (after[1] - before[1]) / passed * 100,
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(globals()[sys.argv[1]], int(sys.argv[2]), float(sys.argv[3])))
