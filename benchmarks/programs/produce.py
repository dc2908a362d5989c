"""What every contender's producer is asked: fill a queue, or enqueue at a pace."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

Enqueue = Callable[[Sequence[int]], Awaitable[None]]
TOGETHER = 100  # tasks of a commit when a queue is filled


async def produce(enqueue: Enqueue) -> None:
    """Heed ``fill COUNT`` or ``pace RATE COUNT``; the latter prints when each was committed."""
    if sys.argv[1] == "fill":
        count = int(sys.argv[2])
        for start in range(0, count, TOGETHER):
            await enqueue(range(start, min(start + TOGETHER, count)))
    else:
        print(json.dumps(await _paced(enqueue, float(sys.argv[2]), int(sys.argv[3]))))


async def _paced(enqueue: Enqueue, rate: float, count: int) -> list[int]:
    committed = []
    begun = time.monotonic()
    for number in range(count):
        await asyncio.sleep(begun + number / rate - time.monotonic())
        await enqueue([number])
        committed.append(time.time_ns())
    return committed
