"""Enqueue tasks of the slice that is laid over a rendered service."""

import asyncio
import os
from collections.abc import Sequence

from layout import UnitOfWork, open_resources
from produce import produce
from shop.bench import tasks

TASK = getattr(tasks, os.environ.get("BENCH_TASK", "nothing"))


async def enqueue(numbers: Sequence[int]) -> None:
    async with UnitOfWork() as work:
        for number in numbers:
            work.enqueue(TASK, number=number)
        await work.commit()


async def main() -> None:
    async with open_resources():
        await produce(enqueue)


if __name__ == "__main__":
    asyncio.run(main())
