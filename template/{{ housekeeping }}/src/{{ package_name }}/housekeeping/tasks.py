import time

import structlog

from ..service.files import unfinished
from ..service.resources import resources
from ..service.unit_of_work import UnitOfWork
from ..tasks import task
from ..tasks.message import utc_now
from .counts import count_days, replace_counts
from .old_files import delete_old
from .settings import HousekeepingSettings

log = structlog.get_logger(__name__)


@task(schedule="40 * * * *", timeout=600)
def delete_old_files() -> dict[str, int]:
    """Delete the temporary files that nobody has cleaned up: their writer was killed."""
    hours = HousekeepingSettings.load().housekeeping_max_age
    deleted = delete_old(unfinished(), time.time() - hours * 3600)
    log.info("temporary files deleted", count=deleted)
    return {"deleted": deleted}


@task(schedule="30 2 * * *", timeout=600)
async def refresh_daily_counts() -> dict[str, int]:
    """Ask every night what would take too long for a request."""
    now = utc_now()
    async with resources().reading.connect() as connection:
        counts = [count async for count in count_days(connection, now)]
    async with UnitOfWork() as work:
        await replace_counts(work.session, counts, now)
        await work.commit()
    return {"counts": len(counts)}
