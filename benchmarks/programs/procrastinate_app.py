"""procrastinate, as its quickstart has it, with asynchronous tasks."""

import asyncio
import os
from collections.abc import Sequence

from mark import mark
from procrastinate import App, PsycopgConnector
from produce import produce

app = App(connector=PsycopgConnector(conninfo=os.environ["DATABASE_URL"]))


@app.task(name="nothing")
async def nothing(number: int) -> None:
    mark(number)


async def enqueue(numbers: Sequence[int]) -> None:
    await nothing.batch_defer_async(*({"number": number} for number in numbers))


async def main() -> None:
    async with app.open_async():
        await produce(enqueue)


if __name__ == "__main__":
    asyncio.run(main())
