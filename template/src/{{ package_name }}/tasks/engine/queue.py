"""What application code, the HTTP routes and the operator ask of the tasks."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, JsonValue
from sqlalchemy.orm import Session

from ..message import TaskMessage
from ..progress import Progress


class TaskState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskStatus(BaseModel):
    id: UUID
    task: str
    state: TaskState = TaskState.QUEUED
    attempts: int = 0
    """The number of the last one that began; those that were handed back do not count."""
    enqueued_at: AwareDatetime
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    progress: Progress | None = None
    result: JsonValue = None
    error: str | None = None
    """The kind of error, then a colon and its text."""

    def public(self) -> Self:
        """Return what any client may see: of the error only its kind, for its text may say more."""
        kind = self.error.split(":", 1)[0] if self.error else None
        return self.model_copy(update={"error": kind})


class QueueStats(BaseModel):
    queued: int
    running: int
    failed: int
    oldest_seconds: float | None
    """Age of the oldest task that is due and not yet started."""
    unknown: dict[str, int] = {}
    """Unfinished tasks that this release does not know, by name: they wait for one that does."""


Written = tuple[UUID, Callable[[], None]]


class TaskQueue(Protocol):
    def write(self, messages: Sequence[TaskMessage], session: Session) -> Sequence[Written]:
        """Before the commit: write what belongs into the data's transaction.

        Returns for each message the id under which it stands, its own or that of an unfinished
        one with its key, and what is to be called right after the commit: it does not block.
        """
        ...

    def cancel_waiting(self, task_id: UUID, session: Session) -> Callable[[], None] | None:
        """Before the commit: have it cancel a task that waits; leave one that does not.

        Returns what is to be called right after the commit, if anything: it does not block.
        """
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
        """Queue a failed or cancelled task anew, with all its attempts; False if there is none."""
        ...

    async def cancel(self, task_id: UUID) -> bool:
        """Cancel a task that waits or runs; False if there is none."""
        ...

    async def run(self, name: str) -> UUID | None:
        """Queue a scheduled task now, and return its id; None if none has the name.

        One that waits or runs already is not queued again: its id is returned.
        """
        ...

    async def purge(self) -> int:
        """Fail every task that waits, so that ``retry`` can bring it back; return how many."""
        ...

    async def pending(self) -> Mapping[str, int]:
        """Count, by state, what is not finished."""
        ...
