"""What brings ids to workers, in order, and may lose or double them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic
from typing import NamedTuple, Protocol, Self
from uuid import UUID

import structlog

from ..message import TaskMessage

log = structlog.get_logger(__name__)
BATCH = 20
PATIENCE = 2.0  # seconds for a call; one that ends later has pushed twice, which is harmless
PAUSE = 5.0  # seconds for which a broker that failed is left alone
MOST = 500  # hints that wait here: with more, soundings would overtake them


class Hint(NamedTuple):
    """That a task is due. Its row alone says whether that is so."""

    id: UUID
    task: str
    queue: str
    shown: str
    """Its arguments, for the engine's tools."""
    again: bool
    """Whether it began before: then it does not wait behind the backlog."""

    @classmethod
    def of(cls, message: TaskMessage, *, again: bool = False) -> Self:
        return cls(message.id, message.task, message.queue, message.shown(), again)


class Carrier(Protocol):
    """Its calls block, for a second or two at most, and raise anything.

    A queue has two with the broker: one more for what began before.
    """

    def push(self, hints: Sequence[Hint]) -> None: ...

    def push_sounding(self, queue: str, at: str, *, again: bool) -> None:
        """Push what has a worker call ``process_loop.sound`` with these arguments."""


def broker_queue(prefix: str, queue: str, *, again: bool) -> str:
    return f"{prefix}.{queue}.again" if again else f"{prefix}.{queue}"


class Pusher:
    """Tells the broker of new tasks, after the commit and off the event loop.

    What does not get there is sent by the dispatcher: nobody waits, and nothing is raised.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="push")
        self._waiting: list[Hint] = []
        self._woken = asyncio.Event()
        self._failed = -PAUSE
        self._pushing = asyncio.Lock()

    def takes(self, count: int) -> bool:
        """Tell whether that many are pushed soon; the dispatcher sends them otherwise."""
        return monotonic() - self._failed >= PAUSE and len(self._waiting) + count <= MOST

    def push(self, hint: Hint) -> None:
        self._waiting.append(hint)
        self._woken.set()

    async def flush(self) -> None:
        """Push what waits, and wait for what is on its way."""
        async with self._pushing:
            while hints := self._waiting[:BATCH]:
                del self._waiting[:BATCH]
                if not await self._try(partial(self._carrier.push, hints)):
                    self._waiting.clear()

    async def send(self, hints: Sequence[Hint]) -> int:
        """Push at once; return how many surely got there."""
        for start in range(0, len(hints), BATCH):
            if not await self._try(partial(self._carrier.push, hints[start : start + BATCH])):
                return start
        return len(hints)

    async def sound(self, queue: str, at: str, *, again: bool) -> None:
        await self._try(partial(self._carrier.push_sounding, queue, at, again=again))

    async def _try(self, push: Callable[[], None]) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.get_running_loop().run_in_executor(self._thread, push)
        except Exception as error:  # noqa: BLE001 - each engine's own
            self._failed = monotonic()
            log.warning("the broker does not answer; ids are sent later", error=_short(error))
            return False
        return True

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        pushing = asyncio.create_task(self._push_for_ever())
        try:
            yield self
        finally:
            await self.flush()
            pushing.cancel()
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _push_for_ever(self) -> None:
        while await self._woken.wait():
            self._woken.clear()
            await self.flush()


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
