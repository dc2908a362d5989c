"""An attempt that is under way, and how far it is."""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import structlog
from pydantic import BaseModel, Field

from .message import TaskMessage

log = structlog.get_logger(__name__)
TEXT_LENGTH = 200


class Progress(BaseModel):
    fraction: float = Field(ge=0, le=1)
    text: str = ""


@dataclass(slots=True, eq=False)
class Run:
    """An attempt, in the asyncio task that made this object."""

    message: TaskMessage
    progress: Progress | None = None
    stopped_by: str | None = None
    """Why the worker cancelled it; a cancellation without that is the task's own doing."""
    started: float | None = None
    """When its function's turn came: a `def` task waits for a thread, one that runs apart too."""
    _task: "asyncio.Task[Any] | None" = field(default_factory=asyncio.current_task)

    def start(self) -> None:
        self.started = monotonic()

    def seconds(self) -> float:
        return monotonic() - self.started if self.started else 0.0

    def stop(self, reason: str) -> None:
        """Cancel it, from any thread."""
        if self.stopped_by is None and self._task:
            self.stopped_by = reason
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)
            log.warning("task cancelled", task_id=str(self.message.id), reason=reason)


current_run: ContextVar[Run] = ContextVar("task_run")


def progress(fraction: float, text: str = "") -> None:
    """Note how much is done, from 0 to 1, and a sentence: both are in `GET /tasks/{id}`.

    It takes no time, in ``def`` and ``async def`` tasks alike, and is seen a second or two later.
    Raises LookupError outside a task, ValidationError for another fraction.
    """
    told = text[:TEXT_LENGTH].replace("\0", "\N{REPLACEMENT CHARACTER}")  # PostgreSQL keeps none
    current_run.get().progress = Progress(fraction=fraction, text=told)
