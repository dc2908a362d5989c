"""What is known of the tasks of this process, in bounded memory."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic_core import from_json

from ..message import TaskMessage, utc_now
from ..progress import Progress, Run
from .queue import QueueStats, TaskState, TaskStatus
from .runner import Failed, Outcome, Succeeded

Key = tuple[str, str]


@dataclass(slots=True)
class Entry:
    message: TaskMessage
    status: TaskStatus
    run: Run | None = None

    def shown(self) -> TaskStatus:
        progress = self.run.progress if self.run else self.status.progress
        return self.status.model_copy(update={"progress": progress})


class History:
    """Keeps each unfinished task and the last ``limit`` finished ones."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._unfinished: dict[UUID, Entry] = {}
        self._finished: OrderedDict[UUID, Entry] = OrderedDict()
        self._keys: dict[Key, UUID] = {}

    def standing(self, messages: Sequence[TaskMessage]) -> list[UUID]:
        """Return each one's id, or that of an unfinished task with its key, or of one before it."""
        first: dict[Key, UUID] = {}
        ids = []
        for message in messages:
            key = _key(message)
            found = self._keys.get(key, message.id) if key else message.id
            ids.append(first.setdefault(key, found) if key else found)
        return ids

    def accept(self, message: TaskMessage) -> bool:
        """Note a new task; False if another has its key by now, under whose id it then stands."""
        key = _key(message)
        if key and (holder := self._keys.get(key)):
            self._finished[message.id] = self._unfinished[holder]
            return False
        self.queued(message)
        return True

    def queued(self, message: TaskMessage, error: str | None = None) -> None:
        status = TaskStatus(
            id=message.id,
            task=message.task,
            attempts=message.attempt - 1,
            enqueued_at=message.enqueued_at,
            error=error,
        )
        self._unfinished[message.id] = Entry(message, status)
        if key := _key(message):
            self._keys[key] = message.id

    def is_waiting(self, task_id: UUID) -> bool:
        entry = self._unfinished.get(task_id)
        return entry is not None and entry.status.state is TaskState.QUEUED

    def unfinished(self) -> list[TaskMessage]:
        return [entry.message for entry in self._unfinished.values()]

    def started(self, message: TaskMessage, run: Run) -> None:
        entry = self._unfinished[message.id]
        entry.run = run
        entry.status.state = TaskState.RUNNING
        entry.status.attempts = message.attempt
        entry.status.started_at = utc_now()

    def finished(
        self, message: TaskMessage, outcome: Outcome, progress: Progress | None = None
    ) -> None:
        if message.id not in self._unfinished:
            return  # it was cancelled
        status = self._unfinished[message.id].status
        status.progress = progress
        if isinstance(outcome, Succeeded):
            status.result = from_json(outcome.result) if outcome.result else None
        error = outcome.error if isinstance(outcome, Failed) else None
        self._end(message.id, TaskState.FAILED if error else TaskState.SUCCEEDED, error)

    def cancel(self, task_id: UUID) -> bool:
        if task_id not in self._unfinished:
            return False
        self._end(task_id, TaskState.CANCELLED, None)
        return True

    def purge(self) -> list[UUID]:
        """Fail all that waits; return the ids."""
        waiting = [task_id for task_id in self._unfinished if self.is_waiting(task_id)]
        for task_id in waiting:
            self._end(task_id, TaskState.FAILED, "purged")
        return waiting

    def _end(self, task_id: UUID, state: TaskState, error: str | None) -> None:
        entry = self._unfinished.pop(task_id)
        if entry.run:
            entry.status.progress, entry.run = entry.run.progress, None
        entry.status.state = state
        entry.status.error = error
        entry.status.finished_at = utc_now()
        self._finished[task_id] = entry
        if key := _key(entry.message):
            self._keys.pop(key, None)
        if len(self._finished) > self._limit:
            self._finished.popitem(last=False)

    def get(self, task_id: UUID) -> TaskStatus | None:
        entry = self._unfinished.get(task_id) or self._finished.get(task_id)
        return entry.shown() if entry else None

    def failed(self) -> list[TaskStatus]:
        newest_first = reversed(self._finished.items())
        finished = [entry.status for task_id, entry in newest_first if task_id == entry.message.id]
        return [status for status in finished if status.state is TaskState.FAILED]

    def take_ended(self, task_id: UUID) -> TaskMessage | None:
        """Take out one that failed or was cancelled, as its message was."""
        entry = self._finished.get(task_id)
        if entry is None or entry.status.state not in {TaskState.FAILED, TaskState.CANCELLED}:
            return None
        del self._finished[task_id]
        return entry.message.numbered(1).due(None)

    def stats(self) -> QueueStats:
        now = utc_now()
        queued = [e for e in self._unfinished.values() if e.status.state is TaskState.QUEUED]
        due = [e.message.not_before or e.message.enqueued_at for e in queued]
        waiting = [(now - at).total_seconds() for at in due if at <= now]
        return QueueStats(
            queued=len(queued),
            running=len(self._unfinished) - len(queued),
            failed=len(self.failed()),
            oldest_seconds=max(waiting, default=None),
        )


def _key(message: TaskMessage) -> Key | None:
    return (message.task, message.key) if message.key else None
