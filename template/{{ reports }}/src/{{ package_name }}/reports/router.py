from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Response, status
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field, model_validator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ..service.files import path_of
from ..service.idempotency import IdempotentDep
from ..service.problems import Problem
from ..service.resources import resources
from ..service.unit_of_work import UnitOfWorkDep
from ..tasks.router import RETRY_AFTER, accepted
from .documents import FORMATS
from .models import Report
from .retention import is_old
from .sources import kinds
from .tasks import write_report

router = APIRouter(prefix="/reports", tags=["reports"])

Day = Annotated[date, Field(ge=date(1970, 1, 1), lt=date(9999, 12, 31))]


class ReportRequest(BaseModel):
    kind: str
    format: Literal["csv", "pdf"] = "csv"
    first_day: Day = Field(alias="from")
    last_day: Day = Field(alias="to")
    """Both are part of the period, in UTC."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first_day > self.last_day:
            raise ValueError("from is later than to")
        return self


class ReportAccepted(BaseModel):
    report_id: UUID
    task_id: UUID
    """Its result has the file's url; see GET /tasks/{id}."""


@router.post("", status_code=status.HTTP_202_ACCEPTED)
async def ask_for_report(
    body: ReportRequest, work: UnitOfWorkDep, response: Response, idempotent: IdempotentDep
) -> ReportAccepted:
    if body.kind not in kinds():
        raise Problem(422, f"There are reports of {', '.join(kinds())}, not of {body.kind!r}.")
    answer = await idempotent.recall(work.session, ReportAccepted)
    if answer is None:
        report = Report(**body.model_dump())
        work.session.add(report)
        await work.session.flush()
        receipt = work.enqueue(write_report, report_id=report.id)
        answer = ReportAccepted(report_id=report.id, task_id=receipt.task_id)
        idempotent.remember(answer)
        await work.commit()
    accepted(response, answer.task_id)
    return answer


@router.get("/{report_id}/file", response_class=FileResponse)
async def get_file(report_id: UUID) -> FileResponse:
    async with AsyncSession(resources().reading) as session:
        its = select(Report, is_old()).where(Report.id == report_id)
        found = (await session.execute(its)).one_or_none()
    if found is None:
        raise Problem(404, f"No report has the id {report_id}.")
    report, old = found
    path = path_of(report.file_name)
    if old or report.removed_at:
        raise Problem(410, "This report is past its time: ask for a new one.")
    if not await to_thread.run_sync(path.is_file):
        detail = "This report is not there yet: its task says how far it is, or why it failed."
        raise Problem(409, detail, {"Retry-After": RETRY_AFTER})
    shown = f"{report.kind}-{report.first_day}-{report.last_day}.{report.format}"
    return FileResponse(path, media_type=FORMATS[report.format].media_type, filename=shown)
