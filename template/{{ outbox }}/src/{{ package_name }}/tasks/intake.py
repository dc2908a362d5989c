"""How a relay comes by its work: at once when there is some, else when woken, due or polled."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from time import monotonic

import structlog

from .claims import Claim, Claims
from .message import utc_now

log = structlog.get_logger(__name__)
POLL = 1.0  # seconds; covers what no wake-up tells of: late commits and expired leases


class Intake:
    def __init__(self, claims: Claims, batch: int) -> None:
        self._claims = claims
        self._batch = batch
        self._stopped = False
        self.woken = asyncio.Event()

    def stop(self) -> None:
        self._stopped = True
        self.woken.set()

    async def batches(
        self, *, run: bool, room: Callable[[], Awaitable[int]] | None = None
    ) -> AsyncIterator[Sequence[Claim]]:
        """Yield claims until stopped, never more than there is room for."""
        polled = -POLL
        while not self._stopped:
            count = min(self._batch, await room()) if room else self._batch
            self.woken.clear()
            poll = monotonic() - polled >= POLL
            try:
                taken = await self._claims.take(count, run=run, everything=poll)
                wait = 0.0 if len(taken) == count else await self._seconds_until_due()
            except Exception as error:  # noqa: BLE001 - whatever the database says when it is away
                log.warning("the outbox cannot be read", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(POLL)
                continue
            if poll:
                polled = monotonic()
            if taken:
                yield taken
            if wait and not self._stopped:
                await self._wait(wait)

    async def _seconds_until_due(self) -> float:
        due = await self._claims.next_due()
        return min(POLL, (due - utc_now()).total_seconds()) if due else POLL

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0.001)):
                await self.woken.wait()
        except TimeoutError:
            return
