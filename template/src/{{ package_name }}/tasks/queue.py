"""The port: what application code, the HTTP routes and the operator ask of a task queue."""

from collections.abc import Sequence
from dataclasses import dataclass
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
    """Tasks are written in the data's own transaction: committed means queued."""
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

    async def publish(
        self, messages: Sequence[TaskMessage], session: AsyncSession
    ) -> Sequence[UUID]:
        """Queue the messages and return, in their order, the ids under which they stand.

        That is a message's own id or, where an unfinished message has the same key, that one's.
        A transactional queue writes into ``session``; the others are called after its commit.

        Raises TaskQueueUnavailable.
        """
        ...

    async def status(self, task_id: UUID) -> TaskStatus | None:
        """Return what is known of a task; None where nothing is."""
        ...


class TaskOperations(Protocol):
    """What an operator does through ``tasks stats|failed|retry``."""

    async def stats(self) -> QueueStats: ...

    async def failed(self) -> Sequence[TaskStatus]:
        """Return the failed tasks, the newest first."""
        ...

    async def retry(self, task_id: UUID) -> bool:
        """Queue a failed task once more, with all its attempts; False where there is none."""
        ...
