"""What can be reported: tables, found by their names, for slices do not import each other."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..service.database import Base
from .models import Report

COLUMNS = {
    "orders": ("id", "email", "state", "created_at"),
    "reports": ("id", "kind", "format", "created_at", "written_at"),
    "users": ("id", "email", "created_at"),
}
"""What a report shows of a table, for people outside to see; its period is of created_at."""


def kinds() -> list[str]:
    """Return those whose tables this service has."""
    tables = Base.metadata.tables
    there = {name: set(tables[name].c.keys()) for name in COLUMNS if name in tables}
    return [name for name, columns in there.items() if columns.issuperset(COLUMNS[name])]


def rows_of(report: Report) -> Select[*tuple[Any, ...]]:
    table = Base.metadata.tables[report.kind]
    first = datetime.combine(report.first_day, time(), UTC)
    after = datetime.combine(report.last_day, time(), UTC) + timedelta(days=1)
    of_period = (table.c.created_at >= first) & (table.c.created_at < after)
    shown = [table.c[name] for name in COLUMNS[report.kind]]
    return select(*shown).where(of_period).order_by(table.c.created_at, table.c.id)


async def count(connection: AsyncConnection, rows: Select[*tuple[Any, ...]]) -> int:
    of_all = select(func.count()).select_from(rows.order_by(None).subquery())
    return (await connection.execute(of_all)).scalar_one()


async def stream(
    connection: AsyncConnection, rows: Select[*tuple[Any, ...]], size: int
) -> AsyncIterator[Sequence[Sequence[Any]]]:
    """Yield the rows, ``size`` at a time; the rest stays in the database."""
    async with connection.stream(rows, execution_options={"yield_per": size}) as result:
        async for part in result.partitions():
            yield part
