"""/operations: for the operator's commands, guarded by a token."""

import secrets
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request

from ...service.problems import Problem
from .background import BackgroundTaskQueue
from .operations import OperationsSettings
from .queue import QueueStats, TaskStatus


def _guard(authorization: Annotated[str, Header()] = "") -> None:
    token = OperationsSettings.load().operations_token
    if token is None:
        raise Problem(403, "Operations are off: set OPERATIONS_TOKEN, with the service's prefix.")
    expected = f"Bearer {token.get_secret_value()}"
    if not secrets.compare_digest(authorization.encode(), expected.encode()):
        raise Problem(401, "The token is missing or wrong.", {"WWW-Authenticate": "Bearer"})


def _queue(request: Request) -> BackgroundTaskQueue:
    queue: BackgroundTaskQueue = request.app.state.queue
    return queue


QueueDep = Annotated[BackgroundTaskQueue, Depends(_queue)]

router = APIRouter(prefix="/operations", dependencies=[Depends(_guard)], include_in_schema=False)


@router.get("/stats")
async def stats(queue: QueueDep) -> QueueStats:
    return await queue.stats()


@router.get("/failed")
async def failed(queue: QueueDep) -> list[TaskStatus]:
    return await queue.failed()


@router.post("/retry/{task_id}")
async def retry(task_id: UUID, queue: QueueDep) -> bool:
    return await queue.retry(task_id)


@router.post("/cancel/{task_id}")
async def cancel(task_id: UUID, queue: QueueDep) -> bool:
    return await queue.cancel(task_id)


@router.post("/run")
async def run(name: str, queue: QueueDep) -> UUID | None:
    return await queue.run(name)


@router.post("/purge")
async def purge(queue: QueueDep) -> int:
    return await queue.purge()
