"""Run a message that a broker delivered, once or again: its row says which attempt this is."""

import asyncio

import structlog
from pydantic import ValidationError

from .message import MAX_MESSAGE_BYTES, TaskMessage
from .records import Records
from .runner import Failed, Outcome, Runner
from .task import registry

log = structlog.get_logger(__name__)
ENVELOPE_BYTES = 4096  # room for what surrounds the arguments


async def run_delivered(body: str, runner: Runner, records: Records) -> Outcome | None:
    """Run one attempt and return its outcome; None if the task was finished before.

    A cancellation hands the attempt back.
    """
    message = await read(body, records)
    if message is None:
        return None
    attempt = await records.start(message)
    if attempt is None:
        log.info("task skipped, it is finished", task=message.task, task_id=str(message.id))
        return None
    message = message.model_copy(update={"attempt": attempt})
    try:
        outcome = died_too_often(message) or await runner.run(message)
    except asyncio.CancelledError:
        await asyncio.shield(records.release(message))
        raise
    await records.finish(message, outcome)
    return outcome


async def read(body: str, records: Records) -> TaskMessage | None:
    """Return the message; one that cannot be read is kept as a failed task."""
    try:
        return parse(body)
    except ValueError as error:
        task_id = await records.refuse(body, str(error))
        log.error("task failed", task_id=str(task_id), error=str(error))  # noqa: TRY400 - no bug
        return None


def parse(body: str) -> TaskMessage:
    """Read the envelope; raises ValueError with the reason."""
    size = len(body.encode(errors="replace"))
    if size > MAX_MESSAGE_BYTES + ENVELOPE_BYTES:
        raise ValueError(f"The message has {size} bytes, more than {MAX_MESSAGE_BYTES}.")
    try:
        return TaskMessage.model_validate_json(body)
    except ValidationError as error:
        items = error.errors(include_url=False, include_input=False)
        found = "; ".join(f"{'.'.join(map(str, item['loc']))} {item['msg']}" for item in items)
        raise ValueError(f"The message cannot be read: {found.strip()}") from error


def died_too_often(message: TaskMessage) -> Failed | None:
    """A task that ends its process never comes to count its attempts; its row has counted."""
    task = registry.get(message.task)
    if task is None or message.attempt <= task.retry.max_attempts:
        return None
    error = f"the process that ran it died, at the last of {task.retry.max_attempts} attempts"
    log.error("task failed", task=message.task, task_id=str(message.id), error=error)
    return Failed(error)
