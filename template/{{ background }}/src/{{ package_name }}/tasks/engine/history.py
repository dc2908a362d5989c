"""What is known of the tasks of this process, in bounded memory."""

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from .message import TaskMessage, utc_now
from .queue import QueueStats, TaskState, TaskStatus


@dataclass(slots=True)
class Entry:
    message: TaskMessage
    status: TaskStatus


class History:
    """Keeps each unfinished task and the last ``limit`` finished ones."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._unfinished: dict[UUID, Entry] = {}
        self._finished: OrderedDict[UUID, Entry] = OrderedDict()
        self._keys: dict[str, UUID] = {}

    def accept(self, message: TaskMessage) -> bool:
        """Note a new task; False if another has its key by now, under whose id it then stands."""
        if holder := self.unfinished_with(message.key):
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
        if message.key:
            self._keys[message.key] = message.id

    def unfinished_with(self, key: str | None) -> UUID | None:
        return self._keys.get(key) if key else None

    def unfinished(self) -> list[TaskMessage]:
        return [entry.message for entry in self._unfinished.values()]

    def queued_messages(self) -> list[TaskMessage]:
        entries = self._unfinished.values()
        return [entry.message for entry in entries if entry.status.state is TaskState.QUEUED]

    def started(self, message: TaskMessage) -> None:
        status = self._unfinished[message.id].status
        status.state = TaskState.RUNNING
        status.attempts = message.attempt
        status.started_at = utc_now()

    def finished(self, message: TaskMessage, error: str | None) -> None:
        entry = self._unfinished.pop(message.id)
        entry.status.state = TaskState.FAILED if error else TaskState.SUCCEEDED
        entry.status.error = error
        entry.status.finished_at = utc_now()
        self._finished[message.id] = entry
        if message.key:
            del self._keys[message.key]
        if len(self._finished) > self._limit:
            self._finished.popitem(last=False)

    def get(self, task_id: UUID) -> TaskStatus | None:
        entry = self._unfinished.get(task_id) or self._finished.get(task_id)
        return entry.status.model_copy() if entry else None

    def failed(self) -> list[TaskStatus]:
        newest_first = reversed(self._finished.items())
        finished = [entry.status for task_id, entry in newest_first if task_id == entry.message.id]
        return [status for status in finished if status.state is TaskState.FAILED]

    def take_failed(self, task_id: UUID) -> TaskMessage | None:
        entry = self._finished.get(task_id)
        if entry is None or entry.status.state is not TaskState.FAILED:
            return None
        del self._finished[task_id]
        return entry.message.model_copy(update={"attempt": 1, "not_before": None})

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
