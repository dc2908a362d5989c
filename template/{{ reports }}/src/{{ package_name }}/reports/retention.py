"""Reports that are past their time."""

from datetime import timedelta

from sqlalchemy import ColumnElement, func, select

from ..service import files
from ..service.unit_of_work import UnitOfWork
from ..tasks.message import utc_now
from .models import Report
from .settings import ReportsSettings

AT_ONCE = 100


def is_old() -> ColumnElement[bool]:
    """Return whether a report's time is past, which is counted from when it was written."""
    oldest = utc_now() - timedelta(days=ReportsSettings.load().reports_retention)
    return func.coalesce(Report.written_at, Report.created_at) < oldest


async def remove_old() -> int:
    """Delete their files and mark them; return how many. What is left undone is done next time."""
    removed = 0
    while True:
        async with UnitOfWork() as work:
            of_files = select(Report).where(Report.removed_at.is_(None), is_old()).limit(AT_ONCE)
            found = (await work.session.scalars(of_files)).all()
            for report in found:
                await files.delete(report.file_name)
                report.removed_at = utc_now()
            await work.commit()
        removed += len(found)
        if len(found) < AT_ONCE:
            return removed
