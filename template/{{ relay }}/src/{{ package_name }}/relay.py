"""The process that gives the outbox's tasks to the broker. Several may run."""

import asyncio
import signal
from collections.abc import Sequence
from datetime import timedelta

import structlog

from . import logging
from .discovery import import_all
from .resources import open_resources
from .settings import load_all
from .tasks.claims import Claim, Claims
from .tasks.delivery import parse
from .tasks.errors import TaskQueueUnavailable
from .tasks.intake import Intake
from .tasks.message import utc_now
from .tasks.outbox import OutboxTaskQueue, TaskSettings
from .tasks.outbox_database import listen
from .tasks.recorded import RecordedTaskQueue
from .tasks.records import outcome_columns
from .tasks.runner import Failed
from .tasks.schedule import publish_on_schedule
from .tasks.target import open_target

log = structlog.get_logger(__name__)
PAUSE = timedelta(seconds=1)  # before a broker that refused is asked again


def run_relay() -> None:
    """Run the process that gives the outbox's tasks to the broker."""
    load_all()
    logging.configure()
    import_all()
    asyncio.run(_relay_until_stopped())


async def _relay_until_stopped() -> None:
    settings = TaskSettings.load()
    async with open_resources() as resources:
        queue = resources.queue
        assert isinstance(queue, OutboxTaskQueue)  # noqa: S101 - this overlay's
        claims = Claims(resources.engine, settings.task_lease)
        intake = Intake(claims, settings.task_batch)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, intake.stop)
        beside = [
            asyncio.create_task(listen(resources.engine, intake.woken)),
            asyncio.create_task(publish_on_schedule(queue.publish_scheduled)),
        ]
        async with open_target(queue.records) as target:
            async for batch in intake.batches(run=False):
                try:
                    await _forward(batch, claims, target)
                except Exception as error:  # noqa: BLE001 - whatever an absent database says
                    # The lease runs out, and what may have been sent is sent again.
                    reason = f"{type(error).__name__}: {error}"
                    log.warning("the outbox cannot be written", error=reason)
        for task in beside:
            task.cancel()


async def _forward(batch: Sequence[Claim], claims: Claims, target: RecordedTaskQueue) -> None:
    """Send the batch, then note that it is sent: a crash between the two sends it twice."""
    messages, sending, unreadable = [], [], []
    for claim in batch:
        try:
            messages.append(parse(claim.body).due(None))
            sending.append(claim)
        except ValueError as error:
            unreadable.append((claim, outcome_columns(Failed(str(error)))))
    await claims.settle(unreadable)
    try:
        await target.deliver(messages)
    except TaskQueueUnavailable as error:
        log.warning("the broker refuses, the outbox waits", error=str(error), tasks=len(sending))
        await claims.postpone(sending, utc_now() + PAUSE)
    else:
        await claims.set_sent(sending)
