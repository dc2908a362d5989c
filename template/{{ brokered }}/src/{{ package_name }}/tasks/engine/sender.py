"""Give the broker what is due: delays, retries, schedules, failed pushes, ended leases.

And what it lost, which only the order of a queue tells: if a sounding, sent later than a task,
comes out of the queue and the task has not begun, it is not in there any more. So a long queue of
slow tasks is left alone, and one that was emptied is noticed in seconds.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

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
        self._copies: dict[UUID, int] = {}

    async def send(self, view: View | None) -> float:
        """Send what is due; return for how many seconds nothing will be."""
        if not self._pusher.takes(1):
            self._gaps = dict.fromkeys(self._queues, QUIET)  # it may have lost the last sounding
            return POLL
        if view is None:
            return await self._send_overdue()
        pause = POLL
        for queue in self._queues:
            if (wait := view.seconds_until(view.due.get(queue))) <= 0:
                wait = 0.0 if len(await self._send_from(queue)) == BATCH else POLL
            pause = min(pause, wait)
            await self._sound(queue, view)
        return pause

    async def _send_overdue(self) -> float:
        """Send what the leader does not know; ever more of what others like it handed back."""
        if monotonic() >= self._looks_at:
            sent = [await self._send_from(queue, late=OVERDUE) for queue in self._queues]
            self._copies = {each: 2 * self._copies.get(each, 1) for ids in sent for each in ids}
            self._looks_at = monotonic() + (POLL if self._copies else OVERDUE)
        return self._looks_at - monotonic()

    async def _send_from(self, queue: str, *, late: float = 0.0) -> list[UUID]:
        """Return what was due: BATCH of them, if there may be more."""
        rows = await self._leadership.send(queue, BATCH, late=late)
        most = BATCH // max(1, len(rows))
        hints = [
            Hint(task_id, task, queue, _shown(body), again)
            for task_id, task, body, again in rows
            for _ in range(min(most, self._copies.get(task_id, 1)))
        ]
        if missing := hints[await self._pusher.send(hints) :]:
            await self._leadership.unsend([hint.id for hint in missing])
        return [row[0] for row in rows]

    async def _sound(self, queue: str, view: View) -> None:
        first = view.silent.get(queue)
        if first is None or (view.now - first).total_seconds() < QUIET:
            self._gaps[queue] = QUIET
        elif monotonic() - self._sounded[queue] > self._gaps[queue] and self._pusher.takes(1):
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
