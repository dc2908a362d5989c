"""Tasks that a release before 0.3.0 has left in the table."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

import sqlalchemy as sa
from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine

from dev.migrate import alembic_config

NOW = datetime.now(UTC)
LEASE = NOW + timedelta(minutes=5)


class Databases(Protocol):
    def create(self) -> str: ...


def test_rows_there_and_back(databases: Databases) -> None:
    """They become what this release reads, and again what those read."""
    url = databases.create()
    config = alembic_config(url)
    command.downgrade(config, "0001_task_records")
    asyncio.run(execute(url, *map(_old_row, ("queued", "running", "failed"))))
    command.upgrade(config, "heads")
    queued, running, failed = asyncio.run(tasks(url))
    assert (queued["queue"], queued["claims"], queued["deaths"]) == ("default", 0, 0)
    assert queued["sent_at"] is not None
    assert running["sent_at"] is None
    assert running["run_at"] == running["locked_until"]
    assert failed["error"] == "ValueError: no"
    cancelled = "UPDATE task_records SET state = 'cancelled' WHERE state = 'failed'"
    asyncio.run(execute(url, sa.text(cancelled)))
    command.downgrade(config, "0001_task_records")
    rows = asyncio.run(tasks(url))
    assert [row["state"] for row in rows] == ["queued", "running", "failed"]
    assert "claims" not in rows[0]


TIME = sa.DateTime(timezone=True)
OLD = sa.table(
    "task_records",
    sa.column("id", sa.Uuid()),
    *(sa.column(name, sa.Text()) for name in ("task", "message", "key", "state", "error")),
    sa.column("attempts", sa.Integer()),
    *(sa.column(f"{name}_at", TIME) for name in ("run", "enqueued", "sent", "finished")),
    sa.column("locked_until", TIME),
)


def _old_row(state: str) -> sa.Executable:
    finished = {"error": "ValueError: no", "finished_at": NOW} if state == "failed" else {}
    locked = {"locked_until": LEASE} if state == "running" else {}
    times = dict.fromkeys(("run_at", "enqueued_at", "sent_at"), NOW)
    row = {"id": uuid4(), "task": "old", "message": "{}", "key": state, "state": state}
    return OLD.insert().values(**row, attempts=1, **times, **locked, **finished)


async def execute(url: str, *statements: sa.Executable) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(statement)
    await engine.dispose()


IN_ORDER = """
SELECT * FROM task_records
ORDER BY CASE state WHEN 'queued' THEN 0 WHEN 'running' THEN 1 ELSE 2 END
"""


async def tasks(url: str) -> list[dict[str, Any]]:
    """Return those that wait, that run and that have ended, in this order."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = await connection.execute(sa.text(IN_ORDER))
        rows = [dict(row) for row in found.mappings()]
    await engine.dispose()
    return rows
