"""RQ, as its documentation has it; and the same with a row's start and end by psycopg."""

import asyncio
import os
from collections.abc import Sequence

import rows
from mark import mark
from produce import produce
from redis import Redis
from rq import Queue


def nothing(number: int) -> None:
    mark(number)


def nothing_with_row(number: int) -> None:
    rows.start(number)
    mark(number)
    rows.end(number)


def main() -> None:
    queue = Queue(connection=Redis.from_url(os.environ["BROKER_URL"]))
    function = f"rq_app.{os.environ.get('BENCH_TASK', 'nothing')}"

    async def enqueue(numbers: Sequence[int]) -> None:
        for number in numbers:
            queue.enqueue(function, number)

    rows.create()
    asyncio.run(produce(enqueue))


if __name__ == "__main__":
    main()
