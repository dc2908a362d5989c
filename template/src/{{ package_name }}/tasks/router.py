"""GET /tasks/{id}: how far a task is."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from ..service.problems import Problem
from ..service.resources import resources
from .engine.queue import TaskQueue, TaskStatus

router = APIRouter(prefix="/tasks", tags=["tasks"])

RETRY_AFTER = "1"  # seconds after which asking again is worth it


def accepted(response: Response, task_id: UUID) -> None:
    """Make a route's 202 say where the task's status is."""
    response.headers["Location"] = f"/tasks/{task_id}"
    response.headers["Retry-After"] = RETRY_AFTER


def _queue() -> TaskQueue:
    return resources().queue


@router.get("/{task_id}")
async def get_task(
    task_id: UUID, queue: Annotated[TaskQueue, Depends(_queue)], response: Response
) -> TaskStatus:
    status = await queue.status(task_id)
    if status is None:
        raise Problem(404, f"No task has the id {task_id}, or it was forgotten.")
    if status.finished_at is None:
        response.headers["Retry-After"] = RETRY_AFTER
    return status.public()
