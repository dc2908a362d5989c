from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

import structlog
from anyio import to_thread
from sqlalchemy import update

from ..service import files
from ..service.resources import resources
from ..service.unit_of_work import UnitOfWork
from ..tasks import DoNotRetry, Retry, progress, task
from ..tasks.message import utc_now
from . import sources
from .documents import FORMATS, Document
from .models import Report
from .retention import remove_old
from .settings import ReportsSettings

log = structlog.get_logger(__name__)


@task(retry=Retry(max_attempts=3), timeout=900)
async def write_report(report_id: UUID) -> dict[str, str]:
    """Write the file, whole or not at all; a second run writes it once more."""
    async with UnitOfWork() as work:
        report = await work.session.get(Report, report_id)
    if report is None or report.removed_at:
        raise DoNotRetry(f"report {report_id} no longer exists")
    async with aclosing(_contents(report)) as contents:
        await files.save(report.file_name, contents)
    async with UnitOfWork() as work:
        its = update(Report).where(Report.id == report_id)
        await work.session.execute(its.values(written_at=utc_now()))
        await work.commit()
    return {"url": f"/reports/{report_id}/file"}


async def _contents(report: Report) -> AsyncGenerator[bytes]:
    """Yield the file as it is made, in threads: a cancellation comes between two chunks."""
    rows = sources.rows_of(report)
    async with resources().reading.connect() as connection:
        total, done = await sources.count(connection, rows), 0
        document = await to_thread.run_sync(_document, report, total)
        async for part in sources.stream(connection, rows, ReportsSettings.load().reports_chunk):
            yield await to_thread.run_sync(document.add, part)
            done += len(part)
            progress(min(1.0, done / total), f"{done} of {total} rows")
    yield await to_thread.run_sync(document.end)


def _document(report: Report, total: int) -> Document:
    most = ReportsSettings.load().reports_pdf_rows
    if report.format == "pdf" and total > most:
        raise DoNotRetry(f"a PDF has at most {most} rows, not {total}: take csv, or fewer days")
    title = f"{report.kind} from {report.first_day} to {report.last_day}"
    return FORMATS[report.format](title, sources.COLUMNS[report.kind])


@task(schedule="23 * * * *", timeout=600)
async def remove_old_reports() -> dict[str, int]:
    """Delete the files of reports that are past their time."""
    removed = await remove_old()
    log.info("reports removed", count=removed)
    return {"removed": removed}
