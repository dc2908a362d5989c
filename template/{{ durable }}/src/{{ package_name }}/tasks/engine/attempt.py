"""Run one attempt at a task whose row was claimed, and write down what became of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import structlog
from pydantic import ValidationError

from ..message import TaskMessage
from ..progress import Run
from ..task import registry
from .keeper import Keeper
from .row import Claim
from .rows import LEASE, Rows
from .runner import Failed, HandedBack, Outcome, Runner

log = structlog.get_logger(__name__)
UNTIL_GONE = 15  # seconds after which an id is dropped; its row is sent again
UNTIL_LOST = 60  # seconds for which an outcome is kept, and the lease with it
T = TypeVar("T")


async def run_by_id(task_id: UUID, rows: Rows, runner: Runner, keeper: Keeper) -> Outcome | None:
    """Run one attempt, unless the task is not due or not known; then return None."""
    claim = await _patiently(lambda: rows.claim(task_id), UNTIL_GONE)
    if claim is None:
        await rows.hand_back(task_id)
        log.debug("task skipped: finished, running, not due or not known", task_id=str(task_id))
        return None
    message = read(claim)
    if isinstance(message, Failed):
        await rows.settle([(claim, message, None)])
        return message
    run = Run(message)
    with keeper.holding(claim, run):
        try:
            outcome = await runner.run(run)
        except asyncio.CancelledError:
            await asyncio.shield(rows.settle([(claim, handed_back(run), run.progress)]))
            raise
        await _patiently(lambda: rows.settle([(claim, outcome, run.progress)]), UNTIL_LOST)
    return outcome


def read(claim: Claim) -> TaskMessage | Failed:
    """Return the message, or why the task has failed without being run."""
    try:
        message = TaskMessage.model_validate_json(claim.body).numbered(claim.attempt)
    except ValidationError as error:
        items = error.errors(include_url=False, include_input=False)
        found = "; ".join(f"{'.'.join(map(str, item['loc']))} {item['msg']}" for item in items)
        failed = Failed(f"MessageError: the message cannot be read: {found.strip()}", began=False)
        log.error("task failed", task_id=str(claim.id), error=failed.error)  # noqa: TRY400 - no bug
        return failed
    if message.attempt <= (most := registry[message.task].retry.max_attempts):
        return message
    died = f"ProcessDied: the process that ran it died, at the last of {most} attempts"
    failed = Failed(died, began=False)
    log.error("task failed", task=message.task, task_id=str(claim.id), error=failed.error)
    return failed


def handed_back(run: Run) -> HandedBack:
    """A thread cannot be stopped: what it runs is not begun anew before its process has ended."""
    return HandedBack(0.0 if registry[run.message.task].is_async else LEASE)


async def _patiently(call: Callable[[], Awaitable[T]], tries: int) -> T:
    """Wait for a database that is away: the broker's ids would all be used up in a moment."""
    for _ in range(tries):
        try:
            return await call()
        except Exception as error:  # noqa: BLE001 - whatever the database says when it is away
            log.warning("the database is away", error=f"{type(error).__name__}: {error}"[:200])
            await asyncio.sleep(1)
    return await call()
