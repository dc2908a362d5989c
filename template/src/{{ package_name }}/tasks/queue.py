"""The port: what application code, the HTTP routes and the operator ask of a task queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from pydantic import AwareDatetime, BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from .message import TaskMessage


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a queue promises; tests/contract holds it to each of these."""

    transactional: bool
    """Tasks are queued by the data's own transaction: committed means queued."""
    survives_api_kill: bool
    """A task whose commit has returned runs, even if the API is killed right after."""
    survives_worker_kill: bool
    """A task whose process is killed runs again."""
    separate_worker: bool
    """Tasks run in a process beside the API."""


class TaskState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class TaskStatus(BaseModel):
    id: UUID
    task: str
    state: TaskState = TaskState.QUEUED
    attempts: int = 0
    enqueued_at: AwareDatetime
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    error: str | None = None


class QueueStats(BaseModel):
    queued: int
    running: int
    failed: int
    oldest_seconds: float | None
    """Age of the oldest task that is due and not yet started."""


class TaskQueue(Protocol):
    @property
    def capabilities(self) -> Capabilities: ...

    async def write(self, messages: Sequence[TaskMessage], session: AsyncSession) -> Sequence[UUID]:
        """Before the commit: write what belongs into the data's transaction.

        Returns, in the messages' order, the ids under which they stand: a message's own or, where
        an unfinished task has the same key, that one's. It is not sent then.
        """
        ...

    async def send(self, messages: Sequence[TaskMessage]) -> None:
        """After the commit: queue the messages. Raises TaskQueueUnavailable."""
        ...

    async def status(self, task_id: UUID) -> TaskStatus | None:
        """Return what is known of a task; None where nothing is."""
        ...


class TaskOperations(Protocol):
    """What an operator does through the ``tasks`` commands."""

    async def stats(self) -> QueueStats: ...

    async def failed(self) -> Sequence[TaskStatus]:
        """Return the failed tasks, the newest first."""
        ...

    async def retry(self, task_id: UUID) -> bool:
        """Queue a failed task once more, with all its attempts; False where there is none."""
        ...

    async def replay(self, older_than: timedelta | None) -> int:
        """Queue the tasks whose data is saved and which were not queued; return how many.

        With ``older_than``, also those that are due or running for so long: the process or the
        broker may have lost them. One that is not lost after all may then run twice.
        """
        ...

    async def purge(self) -> int:
        """Fail every task that waits, so that ``retry`` can bring it back; return how many."""
        ...

    async def pending(self, before: datetime | None) -> Mapping[str, int]:
        """Count, by the place where it is kept, all that is not finished.

        With ``before``, only rows of tasks that were enqueued before it: later ones may be those
        of another release, which has another backend and the same rows.
        """
        ...
