"""Give the broker what is due: delays, retries, schedules, failed pushes, ended leases.

And what it lost, which only the order of a queue tells: if a sounding, sent later than a task,
comes out of the queue and the task has not begun, it is not in there any more. So a long queue of
slow tasks is left alone, and one that was emptied is noticed in seconds.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic

import structlog
from pydantic import ValidationError

from ..message import TaskMessage
from .carrier import Hint, Pusher
from .leader import Leadership, View

log = structlog.get_logger(__name__)
POLL = 1.0  # seconds
BATCH = 500
OVERDUE = 5.0  # seconds after which those that do not lead send what the leader may not know
QUIET = 5.0  # seconds after which something that was sent should have begun
LONGEST_GAP = 30.0  # seconds between soundings of a queue
MARGIN = timedelta(seconds=2)  # between what is noted as sent, and its way into the queue


class Sender:
    def __init__(self, leadership: Leadership, pusher: Pusher, queues: Sequence[str]) -> None:
        self._leadership = leadership
        self._pusher = pusher
        self._queues = queues
        self._sounded = dict.fromkeys(queues, 0.0)
        self._gaps = dict.fromkeys(queues, QUIET)
        self._looks_at = 0.0
        self._copies = 1

    async def send(self, view: View | None) -> float:
        """Send what is due; return for how many seconds nothing will be."""
        if not self._pusher.healthy:
            return POLL
        if view is None:
            return await self._send_overdue()
        pause = POLL
        for queue in self._queues:
            if (wait := view.seconds_until(view.due.get(queue))) <= 0:
                wait = 0.0 if await self._send_from(queue, late=0.0) == BATCH else POLL
            pause = min(pause, wait)
            await self._sound(queue, view)
        return pause

    async def _send_overdue(self) -> float:
        """Send what the leader does not know, ever more of it: others like it take it first."""
        if monotonic() >= self._looks_at:
            sent = [
                await self._send_from(queue, late=OVERDUE, copies=self._copies)
                for queue in self._queues
            ]
            self._looks_at = monotonic() + (POLL if any(sent) else OVERDUE)
            self._copies = 2 * self._copies if any(sent) else 1
        return self._looks_at - monotonic()

    async def _send_from(self, queue: str, *, late: float, copies: int = 1) -> int:
        """Return how many were due: BATCH, if there may be more."""
        rows = await self._leadership.send(queue, BATCH, late=late)
        for task_id, task, body, again in list(rows) * min(copies, BATCH // max(1, len(rows))):
            self._pusher.push(Hint(task_id, task, queue, _shown(body), again))
        await self._pusher.flush()
        if not self._pusher.healthy:
            await self._leadership.unsend([row[0] for row in rows])
        return len(rows)

    async def _sound(self, queue: str, view: View) -> None:
        first = view.silent.get(queue)
        if first is None or (view.now - first).total_seconds() < QUIET:
            self._gaps[queue] = QUIET
        elif monotonic() - self._sounded[queue] > self._gaps[queue] and self._pusher.healthy:
            self._sounded[queue] = monotonic()
            self._gaps[queue] = min(2 * self._gaps[queue], LONGEST_GAP)
            await self._pusher.sound(queue, view.now.isoformat(), again=True)


def _shown(body: str) -> str:
    try:
        return TaskMessage.model_validate_json(body).shown()
    except ValidationError:
        return "?"  # its attempt says why


async def hear(leadership: Leadership, queue: str, at: str) -> None:
    """Act on a sounding that came through both of a queue's."""
    if lost := await leadership.lost(queue, datetime.fromisoformat(at) - MARGIN):
        log.warning("the broker lost tasks; they are sent again", queue=queue, count=lost)
