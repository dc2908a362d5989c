"""Forget finished tasks, and what `first_time` noted, after a time."""

from datetime import timedelta

from pydantic import Field
from sqlalchemy import delete

from ...service.settings import ServiceSettings
from ...service.unit_of_work import UnitOfWork
from ..message import utc_now
from ..once import TaskEffect
from ..task import task
from .row import TABLE


class RetentionSettings(ServiceSettings):
    task_retention: float = Field(default=7.0, gt=0, le=36_500)
    """Days for which a finished task is known."""


@task(name="tasks.retention.forget_finished", schedule="17 * * * *")
async def forget_finished() -> None:
    oldest = utc_now() - timedelta(days=RetentionSettings.load().task_retention)
    async with UnitOfWork() as work:
        await work.session.execute(delete(TABLE).where(TABLE.c.finished_at < oldest))
        await work.session.execute(delete(TaskEffect).where(TaskEffect.at < oldest))
        await work.commit()
