"""Celery, as its first steps have it; and the same with a row's start and end by psycopg."""

import asyncio
import os
from collections.abc import Sequence

import rows
from celery import Celery
from mark import mark
from produce import produce

app = Celery("tasks", broker=os.environ["BROKER_URL"])


@app.task(name="nothing")
def nothing(number: int) -> None:
    mark(number)


@app.task(name="nothing_with_row")
def nothing_with_row(number: int) -> None:
    rows.start(number)
    mark(number)
    rows.end(number)


TASK = globals()[os.environ.get("BENCH_TASK", "nothing")]


async def enqueue(numbers: Sequence[int]) -> None:
    for number in numbers:
        TASK.delay(number)


if __name__ == "__main__":
    rows.create()
    asyncio.run(produce(enqueue))
