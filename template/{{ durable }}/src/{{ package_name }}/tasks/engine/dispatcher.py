"""What one worker of all does beside its tasks: schedules, the dead, and what was not sent."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from uuid import uuid4

import structlog

from ..message import utc_now
from .leader import GAP, Leadership, View
from .rows import Rows
from .schedule import runs_due, seconds_until_next

log = structlog.get_logger(__name__)
POLL = 1.0  # seconds between two renewals
LATE = 3.0  # seconds beyond a pause: the database may have kept others waiting, too
SOON = 0.05  # seconds
BATCH = 500
CAUGHT_UP = timedelta(seconds=60)  # runs of schedules that nobody saw for so long are made up for

Send = Callable[[View | None], Awaitable[float]]
"""Gives the broker what is to be sent, None: by one that does not lead; returns seconds to wait."""


class Dispatcher:
    def __init__(self, rows: Rows, queues: Sequence[str]) -> None:
        self._rows = rows
        self.send: Send | None = None
        self.leadership = Leadership(rows, f"{os.getpid()}-{uuid4().hex[:8]}", queues)
        self._leads: bool | None = None
        self._next = monotonic()  # when the round after the last that went well was to begin
        self._mistrusted_until = 0.0
        self._published: datetime | None = None  # all runs of schedules until then

    async def run(self) -> None:
        """Dispatch, for ever."""
        await for_ever(self._round, "nothing is dispatched")

    async def _round(self) -> float:
        """Return for how many seconds there is nothing to do."""
        self._notice_gap()
        left = await self.leadership.seconds_left()
        view = await self.leadership.renew() if left <= 0 else None
        if self._leads is not (leads := view is not None):
            self._leads = leads
            log.info("dispatches" if leads else "another worker dispatches")
        if view is None:
            self._published = None
            pause = max(0.0, left) + SOON
        else:
            pause = min(POLL, await self._publish(view), await self._reap(view))
        if self.send:
            pause = min(pause, await self.send(view))
        self._next = monotonic() + pause
        return max(0.01, pause)

    def _notice_gap(self) -> None:
        """While the database kept this one waiting, it may have kept those that hold leases."""
        if monotonic() - self._next > LATE:
            self._mistrusted_until = monotonic() + GAP

    async def _publish(self, view: View) -> float:
        """Write the runs of schedules that are due since the last round of any dispatcher."""
        now = utc_now()
        since = self._published or now - (view.now - view.renewed)
        if messages := list(runs_due(max(since, now - CAUGHT_UP), now)):
            async with self._rows.engine.connect() as connection:
                await connection.run_sync(lambda own: self._rows.write(messages, own, sent=False))
        self._published = now
        return 0.0 if messages else seconds_until_next(utc_now()) or POLL

    async def _reap(self, view: View) -> float:
        if view.seconds_until(view.lease) > 0:
            return min(POLL, view.seconds_until(view.lease))
        if not view.steady or monotonic() < self._mistrusted_until:
            return POLL
        found = await self.leadership.reap(BATCH)
        for task_id, name in found:
            log.warning("the process of a task is gone", task=name, task_id=str(task_id))
        return 0.0 if found else POLL


async def for_ever(step: Callable[[], Awaitable[float]], failing: str) -> None:
    """Take it again and again, after the seconds that it returns; tell once why it fails."""
    told = ""
    while True:
        try:
            pause = await step()
            told = ""
        except Exception as error:  # noqa: BLE001 - whatever the database says when it is away
            pause = POLL
            if told != (told := f"{type(error).__name__}: {error}"[:200]):
                log.warning(failing, error=told)
        await asyncio.sleep(pause)
