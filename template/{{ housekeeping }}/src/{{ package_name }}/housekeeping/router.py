from datetime import date, datetime

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select

from ..service.problems import Problem
from ..service.resources import resources
from .models import DailyCount

router = APIRouter(prefix="/daily-counts", tags=["housekeeping"])


class DailyCounts(BaseModel):
    day: date
    counted_at: datetime
    rows: dict[str, int]
    """How many were created on that day, by table."""


@router.get("/{day}")
async def daily_counts(day: date) -> DailyCounts:
    of_day = select(DailyCount.table_name, DailyCount.number, DailyCount.counted_at)
    async with resources().reading.connect() as connection:
        found = (await connection.execute(of_day.where(DailyCount.day == day))).all()
    if not found:
        raise Problem(404, f"No table got a row on {day}, or it was not counted yet.")
    rows = {name: number for name, number, _ in found}
    return DailyCounts(day=day, counted_at=found[0].counted_at, rows=rows)
