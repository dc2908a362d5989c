"""PgQueuer, as its README has it, with the batch that is fastest on two cores."""

import os
import sys
from collections.abc import Sequence

import asyncpg
import uvloop
from mark import mark
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from produce import produce

BATCH = 1_000


async def connect() -> AsyncpgDriver:
    return AsyncpgDriver(await asyncpg.connect(os.environ["DATABASE_URL"]))


async def create() -> PgQueuer:
    queuer = PgQueuer(await connect())

    @queuer.entrypoint("nothing")
    async def nothing(job: Job) -> None:
        mark(int(job.payload or b"0"))

    return queuer


async def work() -> None:
    await (await create()).run(batch_size=BATCH)


async def main() -> None:
    if sys.argv[1] == "work":
        await work()
    queries = Queries(await connect())

    async def enqueue(numbers: Sequence[int]) -> None:
        payloads = [str(number).encode() for number in numbers]
        await queries.enqueue(["nothing"] * len(payloads), payloads, [0] * len(payloads))

    await produce(enqueue)


if __name__ == "__main__":
    uvloop.run(main())
