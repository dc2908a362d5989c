"""Print the milliseconds of a transaction: alone, with tasks of ours, with tasks by hand."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from statistics import median
from uuid import uuid4

from layout import UnitOfWork, open_resources
from shop.bench.tasks import silent
from shop.signup.models import User

WARM_UP = 20


async def transaction(tasks: int = 0) -> None:
    async with UnitOfWork() as work:
        work.session.add(User(email=f"{uuid4()}@example.com"))
        for _ in range(tasks):
            work.enqueue(silent)
        await work.commit()


def by_hand(backend: str) -> Callable[[], object] | None:
    """Return what somebody calls after the commit who enqueues by hand."""
    if backend == "celery":
        from celery import Celery  # noqa: PLC0415 - where there is one

        app = Celery("tasks", broker=os.environ["SHOP_BROKER_URL"])
        return lambda: app.send_task("nothing", queue="by-hand")
    if backend == "rq":
        from redis import Redis  # noqa: PLC0415 - likewise
        from rq import Queue  # noqa: PLC0415 - likewise

        queue = Queue("by-hand", connection=Redis.from_url(os.environ["SHOP_BROKER_URL"]))
        return lambda: queue.enqueue("builtins.print")
    return None


async def main(backend: str, count: int) -> None:
    enqueue = by_hand(backend)

    async def hand_written() -> None:
        await transaction()
        if enqueue:
            enqueue()

    works: dict[str, Callable[[], Awaitable[None]]] = {
        "alone": transaction,
        "with one": lambda: transaction(1),
        "with 100": lambda: transaction(100),
        **({"by hand": hand_written} if enqueue else {}),
    }
    seconds: dict[str, list[float]] = {name: [] for name in works}
    async with open_resources():
        for _ in range(count + WARM_UP):
            for name, work in works.items():
                begun = time.perf_counter()
                await work()
                seconds[name].append(time.perf_counter() - begun)
    print(json.dumps({name: median(found[WARM_UP:]) * 1e3 for name, found in seconds.items()}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
